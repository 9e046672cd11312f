//! The wallet's side: a linkage credential that is kept, and the two ways to show it.

use serde_json::Value;

use super::{CLAIM_PPID, CLAIM_SEALED_SUB, CLAIM_SUB, LinkageView, VCT, fault};
use crate::crypto::SignatureVerifier;
use crate::did::Did;
use crate::jose::jwk::Jwk;
use crate::ppid::Ppid;
use crate::sdjwt::{ClaimPath, HeldSdJwt, Presentation, Validation};
use crate::sealed::{self, Binding};
use crate::time::UnixTime;
use crate::verdict::Verdict;

/// The claims that a linkage credential may have. Anything else could be a mark by which a person is recognised.
const KNOWN: [&str; 14] = [
    "iss",
    "vct",
    "vct#integrity",
    "iat",
    "nbf",
    "exp",
    "cnf",
    "rp",
    "acr",
    "link",
    "status",
    "sub",
    "ppid",
    "sealed_sub",
];

/// A linkage credential in a wallet.
#[derive(Debug, Clone)]
pub struct HeldLinkage {
    held: HeldSdJwt,
    view: LinkageView,
    sub: Did,
    ppid: Ppid,
}

impl HeldLinkage {
    /// Takes a linkage credential from its issuer, whose key was found by its metadata.
    ///
    /// # Errors
    /// The codes of [`crate::sdjwt`] and of the [module docs](super): the wallet checks that nothing but the three
    /// agreed claims is concealable, and that nothing in it could mark the person.
    pub fn receive(
        compact: &str,
        verifier: &dyn SignatureVerifier,
        issuer: &str,
        issuer_key: &Jwk,
        now: UnixTime,
    ) -> Verdict<Self> {
        let mut validation = Validation::credential(issuer, VCT, now);
        validation.require_exp = true;
        Self::read(HeldSdJwt::receive(compact, verifier, issuer_key, &validation)?)
    }

    /// Takes a linkage credential out of the wallet's own store.
    ///
    /// # Errors
    /// As [`HeldSdJwt::from_storage`] and [`HeldLinkage::receive`], without signature and times.
    pub fn from_storage(compact: &str) -> Verdict<Self> {
        Self::read(HeldSdJwt::from_storage(compact)?)
    }

    fn read(held: HeldSdJwt) -> Verdict<Self> {
        let claims = held.claims();
        if let Some(name) = claims.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(fault("linkage_claim_unknown", "a claim that linkage credentials do not have")
                .at(ClaimPath::name(name).to_pointer()));
        }
        let concealable = |name: &str| held.disclosable().contains(&ClaimPath::name(name));
        let text = |name: &'static str| {
            let missing = || {
                fault("linkage_claim_malformed", format!("`{name}` is missing or not concealable"))
                    .at(format!("/{name}"))
            };
            claims.get(name).and_then(Value::as_str).filter(|_| concealable(name)).ok_or_else(missing)
        };
        let malformed = |name: &str| {
            fault("identifier_malformed", format!("`{name}` is malformed")).at(format!("/{name}"))
        };
        let sub = Did::parse(text(CLAIM_SUB)?).map_err(|_| malformed(CLAIM_SUB))?;
        let ppid = Ppid::parse(text(CLAIM_PPID)?).map_err(|_| malformed(CLAIM_PPID))?;
        let view = LinkageView::read(held.verified())?;
        let binding = Binding { iss: view.iss.clone(), rp: view.rp.clone(), jkt: view.jkt };
        sealed::check_claimed_binding(text(CLAIM_SEALED_SUB)?, &binding)?;
        Ok(Self { held, view, sub, ppid })
    }

    /// What everybody sees.
    pub const fn view(&self) -> &LinkageView {
        &self.view
    }

    /// The pairwise DID.
    pub const fn sub(&self) -> &Did {
        &self.sub
    }

    /// The pairwise pseudonymous identifier.
    pub const fn ppid(&self) -> &Ppid {
        &self.ppid
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        self.held.as_str()
    }

    /// The credential as any other SD-JWT.
    pub const fn as_sd_jwt(&self) -> &HeldSdJwt {
        &self.held
    }

    /// For a verifier in the middle: discloses `sealed_sub` and nothing else.
    ///
    /// # Errors
    /// None that a held credential can cause.
    pub fn present_mediated(&self) -> Verdict<Presentation> {
        self.held.present(&[ClaimPath::name(CLAIM_SEALED_SUB)])
    }

    /// For the relying party of this credential itself: discloses `sub` and `ppid`.
    ///
    /// # Errors
    /// None that a held credential can cause.
    pub fn present_first_party(&self) -> Verdict<Presentation> {
        self.held.present(&[ClaimPath::name(CLAIM_SUB), ClaimPath::name(CLAIM_PPID)])
    }
}
