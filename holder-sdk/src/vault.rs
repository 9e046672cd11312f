//! Where a wallet keeps what it has: one encrypted document, replaced as a whole or not at all.
//!
//! A [`Vault`] only keeps bytes. What goes in is sealed with AES-256-GCM under a key of the platform, and bound to the
//! number of the version, so that a vault cannot be fed parts of another one. A wallet holds a few hundred small
//! things; writing all of them at once is simple, and a crash leaves the old document or the new one.

use std::sync::Mutex;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// A vault in one file, replaced by writing a second file and renaming it.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Clone)]
pub struct FileVault(std::path::PathBuf);

#[cfg(not(target_arch = "wasm32"))]
impl FileVault {
    /// The vault in the file at `path`; its folder must exist.
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self(path.into())
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Vault for FileVault {
    fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
        match std::fs::read(&self.0) {
            Ok(document) => Ok(Some(document)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VaultError::Unavailable(error.to_string())),
        }
    }

    fn write(&self, document: &[u8]) -> Result<(), VaultError> {
        use std::io::Write as _;
        let unavailable = |error: std::io::Error| VaultError::Unavailable(error.to_string());
        let next = self.0.with_extension("next");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&next).map_err(unavailable)?;
        file.write_all(document).and_then(|()| file.sync_all()).map_err(unavailable)?;
        std::fs::rename(&next, &self.0).map_err(unavailable)?;
        // The rename itself is durable once the folder is.
        if let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(unavailable)?;
        }
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

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;

    fn contract(vault: &dyn Vault) {
        assert_eq!(vault.read(), Ok(None));
        vault.write(b"one").unwrap();
        vault.write(b"two").unwrap();
        assert_eq!(vault.read().unwrap().as_deref(), Some(b"two".as_slice()));
    }

    #[test]
    fn every_vault_keeps_the_last_document() {
        contract(&MemoryVault::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet");
        contract(&FileVault::new(&path));
        assert_eq!(FileVault::new(&path).read().unwrap().as_deref(), Some(b"two".as_slice()));
        assert!(matches!(FileVault::new(folder.path()).read(), Err(VaultError::Unavailable(_))));
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
