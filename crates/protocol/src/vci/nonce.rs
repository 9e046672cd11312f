//! The answer of the nonce endpoint (OpenID4VCI 1.0 §7.2).

use enishi_credential::encoding::json;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

/// `{"c_nonce": …}`, sent with `Cache-Control: no-store`. The request is a POST with an empty body and no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceResponse {
    /// The challenge for the key proofs of one credential request.
    pub c_nonce: String,
}

impl NonceResponse {
    /// Reads the answer (wallet side).
    ///
    /// # Errors
    /// `nonce_response_malformed`.
    pub fn parse(body: &[u8]) -> Verdict<Self> {
        json::from_slice(body).map_err(|error| {
            Failure::new("nonce-response", "nonce_response_malformed", error.to_string())
                .remedy("answer with c_nonce (OpenID4VCI 1.0 §7.2)")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vci_n19_unknown_members_are_ignored() {
        assert_eq!(NonceResponse::parse(br#"{"c_nonce":"n","new":[]}"#).unwrap().c_nonce, "n");
        for bad in ["", "{}", r#"{"c_nonce":1}"#, "[]"] {
            assert!(NonceResponse::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
