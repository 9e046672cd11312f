//! Checking proofs: the server's side (RFC 9449 §4.3).

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier};
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::jose::jws::{self, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::PROOF_TYPE;
use super::error::DpopError;
use super::htu::normalised_htu;
use super::proof::access_token_hash;

/// The longest header that is read: a proof is well below a kilobyte.
const MAX_LENGTH: usize = 4096;

/// Whether a proof needs a nonce (RFC 9449 §8, §9).
#[derive(Clone, Copy)]
pub enum NonceRule<'a> {
    /// None was given out; one that is there is passed on unchecked.
    NotRequired,
    /// The proof must carry one of which this says that it is current.
    Required(&'a (dyn Fn(&str) -> bool + Send + Sync)),
}

/// What the request was, and what the server asks of a proof.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request as the client sees it: the public one, not the one behind a proxy.
    pub url: &'a str,
    /// The time now.
    pub now: UnixTime,
    /// How many seconds old a proof may be; 60 to 300 are usual.
    pub max_age: i64,
    /// How many seconds ahead the client's clock may be.
    pub max_ahead: i64,
    /// The access token in the request and the thumbprint it is bound to, at a protected resource.
    pub token: Option<(&'a str, Thumbprint)>,
    /// Whether a nonce is wanted.
    pub nonce: NonceRule<'a>,
}

impl<'a> Expected<'a> {
    /// A request without an access token and without nonce, with a window of 300 seconds back and 60 ahead.
    pub const fn new(method: &'a str, url: &'a str, now: UnixTime) -> Self {
        Self { method, url, now, max_age: 300, max_ahead: 60, token: None, nonce: NonceRule::NotRequired }
    }

    /// The access token that came with the request and the key that it is bound to.
    #[must_use]
    pub const fn with_token(mut self, access_token: &'a str, bound_to: Thumbprint) -> Self {
        self.token = Some((access_token, bound_to));
        self
    }

    /// Demands a nonce.
    #[must_use]
    pub const fn with_nonce(mut self, current: &'a (dyn Fn(&str) -> bool + Send + Sync)) -> Self {
        self.nonce = NonceRule::Required(current);
        self
    }
}

/// A proof that holds, but for replay: that is for the caller, with [`VerifiedProof::replay_key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    /// Thumbprint of the key that signed.
    pub jkt: Thumbprint,
    /// SHA-256 of key, target and `jti`: bounded, whatever the client sent (RFC 9449 §11.1).
    pub jti_hash: [u8; 32],
    /// When the proof was made, as it says.
    pub iat: UnixTime,
    /// The nonce in it.
    pub nonce: Option<String>,
}

impl VerifiedProof {
    /// The key to remember in the replay cache until `iat` + the allowed age (D-12).
    pub fn replay_key(&self) -> String {
        b64::encode(self.jti_hash)
    }
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

fn invalid(check: &'static str, detail: impl Into<String>, remedy: &'static str) -> DpopError {
    DpopError::Invalid(Failure::new(check, "dpop_proof_invalid", detail).remedy(remedy))
}

/// Checks the `DPoP` headers of a request, all of them as they came.
///
/// # Errors
/// [`DpopError`]: which of the checks D-1 to D-11 did not hold.
pub fn verify(
    headers: &[&str],
    verifier: &dyn SignatureVerifier,
    expected: &Expected<'_>,
) -> Result<VerifiedProof, DpopError> {
    let compact = match headers {
        [] => return Err(DpopError::Missing),
        [one] if one.len() <= MAX_LENGTH => *one,
        [_] => return Err(invalid("dpop-form", "the proof is too long", "send one short JWT")),
        _ => return Err(invalid("dpop-form", "there is more than one DPoP header", "send one proof")),
    };
    let jws = UnverifiedJws::parse(compact).map_err(DpopError::Invalid)?;
    let hint = jws.key_hint();
    let key = hint
        .jwk
        .cloned()
        .ok_or_else(|| invalid("dpop-key", "the header lacks `jwk`", "put the public key into the header"))?;
    let verified = jws
        .verify(verifier, &key, &jws::Expected::new(PROOF_TYPE, ES256_OR_EDDSA))
        .map_err(DpopError::Invalid)?;
    let claims: Claims = verified.parse_claims().map_err(DpopError::Invalid)?;

    if claims.jti.is_empty() {
        return Err(invalid("dpop-claims", "`jti` is empty", "send a fresh random `jti` with each proof"));
    }
    if claims.htm != expected.method {
        return Err(invalid("dpop-method", "`htm` is not the method", "make a proof for this request"));
    }
    let target = normalised_htu(expected.url);
    if target.is_none() || normalised_htu(&claims.htu) != target {
        return Err(invalid(
            "dpop-target",
            "`htu` is not the URL of the request",
            "make a proof for this URL",
        ));
    }
    check_nonce(claims.nonce.as_deref(), expected.nonce)?;
    let iat = whole_seconds(claims.iat)
        .ok_or_else(|| invalid("dpop-time", "`iat` is not a time", "send seconds since 1970"))?;
    let age = expected.now.since(iat);
    if age > expected.max_age || age < -expected.max_ahead {
        return Err(invalid(
            "dpop-time",
            "the proof is too old or from the future",
            "make a fresh proof; check the clock",
        ));
    }
    let jkt = key.thumbprint();
    if let Some((access_token, bound_to)) = expected.token {
        let ath = access_token_hash(access_token);
        let matches = claims.ath.is_some_and(|found| bool::from(found.as_bytes().ct_eq(ath.as_bytes())));
        if !matches {
            return Err(invalid(
                "dpop-token",
                "`ath` is missing or of another token",
                "hash the access token into `ath`",
            ));
        }
        if jkt != bound_to {
            return Err(DpopError::WrongKey);
        }
    }
    let mut hash = Sha256::new();
    for part in [jkt.to_string().as_str(), target.as_deref().unwrap_or_default(), &claims.jti] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(VerifiedProof { jkt, jti_hash: hash.finalize().into(), iat, nonce: claims.nonce })
}

fn check_nonce(found: Option<&str>, rule: NonceRule<'_>) -> Result<(), DpopError> {
    match (rule, found) {
        (NonceRule::NotRequired, _) => Ok(()),
        (NonceRule::Required(current), Some(nonce)) if current(nonce) => Ok(()),
        (NonceRule::Required(_), _) => Err(DpopError::NonceWanted),
    }
}

/// A `NumericDate` may have a fraction (RFC 7519 §2); it is cut.
#[expect(clippy::cast_possible_truncation, reason = "bounded to years that fit an i64 exactly")]
fn whole_seconds(seconds: f64) -> Option<UnixTime> {
    (0.0..=1e12).contains(&seconds).then(|| UnixTime::from_secs(seconds.floor() as i64))
}
