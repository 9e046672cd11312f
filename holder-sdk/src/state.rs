//! What a wallet holds, and the rule that a change is on disk before anybody hears of it.

use std::sync::{Arc, Mutex, PoisonError};

use enishi_credential::commitment::Opening;
use enishi_credential::entropy::Entropy;
use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::vault::{Vault, VaultError, VaultKey};

/// Everything that a wallet holds besides its seed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub credentials: Vec<StoredCredential>,
    pub grants: Vec<StoredGrant>,
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
    pub grant_uri: String,
    pub given_at: UnixTime,
    pub withdrawn_at: Option<UnixTime>,
    /// The verifier's signed words that it stopped.
    pub acknowledgement: Option<String>,
    /// The terms exactly as they were agreed to.
    pub terms: Value,
}

/// Holds the state, and lets it change only together with the vault.
pub(crate) struct Keeper {
    vault: Arc<dyn Vault>,
    key: VaultKey,
    entropy: Arc<dyn Entropy>,
    state: Mutex<State>,
}

impl Keeper {
    /// Reads the vault, or begins with nothing.
    pub(crate) fn open(
        vault: Arc<dyn Vault>,
        key: VaultKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let state = match vault.read()? {
            Some(document) => key.open(&document)?,
            None => State::default(),
        };
        Ok(Self { vault, key, entropy, state: Mutex::new(state) })
    }

    /// Looks at the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state: in the vault first, then here. If the vault refuses, nothing has changed.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, VaultError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        let result = change(&mut next);
        self.vault.write(&self.key.seal(&next, self.entropy.as_ref())?)?;
        *state = next;
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
        StoredGrant {
            grant_id: id.to_owned(),
            verifier: "v".to_owned(),
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
}
