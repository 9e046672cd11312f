//! One disclosure: `[salt, name, value]` or `[salt, value]` in base64url (RFC 9901 §4.2).

use serde_json::Value;

use super::{RESERVED_NAMES, fault};
use crate::encoding::{b64, json};
use crate::entropy::{self, Entropy};
use crate::verdict::Verdict;

/// A disclosure that was decoded. The salt has done its work in the digest and is not kept.
pub(super) enum Disclosure {
    /// An object member, for a digest in `_sd`.
    Member(String, Value),
    /// An array element, for a `{"...": digest}`.
    Element(Value),
}

impl Disclosure {
    /// Decodes the text as it was received. `at` is its number, for the failure.
    pub(super) fn decode(text: &str, at: usize) -> Verdict<Self> {
        let malformed = |detail: &str| fault("disclosure_malformed", format!("disclosure {at}: {detail}"));
        let bytes = b64::decode(text).map_err(|_| malformed("not base64url without padding"))?;
        let value = json::parse(&bytes).map_err(|error| malformed(&error.to_string()))?;
        let Value::Array(parts) = value else { return Err(malformed("not a JSON array")) };
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Value::String(_)), Some(Value::String(name)), Some(value), None) => {
                if RESERVED_NAMES.contains(&name.as_str()) {
                    return Err(fault(
                        "claim_name_reserved",
                        format!("disclosure {at}: a claim may not be named `_sd`, `_sd_alg` or `...`"),
                    ));
                }
                Ok(Self::Member(name, value))
            }
            (Some(Value::String(_)), Some(value), None, None) => Ok(Self::Element(value)),
            (Some(Value::String(_)), Some(_), Some(_), None) => {
                Err(malformed("the claim name is not a string"))
            }
            (Some(Value::String(_)), ..) => Err(malformed("there are not two or three elements")),
            (Some(_), ..) => Err(malformed("the salt is not a string")),
            (None, ..) => Err(malformed("the array is empty")),
        }
    }

    /// Writes a disclosure with a fresh salt of 128 bits (RFC 9901 §9.3).
    pub(super) fn encode(name: Option<&str>, value: &Value, entropy: &dyn Entropy) -> String {
        let salt = b64::encode(entropy::bytes::<16>(entropy));
        let mut parts = vec![Value::String(salt)];
        parts.extend(name.map(|name| Value::String(name.to_owned())));
        parts.push(value.clone());
        b64::encode(Value::Array(parts).to_string())
    }
}
