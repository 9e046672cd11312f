//! The reference in a credential: where its status stands (Token Status List §6).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::sdjwt::VerifiedSdJwt;
use crate::verdict::{Failure, Verdict};

/// The longest URI of a list that is read, in bytes.
const MAX_URI: usize = 2048;

/// Where the status of a token stands (Token Status List §6.1): the member `status_list` of the claim `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// The place in the list, counted from zero.
    pub idx: u64,
    /// The URI of the list, compared exactly with the list's `sub`.
    pub uri: String,
}

impl StatusReference {
    /// The reference in a credential whose every other check held; `None` for a credential without `status`. Only a verified
    /// credential can be asked, so that nothing is ever fetched for one that is forged or expired (Token Status List §8.3,
    /// step 1).
    ///
    /// # Errors
    /// As [`Self::from_claim`].
    pub fn of_credential(credential: &VerifiedSdJwt) -> Verdict<Option<Self>> {
        credential.claims().get("status").map(Self::from_claim).transpose()
    }

    /// Reads the claim `status`. Members that are not known here are other people's extensions and change nothing.
    ///
    /// # Errors
    /// `status_mechanism_unknown` if there is no `status_list`: a status that cannot be checked is not a status that holds;
    /// `status_reference_malformed` unless `idx` is an integer from 0 to 2^64-1 and `uri` an absolute URI of at most
    /// 2048 bytes.
    pub fn from_claim(claim: &Value) -> Verdict<Self> {
        let status = claim.as_object().ok_or_else(|| malformed("`status` is not an object", ""))?;
        let reference = match status.get("status_list") {
            Some(Value::Object(reference)) => reference,
            Some(_) => return Err(malformed("`status_list` is not an object", "/status_list")),
            None => {
                return Err(Failure::new(
                    "status-reference",
                    "status_mechanism_unknown",
                    "the status is not in a status list",
                )
                .at("/status")
                .remedy("reference a Token Status List; other mechanisms are not known here"));
            }
        };
        let idx = reference
            .get("idx")
            .and_then(Value::as_u64)
            .ok_or_else(|| malformed("`idx` is not a non-negative integer", "/status_list/idx"))?;
        Ok(Self { idx, uri: uri(reference)? })
    }
}

fn uri(reference: &Map<String, Value>) -> Verdict<String> {
    let uri = reference.get("uri").and_then(Value::as_str);
    let uri = uri.filter(|uri| uri.len() <= MAX_URI && Url::parse(uri).is_ok());
    uri.map(str::to_owned).ok_or_else(|| malformed("`uri` is not an absolute URI", "/status_list/uri"))
}

fn malformed(detail: &str, below: &str) -> Failure {
    Failure::new("status-reference", "status_reference_malformed", detail)
        .at(format!("/status{below}"))
        .remedy("send `status.status_list` with an integer `idx` and a `uri`, as Token Status List §6.2 says")
}
