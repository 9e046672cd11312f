//! The Key Binding JWT (RFC 9901 §4.3): who presents, to whom, and exactly what.

use serde_json::{Map, Value};

use crate::time::UnixTime;

/// The claims of a Key Binding JWT to be made; `sd_hash` is added by the presentation.
#[derive(Debug, Clone)]
pub struct KeyBindingClaims {
    /// The verifier: in OpenID4VP its full client id.
    pub aud: String,
    /// The verifier's nonce.
    pub nonce: String,
    /// The time now.
    pub iat: UnixTime,
    /// Further claims, e.g. `transaction_data_hashes`, `grant_jkt`, `same_subject`. They may not be named like the
    /// four that every Key Binding JWT has.
    pub extra: Map<String, Value>,
}

/// A Key Binding JWT that holds: signed by the key in `cnf`, for this verifier, this nonce and these disclosures.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyBinding {
    /// The verifier, as demanded.
    pub aud: String,
    /// The nonce, as demanded.
    pub nonce: String,
    /// When it was made.
    pub iat: UnixTime,
    /// All its claims, also those that a profile defines.
    pub claims: Map<String, Value>,
}
