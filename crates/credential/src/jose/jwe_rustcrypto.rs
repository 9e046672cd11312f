//! ECDH-ES with AES-GCM by RustCrypto: the [`JweBackend`] that also runs in a browser.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _, Nonce};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::encoding::{b64, json};
use crate::entropy::{self, Entropy};
use crate::jose::jwe::{ContentEncryption, JweBackend, JweError, JweHeader, OpenedJwe, RESERVED};
use crate::jose::jwk::{Jwk, PrivateJwk, PublicKey};

/// The longest compact JWE that is opened; larger ones are refused before any decoding.
pub const MAX_LENGTH: usize = 1 << 20;

/// Length of the initialization vector of AES-GCM in bytes (RFC 7518 §5.3).
const IV_LENGTH: usize = 12;
/// Length of the authentication tag of AES-GCM in bytes (RFC 7518 §5.3).
const TAG_LENGTH: usize = 16;

/// Seals and opens with the crates `p256`, `x25519-dalek` and `aes-gcm`. An ephemeral key and an initialization vector
/// are drawn for every text.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCryptoJwe;

impl JweBackend for RustCryptoJwe {
    fn seal(
        &self,
        recipient: &Jwk,
        header: &JweHeader,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, JweError> {
        if !is_for_agreement(recipient) {
            return Err(JweError::WrongKey);
        }
        let ephemeral = match recipient.key {
            PublicKey::P256 { .. } => PrivateJwk::generate_p256(entropy),
            PublicKey::X25519(_) => PrivateJwk::generate_x25519(entropy),
            PublicKey::P384 { .. } | PublicKey::Ed25519(_) => return Err(JweError::WrongKey),
        };
        let shared = agree(&ephemeral, &recipient.key).ok_or(JweError::WrongKey)?;
        let key = derive_key(&shared, header)?;

        let mut members: Map<String, Value> = header.extra.clone();
        members.retain(|name, _| !RESERVED.contains(&name.as_str()));
        members.insert("alg".to_owned(), "ECDH-ES".into());
        members.insert("enc".to_owned(), header.encryption.as_str().into());
        members.insert("epk".to_owned(), Jwk::new(ephemeral.public().key.clone()).to_value());
        if let Some(kid) = &header.kid {
            members.insert("kid".to_owned(), kid.as_str().into());
        }
        let header64 = b64::encode(Value::Object(members).to_string());
        let iv: [u8; IV_LENGTH] = entropy::bytes(entropy);
        let sealed = encrypt(header.encryption, &key, &iv, header64.as_bytes(), plaintext)?;
        let (ciphertext, tag) = sealed.split_at_checked(plaintext.len()).ok_or(JweError::Malformed)?;
        Ok(format!("{header64}..{}.{}.{}", b64::encode(iv), b64::encode(ciphertext), b64::encode(tag)))
    }

    fn open(&self, key: &PrivateJwk, compact: &str) -> Result<OpenedJwe, JweError> {
        if compact.len() > MAX_LENGTH {
            return Err(JweError::Malformed);
        }
        let header = JweHeader::peek(compact)?;
        let mut parts = compact.split('.');
        let (Some(header64), Some(encrypted_key), Some(iv), Some(ciphertext), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JweError::Malformed);
        };
        // Direct key agreement leaves the encrypted key empty (RFC 7516 §5.2 step 10).
        if !encrypted_key.is_empty() {
            return Err(JweError::Malformed);
        }
        let iv = b64::decode_array::<IV_LENGTH>(iv).map_err(|_| JweError::Malformed)?;
        let tag = b64::decode_array::<TAG_LENGTH>(tag).map_err(|_| JweError::Malformed)?;
        let mut sealed = b64::decode(ciphertext).map_err(|_| JweError::Malformed)?;
        sealed.extend_from_slice(&tag);

        let ephemeral = ephemeral_key(header64)?;
        if !is_for_agreement(key.public()) {
            return Err(JweError::WrongKey);
        }
        let shared = agree(key, &ephemeral.key).ok_or(JweError::WrongKey)?;
        let content_key = derive_key(&shared, &header)?;
        let plaintext = decrypt(header.encryption, &content_key, &iv, header64.as_bytes(), &sealed)?;
        Ok(OpenedJwe { header, plaintext })
    }
}

/// Whether the key's own members allow ECDH-ES with it (RFC 7517 §4.2, §4.4).
fn is_for_agreement(key: &Jwk) -> bool {
    key.key_use.as_deref().is_none_or(|it| it == "enc") && key.alg.as_deref().is_none_or(|it| it == "ECDH-ES")
}

/// The sender's ephemeral key: a public JWK, on its curve, without private members (RFC 7518 §4.6.1.1).
fn ephemeral_key(header64: &str) -> Result<Jwk, JweError> {
    let bytes = b64::decode(header64).map_err(|_| JweError::Malformed)?;
    let header = json::parse(&bytes).map_err(|_| JweError::Malformed)?;
    let epk = header.get("epk").ok_or(JweError::Malformed)?;
    Jwk::from_value(epk).map_err(|_| JweError::Malformed)
}

/// The shared secret Z; `None` for keys of two curves, for a signature key, and for an X25519 point of low order, with
/// which everybody has the same secret (RFC 7748 §6.1).
fn agree(private: &PrivateJwk, public: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
    match (&private.public().key, public) {
        (PublicKey::P256 { .. }, PublicKey::P256 { .. }) => {
            let secret = p256::SecretKey::from_slice(private.secret_bytes()).ok()?;
            let public = p256::PublicKey::from_sec1_bytes(&public.to_bytes()).ok()?;
            let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
            Some(Zeroizing::new((*shared.raw_secret_bytes()).into()))
        }
        (PublicKey::X25519(_), PublicKey::X25519(public)) => {
            let secret = x25519_dalek::StaticSecret::from(*private.secret_bytes());
            let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(*public));
            shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
        }
        _ => None,
    }
}

/// The Concat KDF of RFC 7518 §4.6.2 for direct agreement: one round of SHA-256 gives the whole content key.
fn derive_key(shared: &[u8; 32], header: &JweHeader) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let info = |name: &str| match header.extra.get(name) {
        None => Ok(Vec::new()),
        Some(value) => value.as_str().and_then(|text| b64::decode(text).ok()).ok_or(JweError::Malformed),
    };
    let length = header.encryption.key_length();
    let mut hash = Sha256::new().chain_update(1_u32.to_be_bytes()).chain_update(shared);
    for part in [header.encryption.as_str().as_bytes(), &info("apu")?, &info("apv")?] {
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

fn encrypt(
    encryption: ContentEncryption,
    key: &[u8],
    iv: &[u8; IV_LENGTH],
    aad: &[u8],
    msg: &[u8],
) -> Result<Vec<u8>, JweError> {
    let (nonce, payload) = (Nonce::from(*iv), Payload { msg, aad });
    let sealed = match encryption {
        ContentEncryption::A128Gcm => {
            Aes128Gcm::new_from_slice(key).map(|cipher| cipher.encrypt(&nonce, payload))
        }
        ContentEncryption::A256Gcm => {
            Aes256Gcm::new_from_slice(key).map(|cipher| cipher.encrypt(&nonce, payload))
        }
    };
    sealed.map_err(|_| JweError::WrongKey)?.map_err(|_| JweError::Malformed)
}

fn decrypt(
    encryption: ContentEncryption,
    key: &[u8],
    iv: &[u8; IV_LENGTH],
    aad: &[u8],
    msg: &[u8],
) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let (nonce, payload) = (Nonce::from(*iv), Payload { msg, aad });
    let opened = match encryption {
        ContentEncryption::A128Gcm => {
            Aes128Gcm::new_from_slice(key).map(|cipher| cipher.decrypt(&nonce, payload))
        }
        ContentEncryption::A256Gcm => {
            Aes256Gcm::new_from_slice(key).map(|cipher| cipher.decrypt(&nonce, payload))
        }
    };
    opened.map_err(|_| JweError::WrongKey)?.map(Zeroizing::new).map_err(|_| JweError::NotForThisKey)
}

#[cfg(test)]
mod tests;
