//! The VP Token (OpenID4VP 1.0 §8.1): presentations by the id of the Credential Query that they answer.

use std::collections::BTreeMap;

use serde_json::Value;

use enishi_credential::verdict::{Failure, Verdict};

use crate::dcql::Query;

/// A VP Token of the right shape for its query. The presentations in it are unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpToken(BTreeMap<String, Vec<String>>);

impl VpToken {
    /// Reads a VP Token and checks it against the query that was asked.
    ///
    /// # Errors
    /// `vp_token_malformed` unless it is an object of non-empty arrays of strings; `query_id_unknown`;
    /// `too_many_presentations` for more than one without `multiple`; `presentations_incomplete`.
    pub fn parse(value: &Value, query: &Query) -> Verdict<Self> {
        let refuse = |code, at: String, detail: &'static str| {
            Failure::new("vp-token", code, detail)
                .at(at)
                .remedy("send an object: for every Credential Query id an array of presentations (§8.1)")
        };
        let root = || "/vp_token".to_owned();
        let object =
            value.as_object().ok_or_else(|| refuse("vp_token_malformed", root(), "not an object"))?;
        let mut out = BTreeMap::new();
        for (id, value) in object {
            let Some(part) = query.credential(id) else {
                return Err(refuse("query_id_unknown", root(), "a Credential Query id that was not asked"));
            };
            let at = || format!("/vp_token/{}", part.id);
            let array = value.as_array().filter(|array| !array.is_empty());
            let array = array.ok_or_else(|| refuse("vp_token_malformed", at(), "not a non-empty array"))?;
            if array.len() > 1 && !part.multiple {
                return Err(refuse("too_many_presentations", at(), "more than one presentation"));
            }
            let texts = array.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            let texts = texts.ok_or_else(|| refuse("vp_token_malformed", at(), "not a string"))?;
            out.insert(id.clone(), texts);
        }
        query.check_complete(&out.keys().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Self(out))
    }

    /// The presentations for `query_id`.
    pub fn presentations(&self, query_id: &str) -> &[String] {
        self.0.get(query_id).map_or(&[], Vec::as_slice)
    }

    /// The only presentation for `query_id`.
    ///
    /// # Errors
    /// `presentations_incomplete` if there is not exactly one.
    pub fn single(&self, query_id: &str) -> Verdict<&str> {
        match self.presentations(query_id) {
            [one] => Ok(one),
            _ => Err(Failure::new("vp-token", "presentations_incomplete", "not exactly one presentation")
                .at(format!("/vp_token/{query_id}"))
                .remedy("present exactly one credential")),
        }
    }
}
