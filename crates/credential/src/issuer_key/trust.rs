//! The configuration: who is trusted, and how each is recognised.

use std::collections::BTreeMap;

use super::fault;
use super::search::KeySearch;
use crate::did::Did;
use crate::jose::jws::KeyHint;
use crate::verdict::Verdict;
use crate::x509::TrustAnchors;

/// How the key of one issuer is found.
#[derive(Debug, Clone)]
pub enum Mechanism {
    /// JWT VC Issuer Metadata (SD-JWT VC §4): the issuer's id is an https URL.
    Metadata,
    /// A certificate chain in `x5c` that ends at one of these anchors.
    Certificate(TrustAnchors),
    /// The issuer's id is a DID.
    Did,
}

/// What may be configured at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Every mechanism.
    #[default]
    Any,
    /// HAIP 1.0 §6.1.1: certificates only.
    Haip,
}

/// The trusted issuers, each with the one mechanism by which its key is found.
#[derive(Debug, Clone, Default)]
pub struct IssuerTrust {
    profile: Profile,
    issuers: BTreeMap<String, Mechanism>,
    /// Whose certificates name trusted issuers, whoever they are.
    authorities: TrustAnchors,
    /// The anchors of everybody, to read a certificate before it is known whose it is.
    all: TrustAnchors,
}

impl IssuerTrust {
    /// Nobody is trusted.
    pub fn new(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Trusts the issuer `id`, exactly as it stands in `iss` or in a certificate, by `mechanism`.
    ///
    /// # Errors
    /// `issuer_mechanism_unfit`: the id is empty or already there, a DID is not to be found by the mechanism `Did` or
    /// something else is, there is no anchor, or the profile does not allow the mechanism.
    pub fn with(mut self, id: impl Into<String>, mechanism: Mechanism) -> Verdict<Self> {
        let unfit = |detail| fault("issuer_mechanism_unfit", detail);
        let id = id.into();
        let is_did = id.starts_with("did:");
        match &mechanism {
            Mechanism::Metadata | Mechanism::Did if self.profile == Profile::Haip => {
                return Err(unfit("under HAIP issuers are known by certificates"));
            }
            Mechanism::Metadata if is_did => return Err(unfit("a DID has no issuer metadata")),
            Mechanism::Did => drop(Did::parse(&id).map_err(|_| unfit("the id is not a DID"))?),
            Mechanism::Certificate(anchors) if anchors.is_empty() => {
                return Err(unfit("there is no trust anchor"));
            }
            Mechanism::Certificate(anchors) => self.all.extend(anchors.clone()),
            Mechanism::Metadata => {}
        }
        if id.is_empty() || self.issuers.insert(id, mechanism).is_some() {
            return Err(unfit("the issuer has no id, or is configured twice"));
        }
        Ok(self)
    }

    /// Trusts every issuer whom one of these authorities has given a certificate, and by certificate only. Issuers that
    /// are configured by name stay bound to their own mechanism.
    #[must_use]
    pub fn with_authorities(mut self, anchors: TrustAnchors) -> Self {
        self.all.extend(anchors.clone());
        self.authorities.extend(anchors);
        self
    }

    /// The mechanism of a configured issuer.
    pub fn mechanism(&self, id: &str) -> Option<&Mechanism> {
        self.issuers.get(id)
    }

    /// The configured issuers.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &Mechanism)> {
        self.issuers.iter().map(|(id, mechanism)| (id.as_str(), mechanism))
    }

    /// Says where to look for a key: by the claimed `iss` alone where there is one, and otherwise by the certificate.
    ///
    /// # Errors
    /// `issuer_untrusted`.
    pub fn search<'a>(&'a self, claimed: Option<&str>, hint: &KeyHint<'_>) -> Verdict<KeySearch<'a>> {
        let Some(claimed) = claimed else {
            if hint.x5c.is_empty() {
                return Err(fault(
                    "issuer_untrusted",
                    "neither `iss` nor a certificate says who the issuer is",
                ));
            }
            return Ok(KeySearch::by_certificate(self, None));
        };
        match self.issuers.get_key_value(claimed) {
            Some((id, mechanism)) => Ok(KeySearch::configured(id, mechanism)),
            None if self.authorities.is_empty() || hint.x5c.is_empty() => {
                Err(fault("issuer_untrusted", "the issuer is not a trusted one"))
            }
            None => Ok(KeySearch::by_certificate(self, Some(claimed.to_owned()))),
        }
    }

    pub(super) const fn authorities(&self) -> &TrustAnchors {
        &self.authorities
    }

    pub(super) const fn all_anchors(&self) -> &TrustAnchors {
        &self.all
    }
}
