//! First-party verification: a relying party asks its own user for the identifier by which it knows them.

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::Did;
use enishi_credential::linkage::{self, FirstPartyLinkage, LinkageDemand};
use enishi_credential::ppid::Ppid;
use enishi_credential::sdjwt::UnverifiedSdJwt;
use enishi_credential::status::StatusReference;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Checks, Verdict};

use super::{CLOCK_SKEW, IssuerKeys, KB_MAX_AGE, StatusOutcome, check_acr};

/// What the presentation must satisfy.
#[derive(Clone, Copy)]
pub struct FirstPartyDemand<'a> {
    /// The time now.
    pub now: UnixTime,
    /// The verifier's full client id.
    pub client_id: &'a str,
    /// The nonce of the request.
    pub nonce: &'a str,
    /// The relying party itself.
    pub rp: &'a str,
    /// The `acr` values that are good enough; empty for any.
    pub acr_values: &'a [String],
    /// The trusted issuers.
    pub issuers: &'a IssuerKeys,
    /// Checks signatures.
    pub signatures: &'a dyn SignatureVerifier,
}

/// The presentation holds; the credential's status is still to be asked for.
#[derive(Debug)]
#[must_use = "nothing is verified before `conclude`"]
pub struct PendingFirstParty(FirstPartyLinkage);

/// The relying party's own user.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifiedFirstParty {
    /// The issuer.
    pub issuer: String,
    /// The identifier at this relying party.
    pub ppid: Ppid,
    /// The pairwise DID.
    pub sub: Did,
    /// The assurance.
    pub acr: String,
    /// The checks that held, in order.
    pub checks: Checks,
}

/// Checks the presentation for `link` up to the status.
///
/// # Errors
/// The codes of [`enishi_credential::issuer_key`]; those of [`enishi_credential::sdjwt`] and
/// [`enishi_credential::linkage`].
pub fn verify_first_party(presentation: &str, demand: &FirstPartyDemand<'_>) -> Verdict<PendingFirstParty> {
    let presentation = UnverifiedSdJwt::parse(presentation)?;
    let (issuer, key) = demand.issuers.key_for(&presentation, demand.now)?.into_parts();
    let linkage = LinkageDemand {
        issuer,
        rp: demand.rp.to_owned(),
        aud: demand.client_id.to_owned(),
        nonce: demand.nonce.to_owned(),
        now: demand.now,
        max_age: KB_MAX_AGE,
        leeway: CLOCK_SKEW,
    };
    linkage::verify_first_party(presentation, demand.signatures, &key, &linkage).map(PendingFirstParty)
}

impl PendingFirstParty {
    /// Where the credential's status stands.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.0.view.status.as_ref()
    }

    /// The issuer, whose status lists count.
    pub fn issuer(&self) -> &str {
        &self.0.view.iss
    }

    /// Makes the remaining checks: status and `acr`.
    ///
    /// # Errors
    /// The status failure; `status_unknown`; `acr_insufficient`.
    pub fn conclude(
        self,
        status: StatusOutcome,
        demand: &FirstPartyDemand<'_>,
    ) -> Verdict<VerifiedFirstParty> {
        let FirstPartyLinkage { view, sub, ppid, mut checks, .. } = self.0;
        checks.record(|checks| {
            status.accept(view.status.is_some(), checks)?;
            check_acr(&view.acr, demand.acr_values)?;
            checks.passed("acr");
            Ok(())
        })?;
        Ok(VerifiedFirstParty { issuer: view.iss, ppid, sub, acr: view.acr, checks })
    }
}
