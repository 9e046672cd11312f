//! The key file: what is in it, what must hold in it, and how it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::encoding::{b64, json};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::config::Development;

/// Length of a generated secret in bytes, and the least that is accepted.
const SECRET_LENGTH: usize = 32;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, not used yet.
    Next,
    /// In use.
    Active,
    /// No longer used to sign, still published.
    Retiring,
    /// Neither published nor used; keeps its `kid` from being used again.
    Retired,
}

/// What a key is for (RFC 7517 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// `sig`.
    Signature,
    /// `enc`.
    Encryption,
}

/// The kinds of keys that can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Signs with ES256.
    Es256,
    /// Signs with Ed25519.
    Ed25519,
    /// Receives ECDH-ES on P-256.
    EcdhP256,
    /// Receives ECDH-ES on X25519.
    EcdhX25519,
}

impl KeyType {
    /// A fresh key of this kind, named by its thumbprint: no two keys share that name.
    pub fn generate(self, entropy: &dyn Entropy) -> PrivateJwk {
        let key = match self {
            Self::Es256 | Self::EcdhP256 => PrivateJwk::generate_p256(entropy),
            Self::Ed25519 => PrivateJwk::generate_ed25519(entropy),
            Self::EcdhX25519 => PrivateJwk::generate_x25519(entropy),
        };
        let kid = key.public().thumbprint().to_string();
        key.map_public(|public| {
            let public = match self {
                Self::Es256 | Self::Ed25519 => public.for_signature(),
                Self::EcdhP256 | Self::EcdhX25519 => public.for_encryption(),
            };
            public.with_kid(kid)
        })
    }

    fn of(key: &PrivateJwk, key_use: KeyUse) -> Self {
        use enishi_credential::jose::jwk::PublicKey;
        match (&key.public().key, key_use) {
            // A private key is never of P-384: `PrivateJwk` has none.
            (PublicKey::P256 { .. } | PublicKey::P384 { .. }, KeyUse::Signature) => Self::Es256,
            (PublicKey::P256 { .. } | PublicKey::P384 { .. }, KeyUse::Encryption) => Self::EcdhP256,
            (PublicKey::Ed25519(_), _) => Self::Ed25519,
            (PublicKey::X25519(_), _) => Self::EcdhX25519,
        }
    }
}

/// What a new key file holds.
#[derive(Debug, Clone, Copy)]
pub struct KeyPlan<'a> {
    /// One active key of each of these kinds.
    pub keys: &'a [KeyType],
    /// One secret of 32 bytes for each of these names.
    pub secrets: &'a [&'a str],
}

/// Why a key file was refused. Never quotes key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read or written.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Others than its owner and group may read the file, or others than its owner may write it.
    #[error("key file {0}: others may read or change it; expected mode 0600 (or 0640)")]
    Mode(PathBuf),
    /// The content is not what a key file holds.
    #[error("key file: {0}")]
    Content(String),
}

fn content(text: impl Into<String>) -> KeyFileError {
    KeyFileError::Content(text.into())
}

/// One key of the file.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    /// The key, with `kid`, `alg` and `use`.
    pub key: PrivateJwk,
    /// What it is for.
    pub key_use: KeyUse,
    /// Where it is in its life.
    pub state: KeyState,
    /// The certificate chain of the key, DER, leaf first, without the anchor; empty if it has none.
    pub x5c: Vec<Vec<u8>>,
}

impl KeyEntry {
    /// The key's name.
    pub fn kid(&self) -> &str {
        self.key.public().kid.as_deref().unwrap_or_default()
    }
}

/// A key file in memory.
///
/// ```json
/// { "keys": [ { "kty": "EC", …, "d": "…", "kid": "…", "alg": "ES256", "use": "sig", "state": "active" } ],
///   "secrets": { "k_ppid": "base64url" },
///   "x5c": { "<kid>": [ "base64 DER", … ] } }
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyFile {
    /// The keys, in the order of the file: of several active ones the first is preferred.
    pub keys: Vec<KeyEntry>,
    /// The named secrets.
    pub secrets: BTreeMap<String, Secret<Vec<u8>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    keys: Vec<Map<String, Value>>,
    #[serde(default)]
    secrets: BTreeMap<String, Secret<String>>,
    #[serde(default)]
    x5c: BTreeMap<String, Vec<String>>,
}

impl KeyFile {
    /// A file with fresh keys, all active.
    pub fn generate(plan: &KeyPlan<'_>, entropy: &dyn Entropy) -> Self {
        let keys = plan
            .keys
            .iter()
            .map(|kind| KeyEntry {
                key: kind.generate(entropy),
                key_use: match kind {
                    KeyType::Es256 | KeyType::Ed25519 => KeyUse::Signature,
                    KeyType::EcdhP256 | KeyType::EcdhX25519 => KeyUse::Encryption,
                },
                state: KeyState::Active,
                x5c: Vec::new(),
            })
            .collect();
        let secrets = plan
            .secrets
            .iter()
            .map(|name| ((*name).to_owned(), Secret::new(entropy::bytes::<SECRET_LENGTH>(entropy).to_vec())))
            .collect();
        Self { keys, secrets }
    }

    /// Reads and checks the text of a key file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyFileError> {
        let document: Document = json::from_slice(text).map_err(|error| content(error.to_string()))?;
        let mut x5c = document.x5c;
        let mut keys = Vec::new();
        let mut names = BTreeSet::new();
        for (at, mut members) in document.keys.into_iter().enumerate() {
            let fault = |what: &str| content(format!("keys[{at}]: {what}"));
            let state = members.remove("state").ok_or_else(|| fault("`state` is missing"))?;
            let state = serde_json::from_value(state)
                .map_err(|_| fault("`state` is not next, active, retiring or retired"))?;
            let key = PrivateJwk::from_value(&Value::Object(members)).map_err(|e| fault(&e.to_string()))?;
            let public = key.public();
            let kid =
                public.kid.clone().filter(|kid| !kid.is_empty()).ok_or_else(|| fault("`kid` is missing"))?;
            let key_use = match (public.key_use.as_deref(), public.alg.as_deref()) {
                (Some("sig"), Some("ES256" | "EdDSA" | "Ed25519")) => KeyUse::Signature,
                (Some("enc"), Some("ECDH-ES")) => KeyUse::Encryption,
                _ => {
                    return Err(fault(
                        "expected `use` sig with `alg` ES256 or EdDSA, or `use` enc with `alg` ECDH-ES",
                    ));
                }
            };
            if !names.insert(kid.clone()) {
                return Err(fault("another key has the same `kid`; a kid is never used twice"));
            }
            let x5c = x5c
                .remove(&kid)
                .unwrap_or_default()
                .iter()
                .map(|der| STANDARD.decode(der).map_err(|_| fault("its `x5c` is not base64")))
                .collect::<Result<_, _>>()?;
            keys.push(KeyEntry { key, key_use, state, x5c });
        }
        if let Some(kid) = x5c.keys().next() {
            return Err(content(format!("`x5c` names `{kid}`, and there is no such key")));
        }
        let mut secrets = BTreeMap::new();
        for (name, text) in document.secrets {
            let bytes = b64::decode(text.expose())
                .map_err(|_| content(format!("secret `{name}` is not base64url without padding")))?;
            if bytes.len() < SECRET_LENGTH {
                return Err(content(format!("secret `{name}` is shorter than {SECRET_LENGTH} bytes")));
            }
            secrets.insert(name, Secret::new(bytes));
        }
        let file = Self { keys, secrets };
        file.check_actives()?;
        Ok(file)
    }

    /// One active key of each kind at most: otherwise it would be chance which one signs.
    fn check_actives(&self) -> Result<(), KeyFileError> {
        let mut seen = BTreeSet::new();
        for entry in self.keys.iter().filter(|entry| entry.state == KeyState::Active) {
            let kind = format!("{:?}", KeyType::of(&entry.key, entry.key_use));
            if !seen.insert(kind.clone()) {
                return Err(content(format!("two active keys of the kind {kind}")));
            }
        }
        Ok(())
    }

    /// Reads the file at `path`. In development a missing file is created by `plan`; secrets and kinds of keys that an
    /// existing file lacks are never added, since that would hide a file of another server.
    pub fn load(
        path: &Path,
        development: Development,
        plan: &KeyPlan<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Io { source, .. })
                if development.is_on() && source.kind() == std::io::ErrorKind::NotFound =>
            {
                match Self::generate(plan, entropy).create(path) {
                    Err(KeyFileError::Io { source, .. })
                        if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                    done => done?,
                }
                Self::read(path)
            }
            done => done,
        }
    }

    fn read(path: &Path) -> Result<Self, KeyFileError> {
        let fault = |source| KeyFileError::Io { path: path.to_owned(), source };
        let mut file = std::fs::File::open(path).map_err(fault)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(fault)?.permissions().mode();
            if mode & 0o027 != 0 {
                return Err(KeyFileError::Mode(path.to_owned()));
            }
        }
        let mut text = Zeroizing::new(Vec::new());
        file.read_to_end(&mut text).map_err(fault)?;
        Self::parse(&text)
    }

    /// Writes a file that must not exist yet, with mode 0600.
    pub fn create(&self, path: &Path) -> Result<(), KeyFileError> {
        let fault = |source| KeyFileError::Io { path: path.to_owned(), source };
        let mut open = std::fs::OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        let mut file = open.open(path).map_err(fault)?;
        file.write_all(self.to_text().as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
    }

    /// Replaces the file in one step: a crash leaves the old or the new one, never half of it.
    pub fn replace(&self, path: &Path) -> Result<(), KeyFileError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        let _ = std::fs::remove_file(&new);
        self.create(&new)?;
        std::fs::rename(&new, path).map_err(|source| KeyFileError::Io { path: path.to_owned(), source })
    }

    /// The text of the file; wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|entry| {
                let mut value = entry.key.to_secret_value();
                if let Value::Object(members) = &mut value {
                    members.insert("state".into(), serde_json::to_value(entry.state).unwrap_or_default());
                }
                value
            })
            .collect();
        let secrets: BTreeMap<&str, String> =
            self.secrets.iter().map(|(name, secret)| (name.as_str(), b64::encode(secret.expose()))).collect();
        let x5c: BTreeMap<&str, Vec<String>> = self
            .keys
            .iter()
            .filter(|entry| !entry.x5c.is_empty())
            .map(|entry| (entry.kid(), entry.x5c.iter().map(|der| STANDARD.encode(der)).collect()))
            .collect();
        let document = serde_json::json!({ "keys": keys, "secrets": secrets, "x5c": x5c });
        Zeroizing::new(serde_json::to_string_pretty(&document).unwrap_or_default())
    }

    /// One step of rotation for the keys of one use: what was retiring is retired, what was active retires, what was next
    /// is active, and each kind that is active gets a new next key. The first rotation only prepares: without a next key
    /// nothing but the new next keys changes, because an unpublished key must not sign. A new key has no certificate chain:
    /// where one is needed, add it to the file before the next rotation.
    pub fn rotate(&mut self, key_use: KeyUse, entropy: &dyn Entropy) {
        let kinds: Vec<KeyType> = self
            .keys
            .iter()
            .filter(|entry| entry.key_use == key_use && entry.state == KeyState::Active)
            .map(|entry| KeyType::of(&entry.key, key_use))
            .collect();
        for kind in kinds {
            let same =
                |entry: &KeyEntry| entry.key_use == key_use && KeyType::of(&entry.key, key_use) == kind;
            if self.keys.iter().any(|entry| same(entry) && entry.state == KeyState::Next) {
                for entry in self.keys.iter_mut().filter(|entry| same(entry)) {
                    entry.state = match entry.state {
                        KeyState::Next => KeyState::Active,
                        KeyState::Active => KeyState::Retiring,
                        KeyState::Retiring | KeyState::Retired => KeyState::Retired,
                    };
                }
            }
            let key = kind.generate(entropy);
            self.keys.push(KeyEntry { key, key_use, state: KeyState::Next, x5c: Vec::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    const PLAN: KeyPlan<'_> = KeyPlan {
        keys: &[KeyType::Es256, KeyType::Ed25519, KeyType::EcdhP256, KeyType::EcdhX25519],
        secrets: &["k_ppid"],
    };

    fn file() -> KeyFile {
        KeyFile::generate(&PLAN, &SeededEntropy::new("file"))
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Result<KeyFile, KeyFileError> {
        let mut value: Value = serde_json::from_str(&file().to_text()).unwrap();
        change(&mut value);
        KeyFile::parse(value.to_string().as_bytes())
    }

    #[test]
    fn a_file_reads_as_it_was_written() {
        let mut file = file();
        file.keys[0].x5c = vec![vec![1, 2, 3], vec![4]];
        let read = KeyFile::parse(file.to_text().as_bytes()).unwrap();
        assert_eq!(read.to_text(), file.to_text());
        assert_eq!(read.keys[0].x5c, file.keys[0].x5c);
        assert_eq!(read.keys.len(), 4);
    }

    #[test]
    fn what_a_key_file_must_not_hold() {
        type Change = fn(&mut Value);
        let cases: [(&str, Change); 10] = [
            ("same `kid`", |v| v["keys"][1] = v["keys"][0].clone()),
            ("`kid` is missing", |v| drop(v["keys"][0].as_object_mut().unwrap().remove("kid"))),
            ("`state` is missing", |v| drop(v["keys"][0].as_object_mut().unwrap().remove("state"))),
            ("`state` is not", |v| v["keys"][0]["state"] = "used".into()),
            ("do not fit together", |v| v["keys"][0]["use"] = "enc".into()),
            ("expected `use`", |v| drop(v["keys"][0].as_object_mut().unwrap().remove("alg"))),
            // The private part of another key of the same kind.
            ("do not fit together", |v| v["keys"][0]["d"] = v["keys"][2]["d"].clone()),
            ("no such key", |v| v["x5c"]["other"] = serde_json::json!(["AAAA"])),
            ("shorter", |v| v["secrets"]["k_ppid"] = "AAAA".into()),
            ("two active", |v| {
                let other = KeyType::Es256.generate(&SeededEntropy::new("other"));
                v["keys"][1] = other.to_secret_value();
                v["keys"][1]["state"] = "active".into();
            }),
        ];
        for (wanted, change) in cases {
            let error = changed(change).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error:?} lacks {wanted:?}");
        }
        assert!(changed(|_| ()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_missing_file_is_created_in_development_only_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let entropy = SeededEntropy::new("create");
        assert!(KeyFile::load(&path, Development(false), &PLAN, &entropy).is_err());
        let created = KeyFile::load(&path, Development(true), &PLAN, &entropy).unwrap();
        let again = KeyFile::load(&path, Development(false), &PLAN, &entropy).unwrap();
        assert_eq!(created.to_text(), again.to_text());
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        mode(0o644);
        assert!(matches!(
            KeyFile::load(&path, Development(true), &PLAN, &entropy),
            Err(KeyFileError::Mode(_))
        ));
        mode(0o640);
        let mut file = KeyFile::load(&path, Development(true), &PLAN, &entropy).unwrap();
        file.rotate(KeyUse::Signature, &entropy);
        file.replace(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyFile::load(&path, Development(false), &PLAN, &entropy).unwrap().keys.len(), 6);
    }

    #[test]
    fn threat_20_a_key_is_published_before_it_signs_and_its_kid_never_comes_back() {
        let entropy = SeededEntropy::new("rotate");
        let mut file = KeyFile::generate(&KeyPlan { keys: &[KeyType::Es256], secrets: &[] }, &entropy);
        let states = |file: &KeyFile| file.keys.iter().map(|entry| entry.state).collect::<Vec<_>>();
        file.rotate(KeyUse::Encryption, &entropy);
        assert_eq!(states(&file), [KeyState::Active], "there are no encryption keys");
        file.rotate(KeyUse::Signature, &entropy);
        assert_eq!(states(&file), [KeyState::Active, KeyState::Next]);
        file.rotate(KeyUse::Signature, &entropy);
        assert_eq!(states(&file), [KeyState::Retiring, KeyState::Active, KeyState::Next]);
        file.rotate(KeyUse::Signature, &entropy);
        assert_eq!(states(&file), [KeyState::Retired, KeyState::Retiring, KeyState::Active, KeyState::Next]);
        let read = KeyFile::parse(file.to_text().as_bytes()).unwrap();
        assert_eq!(read.keys.iter().map(KeyEntry::kid).collect::<BTreeSet<_>>().len(), 4);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes: Vec<u8>) {
            let _ = KeyFile::parse(&bytes);
        }
    }
}
