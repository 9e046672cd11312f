//! JWS in JSON serialization (RFC 7515 §7.2), flattened and general.
//!
//! ```text
//! JSON text ──parse──▶ UnverifiedJwsJson ──signature(n)──▶ UnverifiedJws ──verify(key, …)──▶ VerifiedJws
//! ```
//!
//! Each signature is a compact JWS of its own over the one payload, and is verified as such. Which of them counts is for the
//! reader to decide before it looks; there is no "any of them" here. Strictly read: a header parameter is either protected or
//! not, and what decides about the signature is protected.
//!
//! # Codes
//! | code | check | meaning |
//! |---|---|---|
//! | `jws_json_malformed` | jws-form | not one of the two serializations, a mixture of both, a member twice, or too long |
//! | `jws_json_unprotected` | jws-form | a header parameter that must be protected is not |
//! | `jws_json_header_repeated` | jws-form | a header parameter is protected and unprotected at once |

use serde_json::{Map, Value};

use super::jws::{MAX_LENGTH, UnverifiedJws};
use crate::encoding::{b64, json};
use crate::verdict::{Failure, Verdict};

/// The most signatures that are read.
const MAX_SIGNATURES: usize = 8;

/// Header parameters that say how to verify, what is signed, or by whom: unprotected, anybody on the way could set them
/// (SD-JWT VC §2.5 for `x5c`; RFC 7515 §4.1.11 for `crit`).
const PROTECTED_ONLY: [&str; 11] =
    ["alg", "crit", "b64", "typ", "cty", "jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"];

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new("jws-form", "jws_json_malformed", detail)
        .remedy("send a flattened or general JSON serialization (RFC 7515 §7.2)")
}

/// A JWS with one signature or more that was taken apart. Nothing can be read from it but how many signatures there are and
/// what they say about their keys.
#[derive(Clone)]
pub struct UnverifiedJwsJson {
    payload64: String,
    signatures: Vec<Signature>,
}

#[derive(Clone)]
struct Signature {
    protected64: String,
    signature64: String,
    unprotected: Map<String, Value>,
}

impl UnverifiedJwsJson {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// See the [module docs](self). The signatures are looked at by [`UnverifiedJwsJson::signature`].
    pub fn parse(text: &str) -> Verdict<Self> {
        if text.len() > MAX_LENGTH {
            return Err(malformed("the text is too long"));
        }
        let Value::Object(mut members) =
            json::parse(text.as_bytes()).map_err(|error| malformed(error.to_string()))?
        else {
            return Err(malformed("not a JSON object"));
        };
        let payload64 = take_text(&mut members, "payload")?;
        let flattened =
            ["protected", "header", "signature"].into_iter().any(|name| members.contains_key(name));
        let signatures = match (members.remove("signatures"), flattened) {
            (None, true) => vec![Signature::read(members)?],
            (Some(Value::Array(entries)), false) => {
                entries.into_iter().map(Signature::of).collect::<Verdict<_>>()?
            }
            (Some(_), true) => return Err(malformed("general and flattened at once").at("/signatures")),
            (Some(_), false) => return Err(malformed("`signatures` is not an array").at("/signatures")),
            (None, false) => return Err(malformed("there is no signature")),
        };
        if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
            return Err(malformed("there are no signatures, or too many").at("/signatures"));
        }
        Ok(Self { payload64, signatures })
    }

    /// How many signatures there are: at least one.
    pub const fn len(&self) -> usize {
        self.signatures.len()
    }

    /// Never: there is at least one signature.
    pub const fn is_empty(&self) -> bool {
        self.signatures.is_empty()
    }

    /// The `kid` that the unprotected header of signature `at` claims: a hint, as [`UnverifiedJws::key_hint`].
    pub fn unprotected_kid(&self, at: usize) -> Option<&str> {
        self.unprotected(at)?.get("kid")?.as_str()
    }

    /// Signature `at` as a JWS of its own.
    ///
    /// # Errors
    /// The codes of [`UnverifiedJws::parse`]; `jws_json_malformed` if there is no such signature.
    pub fn signature(&self, at: usize) -> Verdict<UnverifiedJws> {
        UnverifiedJws::parse(&self.compact(at)?)
    }

    /// Signature `at` as a compact text.
    pub(crate) fn compact(&self, at: usize) -> Verdict<String> {
        let Signature { protected64, signature64, .. } =
            self.signatures.get(at).ok_or_else(|| malformed("there is no such signature"))?;
        if [protected64, &self.payload64, signature64].into_iter().any(|part| part.contains(['.', '~'])) {
            return Err(malformed("a part is not base64url"));
        }
        Ok(format!("{protected64}.{}.{signature64}", self.payload64))
    }

    /// The unprotected header of signature `at`, for formats that keep something there.
    pub(crate) fn unprotected(&self, at: usize) -> Option<&Map<String, Value>> {
        self.signatures.get(at).map(|signature| &signature.unprotected)
    }
}

impl Signature {
    fn of(entry: Value) -> Verdict<Self> {
        match entry {
            Value::Object(members) => Self::read(members),
            _ => Err(malformed("a signature is not an object").at("/signatures")),
        }
    }

    /// Members that are not known are ignored, as RFC 7515 §7.2.1 demands.
    fn read(mut members: Map<String, Value>) -> Verdict<Self> {
        let protected64 = take_text(&mut members, "protected")?;
        let signature64 = take_text(&mut members, "signature")?;
        let unprotected = match members.remove("header") {
            None => Map::new(),
            Some(Value::Object(header)) => header,
            Some(_) => return Err(malformed("the unprotected header is not an object").at("/header")),
        };
        if let Some(name) = PROTECTED_ONLY.into_iter().find(|name| unprotected.contains_key(*name)) {
            return Err(Failure::new(
                "jws-form",
                "jws_json_unprotected",
                format!("`{name}` is not protected"),
            )
            .at(format!("/header/{name}"))
            .remedy("put into the protected header whatever says how to verify"));
        }
        let protected = b64::decode(&protected64).ok().and_then(|bytes| json::parse(&bytes).ok());
        let Some(Value::Object(protected)) = protected else {
            return Err(malformed("the protected header is not a JSON object").at("/protected"));
        };
        if unprotected.keys().any(|name| protected.contains_key(name)) {
            let detail = "a header parameter is protected and unprotected at once";
            return Err(Failure::new("jws-form", "jws_json_header_repeated", detail)
                .at("/header")
                .remedy("name each header parameter once (RFC 7515 §7.2.1)"));
        }
        Ok(Self { protected64, signature64, unprotected })
    }
}

fn take_text(members: &mut Map<String, Value>, name: &str) -> Verdict<String> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(malformed(format!("`{name}` is missing or not a string")).at(format!("/{name}"))),
    }
}

/// Writes compact JWS over one payload as a general serialization; `first` is the unprotected header of the first one.
///
/// # Errors
/// `jws_json_malformed` if there are none, or if their payloads differ.
pub(crate) fn general(compact: &[String], first: Map<String, Value>) -> Verdict<String> {
    let mut payload = None;
    let mut signatures = Vec::with_capacity(compact.len());
    let mut header = Some(first);
    for text in compact {
        let (own_payload, mut entry) = members(text)?;
        if *payload.get_or_insert(own_payload) != own_payload {
            return Err(malformed("the signatures are over different payloads"));
        }
        if let Some(header) = header.take().filter(|header| !header.is_empty()) {
            entry.insert("header".to_owned(), header.into());
        }
        signatures.push(Value::Object(entry));
    }
    let payload = payload.ok_or_else(|| malformed("there is no signature"))?;
    Ok(serde_json::json!({"payload": payload, "signatures": signatures}).to_string())
}

/// Writes a compact JWS as a flattened serialization with this unprotected header.
pub(crate) fn flattened(compact: &str, header: Map<String, Value>) -> Verdict<String> {
    let (payload, mut out) = members(compact)?;
    out.insert("payload".to_owned(), payload.into());
    if !header.is_empty() {
        out.insert("header".to_owned(), header.into());
    }
    Ok(Value::Object(out).to_string())
}

fn members(compact: &str) -> Verdict<(&str, Map<String, Value>)> {
    let mut parts = compact.split('.');
    let (Some(protected), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("not a compact JWS"));
    };
    let entry = [("protected", protected), ("signature", signature)];
    Ok((payload, entry.map(|(name, text)| (name.to_owned(), Value::from(text))).into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::crypto::{ES256_OR_EDDSA, RustCryptoVerifier, Signer, SoftwareSigner};
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::PrivateJwk;
    use crate::jose::jws::{self, Expected};

    const EXPECTED: Expected<'_> = Expected::new("test+jwt", ES256_OR_EDDSA);

    fn signer(name: &str) -> SoftwareSigner {
        SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new(name))).unwrap()
    }

    async fn compact(name: &str) -> String {
        let signer = signer(name);
        jws::sign(&signer, jws::header("test+jwt", &signer), &json!({"a": 1})).await.unwrap()
    }

    async fn flat() -> Value {
        let header = json!({"kid": "1"}).as_object().cloned().unwrap();
        serde_json::from_str(&flattened(&compact("one").await, header).unwrap()).unwrap()
    }

    fn code(value: &Value) -> &'static str {
        UnverifiedJwsJson::parse(&value.to_string()).err().expect("refused").code
    }

    #[tokio::test]
    async fn each_signature_is_verified_by_itself_with_its_own_key() {
        let text = general(&[compact("one").await, compact("two").await], Map::new()).unwrap();
        let parsed = UnverifiedJwsJson::parse(&text).unwrap();
        assert_eq!((parsed.len(), parsed.is_empty()), (2, false));
        for (at, name) in ["one", "two"].into_iter().enumerate() {
            let verify = |name: &str| {
                let jws = parsed.signature(at).unwrap();
                jws.verify(&RustCryptoVerifier, signer(name).public_jwk(), &EXPECTED)
            };
            assert_eq!(verify(name).unwrap().claims()["a"], 1);
            assert_eq!(verify("three").unwrap_err().code, "signature_invalid");
        }
        assert_eq!(parsed.signature(2).err().unwrap().code, "jws_json_malformed");
        let parsed = UnverifiedJwsJson::parse(&flat().await.to_string()).unwrap();
        assert_eq!((parsed.len(), parsed.unprotected_kid(0)), (1, Some("1")));
    }

    #[tokio::test]
    async fn what_is_neither_flattened_nor_general_is_refused() {
        let flat = flat().await;
        let with = |name: &str, value: Value| {
            let mut changed = flat.clone();
            changed[name] = value;
            code(&changed)
        };
        for (name, value) in [
            ("payload", json!(1)),
            ("protected", json!(null)),
            ("protected", json!("e30=")),
            ("protected", json!(b64::encode("[]"))),
            ("protected", json!(b64::encode(r#"{"alg":"ES256","alg":"ES256"}"#))),
            ("signature", json!(["x"])),
            ("header", json!("x")),
            ("signatures", json!([])),
            ("signatures", json!([flat.clone()])),
        ] {
            assert_eq!(with(name, value.clone()), "jws_json_malformed", "{name}: {value}");
        }
        let payload = &flat["payload"];
        for general in [json!([]), json!({}), json!([1]), Value::Array(vec![flat.clone(); 9])] {
            assert_eq!(code(&json!({"payload": payload, "signatures": general})), "jws_json_malformed");
        }
        assert_eq!(code(&json!({"payload": payload})), "jws_json_malformed");
        assert_eq!(code(&json!([flat])), "jws_json_malformed");
        let twice = flat.to_string().replacen('{', r#"{"payload":"e30","#, 1);
        assert_eq!(UnverifiedJwsJson::parse(&twice).err().unwrap().code, "jws_json_malformed");
        assert!(UnverifiedJwsJson::parse(&format!("{flat} x")).is_err());
        let mut more = flat.clone();
        more["unknown"] = json!(1);
        assert!(UnverifiedJwsJson::parse(&more.to_string()).is_ok(), "unknown members are ignored");
    }

    #[tokio::test]
    async fn sd_n14_what_says_how_to_verify_is_protected() {
        let mut flat = flat().await;
        for name in PROTECTED_ONLY {
            flat["header"] = json!({name: "x"});
            assert_eq!(code(&flat), "jws_json_unprotected", "{name}");
        }
        let signer = signer("one");
        let header = json!({"typ": "test+jwt", "kid": "1"}).as_object().cloned().unwrap();
        let compact = jws::sign(&signer, header, &json!({})).await.unwrap();
        let text = flattened(&compact, json!({"kid": "1"}).as_object().cloned().unwrap()).unwrap();
        assert_eq!(UnverifiedJwsJson::parse(&text).err().unwrap().code, "jws_json_header_repeated");
    }

    #[tokio::test]
    async fn parts_are_not_smuggled_in_with_dots() {
        let mut flat = flat().await;
        let signature = flat["signature"].as_str().unwrap().to_owned();
        for part in [format!(".{signature}"), format!("{signature}~")] {
            flat["signature"] = part.into();
            let parsed = UnverifiedJwsJson::parse(&flat.to_string()).unwrap();
            assert_eq!(parsed.signature(0).err().unwrap().code, "jws_json_malformed");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String, part in "[{}\\[\\]\",:a-z]{0,40}") {
            for text in [text, part] {
                let _ = UnverifiedJwsJson::parse(&text).and_then(|parsed| parsed.signature(0));
            }
        }
    }
}
