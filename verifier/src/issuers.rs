//! The trusted issuers, as a verification asks for them: their keys, and the status of their credentials.

use std::sync::Arc;

use enishi_credential::status::StatusReference;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::linking::{IssuerHint, IssuerKeys, StatusOutcome};
use enishi_service::trust::{StatusLists, TrustedKeys};

/// For how many seconds a status list is used at most, whatever its `ttl` says.
pub(crate) const MAX_TTL: u32 = 300;

/// The trusted issuers.
pub(crate) struct TrustedIssuers {
    keys: Arc<TrustedKeys>,
    lists: StatusLists,
}

impl TrustedIssuers {
    pub(crate) const fn new(keys: Arc<TrustedKeys>, lists: StatusLists) -> Self {
        Self { keys, lists }
    }

    /// The keys of the issuers that these presentations claim to be from, as far as they are trusted.
    pub(crate) async fn keys_for(&self, hints: &[IssuerHint]) -> Verdict<IssuerKeys> {
        self.keys.of_presentations(hints).await
    }

    /// Asks the status list that a credential of `issuer` names.
    pub(crate) async fn status(&self, issuer: &str, reference: Option<&StatusReference>) -> StatusOutcome {
        match reference {
            None => StatusOutcome::NoStatus,
            Some(reference) => StatusOutcome::Checked(self.check_status(issuer, reference).await),
        }
    }

    async fn check_status(&self, issuer: &str, reference: &StatusReference) -> Verdict<()> {
        if self.lists.status(issuer, reference).await?.is_valid() {
            return Ok(());
        }
        Err(Failure::new(
            "credential-status",
            "credential_not_valid",
            "the credential is revoked or suspended",
        )
        .at("/status")
        .remedy("get a fresh credential from the issuer"))
    }
}
