//! Transaction data (OpenID4VP 1.0 §5.1, §8.4, App. B.3.3.1): what the holder confirms by presenting.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use enishi_credential::encoding::{b64, json};
use enishi_credential::verdict::{Failure, Verdict};

/// The only hash algorithm that is offered and accepted (App. B.3.3.1 makes it mandatory).
pub const HASH_ALG: &str = "sha-256";

/// One `transaction_data` entry: the base64url string exactly as it travels, and the object in it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionData {
    encoded: String,
    kind: String,
    credential_ids: Vec<String>,
    members: Map<String, Value>,
}

/// base64url(SHA-256(ASCII of `encoded`)): the hash that goes into a KB-JWT. It is over the string that travels, not
/// over what it decodes to.
pub fn hash(encoded: &str) -> String {
    b64::encode(Sha256::digest(encoded.as_bytes()))
}

fn invalid(detail: &'static str) -> Failure {
    Failure::new("transaction-data", "transaction_data_invalid", detail)
        .at("/transaction_data")
        .remedy("send base64url strings of JSON objects with `type` and a non-empty `credential_ids`")
}

impl TransactionData {
    /// Writes an entry. `members` are the members besides `type` and `credential_ids`.
    pub fn new(kind: &str, credential_ids: &[&str], members: Map<String, Value>) -> Self {
        let credential_ids: Vec<String> = credential_ids.iter().map(|id| (*id).to_owned()).collect();
        let mut object = members.clone();
        object.insert("type".to_owned(), kind.into());
        object.insert("credential_ids".to_owned(), credential_ids.clone().into());
        let encoded = b64::encode(Value::Object(object).to_string());
        Self { encoded, kind: kind.to_owned(), credential_ids, members }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// `transaction_data_invalid` if it is not a base64url string of such an object. Whether the type is supported is
    /// for the caller to say; on the wire both are `invalid_transaction_data` (§8.5).
    pub fn parse(encoded: &str) -> Verdict<Self> {
        let bytes = b64::decode(encoded).map_err(|_| invalid("not base64url without padding"))?;
        let Ok(Value::Object(mut members)) = json::parse(&bytes) else {
            return Err(invalid("not a JSON object without duplicate members"));
        };
        let Some(Value::String(kind)) = members.remove("type") else {
            return Err(invalid("`type` is not a string"));
        };
        let Some(Value::Array(ids)) = members.remove("credential_ids") else {
            return Err(invalid("`credential_ids` is not an array"));
        };
        let ids: Option<Vec<String>> = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect();
        let credential_ids = ids.filter(|ids| !ids.is_empty());
        let credential_ids = credential_ids.ok_or_else(|| invalid("`credential_ids` holds no strings"))?;
        Ok(Self { encoded: encoded.to_owned(), kind, credential_ids, members })
    }

    /// The string that travels.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// `type`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The Credential Queries that this entry belongs to.
    pub fn credential_ids(&self) -> &[String] {
        &self.credential_ids
    }

    /// The members besides `type` and `credential_ids`.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The hash that goes into a KB-JWT.
    pub fn hash(&self) -> String {
        hash(&self.encoded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn vp_n10_malformed_entries_are_refused() {
        let parse = |value: Value| TransactionData::parse(&b64::encode(value.to_string()));
        assert!(parse(json!({"type": "t", "credential_ids": ["a"], "x": 1})).is_ok());
        for bad in [
            json!({"credential_ids": ["a"]}),
            json!({"type": 1, "credential_ids": ["a"]}),
            json!({"type": "t"}),
            json!({"type": "t", "credential_ids": []}),
            json!({"type": "t", "credential_ids": [1]}),
            json!(["t"]),
        ] {
            assert_eq!(parse(bad).unwrap_err().code, "transaction_data_invalid");
        }
        assert!(TransactionData::parse("{}").is_err(), "not encoded");
    }

    #[test]
    fn vp_n14_the_hash_is_over_the_string_that_travels() {
        let entry = TransactionData::new("t", &["a"], Map::new());
        assert_eq!(entry.hash(), hash(entry.encoded()));
        let decoded = String::from_utf8(b64::decode(entry.encoded()).unwrap()).unwrap();
        assert_ne!(entry.hash(), hash(&decoded));
        assert_eq!(TransactionData::parse(entry.encoded()).unwrap(), entry);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String, bytes: Vec<u8>) {
            let _ = TransactionData::parse(&text);
            let _ = TransactionData::parse(&b64::encode(bytes));
        }
    }
}
