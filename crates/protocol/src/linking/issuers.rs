//! The issuers that are trusted, with what leads to their keys. Fetching it is the caller's.

use std::collections::BTreeMap;

use enishi_credential::issuer_key::{Fetched, IssuerKey, KeySearch, Mechanism, Needs};
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::sdjwt::UnverifiedSdJwt;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

/// Trusted issuers, each with the one way to its key. An issuer that is not in here is not trusted.
#[derive(Debug, Clone, Default)]
pub struct IssuerKeys(BTreeMap<String, (Mechanism, Fetched)>);

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
    /// Adds a trusted issuer that publishes `keys` in its metadata, or replaces what was known of it.
    #[must_use]
    pub fn with(self, issuer: impl Into<String>, keys: JwkSet) -> Self {
        self.with_mechanism(issuer, Mechanism::Metadata, Fetched::Keys(keys))
    }

    /// Adds a trusted issuer whose key is found by `mechanism`, with what was fetched for it.
    #[must_use]
    pub fn with_mechanism(
        mut self,
        issuer: impl Into<String>,
        mechanism: Mechanism,
        fetched: Fetched,
    ) -> Self {
        self.0.insert(issuer.into(), (mechanism, fetched));
        self
    }

    /// Whether what leads to this key is here, so that nothing needs to be fetched.
    pub fn has(&self, hint: &IssuerHint) -> bool {
        self.0.get_key_value(&hint.issuer).is_some_and(|(id, (mechanism, fetched))| {
            KeySearch::configured(id, mechanism).needs() == Needs::Nothing
                || fetched.names(hint.kid.as_deref())
        })
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The issuer and key that a presentation names.
    pub(super) fn key_for(&self, presentation: &UnverifiedSdJwt<'_>, now: UnixTime) -> Verdict<IssuerKey> {
        let issuer = presentation.claimed_issuer().ok_or_else(|| untrusted("the credential has no `iss`"))?;
        let (id, (mechanism, fetched)) =
            self.0.get_key_value(&issuer).ok_or_else(|| untrusted("the issuer is not a trusted one"))?;
        KeySearch::configured(id, mechanism).key(&presentation.key_hint(), fetched.material(), now)
    }
}
