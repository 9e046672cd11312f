//! What somebody asks of a DID: its document or one verification method, as it is now or in an earlier version.

use super::webvh::Version;
use super::{Did, DidUrl};
use crate::verdict::Verdict;

/// A DID, or a DID URL with a query, a fragment or both (DID 1.1 §3.2), taken apart. A path is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidReference {
    /// The DID.
    pub did: Did,
    /// The version that the query asks for; the latest if there is none.
    pub version: Version,
    /// The verification method that the fragment names.
    pub method: Option<DidUrl>,
}

impl DidReference {
    /// Reads `<DID>`, then perhaps `?` with a query that [`Version::from_query`] knows, then perhaps `#` with a fragment.
    ///
    /// # Errors
    /// `did_invalid` for anything else: a part that is not understood is not passed over.
    pub fn parse(text: &str) -> Verdict<Self> {
        let (front, fragment) = match text.split_once('#') {
            Some((front, fragment)) => (front, Some(fragment)),
            None => (text, None),
        };
        let (did, query) = front.split_once('?').unwrap_or((front, ""));
        let did = Did::parse(did)?;
        let version = Version::from_query(query)?;
        let method = fragment.map(|fragment| DidUrl::parse(&format!("{}#{fragment}", did.as_str())));
        Ok(Self { did, version, method: method.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:webvh:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG:issuer.example";

    #[test]
    fn a_did_url_is_taken_apart() {
        let did = Did::parse(DID).unwrap();
        let key = DidUrl::parse(&format!("{DID}#key-1")).unwrap();
        let second = Version::from_query("versionNumber=2").unwrap();
        for (rest, version, method) in [
            ("", Version::LATEST, None),
            ("#key-1", Version::LATEST, Some(key.clone())),
            ("?versionNumber=2", second.clone(), None),
            ("?versionNumber=2#key-1", second, Some(key)),
        ] {
            let expected = DidReference { did: did.clone(), version, method };
            assert_eq!(DidReference::parse(&format!("{DID}{rest}")), Ok(expected), "{rest}");
        }
    }

    #[test]
    fn a_part_that_is_not_understood_is_refused() {
        for rest in ["/path", "#", "#a#b", "?versionNumber=2?x", "?service=files", "#key?versionNumber=2"] {
            let refused = DidReference::parse(&format!("{DID}{rest}")).map_err(|failure| failure.code);
            assert_eq!(refused, Err("did_invalid"), "{rest}");
        }
        for text in ["", "#key-1", "?versionNumber=2", "https://issuer.example/did.json"] {
            assert_eq!(DidReference::parse(text).unwrap_err().code, "did_invalid", "{text}");
        }
    }
}
