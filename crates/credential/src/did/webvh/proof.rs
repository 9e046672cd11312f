//! Data Integrity proofs with `eddsa-jcs-2022` by a `did:key` (VC Data Integrity EdDSA 1.0 §3.3), which is all that
//! `did:webvh` 1.0 permits.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::super::{jcs, multikey};
use crate::crypto::{Algorithm, SignatureVerifier};
use crate::jose::jwk::PublicKey;

pub(super) const CRYPTOSUITE: &str = "eddsa-jcs-2022";
/// A signature of 64 bytes in base58btc has at most 88 characters, and the multibase letter.
const MAX_VALUE: usize = 89;

/// A proof whose form is right; whether it proves anything is [`Proof::verify`].
pub(super) struct Proof {
    /// The Multikey of the key that is to have signed, the same in the body and the fragment of the `did:key`.
    pub(super) key: String,
    options: Map<String, Value>,
    signature: Vec<u8>,
}

impl Proof {
    /// Reads a proof, and says what is wrong with its form.
    pub(super) fn read(value: &Value) -> Result<Self, &'static str> {
        let mut options = value.as_object().cloned().ok_or("a proof is not a JSON object")?;
        let signature = options.remove("proofValue");
        let signature = signature
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| multikey::base58btc(text, MAX_VALUE))
            .ok_or("`proofValue` is not a base58btc multibase value")?;
        let text = |name: &str| options.get(name).and_then(Value::as_str);
        if text("type") != Some("DataIntegrityProof") || text("cryptosuite") != Some(CRYPTOSUITE) {
            return Err("a proof is not a DataIntegrityProof with eddsa-jcs-2022");
        }
        if text("proofPurpose") != Some("assertionMethod") {
            return Err("`proofPurpose` is not assertionMethod");
        }
        let key = text("verificationMethod")
            .and_then(did_key)
            .ok_or("`verificationMethod` is not a did:key whose body and fragment name the same key")?;
        let created = options.get("created").is_none_or(Value::is_string);
        let known = ["type", "cryptosuite", "proofPurpose", "verificationMethod", "created"];
        if !created || options.keys().any(|name| !known.contains(&name.as_str())) {
            return Err("a proof has a member that did:webvh does not use");
        }
        Ok(Self { key: key.to_owned(), options, signature })
    }

    /// Whether the key signed the document with this hash ([`hash`]) and these options.
    pub(super) fn verify(&self, document: &[u8; 32], verifier: &dyn SignatureVerifier) -> bool {
        let Ok(key) = multikey::decode(&self.key) else { return false };
        let signed = [hash(&Value::Object(self.options.clone())), *document].concat();
        matches!(key.key, PublicKey::Ed25519(_))
            && verifier.verify(Algorithm::EdDsa, &key, &signed, &self.signature).is_ok()
    }
}

/// SHA-256 of the canonical form.
pub(super) fn hash(value: &Value) -> [u8; 32] {
    Sha256::digest(jcs::canonicalize(value)).into()
}

/// The Multikey of `did:key:X#X`.
fn did_key(url: &str) -> Option<&str> {
    let (body, fragment) = url.strip_prefix("did:key:")?.split_once('#')?;
    (body == fragment).then_some(body)
}
