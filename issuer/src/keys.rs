//! The issuer's keys, out of the key file.

use std::sync::Arc;

use enishi_credential::commitment::LinkKey;
use enishi_credential::crypto::Signer;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::ppid::PpidKey;
use enishi_service::http::StartError;
use enishi_service::keys::{KeyFileError, KeyPlan, KeyRing, KeyType};

use crate::derive::StateKey;

/// What a new key file of an issuer holds.
pub const KEY_PLAN: KeyPlan<'static> =
    KeyPlan { keys: &[KeyType::Es256], secrets: &["k_ppid", "k_link", "k_state"] };

/// The issuer's keys.
pub(crate) struct IssuerKeys {
    /// Signs credentials.
    pub(crate) signer: Arc<dyn Signer>,
    /// The public keys that are published: the active one, the next, and those that retire.
    pub(crate) jwks: JwkSet,
    /// The certificate chain of the active key without its anchor, if it has one: base64 DER, leaf first.
    pub(crate) x5c: Vec<String>,
    /// PPIDs are derived with it. Never rotated.
    pub(crate) k_ppid: PpidKey,
    /// The scalars of accounts are derived with it. Never rotated.
    pub(crate) k_link: LinkKey,
    /// Codes, nonces and form tokens are derived with it. Can be rotated.
    pub(crate) k_state: StateKey,
}

impl IssuerKeys {
    /// The keys of a ring that was loaded by [`KEY_PLAN`].
    pub(crate) fn new(ring: &KeyRing) -> Result<Self, StartError> {
        use base64::Engine as _;
        let fault = |error: KeyFileError| StartError::Other(error.to_string());
        let secret = |name: &str| ring.secret(name).map(|secret| secret.expose().clone()).map_err(fault);
        let short = |_| StartError::Other("a secret of the key file is too short".to_owned());
        let signer = ring.active_signer().map_err(fault)?;
        let kid = signer.public_jwk().kid.clone().unwrap_or_default();
        let chain = ring.x5c(&kid).iter();
        Ok(Self {
            x5c: chain.map(|der| base64::engine::general_purpose::STANDARD.encode(der)).collect(),
            jwks: ring.jwks(),
            signer,
            k_ppid: PpidKey::new(secret("k_ppid")?).map_err(short)?,
            k_link: LinkKey::new(secret("k_link")?).map_err(short)?,
            k_state: StateKey::new(secret("k_state")?),
        })
    }
}
