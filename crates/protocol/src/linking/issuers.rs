//! The issuers that are trusted, with their keys. Fetching them is the caller's.

use std::collections::BTreeMap;

use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::sdjwt::UnverifiedSdJwt;
use enishi_credential::verdict::{Failure, Verdict};

/// Trusted issuers and their keys. An issuer that is not in here is not trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerKeys(BTreeMap<String, JwkSet>);

/// Which key of which issuer a presentation claims to be signed with: good for deciding whether to fetch, among trusted
/// issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerHint {
    /// The claimed `iss`.
    pub issuer: String,
    /// The `kid`, if any.
    pub kid: Option<String>,
}

/// Reads the hint of a presentation.
///
/// # Errors
/// The codes of [`enishi_credential::sdjwt`] for malformed ones; `issuer_untrusted` without `iss`.
pub fn issuer_hint(presentation: &str) -> Verdict<IssuerHint> {
    hint(&UnverifiedSdJwt::parse(presentation)?)
}

fn hint(presentation: &UnverifiedSdJwt<'_>) -> Verdict<IssuerHint> {
    let issuer = presentation.claimed_issuer().ok_or_else(|| untrusted("the credential has no `iss`"))?;
    Ok(IssuerHint { issuer, kid: presentation.key_hint().kid.map(str::to_owned) })
}

fn untrusted(detail: &'static str) -> Failure {
    Failure::new("issuer-trusted", "issuer_untrusted", detail)
        .at("/iss")
        .remedy("present a credential of an issuer that this verifier trusts")
}

impl IssuerKeys {
    /// Adds a trusted issuer, or replaces its keys.
    #[must_use]
    pub fn with(mut self, issuer: impl Into<String>, keys: JwkSet) -> Self {
        self.0.insert(issuer.into(), keys);
        self
    }

    /// Whether this key is here, so that nothing needs to be fetched.
    pub fn has(&self, hint: &IssuerHint) -> bool {
        self.0.get(&hint.issuer).is_some_and(|keys| find(keys, hint).is_some())
    }

    /// The issuer and key that a presentation names.
    pub(super) fn key_for(&self, presentation: &UnverifiedSdJwt<'_>) -> Verdict<(String, &Jwk)> {
        let hint = hint(presentation)?;
        let keys = self.0.get(&hint.issuer).ok_or_else(|| untrusted("the issuer is not a trusted one"))?;
        let key = find(keys, &hint).ok_or_else(|| {
            Failure::new("issuer-key", "issuer_key_unknown", "the issuer does not publish the named key")
                .at("/kid")
                .remedy("sign with a key that the issuer's metadata list, and name it in `kid`")
        })?;
        Ok((hint.issuer, key))
    }
}

fn find<'a>(keys: &'a JwkSet, hint: &IssuerHint) -> Option<&'a Jwk> {
    let signs = |key: &&Jwk| key.algorithm().is_some() && key.key_use.as_deref() != Some("enc");
    if let Some(kid) = &hint.kid {
        return keys.find(kid).filter(signs);
    }
    let mut signing = keys.keys.iter().filter(signs);
    signing.next().filter(|_| signing.next().is_none())
}
