//! The holder's side: keeping a credential, choosing what to show, and binding it to a verifier (RFC 9901 §7.2).

use serde_json::{Map, Value};

use super::key_binding::KeyBindingClaims;
use super::path::ClaimPath;
use super::policy::Validation;
use crate::crypto::{SignatureVerifier, Signer, SignerError};
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// Why nothing was presented.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentError {
    /// The wish cannot be fulfilled with this credential.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The holder's signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A credential in a wallet: the text as the issuer wrote it, verified when it was received.
#[derive(Clone)]
pub struct HeldSdJwt {
    compact: String,
}

impl HeldSdJwt {
    /// Takes a credential from its issuer. There must be no Key Binding JWT (RFC 9901 §7.2).
    ///
    /// # Errors
    /// As [`super::UnverifiedSdJwt::verify`].
    pub fn receive(
        compact: &str,
        verifier: &dyn SignatureVerifier,
        issuer_key: &Jwk,
        validation: &Validation,
    ) -> Verdict<Self> {
        todo!(
            "{:?}",
            (compact, verifier.verify(crate::crypto::Algorithm::Es256, issuer_key, &[], &[]), validation)
        )
    }

    /// Takes a credential out of the wallet's own store, where [`HeldSdJwt::receive`] let it in. Its form is checked
    /// again, its signature is not.
    ///
    /// # Errors
    /// A code of the [module docs](super) if the text is not one that was received.
    pub fn from_storage(compact: &str) -> Verdict<Self> {
        todo!("{compact}")
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.compact
    }

    /// All claims, as if everything were disclosed.
    pub fn claims(&self) -> &Map<String, Value> {
        todo!()
    }

    /// What was verified when the credential was received.
    pub(crate) const fn verified(&self) -> &VerifiedSdJwt {
        &self.read
    }

    /// `iss`, where there is one.
    pub fn issuer(&self) -> Option<&str> {
        self.claims().get("iss").and_then(Value::as_str)
    }

    /// `vct`, where there is one.
    pub fn vct(&self) -> Option<&str> {
        self.claims().get("vct").and_then(Value::as_str)
    }

    /// `exp`, where there is one.
    pub fn expires(&self) -> Option<UnixTime> {
        todo!()
    }

    /// The thumbprint of the instance key in `cnf`.
    pub const fn cnf_thumbprint(&self) -> Option<Thumbprint> {
        None
    }

    /// The claims that can be concealed or disclosed, parents before children.
    pub fn disclosable(&self) -> impl Iterator<Item = &ClaimPath> {
        [].into_iter()
    }

    /// A presentation that discloses what `paths` name, with everything below, and the parents that this needs; and
    /// nothing else.
    ///
    /// # Errors
    /// `claim_not_found` if a path names nothing in this credential.
    pub fn present(&self, paths: &[ClaimPath]) -> Verdict<Presentation> {
        todo!("{paths:?}")
    }
}

/// A choice of disclosures, not yet bound to a verifier: its `sd_hash` is known before the Key Binding JWT's claims are.
#[derive(Clone)]
pub struct Presentation {
    text: String,
    sd_hash: String,
}

impl Presentation {
    /// The hash that the Key Binding JWT will carry (RFC 9901 §4.3.1).
    pub fn sd_hash(&self) -> &str {
        &self.sd_hash
    }

    /// The presentation without key binding, for a verifier that asks for none.
    pub fn into_unbound(self) -> String {
        self.text
    }

    /// Signs the Key Binding JWT with the instance key and returns the SD-JWT+KB.
    ///
    /// # Errors
    /// `kb_key_mismatch` if the signer's key is not the one in `cnf`, `kb_claim_reserved` if an extra claim has a
    /// reserved name; [`PresentError::Signer`].
    pub async fn bind(self, signer: &dyn Signer, claims: KeyBindingClaims) -> Result<String, PresentError> {
        todo!("{:?}", (signer.algorithm(), claims))
    }
}
