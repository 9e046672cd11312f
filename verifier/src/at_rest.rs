//! Encryption of what is kept in the database and could be used against somebody: ephemeral keys, evidence, results.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};

/// A stored text that was not written with this key for this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored text cannot be decrypted: it was changed, moved, or written with another key")]
pub(crate) struct Undecryptable;

/// The store key: AES-256 in GCM. What is sealed for one place (a table, a column, a row) opens nowhere else.
pub(crate) struct StoreKey(LessSafeKey);

impl StoreKey {
    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`Undecryptable`] if the bytes are not a key, which their length rules out.
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, Undecryptable> {
        UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map(Self).map_err(|_| Undecryptable)
    }

    /// Encrypts `plaintext` for `place`.
    ///
    /// # Errors
    /// [`Undecryptable`] if the text is longer than AES-GCM can take.
    pub(crate) fn seal(
        &self,
        place: &str,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, Undecryptable> {
        let nonce: [u8; NONCE_LEN] = entropy::bytes(entropy);
        let mut buffer = plaintext.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut buffer,
            )
            .map_err(|_| Undecryptable)?;
        Ok(b64::encode([nonce.as_slice(), &buffer].concat()))
    }

    /// Decrypts what was sealed for `place`.
    ///
    /// # Errors
    /// [`Undecryptable`].
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, Undecryptable> {
        let bytes = b64::decode(sealed).map_err(|_| Undecryptable)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(Undecryptable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Undecryptable)?;
        let mut buffer = text.to_vec();
        let plaintext = self
            .0
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut buffer)
            .map_err(|_| Undecryptable)?;
        Ok(plaintext.to_vec())
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_unchanged() {
        let key = StoreKey::new(&[7; 32]).unwrap();
        let entropy = SeededEntropy::new("store");
        let sealed = key.seal("evidence/g1", b"text", &entropy).unwrap();
        assert_eq!(key.open("evidence/g1", &sealed).unwrap(), b"text");
        assert_eq!(key.open("evidence/g2", &sealed), Err(Undecryptable));
        assert_eq!(StoreKey::new(&[8; 32]).unwrap().open("evidence/g1", &sealed), Err(Undecryptable));
        assert_eq!(key.open("evidence/g1", ""), Err(Undecryptable));
        let mut bytes = b64::decode(&sealed).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(key.open("evidence/g1", &b64::encode(bytes)), Err(Undecryptable));
        assert_ne!(key.seal("evidence/g1", b"text", &entropy).unwrap(), sealed, "a fresh nonce each time");
    }
}
