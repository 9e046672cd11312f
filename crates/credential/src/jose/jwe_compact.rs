//! The compact form of a JWE (RFC 7516 §7.1): what is written, what is accepted, and the key that both sides derive.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::encoding::{b64, json};
use crate::jose::jwe::{Accepted, ContentEncryption, JweError, JweHeader, KeyManagement, RESERVED};
use crate::jose::jwk::{Jwk, PublicKey};

/// The longest compact JWE that is read; larger ones are refused before any decoding.
pub const MAX_LENGTH: usize = 1 << 20;
/// Length of the initialization vector of AES-GCM in bytes (RFC 7518 §5.3).
pub const IV_LENGTH: usize = 12;
/// Length of the authentication tag of AES-GCM in bytes (RFC 7518 §5.3).
pub const TAG_LENGTH: usize = 16;
/// What AES key wrap adds to the length of a key, in bytes (RFC 3394 §2.2.1).
const WRAPPING_OVERHEAD: usize = 8;

/// A compact JWE whose form, algorithms and ephemeral key are acceptable. Nothing can be read from it but its
/// [`header`](Self::header), and that is only a hint until a key has opened the text.
///
/// The text is decoded once, however many keys are tried.
#[derive(Clone)]
pub struct UnopenedJwe<'a> {
    compact: &'a str,
    header64: &'a str,
    header: JweHeader,
    ephemeral: PublicKey,
    encrypted_key: Vec<u8>,
    iv: [u8; IV_LENGTH],
    content: Vec<u8>,
}

impl<'a> UnopenedJwe<'a> {
    /// Splits `compact` and checks all that can be checked without a key.
    ///
    /// # Errors
    /// [`JweError::Malformed`] for anything but five strict base64url parts with the lengths that the algorithms ask for, a
    /// JSON header without duplicate members at any depth, and an ephemeral public key that is a point of P-256 or
    /// X25519 without private members; [`JweError::NotAllowed`] for algorithms that are not `accepted`, and for `zip`,
    /// `crit` and `b64` whatever they say.
    pub fn parse(compact: &'a str, accepted: &Accepted<'_>) -> Result<Self, JweError> {
        let malformed = JweError::Malformed;
        if compact.len() > MAX_LENGTH {
            return Err(malformed);
        }
        let mut parts = compact.split('.');
        let (Some(header64), Some(encrypted_key), Some(iv), Some(ciphertext), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed);
        };
        let decode = |part: &str| b64::decode(part).map_err(|_| malformed);
        let Ok(Value::Object(members)) = json::parse(&decode(header64)?) else { return Err(malformed) };
        let (header, ephemeral) = read_header(members, accepted)?;

        // Direct agreement leaves the encrypted key empty (RFC 7516 §5.2 step 10).
        let length =
            if header.algorithm.wraps() { header.encryption.key_length() + WRAPPING_OVERHEAD } else { 0 };
        let encrypted_key = decode(encrypted_key)?;
        if encrypted_key.len() != length {
            return Err(malformed);
        }
        let iv = b64::decode_array(iv).map_err(|_| malformed)?;
        let tag = b64::decode_array::<TAG_LENGTH>(tag).map_err(|_| malformed)?;
        let mut content = decode(ciphertext)?;
        content.extend_from_slice(&tag);
        Ok(Self { compact, header64, header, ephemeral, encrypted_key, iv, content })
    }

    /// What the sender says: good for finding the key, trusted no further.
    pub const fn header(&self) -> &JweHeader {
        &self.header
    }

    /// The text as it came.
    pub const fn compact(&self) -> &'a str {
        self.compact
    }

    /// The sender's ephemeral key, `epk`.
    pub const fn ephemeral_key(&self) -> &PublicKey {
        &self.ephemeral
    }

    /// The wrapped content key; empty for direct agreement.
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    /// The initialization vector.
    pub const fn iv(&self) -> [u8; IV_LENGTH] {
        self.iv
    }

    /// The ciphertext with its tag.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Length of the plaintext in bytes.
    pub fn plaintext_length(&self) -> usize {
        self.content.len().saturating_sub(TAG_LENGTH)
    }

    /// What the tag covers besides the ciphertext: the header as it came (RFC 7516 §5.2 step 15).
    pub const fn additional_data(&self) -> &'a [u8] {
        self.header64.as_bytes()
    }
}

fn read_header(
    mut members: Map<String, Value>,
    accepted: &Accepted<'_>,
) -> Result<(JweHeader, PublicKey), JweError> {
    let malformed = JweError::Malformed;
    if ["zip", "crit", "b64"].iter().any(|name| members.contains_key(*name)) {
        return Err(JweError::NotAllowed);
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let algorithm = text("alg")
        .and_then(KeyManagement::from_name)
        .filter(|it| accepted.algorithms.contains(it))
        .ok_or(JweError::NotAllowed)?;
    let encryption = text("enc")
        .and_then(ContentEncryption::from_name)
        .filter(|it| accepted.encryptions.contains(it))
        .ok_or(JweError::NotAllowed)?;
    if ["typ", "cty"].iter().any(|name| members.get(*name).is_some_and(|value| !value.is_string())) {
        return Err(malformed);
    }
    let kid = match members.remove("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid),
        Some(_) => return Err(malformed),
    };
    let epk = members.get("epk").ok_or(malformed)?;
    let ephemeral = Jwk::from_value(epk).map_err(|_| malformed)?.key;
    if !matches!(ephemeral, PublicKey::P256 { .. } | PublicKey::X25519(_)) {
        return Err(malformed);
    }
    members.retain(|name, _| !RESERVED.contains(&name.as_str()));
    let header = JweHeader { algorithm, encryption, kid, extra: members };
    party_info(&header, "apu")?;
    party_info(&header, "apv")?;
    Ok((header, ephemeral))
}

/// `apu` or `apv`, decoded (RFC 7518 §4.6.1.2, §4.6.1.3); empty when absent.
fn party_info(header: &JweHeader, name: &str) -> Result<Vec<u8>, JweError> {
    match header.extra.get(name) {
        None => Ok(Vec::new()),
        Some(value) => value.as_str().and_then(|text| b64::decode(text).ok()).ok_or(JweError::Malformed),
    }
}

/// The Concat KDF of RFC 7518 §4.6.2. One round of SHA-256 gives the whole key: the content key itself for direct
/// agreement, else the key that wraps it.
pub(super) fn derive_key(shared: &[u8; 32], header: &JweHeader) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let (name, length) = match header.algorithm.wrapping_key_length() {
        None => (header.encryption.as_str(), header.encryption.key_length()),
        Some(length) => (header.algorithm.as_str(), length),
    };
    let mut hash = Sha256::new().chain_update(1_u32.to_be_bytes()).chain_update(shared);
    for part in [name.as_bytes(), &party_info(header, "apu")?, &party_info(header, "apv")?] {
        let prefix = u32::try_from(part.len()).map_err(|_| JweError::Malformed)?;
        hash.update(prefix.to_be_bytes());
        hash.update(part);
    }
    let bits = u32::try_from(length * 8).map_err(|_| JweError::Malformed)?;
    hash.update(bits.to_be_bytes());
    let mut key = Zeroizing::new(hash.finalize().to_vec());
    key.truncate(length);
    Ok(key)
}

/// The protected header as it is sent, its members in the order of their names whatever order `serde_json` keeps.
pub(super) fn protected_header(header: &JweHeader, ephemeral: &PublicKey) -> String {
    let extra = header.extra.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
    let mut members: BTreeMap<&str, Cow<'_, Value>> =
        extra.map(|(name, value)| (name.as_str(), Cow::Borrowed(value))).collect();
    members.insert("alg", Cow::Owned(header.algorithm.as_str().into()));
    members.insert("enc", Cow::Owned(header.encryption.as_str().into()));
    members.insert("epk", Cow::Owned(Jwk::new(ephemeral.clone()).to_value()));
    if let Some(kid) = &header.kid {
        members.insert("kid", Cow::Owned(kid.as_str().into()));
    }
    // A map from texts to JSON values is always written.
    b64::encode(serde_json::to_string(&members).unwrap_or_default())
}

/// The compact text of its parts; `content` is the ciphertext with its tag.
pub(super) fn assemble(header64: &str, encrypted_key: &[u8], iv: &[u8], content: &[u8]) -> String {
    let (ciphertext, tag) = content.split_at(content.len().saturating_sub(TAG_LENGTH));
    let [key64, iv64] = [encrypted_key, iv].map(b64::encode);
    [header64, &key64, &iv64, &b64::encode(ciphertext), &b64::encode(tag)].join(".")
}
