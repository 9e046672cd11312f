//! A compact JWS taken apart. The text stays with the caller, so that nothing of it is copied.

use std::ops::Range;

use serde_json::{Map, Value};

use super::jws::{Expected, KeyHint, MAX_LENGTH};
use crate::crypto::{Algorithm, SignatureVerifier};
use crate::encoding::{EncodingError, b64, json};
use crate::jose::jwk::Jwk;
use crate::verdict::{Failure, Verdict};

/// The parts of a JWS, decoded, with a well-formed header.
#[derive(Clone)]
pub(crate) struct JwsParts {
    pub(crate) header: Map<String, Value>,
    pub(crate) algorithm: Algorithm,
    /// Nobody reads it before [`JwsParts::check`] held.
    pub(crate) payload: Vec<u8>,
    jwk: Option<Jwk>,
    x5c: Vec<Vec<u8>>,
    signature: Signature,
}

/// The longest signature that an algorithm has here: r‖s of P-384.
const MAX_SIGNATURE: usize = 96;

#[derive(Clone)]
struct Signature {
    bytes: [u8; MAX_SIGNATURE],
    length: usize,
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new("jws-form", "jws_malformed", detail).remedy("send a compact JWS (RFC 7515 §7.1)")
}

fn alg_not_allowed(detail: &str) -> Failure {
    Failure::new("jws-algorithm", "alg_not_allowed", detail)
        .at("/alg")
        .remedy("sign with an algorithm that is accepted for this kind of token: ES256 always is")
}

impl JwsParts {
    /// Splits `compact` and checks its header; also returns the part of the text that was signed.
    ///
    /// # Errors
    /// As [`super::jws::UnverifiedJws::parse`].
    pub(crate) fn parse(compact: &str) -> Verdict<(Self, &str)> {
        if compact.len() > MAX_LENGTH {
            return Err(malformed("the text is too long"));
        }
        let mut dots = memchr::memchr_iter(b'.', compact.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(malformed("there are not exactly three parts"));
        };
        let part = |range: Range<usize>| compact.get(range).unwrap_or_default();
        let (input, header64, payload64) = (part(0..second), part(0..first), part(first + 1..second));
        let signature64 = part(second + 1..compact.len());
        let not_base64 = |name: &str| malformed(format!("the {name} is not base64url without padding"));
        let header = b64::decode(header64).map_err(|_| not_base64("header"))?;
        let header = match json::parse(&header) {
            Ok(Value::Object(header)) => header,
            Ok(_) => return Err(malformed("the header is not a JSON object")),
            Err(error) => return Err(malformed(format!("the header: {error}"))),
        };
        let (algorithm, jwk) = check_header(&header)?;
        let x5c = parse_x5c(&header)?;
        let payload = b64::decode(payload64).map_err(|_| not_base64("payload"))?;
        let mut signature = Signature { bytes: [0; MAX_SIGNATURE], length: 0 };
        signature.length = match b64::decode_slice(signature64, &mut signature.bytes) {
            Ok(length) => length,
            Err(EncodingError::Length) => return Err(malformed("the signature is too long")),
            Err(_) => return Err(not_base64("signature")),
        };
        Ok((Self { header, algorithm, payload, jwk, x5c, signature }, input))
    }

    /// What the sender says about the key.
    pub(crate) fn key_hint(&self) -> KeyHint<'_> {
        KeyHint {
            algorithm: self.algorithm,
            typ: self.typ(),
            kid: self.header.get("kid").and_then(Value::as_str),
            jwk: self.jwk.as_ref(),
            x5c: &self.x5c,
        }
    }

    /// `typ`.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.header.get("typ").and_then(Value::as_str)
    }

    /// As [`super::jws::UnverifiedJws::claimed`].
    pub(crate) fn claimed(&self, name: &str) -> Option<String> {
        match json::find(&self.payload, name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Checks the algorithm, the type and the signature over `signing_input`.
    ///
    /// # Errors
    /// As [`super::jws::UnverifiedJws::verify`], but for the payload.
    pub(crate) fn check(
        &self,
        signing_input: &str,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
    ) -> Verdict<()> {
        self.check_algorithm(expected)?;
        self.check_type(expected)?;
        self.check_signature(signing_input, verifier, key)
    }

    /// The algorithm is one of those that are expected.
    pub(crate) fn check_algorithm(&self, expected: &Expected<'_>) -> Verdict<()> {
        if expected.algorithms.contains(&self.algorithm) {
            return Ok(());
        }
        Err(alg_not_allowed("`alg` is not on the list for this kind of token"))
    }

    /// The type is the expected one.
    pub(crate) fn check_type(&self, expected: &Expected<'_>) -> Verdict<()> {
        if self.typ() == Some(expected.typ) {
            return Ok(());
        }
        Err(Failure::new("jws-type", "typ_not_allowed", format!("`typ` is not `{}`", expected.typ))
            .at("/typ")
            .remedy("set the type that the specification names: one kind of token is never another"))
    }

    /// The signature over `signing_input` is `key`'s.
    pub(crate) fn check_signature(
        &self,
        signing_input: &str,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
    ) -> Verdict<()> {
        let invalid = |detail: &str| {
            Failure::new("jws-signature", "signature_invalid", detail)
                .remedy("sign the text with the key that is published for this signer")
        };
        if !key.may_verify(self.algorithm) {
            return Err(invalid("the key is for another algorithm, or for encryption"));
        }
        let signature = self.signature.bytes.get(..self.signature.length).unwrap_or_default();
        verifier
            .verify(self.algorithm, key, signing_input.as_bytes(), signature)
            .map_err(|_| invalid("the signature is not of this key over this text"))
    }
}

/// The claims in a payload.
pub(crate) fn claims(payload: &[u8]) -> Verdict<Map<String, Value>> {
    let fault = |detail: String| {
        Failure::new("jws-payload", "payload_not_json", detail)
            .remedy("sign a JSON object in which no member occurs twice")
    };
    match json::parse(payload) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(fault("the payload is not an object".to_owned())),
        Err(error) => Err(fault(error.to_string())),
    }
}

fn check_header(header: &Map<String, Value>) -> Verdict<(Algorithm, Option<Jwk>)> {
    let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let algorithm = Algorithm::from_name(alg)
        .ok_or_else(|| alg_not_allowed("`alg` is not an asymmetric algorithm that is used here"))?;
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(Failure::new("jws-critical", "crit_not_supported", "`crit` and `b64` are not supported")
            .at("/crit")
            .remedy("leave the extension out"));
    }
    for name in ["typ", "kid", "cty"] {
        if header.get(name).is_some_and(|value| !value.is_string()) {
            return Err(malformed(format!("`{name}` is not a string")).at(format!("/{name}")));
        }
    }
    let jwk = header.get("jwk").map(Jwk::from_value).transpose().map_err(|error| {
        Failure::new("jws-key", "jwk_invalid", error.to_string())
            .at("/jwk")
            .remedy("send the public key only, as RFC 7517 says")
    })?;
    Ok((algorithm, jwk))
}

fn parse_x5c(header: &Map<String, Value>) -> Verdict<Vec<Vec<u8>>> {
    use base64::Engine as _;
    let Some(value) = header.get("x5c") else { return Ok(Vec::new()) };
    let fault = || malformed("`x5c` is not a non-empty array of base64 DER certificates").at("/x5c");
    let array = value.as_array().filter(|array| !array.is_empty() && array.len() <= 8).ok_or_else(fault)?;
    array
        .iter()
        .map(|entry| {
            let text = entry.as_str().ok_or_else(fault)?;
            base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| fault())
        })
        .collect()
}
