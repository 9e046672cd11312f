//! How a party (SP or DP) proves to a verifier that it is who it says: a client assertion in the manner of
//! `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core §9), signed by a key of the party's declared `jwks`.
//!
//! ```text
//! Authorization: Bearer <compact JWS, typ enishi-client+jwt>
//!   {iss: party, sub: party, aud: verifier's issuer id, jti, iat, exp ≤ iat + 300 s}
//! ```
//!
//! The `jti` of a verified assertion has to be spent by the caller: one assertion, one call.

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::issuer_key::choose_key;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::jose::jws::{self, KeyHint, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The `typ` of a client assertion.
pub const TYP: &str = "enishi-client+jwt";

/// The longest life of an assertion, in seconds.
pub const MAX_LIFETIME: i64 = 300;

/// How far the clocks of two parties may be apart, in seconds.
pub const CLOCK_SKEW: i64 = 30;

/// The longest `jti` that is accepted, so that the table of spent ones stays bounded (threat 12).
pub const MAX_JTI_LENGTH: usize = 128;

const CHECK: &str = "client-assertion";

/// Finds the key that a JWS hints at in a party's declared `jwks`: by `kid`, or the only signing key when the
/// JWS names none.
///
/// # Errors
/// `key_unknown` if no such key, several keys, or only a key for something else than these signatures has that name.
pub fn find_key<'a>(jwks: &'a JwkSet, hint: &KeyHint<'_>) -> Verdict<&'a Jwk> {
    choose_key(jwks, hint).map_err(|_| {
        Failure::new("party-key", "key_unknown", "no declared signing key of the party has this `kid`")
            .at("/kid")
            .remedy("sign with a key of the `jwks` in your party declaration and name it in `kid`")
    })
}

/// Makes a client assertion that lives one minute.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn create(
    signer: &dyn Signer,
    party: &str,
    audience: &str,
    now: UnixTime,
    entropy: &dyn Entropy,
) -> Result<String, SignerError> {
    let claims = json!({
        "iss": party,
        "sub": party,
        "aud": audience,
        "jti": entropy::token(entropy),
        "iat": now,
        "exp": now.plus(60),
    });
    jws::sign(signer, jws::header(TYP, signer), &claims).await
}

/// A client assertion whose signature has not been checked: only the claimed party can be read, to look up the
/// keys that it declared.
#[derive(Clone)]
pub struct UnverifiedAssertion {
    jws: UnverifiedJws,
    party: String,
}

/// A party that has proved itself, and the `jti` that must now be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatedParty {
    /// The party id.
    pub id: String,
    /// The assertion's `jti`, to be accepted once until [`Self::expires`].
    pub jti: String,
    /// When the assertion stops being acceptable, clock skew included: until then the `jti` has to be remembered.
    pub expires: UnixTime,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    jti: String,
    iat: UnixTime,
    exp: UnixTime,
}

/// `aud` is one string; an array of exactly one is the same (RFC 7519 §4.1.3).
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Array([String; 1]),
}

impl UnverifiedAssertion {
    /// Splits an assertion.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`], and `claims_malformed` if it does not name a party in `iss`.
    pub fn parse(compact: &str) -> Verdict<Self> {
        let jws = UnverifiedJws::parse(compact)?;
        let party = jws.claimed("iss").ok_or_else(|| {
            Failure::new(CHECK, "claims_malformed", "the assertion has no `iss`")
                .at("/iss")
                .remedy("set `iss` and `sub` to your party id")
        })?;
        Ok(Self { jws, party })
    }

    /// The party that the assertion claims to be from. A hint for finding its keys, nothing more.
    pub fn claimed_party(&self) -> &str {
        &self.party
    }

    /// Checks the assertion against the `jwks` that the claimed party declared.
    ///
    /// # Errors
    /// `key_unknown`, `typ_not_allowed`, `signature_invalid`, `claims_malformed`; `subject_mismatch` when `iss` and
    /// `sub` differ; `audience_mismatch`; `expired`, `not_yet_valid`, `lifetime_too_long`; `jti_invalid`.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        jwks: &JwkSet,
        audience: &str,
        now: UnixTime,
    ) -> Verdict<AuthenticatedParty> {
        let key = find_key(jwks, &self.jws.key_hint())?;
        let claims: Claims =
            self.jws.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?.parse_claims()?;
        let fail = |code, at: &str, detail: &str, remedy| {
            Err(Failure::new(CHECK, code, detail).at(at).remedy(remedy))
        };
        if claims.iss != self.party || claims.sub != self.party {
            return fail(
                "subject_mismatch",
                "/sub",
                "`iss` and `sub` are not the same party",
                "set both to your id",
            );
        }
        let (Audience::One(aud) | Audience::Array([aud])) = &claims.aud;
        if aud != audience {
            let remedy = "set `aud` to the verifier's issuer id, exactly as its metadata says";
            return fail("audience_mismatch", "/aud", "the assertion is for somebody else", remedy);
        }
        if claims.exp.since(claims.iat) > MAX_LIFETIME || claims.exp <= claims.iat {
            let remedy = "let `exp` be at most 300 seconds after `iat`";
            return fail("lifetime_too_long", "/exp", "the assertion's life is not within limits", remedy);
        }
        if claims.iat.since(now) > CLOCK_SKEW {
            return fail("not_yet_valid", "/iat", "the assertion is from the future", "check your clock");
        }
        let expires = claims.exp.plus(CLOCK_SKEW);
        if expires <= now {
            return fail("expired", "/exp", "the assertion has expired", "make a fresh one for every call");
        }
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_LENGTH {
            let remedy = "use a random `jti` of at most 128 characters";
            return fail("jti_invalid", "/jti", "the `jti` is empty or too long", remedy);
        }
        Ok(AuthenticatedParty { id: claims.iss, jti: claims.jti, expires })
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const PARTY: &str = "https://sp.example";
    const VERIFIER: &str = "https://verifier.example";
    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    fn key(kid: &str) -> PrivateJwk {
        PrivateJwk::generate_p256(&SeededEntropy::new(kid)).map_public(|jwk| jwk.with_kid(kid))
    }

    fn jwks() -> JwkSet {
        let enc = PrivateJwk::generate_p256(&SeededEntropy::new("enc"));
        let enc = enc.public().clone().with_kid("enc").for_encryption();
        JwkSet { keys: vec![key("k1").public().clone(), enc] }
    }

    fn check(compact: &str, now: UnixTime) -> Verdict<AuthenticatedParty> {
        UnverifiedAssertion::parse(compact)?.verify(&RustCryptoVerifier, &jwks(), VERIFIER, now)
    }

    async fn signed(kid: &str, typ: &str, change: impl FnOnce(&mut Value)) -> String {
        let signer = SoftwareSigner::new(key(kid)).unwrap();
        let mut claims = json!({"iss": PARTY, "sub": PARTY, "aud": VERIFIER, "jti": "j",
            "iat": NOW, "exp": NOW.plus(60)});
        change(&mut claims);
        jws::sign(&signer, jws::header(typ, &signer), &claims).await.unwrap()
    }

    #[tokio::test]
    async fn a_made_assertion_authenticates_its_party_until_it_expires() {
        let signer = SoftwareSigner::new(key("k1")).unwrap();
        let made = create(&signer, PARTY, VERIFIER, NOW, &SeededEntropy::new("jti")).await.unwrap();
        let party = check(&made, NOW).unwrap();
        assert_eq!(party.id, PARTY);
        assert_eq!(party.expires, NOW.plus(60 + CLOCK_SKEW));
        assert!(check(&made, NOW.plus(60 + CLOCK_SKEW - 1)).is_ok());
        assert_eq!(check(&made, party.expires).unwrap_err().code, "expired");
    }

    #[tokio::test]
    async fn every_wrong_assertion_is_refused_with_its_code() {
        let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value;
        let cases: Vec<(String, &str)> = vec![
            (signed("k1", "JWT", |_| ()).await, "typ_not_allowed"),
            (signed("k2", TYP, |_| ()).await, "key_unknown"),
            (signed("enc", TYP, |_| ()).await, "key_unknown"),
            (signed("k1", TYP, set("sub", json!("https://other.example"))).await, "subject_mismatch"),
            (signed("k1", TYP, set("aud", json!("https://verifier.example/"))).await, "audience_mismatch"),
            (signed("k1", TYP, set("aud", json!([VERIFIER, "x"]))).await, "claims_malformed"),
            (signed("k1", TYP, set("exp", json!(NOW.plus(301)))).await, "lifetime_too_long"),
            (signed("k1", TYP, set("exp", json!(NOW))).await, "lifetime_too_long"),
            (signed("k1", TYP, set("iat", json!(NOW.plus(31)))).await, "not_yet_valid"),
            (signed("k1", TYP, set("jti", json!(""))).await, "jti_invalid"),
            (signed("k1", TYP, set("jti", json!("x".repeat(129)))).await, "jti_invalid"),
            (signed("k1", TYP, set("jti", Value::Null)).await, "claims_malformed"),
            (signed("k1", TYP, set("iss", Value::Null)).await, "claims_malformed"),
        ];
        for (compact, code) in cases {
            assert_eq!(check(&compact, NOW).unwrap_err().code, code);
        }
        assert!(check(&signed("k1", TYP, set("aud", json!([VERIFIER]))).await, NOW).is_ok());
    }

    #[tokio::test]
    async fn a_signature_by_another_key_under_the_same_kid_is_refused() {
        let other =
            PrivateJwk::generate_p256(&SeededEntropy::new("other")).map_public(|jwk| jwk.with_kid("k1"));
        let signer = SoftwareSigner::new(other).unwrap();
        let made = create(&signer, PARTY, VERIFIER, NOW, &SeededEntropy::new("jti")).await.unwrap();
        assert_eq!(check(&made, NOW).unwrap_err().code, "signature_invalid");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = UnverifiedAssertion::parse(&text);
        }
    }
}
