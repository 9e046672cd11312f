//! Status List Aggregation (Token Status List §9): the names of all lists of an issuer, so that a reader can fetch them
//! beforehand, and so that the issuer does not see for which credential it was.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::encoding::json;
use crate::verdict::{Failure, Verdict};

/// The largest aggregation that is read, in bytes.
pub const MAX_AGGREGATION_BYTES: usize = 1 << 20;

/// The most lists that one aggregation may name.
pub const MAX_AGGREGATED_LISTS: usize = 10_000;

/// The longest URI of a list that is read, in bytes.
const MAX_URI: usize = 2048;

/// `{"status_lists": ["https://…", …]}`, sent as `application/json` (Token Status List §9.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StatusListAggregation {
    /// The URIs of the lists. Whoever reads them decides which of them to fetch, by the same rules as for any reference.
    pub status_lists: Vec<String>,
}

impl StatusListAggregation {
    /// Reads an aggregation. It is not signed, so it says where lists might be and nothing about any status.
    ///
    /// # Errors
    /// `status_aggregation_too_large` for more than [`MAX_AGGREGATION_BYTES`] or [`MAX_AGGREGATED_LISTS`];
    /// `status_aggregation_malformed` for anything but an object with an array `status_lists` of absolute URIs, none of
    /// them twice.
    pub fn parse(body: &[u8]) -> Verdict<Self> {
        if body.len() > MAX_AGGREGATION_BYTES {
            return Err(too_large());
        }
        let document = json::parse(body).map_err(|error| malformed(error.to_string()))?;
        let lists = document.get("status_lists").and_then(Value::as_array);
        let lists = lists.ok_or_else(|| malformed("`status_lists` is not an array").at("/status_lists"))?;
        if lists.len() > MAX_AGGREGATED_LISTS {
            return Err(too_large());
        }
        let uri = |(at, uri): (usize, &Value)| {
            let uri = uri.as_str().filter(|uri| uri.len() <= MAX_URI && Url::parse(uri).is_ok());
            uri.map(str::to_owned)
                .ok_or_else(|| malformed("an entry is not an absolute URI").at(format!("/status_lists/{at}")))
        };
        let status_lists = lists.iter().enumerate().map(uri).collect::<Verdict<Vec<String>>>()?;
        let mut sorted: Vec<&str> = status_lists.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(malformed("a list is named twice").at("/status_lists"));
        }
        Ok(Self { status_lists })
    }
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new("status-aggregation", "status_aggregation_malformed", detail)
        .remedy("send `{\"status_lists\": [\"https://…\"]}` as Token Status List §9.3 says")
}

fn too_large() -> Failure {
    Failure::new("status-aggregation", "status_aggregation_too_large", "the aggregation names too many lists")
        .remedy("name at most 10000 lists, in at most 1 MiB")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(body: &str) -> &'static str {
        StatusListAggregation::parse(body.as_bytes()).unwrap_err().code
    }

    #[test]
    fn tsl_9_what_is_written_is_read_and_unknown_members_change_nothing() {
        let written = StatusListAggregation {
            status_lists: vec!["https://a.example/1".to_owned(), "https://a.example/2".to_owned()],
        };
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(text, r#"{"status_lists":["https://a.example/1","https://a.example/2"]}"#);
        assert_eq!(StatusListAggregation::parse(text.as_bytes()), Ok(written));
        let empty = StatusListAggregation::parse(br#"{"status_lists":[],"more":1}"#);
        assert_eq!(empty, Ok(StatusListAggregation::default()));
    }

    #[test]
    fn tsl_9_anything_else_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"status_lists":"https://a.example/1"}"#,
            r#"{"status_lists":[1]}"#,
            r#"{"status_lists":["/1"]}"#,
            r#"{"status_lists":[null]}"#,
            r#"{"status_lists":["https://a.example/1","https://a.example/1"]}"#,
            r#"{"status_lists":[],"status_lists":[]}"#,
            r#"{"status_lists":[]}x"#,
        ] {
            assert_eq!(code(body), "status_aggregation_malformed", "{body}");
        }
        let long = format!(r#"{{"status_lists":["https://a.example/{}"]}}"#, "x".repeat(MAX_URI));
        assert_eq!(code(&long), "status_aggregation_malformed");
        let many: Vec<String> =
            (0..=MAX_AGGREGATED_LISTS).map(|n| format!("https://a.example/{n}")).collect();
        assert_eq!(
            code(&serde_json::json!({"status_lists": many}).to_string()),
            "status_aggregation_too_large"
        );
        assert_eq!(code(&" ".repeat(MAX_AGGREGATION_BYTES + 1)), "status_aggregation_too_large");
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes: Vec<u8>, names in proptest::collection::vec(".{0,24}", 0..6)) {
            let _ = StatusListAggregation::parse(&bytes).is_ok();
            let body = serde_json::json!({"status_lists": names}).to_string();
            let _ = StatusListAggregation::parse(body.as_bytes()).is_ok();
        }
    }
}
