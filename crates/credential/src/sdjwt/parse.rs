//! From the compact text to something that can be believed (RFC 9901 §4, §7.1, §7.3).

use serde_json::{Map, Value};

use super::key_binding::KeyBinding;
use super::path::ClaimPath;
use super::policy::{KeyBindingPolicy, Validation};
use crate::crypto::SignatureVerifier;
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::jose::jws::{KeyHint, UnverifiedJws};
use crate::time::UnixTime;
use crate::verdict::{Checks, Verdict};

/// An SD-JWT that was split into its parts. Nothing can be read from it but where to look for the issuer's key.
#[derive(Clone)]
pub struct UnverifiedSdJwt {
    issuer_jwt: UnverifiedJws,
}

impl UnverifiedSdJwt {
    /// Splits `compact`: `<JWT>~<D1>~…~<Dn>~` with an optional Key Binding JWT after the last `~`.
    ///
    /// # Errors
    /// See the table in the [module docs](super).
    pub fn parse(compact: &str) -> Verdict<Self> {
        Ok(Self { issuer_jwt: UnverifiedJws::parse(compact)? })
    }

    /// What the issuer-signed JWT says about its key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.issuer_jwt.key_hint()
    }

    /// The `iss` that is claimed: good for finding the key among trusted issuers, never for trusting it.
    pub fn claimed_issuer(&self) -> Option<String> {
        self.issuer_jwt.claimed("iss")
    }

    /// Checks everything: issuer signature, type, disclosures, times, and key binding by policy.
    ///
    /// # Errors
    /// See the table in the [module docs](super). Nothing of the credential can be read after a failure.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        issuer_key: &Jwk,
        validation: &Validation,
        key_binding: &KeyBindingPolicy,
    ) -> Verdict<VerifiedSdJwt> {
        todo!(
            "{:?}",
            (verifier.verify(crate::crypto::Algorithm::Es256, issuer_key, &[], &[]), validation, key_binding)
        )
    }
}

/// An SD-JWT of which every check held.
#[derive(Clone)]
pub struct VerifiedSdJwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    cnf: Option<Jwk>,
    disclosed: Vec<ClaimPath>,
    key_binding: Option<KeyBinding>,
    sd_hash: String,
    checks: Checks,
}

impl VerifiedSdJwt {
    /// The protected header of the issuer-signed JWT.
    pub const fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The processed claims: what is visible and what was disclosed, without digests.
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Takes the processed claims out.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// `iss`, where there is one.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// `vct`, where there is one.
    pub fn vct(&self) -> Option<&str> {
        self.claims.get("vct").and_then(Value::as_str)
    }

    /// `exp`, where there is one.
    pub fn expires(&self) -> Option<UnixTime> {
        self.claims.get("exp").and_then(Value::as_i64).map(UnixTime::from_secs)
    }

    /// The holder's key: `cnf.jwk`.
    pub const fn cnf(&self) -> Option<&Jwk> {
        self.cnf.as_ref()
    }

    /// The thumbprint of `cnf.jwk`.
    pub fn cnf_thumbprint(&self) -> Option<Thumbprint> {
        self.cnf.as_ref().map(Jwk::thumbprint)
    }

    /// The paths of the claims that came by disclosure, parents before children.
    pub fn disclosed(&self) -> &[ClaimPath] {
        &self.disclosed
    }

    /// The Key Binding JWT, where the policy required one.
    pub const fn key_binding(&self) -> Option<&KeyBinding> {
        self.key_binding.as_ref()
    }

    /// The hash of the presentation without its Key Binding JWT (RFC 9901 §4.3.1), as computed here.
    pub fn sd_hash(&self) -> &str {
        &self.sd_hash
    }

    /// The checks that held, in order.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}
