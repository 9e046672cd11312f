//! What can be read once every check has held.

use std::fmt;

use serde_json::{Map, Value};

use super::claims::numeric_date;
use super::hash::{DigestText, HashAlgorithm};
use super::key_binding::KeyBinding;
use super::path::ClaimPath;
use super::place::Places;
use crate::jose::header::Header;
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::time::UnixTime;
use crate::verdict::Checks;

/// An SD-JWT of which every check held. Its claims may be about a person: `Debug` does not show them.
#[derive(Clone)]
pub struct VerifiedSdJwt {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    pub(super) cnf: Option<Jwk>,
    /// For each disclosure, in the order in which they were sent, the place of its claim.
    pub(super) disclosed: Places,
    /// The places of array elements that were not disclosed.
    pub(super) undisclosed: Vec<ClaimPath>,
    pub(super) hash: HashAlgorithm,
    pub(super) key_binding: Option<KeyBinding>,
    pub(super) sd_hash: DigestText,
    pub(super) checks: Checks,
}

impl VerifiedSdJwt {
    /// The protected header of the issuer-signed JWT.
    pub fn header(&self) -> Map<String, Value> {
        self.header.to_members()
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

    /// `iat`, where there is one.
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.claims.get("iat").and_then(numeric_date)
    }

    /// `exp`, where there is one.
    pub fn expires(&self) -> Option<UnixTime> {
        self.claims.get("exp").and_then(numeric_date)
    }

    /// The holder's key: `cnf.jwk`.
    pub const fn cnf(&self) -> Option<&Jwk> {
        self.cnf.as_ref()
    }

    /// The thumbprint of `cnf.jwk`.
    pub fn cnf_thumbprint(&self) -> Option<Thumbprint> {
        self.cnf.as_ref().map(Jwk::thumbprint)
    }

    /// The paths of the claims that came by disclosure, in the order in which they were sent.
    pub fn disclosed(&self) -> Vec<ClaimPath> {
        self.disclosed.paths().collect()
    }

    /// The array elements that were not disclosed, decoys among them: the path of the array as in [`Self::claims`], and
    /// the index of the element in the array as it was issued. Type metadata count them (SD-JWT VC §5).
    pub fn undisclosed_elements(&self) -> &[ClaimPath] {
        &self.undisclosed
    }

    /// The Key Binding JWT, where the policy required one.
    pub const fn key_binding(&self) -> Option<&KeyBinding> {
        self.key_binding.as_ref()
    }

    /// The hash of the presentation without its Key Binding JWT (RFC 9901 §4.3.1), as computed here.
    pub fn sd_hash(&self) -> &str {
        self.sd_hash.as_str()
    }

    /// The checks that held, in order.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl fmt::Debug for VerifiedSdJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedSdJwt").field("checks", &self.checks).finish_non_exhaustive()
    }
}
