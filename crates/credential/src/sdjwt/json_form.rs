//! SD-JWT as a JWS in JSON serialization (RFC 9901 §8): another wrapping of the same parts.
//!
//! Disclosures and Key Binding JWT stand in the unprotected header of the first signature. They need no protection of their
//! own: the digests protect the ones, the holder's signature the other.

use serde_json::{Map, Value};

use super::fault;
use crate::jose::jws_json::{self, UnverifiedJwsJson};
use crate::verdict::{Failure, Verdict};

/// Which of the two JSON serializations to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// One signature, its members at the top.
    Flattened,
    /// An array of signatures.
    General,
}

/// Writes an SD-JWT or SD-JWT+KB, `<JWT>~<D1>~…~<Dn>~[<KB-JWT>]`, in JSON serialization: what an issuer issued, or what a
/// holder is about to present. Nothing is verified.
///
/// # Errors
/// `sd_jwt_malformed` if the text is not in compact form.
pub fn to_json(compact: &str, form: JsonForm) -> Verdict<String> {
    let malformed = || fault("sd_jwt_malformed", "not an SD-JWT in compact form");
    let (jwt, rest) = compact.split_once('~').ok_or_else(malformed)?;
    let (disclosures, key_binding) = match rest.rsplit_once('~') {
        Some((disclosures, key_binding)) => (disclosures, key_binding),
        None => ("", rest),
    };
    let key_binding = Some(key_binding).filter(|text| !text.is_empty());
    let written = match form {
        JsonForm::General => general(&[jwt.to_owned()], disclosures, key_binding),
        JsonForm::Flattened => jws_json::flattened(jwt, header(disclosures, key_binding)),
    };
    written.map_err(|_| malformed())
}

/// `disclosures`: `<D1>~…~<Dn>~`, with or without the last `~`.
pub(super) fn general(jwts: &[String], disclosures: &str, key_binding: Option<&str>) -> Verdict<String> {
    jws_json::general(jwts, header(disclosures, key_binding)).map_err(as_form)
}

fn header(disclosures: &str, key_binding: Option<&str>) -> Map<String, Value> {
    let disclosures: Value = disclosures.split('~').filter(|text| !text.is_empty()).collect();
    let mut header = Map::from_iter([("disclosures".to_owned(), disclosures)]);
    if let Some(key_binding) = key_binding {
        header.insert("kb_jwt".to_owned(), key_binding.into());
    }
    header
}

/// The compact form of a JSON serialization.
pub(super) fn to_compact(text: &str) -> Verdict<String> {
    let malformed = |detail: &str| fault("sd_jwt_malformed", detail);
    let jws = UnverifiedJwsJson::parse(text).map_err(as_form)?;
    let mut compact = jws.compact(0).map_err(as_form)?;
    let part = |value: &Value| match value {
        Value::String(text) if !text.is_empty() && !text.contains('~') => Ok(text.clone()),
        _ => Err(malformed("a disclosure or the Key Binding JWT is not a string that could be one")),
    };
    for at in 1..jws.len() {
        let header = jws.unprotected(at).into_iter().flatten();
        if header.into_iter().any(|(name, _)| ["disclosures", "kb_jwt"].contains(&name.as_str())) {
            let detail = "`disclosures` or `kb_jwt` stands in another than the first unprotected header";
            return Err(malformed(detail).at(format!("/signatures/{at}/header")));
        }
    }
    let header = |name: &str| jws.unprotected(0).and_then(|header| header.get(name));
    compact.push('~');
    match header("disclosures") {
        None => {}
        Some(Value::Array(disclosures)) => {
            for disclosure in disclosures {
                compact.push_str(&part(disclosure)?);
                compact.push('~');
            }
        }
        Some(_) => return Err(malformed("`disclosures` is not an array").at("/header/disclosures")),
    }
    if let Some(key_binding) = header("kb_jwt") {
        compact.push_str(&part(key_binding)?);
    }
    Ok(compact)
}

/// Gives a failure of the JWS the check and remedy that belong to it here.
fn as_form(failure: Failure) -> Failure {
    fault(failure.code, failure.detail).at(failure.pointer)
}
