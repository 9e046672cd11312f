//! What a reader demands, as data that any implementation can read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a reader demands of one kind of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Policy {
    /// An SD-JWT or SD-JWT VC, with or without key binding.
    SdJwt(CredentialPolicy),
}

/// What a reader demands of an SD-JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialPolicy {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How many seconds clocks may differ.
    pub leeway: i64,
    /// The `typ` of the issuer-signed JWT.
    pub typ: String,
    /// Whether `vc+sd-jwt` is taken too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub legacy_typ: bool,
    /// The algorithms that issuer and holder may use.
    pub algorithms: Vec<String>,
    /// The type of credential; any, but there must be one, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vct: Option<String>,
    /// The issuer whose keys these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether there must be an `exp`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub require_exp: bool,
    /// Where the issuer's key comes from.
    pub keys: Keys,
    /// What the presenter has to prove. If left out, there must be no Key Binding JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_binding: Option<PresenterPolicy>,
}

/// Where the issuer's key comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// This one key.
    Jwk(Value),
    /// The key of this set that `kid` names.
    Jwks(Value),
    /// The DID in `iss`.
    Did,
}

/// What the presenter has to prove with a Key Binding JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenterPolicy {
    /// The verifier.
    pub aud: String,
    /// The nonce of the transaction.
    pub nonce: String,
    /// How many seconds old the Key Binding JWT may be, the leeway not counted.
    pub max_age: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl From<CredentialPolicy> for Policy {
    fn from(policy: CredentialPolicy) -> Self {
        Self::SdJwt(policy)
    }
}
