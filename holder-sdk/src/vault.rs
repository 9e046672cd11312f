//! Where a wallet keeps what it has: one encrypted document, replaced as a whole or not at all.
//!
//! A [`Vault`] only keeps bytes. What goes in is sealed as a whole with AES-256-GCM under a key of the platform, so that
//! nothing in it can be changed or exchanged. A wallet holds a few hundred small things; writing all of them at once is
//! simple, and a crash leaves the old document or the new one.
//!
//! **One wallet per vault.** Two wallets that write to one vault would undo each other's changes, and a credential could
//! be shown twice. A [`FileVault`] therefore locks its file against other processes, and a wallet on any vault looks
//! before every change whether the document is still the one that it knows ([`VaultError::ChangedElsewhere`]).
//! What no software can notice is a whole vault that was put back to an older copy: keep it where the platform rules
//! that out, and do not restore a backup of the vault beside the wallet that it was made from.

#[cfg(not(target_arch = "wasm32"))]
mod file;

use std::sync::Mutex;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(not(target_arch = "wasm32"))]
pub use file::FileVault;

/// Keeps one document of bytes.
pub trait Vault: Send + Sync {
    /// The document, `None` when there never was one.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] if the place cannot be read.
    fn read(&self) -> Result<Option<Vec<u8>>, VaultError>;

    /// Replaces the document. When this returns, a crash does not undo it.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] if the place cannot be written; the old document is then still there.
    fn write(&self, document: &[u8]) -> Result<(), VaultError>;
}

/// Why the vault did not give or take the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The place of the document cannot be read or written.
    #[error("the wallet's storage is not available: {0}")]
    Unavailable(String),
    /// The document was changed, or sealed under another key.
    #[error("the wallet's storage cannot be opened with this key, or was changed; restore the backup")]
    CannotOpen,
    /// Another wallet uses the same vault.
    #[error("another wallet changed this storage: close one of the two, and open this one again")]
    ChangedElsewhere,
}

/// A vault in memory: for tests, and for a wallet that forgets.
#[derive(Debug, Default)]
pub struct MemoryVault(Mutex<Option<Vec<u8>>>);

impl Vault for MemoryVault {
    fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
    }

    fn write(&self, document: &[u8]) -> Result<(), VaultError> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(document.to_vec());
        Ok(())
    }
}

/// The key under which a vault's document is sealed; kept by the platform's key store.
#[derive(Debug, Clone)]
pub struct VaultKey(Secret<[u8; 32]>);

/// Names the format, and keeps documents of other formats apart.
const FORMAT: &[u8] = b"enishi/wallet/vault/1";

impl VaultKey {
    /// A key from the platform.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Seals `state` as a document.
    pub(crate) fn seal<T: Serialize>(&self, state: &T, entropy: &dyn Entropy) -> Result<Vec<u8>, VaultError> {
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(state).map_err(|error| VaultError::Unavailable(error.to_string()))?,
        );
        let nonce = entropy::bytes::<12>(entropy);
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: FORMAT })
            .map_err(|_| VaultError::CannotOpen)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a document.
    pub(crate) fn open<T: DeserializeOwned>(&self, document: &[u8]) -> Result<T, VaultError> {
        let (nonce, sealed) = document.split_first_chunk::<12>().ok_or(VaultError::CannotOpen)?;
        let plain = self
            .cipher()
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: FORMAT })
            .map_err(|_| VaultError::CannotOpen)?;
        serde_json::from_slice(&zeroize::Zeroizing::new(plain)).map_err(|_| VaultError::CannotOpen)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.0.expose().into())
    }
}

/// What every vault does.
#[cfg(test)]
fn contract(vault: &dyn Vault) {
    assert_eq!(vault.read(), Ok(None));
    vault.write(b"one").unwrap();
    vault.write(b"two").unwrap();
    assert_eq!(vault.read().unwrap().as_deref(), Some(b"two".as_slice()));
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn a_vault_in_memory_keeps_the_last_document() {
        contract(&MemoryVault::default());
    }

    #[test]
    fn only_the_key_opens_an_unchanged_document() {
        let key = VaultKey::from_bytes([1; 32]);
        let document = key.seal(&vec!["a secret thing"], &SeededEntropy::new("v")).unwrap();
        assert!(!document.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.open::<Vec<String>>(&document).unwrap(), ["a secret thing"]);
        assert_eq!(VaultKey::from_bytes([2; 32]).open::<Vec<String>>(&document), Err(VaultError::CannotOpen));
        for at in 0..document.len() {
            let mut changed = document.clone();
            changed[at] ^= 1;
            assert_eq!(key.open::<Vec<String>>(&changed), Err(VaultError::CannotOpen), "byte {at}");
        }
        assert_eq!(key.open::<Vec<String>>(b"short"), Err(VaultError::CannotOpen));
    }
}
