//! Presentations of linkage credentials: made by wallets, checked by verifiers, and checked once more by gateways.
//!
//! ```text
//! wallet     present_linked / present_first_party
//! verifier   issuer_hint ▶ verify_linking ▶ PendingLink ─ credential status ─▶ conclude ▶ VerifiedLink
//! gateway    evidence::VerifiedEvidence::reverify: the same function, at the time of the presentation
//! ```
//!
//! The two steps of a verification are in the order of linkage protocol §7: a credential's status is asked for only
//! after everything about the credential itself held, so that nobody learns about credentials that do not hold.

mod first_party;
mod issuers;
mod mediated;
mod present;
#[cfg(test)]
pub(crate) mod tests;

pub use enishi_credential::linkage::VCT;

pub use first_party::{FirstPartyDemand, PendingFirstParty, VerifiedFirstParty, verify_first_party};
pub use issuers::{IssuerHint, IssuerKeys, issuer_hint};
pub use mediated::{LinkingDemand, PendingLink, VerifiedLink, verify_linking};
pub use present::{LinkPart, LinkPresentError, present_first_party, present_linked};

use enishi_credential::verdict::{Checks, Failure, Verdict};

/// The id of the Credential Query of first-party verification.
pub const FIRST_PARTY_LINK: &str = "link";

/// How old a KB-JWT may be, in seconds: a person reads the terms before it is made, not after.
pub const KB_MAX_AGE: i64 = 300;

/// How far clocks may be apart, in seconds.
pub const CLOCK_SKEW: i64 = 60;

/// What is known of a credential's status. There is no default, so that nobody forgets to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusOutcome {
    /// The status list was asked: valid, or why not. Also an unreachable list is a failure (fail closed).
    Checked(Verdict<()>),
    /// The credential names no status list.
    NoStatus,
    /// The verifier's signed evidence says that it was checked at the time.
    RecordedInEvidence,
}

impl StatusOutcome {
    /// Takes the outcome for a credential that does, or does not, have a status.
    fn accept(self, has_status: bool, checks: &mut Checks) -> Verdict<()> {
        match (self, has_status) {
            (Self::Checked(outcome), true) => {
                outcome?;
                checks.passed(STATUS_CHECK);
                Ok(())
            }
            (Self::RecordedInEvidence, _) => {
                checks.passed(STATUS_RECORDED_CHECK);
                Ok(())
            }
            (Self::NoStatus, false) => Ok(()),
            (Self::NoStatus, true) | (Self::Checked(_), false) => Err(Failure::new(
                STATUS_CHECK,
                "status_unknown",
                "the outcome of the status check does not belong to this credential",
            )
            .remedy("ask the status list that the credential names")),
        }
    }
}

/// The name of the status check.
pub const STATUS_CHECK: &str = "credential-status";
/// The name of the check that the evidence says that the status was checked.
pub const STATUS_RECORDED_CHECK: &str = "credential-status-recorded";

/// The `acr` of a credential is one that is good enough; an empty list takes any.
fn check_acr(acr: &str, acceptable: &[String]) -> Verdict<()> {
    if acceptable.is_empty() || acceptable.iter().any(|value| value == acr) {
        return Ok(());
    }
    Err(Failure::new("acr", "acr_insufficient", "the holder was not identified well enough for this service")
        .at("/acr")
        .remedy("log in at the issuer with a stronger method and get new credentials"))
}
