//! Which version of a DID is asked for: the latest, or one that the query of a DID URL names.

use super::super::fault;
use super::super::timestamp::Timestamp;
use crate::verdict::Verdict;

/// Which version is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version(pub(super) Which);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Which {
    #[default]
    Latest,
    Id(String),
    Number(usize),
    Time(Timestamp),
}

impl Version {
    /// The latest version.
    pub const LATEST: Self = Self(Which::Latest);

    /// Reads the query of a DID URL, without `?`: exactly one of `versionId`, `versionTime` and `versionNumber`, or nothing.
    ///
    /// # Errors
    /// `did_invalid` for anything else: a question that is not understood has no answer.
    pub fn from_query(query: &str) -> Verdict<Self> {
        let invalid = |detail: &str| {
            fault("did_invalid", detail).remedy("ask for one version, by its id, time or number")
        };
        if query.is_empty() {
            return Ok(Self::LATEST);
        }
        let mut parameters = url::form_urlencoded::parse(query.as_bytes());
        let (Some((name, value)), None) = (parameters.next(), parameters.next()) else {
            return Err(invalid("the query of the DID URL has not exactly one parameter"));
        };
        let which = match &*name {
            "versionId" => Some(Which::Id(value.into_owned())),
            "versionTime" => Timestamp::parse(&value).map(Which::Time),
            "versionNumber" => Some(&*value)
                .filter(|text| !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .map(Which::Number),
            _ => return Err(invalid("the DID URL has a query that did:webvh does not know")),
        };
        which.map(Self).ok_or_else(|| invalid("the query of the DID URL is malformed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_version() {
        let read =
            |query: &str| Version::from_query(query).map(|version| version.0).map_err(|failure| failure.code);
        assert_eq!(read(""), Ok(Which::Latest));
        assert_eq!(read("versionId=1-Qm"), Ok(Which::Id("1-Qm".to_owned())));
        assert_eq!(read("versionNumber=12"), Ok(Which::Number(12)));
        let time = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        assert_eq!(read("versionTime=2026-01-01T00%3A00%3A00Z"), Ok(Which::Time(time)));
        for bad in [
            "versionNumber=0",
            "versionNumber=01",
            "versionNumber=+1",
            "versionNumber=",
            "versionNumber=99999999999999999999",
            "versionTime=today",
            "versionId=1&versionNumber=1",
            "service=files",
            "x",
        ] {
            assert_eq!(read(bad), Err("did_invalid"), "{bad}");
        }
    }
}
