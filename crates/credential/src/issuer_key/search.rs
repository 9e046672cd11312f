//! From a claimed issuer to its key.

use super::choose::choose_key;
use super::fault;
use super::trust::{IssuerTrust, Mechanism};
use crate::did::{self, Did, DidDocument, DidUrl, Relationship};
use crate::jose::jwk::{Jwk, JwkSet};
use crate::jose::jws::KeyHint;
use crate::sdjwt::Validation;
use crate::time::UnixTime;
use crate::verdict::Verdict;
use crate::x509::{self, TrustAnchors, VerifiedLeaf};

/// What has to be fetched, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs<'a> {
    /// Nothing: the header says it all.
    Nothing,
    /// The keys in the metadata of this issuer (SD-JWT VC §4).
    Metadata(&'a str),
    /// The document of this DID.
    DidDocument(Did),
}

/// What was fetched.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Material<'a> {
    /// Nothing.
    Nothing,
    /// The published keys of the issuer.
    Keys(&'a JwkSet),
    /// The document of the issuer's DID.
    Document(&'a DidDocument),
}

/// What was fetched, kept: in a cache, or with a list of trusted issuers.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Fetched {
    /// Nothing.
    #[default]
    Nothing,
    /// The published keys of the issuer.
    Keys(JwkSet),
    /// The document of the issuer's DID.
    Document(DidDocument),
}

impl Fetched {
    /// For [`KeySearch::key`].
    pub const fn material(&self) -> Material<'_> {
        match self {
            Self::Nothing => Material::Nothing,
            Self::Keys(set) => Material::Keys(set),
            Self::Document(document) => Material::Document(document),
        }
    }

    /// Whether a key with this `kid` is in here; without `kid`, whether any is. If not, it may be worth to fetch again.
    pub fn names(&self, kid: Option<&str>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Keys(set) => set.keys.iter().any(|key| kid.is_none() || key.kid.as_deref() == kid),
            Self::Document(document) => {
                let url = kid.and_then(|kid| DidUrl::parse(kid).ok());
                url.is_some_and(|url| document.names(&url))
            }
        }
    }
}

/// The one way to a key that the configuration leaves open.
#[derive(Debug, Clone)]
#[must_use = "this is not a key yet"]
pub struct KeySearch<'a>(Way<'a>);

#[derive(Debug, Clone)]
enum Way<'a> {
    Metadata(&'a str),
    Did(&'a str),
    /// A configured issuer, by the anchors that are configured for it.
    Certificate(&'a str, &'a TrustAnchors),
    /// Whoever the certificate names: `iss`, if it is there, must agree.
    Named(&'a IssuerTrust, Option<String>),
}

impl<'a> KeySearch<'a> {
    /// The way to the key of the issuer `id`, which is trusted and known by `mechanism`. Whoever calls this has looked the
    /// claimed issuer up, as [`IssuerTrust::search`] does.
    pub fn configured(id: &'a str, mechanism: &'a Mechanism) -> Self {
        Self(match mechanism {
            Mechanism::Metadata => Way::Metadata(id),
            Mechanism::Certificate(anchors) => Way::Certificate(id, anchors),
            Mechanism::Did => Way::Did(id),
        })
    }

    pub(super) const fn by_certificate(trust: &'a IssuerTrust, claimed: Option<String>) -> Self {
        Self(Way::Named(trust, claimed))
    }

    /// What the caller has to fetch.
    pub fn needs(&self) -> Needs<'a> {
        match &self.0 {
            Way::Metadata(id) => Needs::Metadata(id),
            Way::Did(id) => match Did::parse(id) {
                Ok(did) if !carries_its_key(&did) => Needs::DidDocument(did),
                _ => Needs::Nothing,
            },
            Way::Certificate(..) | Way::Named(..) => Needs::Nothing,
        }
    }

    /// The issuer's key, with which the text is then to be verified.
    ///
    /// # Errors
    /// A code of the [module docs](super), or of [`crate::x509`] or [`crate::did`].
    pub fn key(self, hint: &KeyHint<'_>, material: Material<'_>, now: UnixTime) -> Verdict<IssuerKey> {
        let found = |issuer: &str, key| IssuerKey { issuer: issuer.to_owned(), claimed: true, key };
        match self.0 {
            Way::Metadata(id) => match material {
                Material::Keys(set) => Ok(found(id, choose_key(set, hint)?.clone())),
                _ => Err(unavailable()),
            },
            Way::Did(id) => Ok(found(id, did_key(id, hint, material, now)?)),
            Way::Certificate(id, anchors) => {
                let leaf = x509::verify_chain(hint.x5c, anchors, now)?;
                if names(&leaf, id) { Ok(found(id, leaf.key)) } else { Err(mismatch()) }
            }
            Way::Named(trust, claimed) => named(trust, claimed, hint, now),
        }
    }
}

fn unavailable() -> crate::verdict::Failure {
    fault("issuer_key_unavailable", "what leads to the issuer's key is not there")
}

fn mismatch() -> crate::verdict::Failure {
    fault("x5c_issuer_mismatch", "the certificate does not name the issuer")
}

/// Methods whose DIDs are the key: resolved from the text alone.
fn carries_its_key(did: &Did) -> bool {
    matches!(did.method(), "jwk" | "key")
}

fn did_key(id: &str, hint: &KeyHint<'_>, material: Material<'_>, now: UnixTime) -> Verdict<Jwk> {
    let kid = hint.kid.ok_or_else(|| fault("kid_missing", "`kid` names no method of the DID"))?;
    let url = DidUrl::parse(kid).map_err(|failure| failure.at("/kid"))?;
    let did = url.did();
    if did.as_str() != id {
        return Err(fault("did_url_foreign", "`kid` is not of the DID in `iss`"));
    }
    let assertions = Relationship::AssertionMethod;
    let key = match material {
        _ if carries_its_key(&did) => did::resolve_key(&url, assertions),
        // A document answers for its own DID only.
        Material::Document(document) => document.key(&url, assertions, now),
        _ => return Err(unavailable()),
    };
    key.map_err(|failure| failure.at("/kid"))
}

/// Whether the certificate is that of the issuer `id`.
fn names(leaf: &VerifiedLeaf, id: &str) -> bool {
    leaf.has_uri(id) || id.strip_prefix("https://").is_some_and(|host| leaf.has_dns_name(host))
}

/// The issuer whom a certificate names. It may be configured, and then its own anchors decide; or an authority vouches.
fn named(
    trust: &IssuerTrust,
    claimed: Option<String>,
    hint: &KeyHint<'_>,
    now: UnixTime,
) -> Verdict<IssuerKey> {
    // Nobody is found by this: it is only safe to read from now on.
    let leaf = x509::verify_chain(hint.x5c, trust.all_anchors(), now)?;
    let mut configured = trust.issuers().filter(|(id, _)| names(&leaf, id));
    if let Some((id, mechanism)) = configured.next() {
        if configured.next().is_some() {
            return Err(fault("issuer_ambiguous", "the certificate names several trusted issuers"));
        }
        if claimed.is_some() {
            return Err(mismatch());
        }
        let Mechanism::Certificate(anchors) = mechanism else {
            return Err(fault("issuer_mechanism", "the issuer is not to be recognised by a certificate"));
        };
        let key = x509::verify_chain(hint.x5c, anchors, now)?.key;
        return Ok(IssuerKey { issuer: id.to_owned(), claimed: false, key });
    }
    if trust.authorities().is_empty() {
        return Err(fault("issuer_untrusted", "the certificate names no trusted issuer"));
    }
    let leaf = x509::verify_chain(hint.x5c, trust.authorities(), now)?;
    let issuer = match claimed {
        Some(claimed) if names(&leaf, &claimed) => {
            IssuerKey { issuer: claimed, claimed: true, key: leaf.key }
        }
        Some(_) => return Err(mismatch()),
        None => {
            let uri = leaf.uris.first().cloned();
            let id = uri.or_else(|| leaf.dns_names.first().map(|name| format!("https://{name}")));
            let id = id.ok_or_else(|| fault("issuer_untrusted", "the certificate names nobody"))?;
            IssuerKey { issuer: id, claimed: false, key: leaf.key }
        }
    };
    Ok(issuer)
}

/// The key of a trusted issuer, found in the way that is configured for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerKey {
    issuer: String,
    /// Whether `iss` is there.
    claimed: bool,
    key: Jwk,
}

impl IssuerKey {
    /// Who the issuer is: the configured id, or the first name in the certificate for issuers that an authority vouches for.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key.
    pub const fn key(&self) -> &Jwk {
        &self.key
    }

    /// Makes `validation` demand that `iss` is this issuer, or that it is absent where the certificate named it.
    pub fn bind(&self, validation: &mut Validation) {
        validation.issuer = self.claimed.then(|| self.issuer.clone());
    }

    /// Takes issuer and key out.
    pub fn into_parts(self) -> (String, Jwk) {
        (self.issuer, self.key)
    }
}
