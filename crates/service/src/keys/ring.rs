//! The keys of a running server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use enishi_credential::crypto::{Algorithm, Signer};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::JweError;
use enishi_credential::jose::jwk::{Jwk, JwkSet, PrivateJwk, Thumbprint};
use enishi_credential::secret::Secret;

use super::file::{KeyEntry, KeyFile, KeyFileError, KeyPlan, KeyState, KeyUse};
use super::{AwsJwe, AwsSigner, JoseJwe};
use crate::config::Development;

/// What a server does with its key file: sign with the active key, publish what others need, open what was sealed to it.
#[derive(Debug, Clone)]
pub struct KeyRing {
    entries: Vec<KeyEntry>,
    signers: Vec<Arc<AwsSigner>>,
    secrets: BTreeMap<String, Secret<Vec<u8>>>,
    jwe: Arc<JoseJwe>,
    sealing: Arc<AwsJwe>,
}

impl KeyRing {
    /// Loads the file at `path`; in development a missing one is created by `plan`. Whatever `plan` names must be there.
    pub fn load(
        path: &Path,
        development: Development,
        plan: &KeyPlan<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyFileError> {
        let ring = Self::new(KeyFile::load(path, development, plan, entropy)?)?;
        for name in plan.secrets {
            ring.secret(name)?;
        }
        Ok(ring)
    }

    /// A ring with fresh keys in memory, for tests.
    pub fn generate(plan: &KeyPlan<'_>, entropy: &dyn Entropy) -> Result<Self, KeyFileError> {
        Self::new(KeyFile::generate(plan, entropy))
    }

    /// The ring of a file in memory.
    pub fn new(file: KeyFile) -> Result<Self, KeyFileError> {
        let signers = file
            .keys
            .iter()
            .filter(|entry| entry.key_use == KeyUse::Signature && entry.state == KeyState::Active)
            .map(|entry| {
                AwsSigner::new(&entry.key)
                    .map(Arc::new)
                    .ok_or_else(|| KeyFileError::Content(format!("the key `{}` cannot sign", entry.kid())))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if signers.is_empty() {
            return Err(KeyFileError::Content("there is no active key with `use` sig".into()));
        }
        let opening: Vec<_> = file
            .keys
            .iter()
            .filter(|entry| entry.key_use == KeyUse::Encryption && entry.state != KeyState::Retired)
            .map(|entry| &entry.key)
            .collect();
        let unusable = |error: JweError| KeyFileError::Content(error.to_string());
        let jwe = Arc::new(JoseJwe::with_keys(opening.iter().copied()).map_err(unusable)?);
        let sealing = Arc::new(AwsJwe::with_keys(opening.iter().copied()).map_err(unusable)?);
        Ok(Self { entries: file.keys, signers, secrets: file.secrets, jwe, sealing })
    }

    /// The signer that is used: the first active one of the file.
    pub fn active_signer(&self) -> Result<Arc<dyn Signer>, KeyFileError> {
        let signer = self.signers.first().cloned();
        signer
            .map(|signer| signer as Arc<dyn Signer>)
            .ok_or_else(|| KeyFileError::Content("there is no active key with `use` sig".into()))
    }

    /// The active signer of an algorithm.
    pub fn active_signer_for(&self, algorithm: Algorithm) -> Option<Arc<dyn Signer>> {
        let signer = self.signers.iter().find(|signer| signer.algorithm() == algorithm)?;
        Some(Arc::clone(signer) as Arc<dyn Signer>)
    }

    /// The certificate chain of a key, DER, leaf first; empty if it has none.
    pub fn x5c(&self, kid: &str) -> &[Vec<u8>] {
        self.entries.iter().find(|entry| entry.kid() == kid).map_or(&[], |entry| &entry.x5c)
    }

    /// What is published at `jwks_uri`: all keys but the retired ones.
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.published().map(|entry| entry.key.public().clone()).collect() }
    }

    fn published(&self) -> impl Iterator<Item = &KeyEntry> {
        self.entries.iter().filter(|entry| entry.state != KeyState::Retired)
    }

    /// The key that others should seal to: the first active one with `use` enc.
    pub fn active_encryption_key(&self) -> Option<&Jwk> {
        self.published()
            .find(|entry| entry.key_use == KeyUse::Encryption && entry.state == KeyState::Active)
            .map(|entry| entry.key.public())
    }

    /// The private key with this `kid` that opens what was sealed to it; retired keys open nothing.
    pub fn decryption_key(&self, kid: &str) -> Option<&PrivateJwk> {
        self.decryption_keys().find(|key| key.public().kid.as_deref() == Some(kid))
    }

    /// As [`KeyRing::decryption_key`], by thumbprint.
    pub fn decryption_key_by_thumbprint(&self, thumbprint: &Thumbprint) -> Option<&PrivateJwk> {
        self.decryption_keys().find(|key| key.public().thumbprint() == *thumbprint)
    }

    /// All private keys that open what was sealed to them.
    pub fn decryption_keys(&self) -> impl Iterator<Item = &PrivateJwk> {
        self.published().filter(|entry| entry.key_use == KeyUse::Encryption).map(|entry| &entry.key)
    }

    /// The JWE backend of the hot path, sealed identifiers, with this ring's encryption keys ready.
    pub fn sealing(&self) -> Arc<AwsJwe> {
        Arc::clone(&self.sealing)
    }

    /// The JWE backend of everything else, with this ring's encryption keys ready.
    pub fn jwe(&self) -> Arc<JoseJwe> {
        Arc::clone(&self.jwe)
    }

    /// The secret with this name.
    pub fn secret(&self, name: &str) -> Result<&Secret<Vec<u8>>, KeyFileError> {
        self.secrets.get(name).ok_or_else(|| KeyFileError::Content(format!("the secret `{name}` is missing")))
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;
    use crate::keys::KeyType;

    const PLAN: KeyPlan<'_> =
        KeyPlan { keys: &[KeyType::Es256, KeyType::Ed25519, KeyType::EcdhP256], secrets: &["k_link"] };

    #[test]
    fn threat_20_rotation_overlaps() {
        let entropy = SeededEntropy::new("ring");
        let mut file = KeyFile::generate(&PLAN, &entropy);
        let kid_of = |file: &KeyFile| {
            let ring = KeyRing::new(file.clone()).unwrap();
            ring.active_signer().unwrap().public_jwk().kid.clone().unwrap()
        };
        let published = |file: &KeyFile, kid: &str| {
            let jwks = KeyRing::new(file.clone()).unwrap().jwks();
            jwks.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
        };
        let first = kid_of(&file);
        file.rotate(KeyUse::Signature, &entropy);
        assert_eq!(kid_of(&file), first, "the new key is only published");
        file.rotate(KeyUse::Signature, &entropy);
        let second = kid_of(&file);
        assert_ne!(second, first);
        assert!(published(&file, &first), "what the old key signed still verifies");
        file.rotate(KeyUse::Signature, &entropy);
        assert!(!published(&file, &first) && published(&file, &second));
    }

    #[test]
    fn a_sealed_text_opens_during_overlap_and_not_after_retirement() {
        let entropy = SeededEntropy::new("seal");
        let mut file = KeyFile::generate(&PLAN, &entropy);
        let key = KeyRing::new(file.clone()).unwrap().active_encryption_key().unwrap().clone();
        let (kid, thumbprint) = (key.kid.clone().unwrap(), key.thumbprint());
        for turn in 0..3 {
            let ring = KeyRing::new(file.clone()).unwrap();
            assert!(ring.decryption_key(&kid).is_some(), "turn {turn}");
            assert!(ring.decryption_key_by_thumbprint(&thumbprint).is_some());
            file.rotate(KeyUse::Encryption, &entropy);
        }
        let ring = KeyRing::new(file).unwrap();
        assert!(ring.decryption_key(&kid).is_none());
        assert!(ring.decryption_key_by_thumbprint(&thumbprint).is_none());
        assert_ne!(ring.active_encryption_key().unwrap().kid, Some(kid));
    }

    #[test]
    fn the_public_set_holds_nothing_private_and_es256_comes_first() {
        let ring = KeyRing::generate(&PLAN, &SeededEntropy::new("public")).unwrap();
        let text = serde_json::to_string(&ring.jwks()).unwrap();
        assert!(!text.contains("\"d\"") && !text.contains("state"), "{text}");
        assert_eq!(ring.active_signer().unwrap().algorithm(), Algorithm::Es256);
        assert_eq!(ring.active_signer_for(Algorithm::EdDsa).unwrap().algorithm(), Algorithm::EdDsa);
        assert_eq!(ring.secret("k_link").unwrap().expose().len(), 32);
        assert!(ring.secret("k_ppid").is_err());
        assert!(
            ring.decryption_key(ring.active_signer().unwrap().public_jwk().kid.as_ref().unwrap()).is_none()
        );
        let shown = format!("{ring:?}");
        assert!(!shown.contains("secret") || shown.contains("Secret(…)"), "{shown}");
    }

    #[test]
    fn a_ring_without_an_active_signing_key_does_not_start() {
        let plan = KeyPlan { keys: &[KeyType::EcdhP256], secrets: &[] };
        assert!(KeyRing::generate(&plan, &SeededEntropy::new("none")).is_err());
    }
}
