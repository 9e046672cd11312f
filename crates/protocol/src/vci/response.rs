//! Credential responses (OpenID4VCI 1.0 §8.3), with the opening of the link commitment beside each credential
//! (linkage protocol §5).

use enishi_credential::commitment::Opening;
use enishi_credential::encoding::json;
use enishi_credential::secret::Secret;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

/// One credential of a response.
#[derive(Debug, Clone)]
pub struct IssuedCredential {
    /// The SD-JWT VC in compact form.
    pub credential: String,
    /// The opening of its commitment; absent in credentials of other issuers. With it the wallet proves that two
    /// credentials are of one person: never inside the credential, never shown to anybody.
    pub link_opening: Option<Opening>,
}

/// What the credential endpoint answers with status 200 or 202.
#[derive(Debug, Clone)]
pub enum CredentialResponse {
    /// The credentials.
    Issued {
        /// At least one.
        credentials: Vec<IssuedCredential>,
        /// For a notification of what became of them.
        notification_id: Option<String>,
    },
    /// Not ready yet (status 202).
    Deferred {
        /// For the deferred credential endpoint.
        transaction_id: String,
        /// Seconds to wait.
        interval: u64,
    },
}

#[derive(Default, Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<Vec<WireCredential>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct WireCredential {
    credential: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link_opening: Option<Opening>,
}

impl CredentialResponse {
    /// Writes the body (server side). It goes out with `Cache-Control: no-store`.
    pub fn to_json(&self) -> Secret<String> {
        let wire = match self {
            Self::Issued { credentials, notification_id } => Wire {
                credentials: Some(
                    credentials
                        .iter()
                        .map(|issued| WireCredential {
                            credential: issued.credential.clone(),
                            link_opening: issued.link_opening.clone(),
                        })
                        .collect(),
                ),
                notification_id: notification_id.clone(),
                ..Wire::default()
            },
            Self::Deferred { transaction_id, interval } => Wire {
                transaction_id: Some(transaction_id.clone()),
                interval: Some(*interval),
                ..Wire::default()
            },
        };
        Secret::new(serde_json::to_string(&wire).unwrap_or_default())
    }

    /// Reads the body (wallet side). Unknown members are ignored.
    ///
    /// # Errors
    /// `credential_response_malformed` for both or neither of `credentials` and `transaction_id`, an empty array, an
    /// interval that is missing or zero, and an opening that is not a scalar.
    pub fn parse(body: &[u8]) -> Verdict<Self> {
        let fail = |detail: &str| {
            Failure::new("credential-response", "credential_response_malformed", detail)
                .remedy("answer as OpenID4VCI 1.0 §8.3 says")
        };
        let wire: Wire = json::from_slice(body).map_err(|error| fail(&error.to_string()))?;
        match (wire.credentials, wire.transaction_id) {
            (Some(list), None) if !list.is_empty() => Ok(Self::Issued {
                credentials: list
                    .into_iter()
                    .map(|wire| IssuedCredential {
                        credential: wire.credential,
                        link_opening: wire.link_opening,
                    })
                    .collect(),
                notification_id: wire.notification_id,
            }),
            (None, Some(transaction_id)) => match (wire.interval, wire.notification_id) {
                (Some(interval), None) if interval > 0 => Ok(Self::Deferred { transaction_id, interval }),
                _ => Err(fail("`interval` must be a positive number, and there is no `notification_id` yet")),
            },
            _ => Err(fail("exactly one of `credentials` (not empty) and `transaction_id` is needed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vci_65_responses_are_written_and_read() {
        let issued = CredentialResponse::Issued {
            credentials: vec![
                IssuedCredential {
                    credential: "a~".to_owned(),
                    link_opening: Some(Opening::fresh(&SeededEntropy::new("r"))),
                },
                IssuedCredential { credential: "b~".to_owned(), link_opening: None },
            ],
            notification_id: Some("n".to_owned()),
        };
        let deferred = CredentialResponse::Deferred { transaction_id: "t".to_owned(), interval: 5 };
        for response in [issued, deferred] {
            let body = response.to_json();
            let read = CredentialResponse::parse(body.expose().as_bytes()).unwrap();
            assert_eq!(read.to_json(), body);
        }
    }

    #[test]
    fn mixtures_and_broken_openings_are_refused() {
        for bad in [
            "{}",
            r#"{"credential":"a"}"#,
            r#"{"credentials":[]}"#,
            r#"{"credentials":[{"credential":"a"}],"transaction_id":"t","interval":1}"#,
            r#"{"transaction_id":"t"}"#,
            r#"{"transaction_id":"t","interval":0}"#,
            r#"{"transaction_id":"t","interval":1,"notification_id":"n"}"#,
            r#"{"credentials":[{"credential":"a","link_opening":"AA"}]}"#,
        ] {
            assert!(CredentialResponse::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let extra = br#"{"credentials":[{"credential":"a","new":1}],"c_nonce":"old"}"#;
        assert!(CredentialResponse::parse(extra).is_ok(), "vci_n19");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body: Vec<u8>) {
            let _ = CredentialResponse::parse(&body);
        }
    }
}
