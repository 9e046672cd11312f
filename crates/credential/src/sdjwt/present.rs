//! The holder's side: keeping a credential, choosing what to show, and binding it to a verifier (RFC 9901 §7.2).

use std::fmt;

use serde_json::{Map, Value};

use super::fault;
use super::key_binding::{KeyBindingClaims, RESERVED_CLAIMS};
use super::parse::UnverifiedSdJwt;
use super::path::{ClaimPath, Relation};
use super::policy::{KeyBindingPolicy, TYP_KB_JWT, Validation};
use super::process::split;
use super::verified::VerifiedSdJwt;
use crate::crypto::{SignatureVerifier, Signer, SignerError};
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::jose::jws;
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
    read: VerifiedSdJwt,
    disclosable: Vec<ClaimPath>,
}

impl HeldSdJwt {
    /// Takes a credential from its issuer. There must be no Key Binding JWT (RFC 9901 §7.2).
    ///
    /// # Errors
    /// As [`UnverifiedSdJwt::verify`].
    pub fn receive(
        compact: &str,
        verifier: &dyn SignatureVerifier,
        issuer_key: &Jwk,
        validation: &Validation,
    ) -> Verdict<Self> {
        let unverified = UnverifiedSdJwt::parse(compact)?;
        let compact = unverified.text().to_owned();
        let read = unverified.verify(verifier, issuer_key, validation, &KeyBindingPolicy::NotRequired)?;
        Ok(Self::of(compact, read))
    }

    /// Takes a credential out of the wallet's own store, where [`HeldSdJwt::receive`] let it in. Its form is checked
    /// again; its signature and times are not.
    ///
    /// # Errors
    /// A code of the [module docs](super) if the text is not one that was received.
    pub fn from_storage(compact: &str) -> Verdict<Self> {
        let (compact, read) = UnverifiedSdJwt::parse(compact)?.process_as_received()?;
        Ok(Self::of(compact, read))
    }

    fn of(compact: String, read: VerifiedSdJwt) -> Self {
        let disclosable = read.disclosed();
        Self { compact, read, disclosable }
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.compact
    }

    /// All claims, as if everything were disclosed.
    pub const fn claims(&self) -> &Map<String, Value> {
        self.read.claims()
    }

    /// What was verified when the credential was received.
    pub(crate) const fn verified(&self) -> &VerifiedSdJwt {
        &self.read
    }

    /// `iss`, where there is one.
    pub fn issuer(&self) -> Option<&str> {
        self.read.issuer()
    }

    /// `vct`, where there is one.
    pub fn vct(&self) -> Option<&str> {
        self.read.vct()
    }

    /// `exp`, where there is one.
    pub fn expires(&self) -> Option<UnixTime> {
        self.read.expires()
    }

    /// The thumbprint of the instance key in `cnf`.
    pub fn cnf_thumbprint(&self) -> Option<Thumbprint> {
        self.read.cnf_thumbprint()
    }

    /// The claims that the holder can conceal or disclose, in the issuer's order.
    pub fn disclosable(&self) -> &[ClaimPath] {
        &self.disclosable
    }

    /// A presentation that discloses what `paths` name, with everything below, and the parents that this needs; and
    /// nothing else. A path to a claim that is visible anyway is fine and discloses nothing.
    ///
    /// # Errors
    /// `claim_not_found` if a path is empty or names nothing in this credential.
    pub fn present(&self, paths: &[ClaimPath]) -> Verdict<Presentation> {
        for path in paths {
            if !path.exists_in(self.claims()) {
                return Err(fault("claim_not_found", "the credential has no claim at this path")
                    .at(path.to_pointer()));
            }
        }
        let (issuer_jwt, disclosures) = self.compact.split_once('~').unwrap_or_default();
        let mut text = format!("{issuer_jwt}~");
        for (disclosure, at) in split(disclosures).zip(self.disclosable()) {
            if paths.iter().any(|path| path.relation(at) != Relation::Apart) {
                text.push_str(disclosure);
                text.push('~');
            }
        }
        Ok(Presentation { sd_hash: self.read.hash.digest(&text), text, holder_key: self.cnf_thumbprint() })
    }
}

impl fmt::Debug for HeldSdJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSdJwt").field("vct", &self.vct()).finish_non_exhaustive()
    }
}

/// A choice of disclosures that is not yet bound to a verifier: its `sd_hash` is known before the claims of the Key
/// Binding JWT are.
#[derive(Clone)]
pub struct Presentation {
    text: String,
    sd_hash: String,
    holder_key: Option<Thumbprint>,
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
        if self.holder_key != Some(signer.public_jwk().thumbprint()) {
            return Err(fault("kb_key_mismatch", "the signer's key is not the one in `cnf`").into());
        }
        let mut payload = claims.extra;
        if let Some(name) = RESERVED_CLAIMS.into_iter().find(|name| payload.contains_key(*name)) {
            return Err(fault("kb_claim_reserved", format!("`{name}` may not be an extra claim")).into());
        }
        payload.insert("aud".to_owned(), claims.aud.into());
        payload.insert("nonce".to_owned(), claims.nonce.into());
        payload.insert("iat".to_owned(), claims.iat.secs().into());
        payload.insert("sd_hash".to_owned(), self.sd_hash.into());
        let header = Map::from_iter([("typ".to_owned(), Value::from(TYP_KB_JWT))]);
        let key_binding = jws::sign(signer, header, &Value::Object(payload)).await?;
        Ok(self.text + &key_binding)
    }
}

impl fmt::Debug for Presentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presentation(…)")
    }
}
