//! What a wallet holds, and the rule that a change is on disk before anybody hears of it.

use std::sync::{Arc, Mutex, PoisonError};

use enishi_credential::commitment::Opening;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::vault::{Vault, VaultError, VaultKey};

/// Everything that a wallet holds besides its seed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub credentials: Vec<StoredCredential>,
    pub grants: Vec<StoredGrant>,
    #[serde(default)]
    pub logins: Vec<StoredLogin>,
}

/// A login that goes on after the wallet was closed and opened again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredLogin {
    pub issuer: String,
    pub begun_at: UnixTime,
    pub state: Personal<String>,
    pub pkce: Personal<String>,
    pub dpop_key: Personal<Value>,
}

/// One linkage credential with the key and the blinding that belong to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredCredential {
    pub id: String,
    pub issuer: String,
    pub rp: String,
    pub expires: UnixTime,
    /// A credential is shown once: a second showing could be recognised as the same.
    pub shown: bool,
    pub sd_jwt: Personal<String>,
    pub key: Personal<Value>,
    pub opening: Opening,
}

impl StoredCredential {
    /// Whether this credential can be shown to `rp` now.
    pub(crate) fn is_fresh(&self, rp: &str, now: UnixTime) -> bool {
        !self.shown && self.rp == rp && now < self.expires
    }
}

/// One consent that was given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredGrant {
    pub grant_id: String,
    pub verifier: String,
    /// The key with which the verifier signed the request: it signs the acknowledgement of a withdrawal too.
    pub verifier_key: Jwk,
    pub grant_uri: String,
    pub given_at: UnixTime,
    /// Whether the verifier said that it took the answer.
    pub confirmed: bool,
    pub withdrawn_at: Option<UnixTime>,
    /// The verifier's signed words that it stopped.
    pub acknowledgement: Option<String>,
    /// The hash of the terms that was signed.
    pub terms_sha256: String,
    /// The terms exactly as they were agreed to.
    pub terms: Value,
}

/// Holds the state, and lets it change only together with the vault.
pub(crate) struct Keeper {
    vault: Arc<dyn Vault>,
    key: VaultKey,
    entropy: Arc<dyn Entropy>,
    kept: Mutex<Kept>,
}

/// The state, and the hash of the document in the vault that says the same.
struct Kept {
    state: State,
    document: Option<[u8; 32]>,
}

fn hash(document: &[u8]) -> [u8; 32] {
    Sha256::digest(document).into()
}

impl Keeper {
    /// Reads the vault, or begins with nothing.
    pub(crate) fn open(
        vault: Arc<dyn Vault>,
        key: VaultKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let document = vault.read()?;
        let state = match &document {
            Some(document) => key.open(document)?,
            None => State::default(),
        };
        let kept = Kept { state, document: document.as_deref().map(hash) };
        Ok(Self { vault, key, entropy, kept: Mutex::new(kept) })
    }

    /// Looks at the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.kept.lock().unwrap_or_else(PoisonError::into_inner).state)
    }

    /// Changes the state: in the vault first, then here. If the vault refuses, nothing has changed.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, VaultError> {
        self.try_change(|state| Ok(change(state)))
    }

    /// As [`Keeper::change`]; if `change` refuses, nothing has changed either.
    pub(crate) fn try_change<T, E: From<VaultError>>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = kept.state.clone();
        let result = change(&mut next)?;
        if self.vault.read()?.as_deref().map(hash) != kept.document {
            return Err(VaultError::ChangedElsewhere.into());
        }
        let document = self.key.seal(&next, self.entropy.as_ref())?;
        self.vault.write(&document)?;
        *kept = Kept { state: next, document: Some(hash(&document)) };
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;
    use crate::vault::MemoryVault;

    struct FullDisk(MemoryVault, std::sync::atomic::AtomicBool);

    impl Vault for FullDisk {
        fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
            self.0.read()
        }
        fn write(&self, document: &[u8]) -> Result<(), VaultError> {
            if self.1.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(VaultError::Unavailable("no space left".to_owned()));
            }
            self.0.write(document)
        }
    }

    fn grant(id: &str) -> StoredGrant {
        let key = enishi_credential::jose::jwk::PrivateJwk::generate_p256(&SeededEntropy::new("verifier"));
        StoredGrant {
            grant_id: id.to_owned(),
            verifier: "v".to_owned(),
            verifier_key: key.public().clone(),
            confirmed: false,
            terms_sha256: String::new(),
            grant_uri: "https://v.example/grants/1".to_owned(),
            given_at: UnixTime::from_secs(0),
            withdrawn_at: None,
            acknowledgement: None,
            terms: Value::Null,
        }
    }

    #[test]
    fn a_change_survives_a_restart_and_a_refused_one_leaves_no_trace() {
        let vault = Arc::new(FullDisk(MemoryVault::default(), false.into()));
        let open = || {
            let entropy = Arc::new(SeededEntropy::new("k"));
            Keeper::open(vault.clone(), VaultKey::from_bytes([1; 32]), entropy).unwrap()
        };
        let keeper = open();
        keeper.change(|state| state.grants.push(grant("1"))).unwrap();
        vault.1.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(keeper.change(|state| state.grants.push(grant("2"))).is_err());
        assert_eq!(keeper.read(|state| state.grants.len()), 1);
        assert_eq!(open().read(|state| state.grants[0].grant_id.clone()), "1");
    }

    #[test]
    fn of_two_wallets_on_one_vault_the_second_one_to_write_is_stopped() {
        let vault = Arc::new(MemoryVault::default());
        let open = || {
            let entropy = Arc::new(SeededEntropy::new("k"));
            Keeper::open(vault.clone(), VaultKey::from_bytes([1; 32]), entropy).unwrap()
        };
        let (one, other) = (open(), open());
        one.change(|state| state.grants.push(grant("1"))).unwrap();
        one.change(|state| state.grants.push(grant("2"))).unwrap();
        let late = other.change(|state| state.grants.push(grant("3")));
        assert_eq!(late, Err(VaultError::ChangedElsewhere));
        assert_eq!(open().read(|state| state.grants.len()), 2);
    }

    #[test]
    fn a_change_that_is_refused_changes_nothing() {
        let vault = Arc::new(MemoryVault::default());
        let entropy = Arc::new(SeededEntropy::new("k"));
        let keeper = Keeper::open(vault.clone(), VaultKey::from_bytes([1; 32]), entropy).unwrap();
        let refused: Result<(), _> = keeper.try_change(|state| {
            state.grants.push(grant("1"));
            Err(VaultError::CannotOpen)
        });
        assert_eq!(refused, Err(VaultError::CannotOpen));
        assert_eq!(keeper.read(|state| state.grants.len()), 0);
        assert_eq!(vault.read(), Ok(None));
    }
}
