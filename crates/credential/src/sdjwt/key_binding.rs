//! The Key Binding JWT (RFC 9901 §4.3): who presents, to whom, and exactly what.

use std::fmt;

use serde_json::{Map, Value};

use super::claims::numeric_date;
use super::fault;
use super::policy::{TYP_KB_JWT, Validation};
use crate::crypto::SignatureVerifier;
use crate::jose::jwk::Jwk;
use crate::jose::jws::Expected;
use crate::jose::jws_parts::{self, JwsParts};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// The claims that every Key Binding JWT has.
pub(super) const RESERVED_CLAIMS: [&str; 4] = ["aud", "nonce", "iat", "sd_hash"];

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
#[derive(Clone, PartialEq)]
pub struct KeyBinding {
    /// When it was made.
    pub iat: UnixTime,
    /// All its claims, also those that a profile defines; `aud` and `nonce` are those that were demanded. Unknown ones are
    /// to be ignored.
    pub claims: Map<String, Value>,
}

impl fmt::Debug for KeyBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBinding").field("iat", &self.iat).finish_non_exhaustive()
    }
}

/// What the Key Binding JWT is checked against.
pub(super) struct Demand<'a> {
    pub(super) aud: &'a str,
    pub(super) nonce: &'a str,
    pub(super) max_age: i64,
    pub(super) leeway: i64,
    pub(super) holder_key: &'a Jwk,
    pub(super) sd_hash: &'a str,
}

/// Splits the text after the last `~`; also returns what of it was signed.
pub(super) fn parse(text: &str) -> Verdict<(JwsParts, &str)> {
    JwsParts::parse(text).map_err(as_key_binding)
}

/// Checks the Key Binding JWT (RFC 9901 §7.3 step 5).
pub(super) fn verify(
    jwt: JwsParts,
    signing_input: &str,
    verifier: &dyn SignatureVerifier,
    validation: &Validation,
    demand: &Demand<'_>,
) -> Verdict<KeyBinding> {
    let expected = Expected::new(TYP_KB_JWT, &validation.holder_algorithms);
    jwt.check(signing_input, verifier, demand.holder_key, &expected).map_err(as_key_binding)?;
    let claims = jws_parts::claims(&jwt.payload).map_err(as_key_binding)?;
    let text = |name: &str| {
        claims.get(name).and_then(Value::as_str).ok_or_else(|| {
            fault("kb_malformed", format!("`{name}` is missing or not a string")).at(format!("/{name}"))
        })
    };
    let iat = claims
        .get("iat")
        .and_then(numeric_date)
        .ok_or_else(|| fault("kb_malformed", "`iat` is missing or not a number").at("/iat"))?;
    if claims.get("aud").and_then(Value::as_str) != Some(demand.aud) {
        return Err(fault("kb_audience_mismatch", "`aud` is not this verifier as one string").at("/aud"));
    }
    if text("nonce")? != demand.nonce {
        return Err(fault("kb_nonce_mismatch", "`nonce` is not that of this transaction").at("/nonce"));
    }
    if text("sd_hash")? != demand.sd_hash {
        return Err(fault("kb_sd_hash_mismatch", "`sd_hash` is not the hash of what was sent").at("/sd_hash"));
    }
    check_times(&claims, iat, validation.now, demand)?;
    Ok(KeyBinding { iat, claims })
}

fn check_times(
    claims: &Map<String, Value>,
    iat: UnixTime,
    now: UnixTime,
    demand: &Demand<'_>,
) -> Verdict<()> {
    if iat > now.plus(demand.leeway) {
        return Err(fault("kb_from_the_future", "`iat` is in the future").at("/iat"));
    }
    if now.since(iat) > demand.max_age.saturating_add(demand.leeway) {
        return Err(fault("kb_too_old", "`iat` is too long ago").at("/iat"));
    }
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => numeric_date(value)
            .map(Some)
            .ok_or_else(|| fault("kb_malformed", format!("`{name}` is not a number")).at(format!("/{name}"))),
    };
    if date("exp")?.is_some_and(|exp| now >= exp.plus(demand.leeway)) {
        return Err(fault("kb_expired", "`exp` has passed").at("/exp"));
    }
    if date("nbf")?.is_some_and(|nbf| now.plus(demand.leeway) < nbf) {
        return Err(fault("kb_not_yet_valid", "`nbf` has not come").at("/nbf"));
    }
    Ok(())
}

/// Says of a failure of the JWS that it is the Key Binding JWT's.
fn as_key_binding(failure: Failure) -> Failure {
    let code = match failure.code {
        "signature_invalid" => "kb_signature_invalid",
        "typ_not_allowed" => "kb_typ_not_allowed",
        "alg_not_allowed" => "kb_alg_not_allowed",
        _ => "kb_malformed",
    };
    fault(code, format!("the Key Binding JWT: {}", failure.detail)).at(failure.pointer)
}
