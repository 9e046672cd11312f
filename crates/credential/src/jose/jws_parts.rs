//! A compact JWS taken apart. The text stays with the caller, so that nothing of it is copied.

use std::ops::Range;

use serde_json::{Map, Value};

use super::header::Header;
use super::jws::{Expected, KeyHint, MAX_LENGTH};
use crate::crypto::SignatureVerifier;
use crate::encoding::{EncodingError, b64, json};
use crate::jose::jwk::Jwk;
use crate::verdict::{Failure, Verdict};

/// The parts of a JWS, decoded, with a well-formed header.
#[derive(Clone)]
pub(crate) struct JwsParts {
    pub(crate) header: Header,
    /// Nobody reads it before [`JwsParts::check`] held.
    pub(crate) payload: Vec<u8>,
    signature: Signature,
}

/// The longest signature that an algorithm has here: r‖s of P-384.
const MAX_SIGNATURE: usize = 96;

#[derive(Clone)]
struct Signature {
    bytes: [u8; MAX_SIGNATURE],
    length: usize,
}

pub(super) fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new("jws-form", "jws_malformed", detail).remedy("send a compact JWS (RFC 7515 §7.1)")
}

pub(super) fn alg_not_allowed(detail: &str) -> Failure {
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
        let header = Header::read(b64::decode(header64).map_err(|_| not_base64("header"))?)?;
        let payload = b64::decode(payload64).map_err(|_| not_base64("payload"))?;
        let mut signature = Signature { bytes: [0; MAX_SIGNATURE], length: 0 };
        signature.length = match b64::decode_slice(signature64, &mut signature.bytes) {
            Ok(length) => length,
            Err(EncodingError::Length) => return Err(malformed("the signature is too long")),
            Err(_) => return Err(not_base64("signature")),
        };
        Ok((Self { header, payload, signature }, input))
    }

    /// What the sender says about the key.
    pub(crate) fn key_hint(&self) -> KeyHint<'_> {
        let Header { algorithm, typ, kid, jwk, x5c, .. } = &self.header;
        KeyHint { algorithm: *algorithm, typ: typ.as_deref(), kid: kid.as_deref(), jwk: jwk.as_ref(), x5c }
    }

    /// `typ`.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
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
        if expected.algorithms.contains(&self.header.algorithm) {
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
        if !key.may_verify(self.header.algorithm) {
            return Err(invalid("the key is for another algorithm, or for encryption"));
        }
        let signature = self.signature.bytes.get(..self.signature.length).unwrap_or_default();
        verifier
            .verify(self.header.algorithm, key, signing_input.as_bytes(), signature)
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
