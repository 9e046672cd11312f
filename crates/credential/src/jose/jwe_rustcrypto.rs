//! ECDH-ES with AES-GCM by RustCrypto: the [`JweBackend`](super::jwe::JweBackend) that also runs in a browser.

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _, Nonce};
use aes_kw::{KwAes128, KwAes256};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::jose::jwe::{IV_LENGTH, JweError, JwePrimitives, SharedSecret};
use crate::jose::jwk::{PrivateJwk, PublicKey};

/// Seals and opens with the crates `p256`, `x25519-dalek`, `aes-gcm` and `aes-kw`. An ephemeral key and an initialization
/// vector are drawn for every text.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCryptoJwe;

impl JwePrimitives for RustCryptoJwe {
    fn agree_with_fresh(
        &self,
        recipient: &PublicKey,
        entropy: &dyn Entropy,
    ) -> Result<(PublicKey, SharedSecret), JweError> {
        let ephemeral = match recipient {
            PublicKey::P256 { .. } => PrivateJwk::generate_p256(entropy),
            PublicKey::X25519(_) => PrivateJwk::generate_x25519(entropy),
            PublicKey::P384 { .. } | PublicKey::Ed25519(_) => return Err(JweError::WrongKey),
        };
        let shared = self.agree(&ephemeral, recipient)?;
        Ok((ephemeral.public().key.clone(), shared))
    }

    fn agree(&self, key: &PrivateJwk, ephemeral: &PublicKey) -> Result<SharedSecret, JweError> {
        match (&key.public().key, ephemeral) {
            (PublicKey::P256 { .. }, PublicKey::P256 { .. }) => {
                let secret =
                    p256::SecretKey::from_slice(key.secret_bytes()).map_err(|_| JweError::WrongKey)?;
                let public = p256::PublicKey::from_sec1_bytes(&ephemeral.to_bytes())
                    .map_err(|_| JweError::WrongKey)?;
                let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
                Ok(Zeroizing::new((*shared.raw_secret_bytes()).into()))
            }
            (PublicKey::X25519(_), PublicKey::X25519(public)) => {
                let secret = x25519_dalek::StaticSecret::from(*key.secret_bytes());
                let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(*public));
                let contributory = shared.was_contributory();
                contributory.then(|| Zeroizing::new(shared.to_bytes())).ok_or(JweError::WrongKey)
            }
            _ => Err(JweError::WrongKey),
        }
    }

    fn wrap(&self, wrapping_key: &[u8], key: &[u8]) -> Result<Vec<u8>, JweError> {
        let mut out = vec![0; key.len() + 8];
        let done = match wrapping_key.len() {
            16 => KwAes128::new_from_slice(wrapping_key).map(|kw| kw.wrap_key(key, &mut out).is_ok()),
            _ => KwAes256::new_from_slice(wrapping_key).map(|kw| kw.wrap_key(key, &mut out).is_ok()),
        };
        if done == Ok(true) { Ok(out) } else { Err(JweError::WrongKey) }
    }

    fn unwrap(&self, wrapping_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, JweError> {
        let length = wrapped.len().checked_sub(8).ok_or(JweError::NotForThisKey)?;
        let mut out = Zeroizing::new(vec![0; length]);
        let done = match wrapping_key.len() {
            16 => KwAes128::new_from_slice(wrapping_key).map(|kw| kw.unwrap_key(wrapped, &mut out).is_ok()),
            _ => KwAes256::new_from_slice(wrapping_key).map(|kw| kw.unwrap_key(wrapped, &mut out).is_ok()),
        };
        if done == Ok(true) { Ok(out) } else { Err(JweError::NotForThisKey) }
    }

    fn encrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError> {
        let nonce = Nonce::from(iv);
        let done = match key.len() {
            16 => Aes128Gcm::new_from_slice(key).map(|gcm| gcm.encrypt_in_place(&nonce, aad, content)),
            _ => Aes256Gcm::new_from_slice(key).map(|gcm| gcm.encrypt_in_place(&nonce, aad, content)),
        };
        done.map_err(|_| JweError::WrongKey)?.map_err(|_| JweError::Malformed)
    }

    fn decrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError> {
        let nonce = Nonce::from(iv);
        let done = match key.len() {
            16 => Aes128Gcm::new_from_slice(key).map(|gcm| gcm.decrypt_in_place(&nonce, aad, content)),
            _ => Aes256Gcm::new_from_slice(key).map(|gcm| gcm.decrypt_in_place(&nonce, aad, content)),
        };
        done.map_err(|_| JweError::WrongKey)?.map_err(|_| JweError::NotForThisKey)
    }
}

#[cfg(test)]
mod tests;
