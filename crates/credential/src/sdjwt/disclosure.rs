//! One disclosure: `[salt, name, value]` or `[salt, value]` in base64url (RFC 9901 §4.2).

use serde_json::Value;

use super::fault;
use super::place::Place;
use crate::encoding::{b64, json};
use crate::verdict::Failure;

/// What a digest wants a disclosure to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An object member, for a digest in `_sd`.
    Member,
    /// An array element, for a `{"...": digest}`.
    Element,
}

/// The disclosure number `at` is not one.
pub(super) fn malformed(at: usize, detail: &str) -> Failure {
    fault("disclosure_malformed", format!("disclosure {at}: {detail}"))
}

/// Says what is wrong with a disclosure that could not be read as the `kind` that the digest at `place` wants.
pub(super) fn explain(bytes: &[u8], at: usize, kind: Kind, place: &Place<'_>) -> Failure {
    let parts = match json::parse(bytes) {
        Ok(Value::Array(parts)) => parts,
        Ok(_) => return malformed(at, "not a JSON array"),
        Err(error) => return malformed(at, &error.to_string()),
    };
    match (kind, parts.as_slice()) {
        (_, []) => malformed(at, "the array is empty"),
        (Kind::Member, [Value::String(_), _]) => {
            fault("disclosure_kind", format!("disclosure {at} is of an array element, in `_sd`"))
                .at(place.to_pointer())
        }
        (Kind::Element, [Value::String(_), Value::String(_), _]) => {
            fault("disclosure_kind", format!("disclosure {at} is of an object member, in an array"))
                .at(place.to_pointer())
        }
        (_, [Value::String(_), _, _]) => malformed(at, "the claim name is not a string"),
        (_, [Value::String(_), ..]) => malformed(at, "there are not two or three elements"),
        _ => malformed(at, "the salt is not a string"),
    }
}

/// Writes a disclosure in base64url at the end of `out`. `json` is room to write in, and is emptied first.
pub(super) fn encode(out: &mut String, json: &mut Vec<u8>, salt: &str, name: Option<&str>, value: &Value) {
    json.clear();
    // Names and JSON values can always be written, and writing into memory does not fail.
    let _ = match name {
        Some(name) => serde_json::to_writer(&mut *json, &(salt, name, value)),
        None => serde_json::to_writer(&mut *json, &(salt, value)),
    };
    b64::encode_into(&*json, out);
}
