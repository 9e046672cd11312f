//! Writes the entries of a log and the proofs of witnesses. Whether a log is valid, [`UnwitnessedLog::read`] says:
//! an author signs whatever it is told to.
//!
//! [`UnwitnessedLog::read`]: super::UnwitnessedLog::read

use serde_json::{Map, Value, json};

use super::super::timestamp;
use super::super::{Did, multikey};
use super::entry::{PLACEHOLDER, calculate_entry_hash, calculate_scid, replace};
use super::proof::{self, CRYPTOSUITE};
use crate::crypto::{Algorithm, Signer, SignerError};
use crate::time::UnixTime;

/// Why an entry could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorError {
    /// The key is not an Ed25519 key.
    #[error("did:webvh 1.0 signs with Ed25519 keys")]
    KeyType,
    /// The parameters are not a JSON object, or the place is not one for a DID.
    #[error("the content of the entry is malformed")]
    Content,
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A signed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The DID.
    pub did: Did,
    /// `versionId`.
    pub version_id: String,
    /// The line of `did.jsonl`, without a line break.
    pub line: String,
    number: usize,
}

/// Somebody who signs entries, or approves them as a witness.
pub struct Author<'a> {
    signer: &'a dyn Signer,
}

impl<'a> Author<'a> {
    /// An author with this key.
    ///
    /// # Errors
    /// [`AuthorError::KeyType`].
    pub fn new(signer: &'a dyn Signer) -> Result<Self, AuthorError> {
        if signer.algorithm() == Algorithm::EdDsa { Ok(Self { signer }) } else { Err(AuthorError::KeyType) }
    }

    /// The author's key as Multikey: an entry of `updateKeys`, and the witness `did:key:<this>`.
    pub fn multikey(&self) -> String {
        multikey::encode(&self.signer.public_jwk().key)
    }

    /// What `nextKeyHashes` says of the author's key.
    pub fn key_hash(&self) -> String {
        super::super::multihash::base58(self.multikey())
    }

    /// The first entry. `{SCID}` in `state` stands for the SCID, e.g. in the `id` `did:webvh:{SCID}:a.example`;
    /// `method` and `scid` are added to `parameters`.
    ///
    /// # Errors
    /// [`AuthorError`].
    pub async fn first(
        &self,
        time: UnixTime,
        parameters: &Value,
        state: &Value,
    ) -> Result<LogEntry, AuthorError> {
        let mut parameters = parameters.as_object().cloned().ok_or(AuthorError::Content)?;
        parameters.entry("method").or_insert_with(|| json!("did:webvh:1.0"));
        parameters.insert("scid".to_owned(), json!(PLACEHOLDER));
        let draft = draft(time, &Value::Object(parameters), state);
        let scid = calculate_scid(&draft, PLACEHOLDER).ok_or(AuthorError::Content)?;
        let draft = replace(&Value::Object(draft), PLACEHOLDER, &scid);
        let Some(Value::Object(draft)) = draft else { return Err(AuthorError::Content) };
        self.sign(draft, 1, &scid).await
    }

    /// The entry after `previous`.
    ///
    /// # Errors
    /// [`AuthorError`].
    pub async fn next(
        &self,
        previous: &LogEntry,
        time: UnixTime,
        parameters: &Value,
        state: &Value,
    ) -> Result<LogEntry, AuthorError> {
        self.sign(draft(time, parameters, state), previous.number + 1, &previous.version_id).await
    }

    pub(super) async fn sign(
        &self,
        mut draft: Map<String, Value>,
        number: usize,
        predecessor: &str,
    ) -> Result<LogEntry, AuthorError> {
        let id = draft.get("state").and_then(|state| state.get("id")).and_then(Value::as_str);
        let did = id.and_then(|id| Did::parse(id).ok()).ok_or(AuthorError::Content)?;
        let version_id = format!("{number}-{}", calculate_entry_hash(draft.clone(), predecessor));
        draft.insert("versionId".to_owned(), json!(version_id));
        let proof = self.proof(&Value::Object(draft.clone())).await?;
        draft.insert("proof".to_owned(), json!([proof]));
        Ok(LogEntry { did, version_id, line: Value::Object(draft).to_string(), number })
    }

    /// A witness's approval of a version: an element of `proof` in `did-witness.json`.
    ///
    /// # Errors
    /// [`AuthorError::Signer`].
    pub async fn approve(&self, version_id: &str) -> Result<Value, AuthorError> {
        self.proof(&json!({ "versionId": version_id })).await
    }

    async fn proof(&self, document: &Value) -> Result<Value, AuthorError> {
        let key = self.multikey();
        let mut proof = json!({
            "type": "DataIntegrityProof",
            "cryptosuite": CRYPTOSUITE,
            "verificationMethod": format!("did:key:{key}#{key}"),
            "proofPurpose": "assertionMethod",
        });
        let signed = [proof::hash(&proof), proof::hash(document)].concat();
        let signature = self.signer.sign(&signed).await?;
        if let Some(proof) = proof.as_object_mut() {
            let value = multibase::encode(multibase::Base::Base58Btc, signature);
            proof.insert("proofValue".to_owned(), json!(value));
        }
        Ok(proof)
    }
}

impl std::fmt::Debug for Author<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Author({})", self.multikey())
    }
}

pub(super) fn draft(time: UnixTime, parameters: &Value, state: &Value) -> Map<String, Value> {
    [
        ("versionTime", json!(timestamp::write(time))),
        ("parameters", parameters.clone()),
        ("state", state.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
