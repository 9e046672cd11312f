//! The JSON bodies of the verifier's API towards parties and holders (linkage protocol §6, §8, §10).
//!
//! Requests refuse unknown members, so that a misspelt restriction is an error and not a wider consent; answers
//! ignore them.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::time::UnixTime;
use serde::{Deserialize, Serialize};

use super::State;
use super::access::Access;
use super::holder::Actor;

/// A declaration by name: `id` and `version`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclarationRef {
    /// The declared id.
    pub id: String,
    /// The declared version.
    pub version: String,
}

/// `POST /link-requests`, by the SP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// The DP's service.
    pub service: DeclarationRef,
    /// The SP's purpose, countersigned by the DP.
    pub purpose: DeclarationRef,
    /// Ids of the items that are asked for.
    pub items: Vec<String>,
    /// Once or how often.
    pub access: Access,
    /// Until when; the longest that the service allows if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<UnixTime>,
    /// base64url of the SHA-256 of a nonce in the SP's browser session.
    pub sp_session: String,
    /// Where the wallet sends the person's browser afterwards (same-device flow). Must be on the SP's own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Thumbprint of the DPoP key that may mint links under the grant.
    pub dpop_jkt: Thumbprint,
}

/// 201 to `POST /link-requests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequestCreated {
    /// For `GET /link-requests/{id}`.
    pub link_request_id: String,
    /// The request object's URI.
    pub request_uri: String,
    /// What the wallet opens: `openid4vp://?client_id=…&request_uri=…`.
    pub wallet_uri: String,
    /// Seconds until the request lapses.
    pub expires_in: i64,
}

/// How a request ended, as far as an SP may know: declined, lapsed, no credential, unknown person and failed checks
/// are one answer (linkage protocol §12.6, threat 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// No answer yet.
    Pending,
    /// There is a grant.
    Granted,
    /// There is none, and will be none.
    NotGranted,
}

/// 200 to `GET /link-requests/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequestStatus {
    /// Pending, granted or not.
    pub status: RequestStatus,
    /// The grant, when granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The person at the SP, sealed to the SP, when granted: to be compared with the account that is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_sub: Option<String>,
    /// When the grant ends, when granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<UnixTime>,
}

/// `POST /links`, by the SP with a `DPoP` proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintRequest {
    /// Under which grant.
    pub grant_id: String,
}

/// 200 to `POST /links`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MintedLink {
    /// The data link.
    pub access_token: String,
    /// Always `DPoP`.
    pub token_type: String,
    /// Seconds until the link expires.
    pub expires_in: i64,
    /// Where the link is used.
    pub resource: String,
    /// The person at the SP, sealed to the SP: to be compared with the account before the link is used.
    pub sealed_sub: String,
}

impl std::fmt::Debug for MintedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MintedLink({}, {} s)", self.resource, self.expires_in)
    }
}

/// 200 to `GET /grants/{id}`, for the holder, the SP and the DP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantStatus {
    /// The grant.
    pub grant_id: String,
    /// Where it stands.
    pub state: State,
    /// The SP.
    pub recipient: String,
    /// The DP.
    pub provider: String,
    /// The service.
    pub service: DeclarationRef,
    /// The purpose.
    pub purpose: DeclarationRef,
    /// Ids of the items.
    pub items: Vec<String>,
    /// Once or how often.
    pub access: Access,
    /// When the person consented.
    pub given_at: UnixTime,
    /// When the grant ends.
    pub not_after: UnixTime,
    /// Hash of the terms.
    pub terms_sha256: String,
    /// Links minted so far.
    pub links_minted: u64,
    /// When the grant ended before its time, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UnixTime>,
}

/// One entry of a grant's history, for the holder: what, when, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEvent {
    /// When.
    pub at: UnixTime,
    /// What: `granted`, `link_issued`, `released`, `withdrawn`, … (linkage protocol §11).
    pub event: String,
    /// By whom.
    pub by: Actor,
    /// Which items, for a release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// A reason, an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// 200 to `GET /grants/{id}/events`, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEvents {
    /// The grant.
    pub grant_id: String,
    /// Its history.
    pub events: Vec<GrantEvent>,
}

/// The optional body of `DELETE /grants/{id}`; a party has to give the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Why, in a few words without personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// 200 to `DELETE /grants/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// `withdrawn`.
    pub state: State,
    /// Since when.
    pub withdrawn_at: UnixTime,
    /// The signed acknowledgement ([`super::acknowledgement`]).
    pub acknowledgement: String,
}

/// How a release ended at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOutcome {
    /// Data was handed over.
    Released,
    /// The gateway refused.
    Refused,
    /// The DP's own API had no answer.
    UpstreamFailed,
}

/// `POST /release-reports`, by the DP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseReport {
    /// The `txn` of the data link. A report is accepted once per `txn`.
    pub txn: String,
    /// The grant.
    pub grant_id: String,
    /// Ids of the items that were handed over.
    pub items: Vec<String>,
    /// When.
    pub released_at: UnixTime,
    /// How it ended.
    pub outcome: ReleaseOutcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_restriction_is_an_error_and_not_a_wider_consent() {
        let good = r#"{"service":{"id":"s","version":"1"},"purpose":{"id":"p","version":"1"},"items":["a"],
            "access":{"mode":"one_time"},"sp_session":"x",
            "dpop_jkt":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}"#;
        assert!(serde_json::from_str::<LinkRequest>(good).is_ok());
        let misspelt = good.replacen("\"items\"", "\"not_afer\":1,\"items\"", 1);
        assert!(serde_json::from_str::<LinkRequest>(&misspelt).is_err());
    }

    #[test]
    fn threat_13_the_sp_reads_one_word_for_every_no() {
        let no = LinkRequestStatus {
            status: RequestStatus::NotGranted,
            grant_id: None,
            sealed_sub: None,
            expires: None,
        };
        assert_eq!(serde_json::to_string(&no).unwrap(), r#"{"status":"not_granted"}"#);
    }
}
