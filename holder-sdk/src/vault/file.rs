//! A vault in one file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Vault, VaultError};

/// A vault in one file, replaced by writing a second file and renaming it.
///
/// The first use takes a lock (a file beside it that ends in `.lock`) and keeps it until the last clone is dropped or the
/// process ends, however it ends. Meanwhile another process cannot use the vault, and neither can a second `FileVault`
/// that is not a clone. Where the platform has no file locks, it goes without.
#[derive(Debug, Clone)]
pub struct FileVault {
    path: PathBuf,
    lock: Arc<Mutex<Lock>>,
}

#[derive(Debug)]
enum Lock {
    NotTaken,
    Held { _file: File },
    NotSupported,
}

fn unavailable(error: &std::io::Error) -> VaultError {
    VaultError::Unavailable(error.to_string())
}

impl FileVault {
    /// The vault in the file at `path`; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), lock: Arc::new(Mutex::new(Lock::NotTaken)) }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name: OsString = self.path.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    }

    fn lock(&self) -> Result<(), VaultError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*lock, Lock::NotTaken) {
            let file = private(&self.beside(".lock"), false)?;
            *lock = match file.try_lock() {
                Ok(()) => Lock::Held { _file: file },
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    Lock::NotSupported
                }
                Err(TryLockError::Error(error)) => return Err(unavailable(&error)),
                Err(TryLockError::WouldBlock) => {
                    let text = "another wallet has it open; close that one first";
                    return Err(VaultError::Unavailable(text.to_owned()));
                }
            };
        }
        Ok(())
    }
}

/// Opens a file for writing that only its owner can read.
fn private(path: &Path, truncate: bool) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(truncate);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unavailable(&error))
}

impl Vault for FileVault {
    fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
        self.lock()?;
        match std::fs::read(&self.path) {
            Ok(document) => Ok(Some(document)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn write(&self, document: &[u8]) -> Result<(), VaultError> {
        self.lock()?;
        let next = self.beside(".next");
        let mut file = private(&next, true)?;
        let written = file.write_all(document).and_then(|()| file.sync_all());
        written.and_then(|()| std::fs::rename(&next, &self.path)).map_err(|error| unavailable(&error))?;
        // The rename itself is durable once the folder is. Only Unix lets a folder be opened for that.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unavailable(&error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_the_last_document_also_for_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet.db");
        super::super::contract(&FileVault::new(&path));
        assert_eq!(FileVault::new(&path).read().unwrap().as_deref(), Some(b"two".as_slice()));
        let nowhere = FileVault::new(folder.path().join("no/such/folder/wallet"));
        assert!(matches!(nowhere.read(), Err(VaultError::Unavailable(_))));
        assert!(matches!(nowhere.write(b"x"), Err(VaultError::Unavailable(_))));
    }

    #[test]
    fn one_wallet_per_vault_a_second_one_waits_until_the_first_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet");
        let first = FileVault::new(&path);
        first.write(b"mine").unwrap();
        let second = FileVault::new(&path);
        assert!(matches!(second.read(), Err(VaultError::Unavailable(_))));
        assert!(matches!(second.write(b"theirs"), Err(VaultError::Unavailable(_))));
        let clone = first.clone();
        drop(first);
        assert!(second.read().is_err(), "a clone holds the lock too");
        assert_eq!(clone.read().unwrap().as_deref(), Some(b"mine".as_slice()));
        drop(clone);
        assert_eq!(second.read().unwrap().as_deref(), Some(b"mine".as_slice()));
    }

    #[cfg(unix)]
    #[test]
    fn threat_19_only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet");
        FileVault::new(&path).write(b"x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
