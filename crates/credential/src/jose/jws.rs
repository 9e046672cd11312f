//! JWS in compact serialization (RFC 7515 §7.1): signed texts that cannot be read before they are verified.
//!
//! ```text
//! compact text ──parse──▶ UnverifiedJws ──verify(key, expected)──▶ VerifiedJws ──claims()──▶ your type
//!                              └ key_hint(): which key the sender says it used; nothing else can be read
//! ```

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::header::Header;
use super::jws_parts::{self as parts, JwsParts};
use crate::crypto::{Algorithm, SignatureVerifier, Signer, SignerError};
use crate::encoding::{b64, json};
use crate::jose::jwk::Jwk;
use crate::verdict::{Failure, Verdict};

/// A compact JWS that has been split and whose header is well-formed. Nothing can be read from it but the
/// [`KeyHint`], which says where to look for the key and must be trusted no further than that.
#[derive(Clone)]
pub struct UnverifiedJws {
    parts: JwsParts,
    signing_input: String,
}

/// What the sender says about the key: good for finding one, never for trusting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHint<'a> {
    /// `alg`, already one of the allowed asymmetric algorithms.
    pub algorithm: Algorithm,
    /// `typ`.
    pub typ: Option<&'a str>,
    /// `kid`.
    pub kid: Option<&'a str>,
    /// `jwk`: a public key, checked to be one.
    pub jwk: Option<&'a Jwk>,
    /// `x5c`: DER certificates, leaf first; empty when absent.
    pub x5c: &'a [Vec<u8>],
}

/// What a reader expects of a JWS, decided before it is looked at: one kind of token, and the algorithms that are
/// acceptable for it (RFC 8725 §3.1, §3.11). Every use names its own, so that an algorithm that is new to this crate
/// comes into no existing use by accident.
///
/// ```
/// use enishi_credential::crypto::ES256_OR_EDDSA;
/// use enishi_credential::jose::jws::Expected;
///
/// const RECEIPT: Expected<'_> = Expected::new("receipt+jwt", ES256_OR_EDDSA);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// `typ`, compared character by character.
    pub typ: &'a str,
    /// The algorithms that the signer may use; with none, nothing verifies.
    pub algorithms: &'a [Algorithm],
}

impl<'a> Expected<'a> {
    /// Expects `typ`, signed with one of `algorithms`.
    pub const fn new(typ: &'a str, algorithms: &'a [Algorithm]) -> Self {
        Self { typ, algorithms }
    }
}

/// The longest compact JWS that is read at all; larger ones are refused before any decoding.
pub const MAX_LENGTH: usize = 1 << 20;

impl UnverifiedJws {
    /// Splits `compact` and checks its header.
    ///
    /// # Errors
    /// `jws_malformed` for anything that is not three strict base64url parts with a JSON header object without
    /// duplicate members; `alg_not_allowed` for `none`, HMAC and everything else that is no [`Algorithm`];
    /// `crit_not_supported` for `crit` or `b64`; `jwk_invalid` for a bad or private `jwk`.
    pub fn parse(compact: &str) -> Verdict<Self> {
        let (parts, signing_input) = JwsParts::parse(compact)?;
        Ok(Self { parts, signing_input: signing_input.to_owned() })
    }

    /// What the sender says about the key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.parts.key_hint()
    }

    /// The string member `name` that the payload claims, where a verifier has to know whom to ask for the key
    /// (an `iss` that leads to an issuer's metadata). A hint: trust nothing else from it.
    pub fn claimed(&self, name: &str) -> Option<String> {
        self.parts.claimed(name)
    }

    /// Checks the algorithm, the type and the signature.
    ///
    /// # Errors
    /// `alg_not_allowed` if the algorithm is not on the list of this use; `typ_not_allowed` if `typ` is not exactly the
    /// expected one; `signature_invalid` if the signature is not `key`'s, or if `key` is of another algorithm or is for
    /// encryption;
    /// `payload_not_json` if the payload is not a JSON object without duplicate members.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
    ) -> Verdict<VerifiedJws> {
        self.parts.check(&self.signing_input, verifier, key, expected)?;
        self.read_as_verified_before()
    }

    /// Reads a text whose signature was checked earlier: one that comes out of the own store of the one who checked.
    pub(crate) fn read_as_verified_before(self) -> Verdict<VerifiedJws> {
        let JwsParts { header, payload, .. } = self.parts;
        Ok(VerifiedJws { header, claims: parts::claims(&payload)? })
    }
}

/// A JWS whose type and signature hold. Whether its claims are acceptable is for the reader to check.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedJws {
    header: Header,
    claims: Map<String, Value>,
}

impl VerifiedJws {
    /// The protected header.
    pub fn header(&self) -> Map<String, Value> {
        self.header.to_members()
    }

    /// The algorithm of the signature.
    pub const fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The payload as a JSON object.
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Takes the payload out.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// The payload as a type.
    ///
    /// # Errors
    /// `claims_malformed` if the payload has another shape.
    pub fn parse_claims<T: DeserializeOwned>(&self) -> Verdict<T> {
        serde_json::from_value(Value::Object(self.claims.clone())).map_err(|error| {
            Failure::new("jws-claims", "claims_malformed", error.to_string())
                .remedy("send the claims that the specification lists, with their types")
        })
    }
}

/// Signs `payload` as a compact JWS. The header's `alg` is the signer's; the rest is taken from `header`.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign(
    signer: &dyn Signer,
    header: Map<String, Value>,
    payload: &Value,
) -> Result<String, SignerError> {
    sign_with_room(signer, header, payload, 0).await
}

/// As [`sign`], with room for so many characters that the caller will write behind the signature.
pub(crate) async fn sign_with_room(
    signer: &dyn Signer,
    mut header: Map<String, Value>,
    payload: &Value,
    behind: usize,
) -> Result<String, SignerError> {
    header.insert("alg".to_owned(), Value::String(signer.algorithm().as_str().to_owned()));
    let header = json::write(&Value::Object(header), 256);
    let payload = json::write(payload, 1024);
    // Four characters for three bytes, and room for the longest signature.
    let mut text = String::with_capacity((header.len() + payload.len()).div_ceil(3) * 4 + 140 + behind);
    b64::encode_into(&header, &mut text);
    text.push('.');
    b64::encode_into(&payload, &mut text);
    let signature = signer.sign(text.as_bytes()).await?;
    text.push('.');
    b64::encode_into(signature, &mut text);
    Ok(text)
}

/// A header with `typ`, and with `kid` when the signer's key has one.
pub fn header(typ: &str, signer: &dyn Signer) -> Map<String, Value> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), Value::String(typ.to_owned()));
    if let Some(kid) = &signer.public_jwk().kid {
        header.insert("kid".to_owned(), Value::String(kid.clone()));
    }
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::crypto::{ES256_OR_EDDSA, RustCryptoVerifier, SoftwareSigner};
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::{PrivateJwk, PublicKey};

    const EXPECTED: Expected<'_> = Expected::new("test+jwt", ES256_OR_EDDSA);

    fn signer() -> SoftwareSigner {
        SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("jws"))).unwrap()
    }

    async fn signed() -> String {
        sign(&signer(), header("test+jwt", &signer()), &json!({"a": 1})).await.unwrap()
    }

    fn code(result: Verdict<impl Sized>) -> &'static str {
        result.err().expect("refused").code
    }

    #[tokio::test]
    async fn only_the_right_type_and_key_open_it() {
        let key = signer().public_jwk().clone();
        let jws = UnverifiedJws::parse(&signed().await).unwrap();
        let verified = jws.clone().verify(&RustCryptoVerifier, &key, &EXPECTED).unwrap();
        assert_eq!(verified.claims().get("a"), Some(&json!(1)));
        assert_eq!(
            code(jws.clone().verify(&RustCryptoVerifier, &key, &Expected::new("JWT", ES256_OR_EDDSA))),
            "typ_not_allowed"
        );
        let other = PrivateJwk::generate_p256(&SeededEntropy::new("other"));
        assert_eq!(
            code(jws.clone().verify(&RustCryptoVerifier, other.public(), &EXPECTED)),
            "signature_invalid"
        );
        let for_encryption = key.for_encryption();
        assert_eq!(code(jws.verify(&RustCryptoVerifier, &for_encryption, &EXPECTED)), "signature_invalid");
    }

    #[test]
    fn sd_n1_none_hmac_crit_and_duplicates_are_refused() {
        let with = |header: &str| {
            code(UnverifiedJws::parse(&format!("{}.{}.AA", b64::encode(header), b64::encode("{}"))))
        };
        for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "PS256", "ES512"]
        {
            assert_eq!(with(&format!(r#"{{"alg":"{alg}"}}"#)), "alg_not_allowed", "{alg}");
        }
        for header in
            [r"{}", r#"{"alg":null}"#, r#"{"alg":["ES256"]}"#, r#"{"alg":"es256"}"#, r#"{"alg":"ES256K"}"#]
        {
            assert_eq!(with(header), "alg_not_allowed", "{header}");
        }
        assert_eq!(with(r#"{"alg":"ES256","crit":["x"]}"#), "crit_not_supported");
        assert_eq!(with(r#"{"alg":"ES256","crit":[]}"#), "crit_not_supported");
        assert_eq!(with(r#"{"alg":"ES256","b64":true}"#), "crit_not_supported");
        assert_eq!(with(r#"{"alg":"ES256","alg":"ES256"}"#), "jws_malformed");
        assert_eq!(with(r#"{"alg":"ES256","typ":1}"#), "jws_malformed");
        assert_eq!(with(r#"{"alg":"ES256","jwk":{"kty":"oct","k":"AA"}}"#), "jwk_invalid");
        for x5c in [json!("AA"), json!([]), json!([1]), json!(["-_8"]), json!(["AA"]), json!(vec!["AA=="; 9])]
        {
            assert_eq!(with(&json!({"alg": "ES256", "x5c": x5c}).to_string()), "jws_malformed", "{x5c}");
        }
        for name in ["typ", "kid", "cty"] {
            assert_eq!(with(&json!({"alg": "ES256", name: 1}).to_string()), "jws_malformed", "{name}");
        }
    }

    #[test]
    fn a_text_is_read_up_to_its_longest_length_and_no_further() {
        let header = b64::encode(r#"{"alg":"ES256"}"#);
        let rest = MAX_LENGTH - header.len() - "..AA".len();
        let text = |payload: usize| UnverifiedJws::parse(&format!("{header}.{}.AA", "A".repeat(payload)));
        assert_eq!(rest % 4, 0);
        assert!(text(rest).is_ok());
        assert_eq!(code(text(rest + 4)), "jws_malformed");
    }

    /// A signature by P-384, which only tests make, and its key.
    fn signed_with_p384(header: &str) -> (String, Jwk) {
        use p384::ecdsa::signature::Signer as _;
        let pair = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
        let point = pair.verifying_key().to_sec1_point(false);
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        let key = Jwk::new(PublicKey::P384 { x: (*x).into(), y: (*y).into() });
        let input = format!("{}.{}", b64::encode(header), b64::encode(r#"{"a":1}"#));
        let signature: p384::ecdsa::Signature = pair.sign(input.as_bytes());
        (format!("{input}.{}", b64::encode(signature.to_bytes())), key)
    }

    #[test]
    fn sd_n1_an_algorithm_that_is_known_is_acceptable_only_where_it_is_listed() {
        let (text, key) = signed_with_p384(r#"{"alg":"ES384","typ":"test+jwt"}"#);
        let read = |algorithms: &[Algorithm]| {
            let expected = Expected::new("test+jwt", algorithms);
            UnverifiedJws::parse(&text).unwrap().verify(&RustCryptoVerifier, &key, &expected)
        };
        assert_eq!(read(&[Algorithm::Es384]).unwrap().algorithm(), Algorithm::Es384);
        assert_eq!(code(read(ES256_OR_EDDSA)), "alg_not_allowed");
        assert_eq!(code(read(&[Algorithm::EdDsa])), "alg_not_allowed");
        assert_eq!(code(read(&[])), "alg_not_allowed");
    }

    #[tokio::test]
    async fn sd_n1_algorithm_and_key_are_never_confused_in_either_direction() {
        let every = [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
        let expected = Expected::new("test+jwt", &every);
        let ed25519 = SoftwareSigner::new(PrivateJwk::generate_ed25519(&SeededEntropy::new("ed"))).unwrap();
        let (by_p384, p384) = signed_with_p384(r#"{"alg":"ES384","typ":"test+jwt"}"#);
        let by_ed25519 = sign(&ed25519, header("test+jwt", &ed25519), &json!({})).await.unwrap();
        let texts = [signed().await, by_p384, by_ed25519];
        let keys = [signer().public_jwk().clone(), p384, ed25519.public_jwk().clone()];
        for (at, text) in texts.iter().enumerate() {
            for (with, key) in keys.iter().enumerate() {
                let jws = UnverifiedJws::parse(text).unwrap();
                let outcome = jws.verify(&RustCryptoVerifier, key, &expected);
                if at == with {
                    assert!(outcome.is_ok(), "{at}");
                } else {
                    assert_eq!(code(outcome), "signature_invalid", "text {at}, key {with}");
                }
            }
        }
        // The header names the algorithm of the key, but the signature is another's.
        let (lie, _) = signed_with_p384(r#"{"alg":"ES256","typ":"test+jwt"}"#);
        for key in &keys {
            let jws = UnverifiedJws::parse(&lie).unwrap();
            assert_eq!(code(jws.verify(&RustCryptoVerifier, key, &expected)), "signature_invalid");
        }
    }

    #[tokio::test]
    async fn sd_n1_a_key_published_for_something_else_verifies_nothing() {
        let text = signed().await;
        let key = signer().public_jwk().clone();
        let read = |change: fn(&mut Jwk)| {
            let mut key = key.clone();
            change(&mut key);
            UnverifiedJws::parse(&text).unwrap().verify(&RustCryptoVerifier, &key, &EXPECTED)
        };
        assert!(read(|key| key.alg = Some("ES256".to_owned())).is_ok());
        assert!(read(|key| key.key_use = Some("sig".to_owned())).is_ok());
        assert_eq!(code(read(|key| key.alg = Some("ECDH-ES".to_owned()))), "signature_invalid");
        assert_eq!(code(read(|key| key.alg = Some("ES384".to_owned()))), "signature_invalid");
        assert_eq!(code(read(|key| key.key_use = Some("enc".to_owned()))), "signature_invalid");
        assert_eq!(code(read(|key| key.key_use = Some("other".to_owned()))), "signature_invalid");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = UnverifiedJws::parse(&text);
        }

        #[test]
        fn any_changed_character_is_refused(at in 0usize..200, with in "[A-Za-z0-9_-]") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let good = runtime.block_on(signed());
            let at = at % good.len();
            let mut changed = good.clone();
            changed.replace_range(at..=at, &with);
            prop_assume!(changed != good);
            let result = UnverifiedJws::parse(&changed)
                .and_then(|jws| jws.verify(&RustCryptoVerifier, signer().public_jwk(), &EXPECTED));
            prop_assert!(result.is_err());
        }
    }
}
