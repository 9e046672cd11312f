//! The keys that a party needs.

use std::io::Write as _;
use std::path::Path;

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwk::{Jwk, JwkSet, PrivateJwk};

use super::authority::{Authority, Subject};
use crate::DemoError;

/// A party's keys.
pub(crate) struct PartyKeys {
    /// Of its legal-entity certificate: signs the party declaration.
    pub(crate) legal: PrivateJwk,
    /// The legal-entity certificate, DER.
    pub(crate) certificate: Vec<u8>,
    /// Signs its other declarations and its client assertions.
    pub(crate) sign: PrivateJwk,
    /// Opens what is sealed to it.
    pub(crate) seal: PrivateJwk,
}

impl PartyKeys {
    /// Fresh keys for the party `id`, certified by `authority`.
    pub(crate) fn generate(
        id: &str,
        authority: &Authority,
        entropy: &dyn Entropy,
    ) -> Result<Self, DemoError> {
        let legal = PrivateJwk::generate_p256(entropy);
        let certificate = authority.certify(Subject::Party(id), &legal)?;
        Ok(Self {
            legal,
            certificate,
            sign: signing_key("sig-1", entropy),
            seal: sealing_key("enc-1", entropy),
        })
    }

    /// The public keys, for the party declaration.
    pub(crate) fn jwks(&self) -> JwkSet {
        JwkSet { keys: vec![self.sign.public().clone(), self.seal.public().clone()] }
    }

    /// Signs with the party's everyday key.
    pub(crate) fn signer(&self) -> Result<SoftwareSigner, DemoError> {
        signer(&self.sign)
    }
}

/// A fresh P-256 signing key named `kid`.
pub(crate) fn signing_key(kid: &str, entropy: &dyn Entropy) -> PrivateJwk {
    PrivateJwk::generate_p256(entropy).map_public(|key: Jwk| key.with_kid(kid).for_signature())
}

/// A fresh P-256 encryption key named `kid`.
pub(crate) fn sealing_key(kid: &str, entropy: &dyn Entropy) -> PrivateJwk {
    PrivateJwk::generate_p256(entropy).map_public(|key: Jwk| key.with_kid(kid).for_encryption())
}

/// A signer for `key`.
pub(crate) fn signer(key: &PrivateJwk) -> Result<SoftwareSigner, DemoError> {
    SoftwareSigner::new(key.clone()).ok_or_else(|| DemoError::Certificate("a key does not sign".to_owned()))
}

/// Writes a new file, readable by its owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DemoError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)?;
    Ok(())
}
