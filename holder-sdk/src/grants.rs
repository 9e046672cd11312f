//! Looking back and withdrawing: the grants that the person gave (linkage protocol §8, §10).

mod acknowledgement;

use enishi_credential::encoding::json;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::ConsentTerms;
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::grant::messages::{GrantEvents, GrantStatus, Withdrawn};

use crate::error::WalletError;
use crate::issuance::signer;
use crate::state::StoredGrant;
use crate::transport::{HttpRequest, HttpResponse};
use crate::wallet::Wallet;

/// A consent that was given, as the wallet remembers it.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantSummary {
    /// The grant.
    pub grant_id: String,
    /// The verifier that keeps it, by client id.
    pub verifier: String,
    /// When the person agreed.
    pub given_at: UnixTime,
    /// Whether the verifier is known to have taken the answer. If not, say so, and ask with [`Wallet::grant_status`].
    pub confirmed: bool,
    /// When the person withdrew it with this wallet.
    pub withdrawn_at: Option<UnixTime>,
    /// The verifier's signed acknowledgement of the withdrawal: keep it, it is a proof.
    pub acknowledgement: Option<String>,
    /// The terms exactly as they were agreed to.
    pub terms: ConsentTerms,
}

fn unknown() -> Failure {
    Failure::new("grant", "grant_unknown", "this wallet gave no such grant")
        .remedy("list the wallet's grants, or restore the wallet that gave it")
}

impl Wallet {
    /// Every grant that was given with this wallet, newest last.
    pub fn grants(&self) -> Vec<GrantSummary> {
        self.keeper.read(|state| state.grants.iter().filter_map(summary).collect())
    }

    /// How the grant stands at the verifier. This also settles a grant of which it was not known whether the verifier took
    /// the answer: either it is confirmed now, or, once the time to answer is over and the verifier does not know it,
    /// it is no longer listed.
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors.
    pub async fn grant_status(&self, grant_id: &str) -> Result<GrantStatus, WalletError> {
        match self.ask(grant_id, "GET", "").await {
            Ok(response) => {
                let status: GrantStatus = read(&response)?;
                if status.grant_id != grant_id {
                    return Err(malformed("the answer is about another grant").into());
                }
                self.confirm(grant_id)?;
                Ok(status)
            }
            Err(error) => {
                if matches!(error, WalletError::Server { status: 404, .. }) {
                    self.forget_unanswered(grant_id)?;
                }
                Err(error)
            }
        }
    }

    /// What happened under the grant: when, by whom, what.
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors.
    pub async fn grant_events(&self, grant_id: &str) -> Result<GrantEvents, WalletError> {
        read(&self.ask(grant_id, "GET", "/events").await?)
    }

    /// Withdraws the grant. When this returns, the verifier has stopped it and said so with its signature, which was
    /// checked and is kept ([`GrantSummary::acknowledgement`], threat 17).
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors; `acknowledgement_mismatch` and the codes of signatures for an
    /// acknowledgement that proves nothing. After an error it is not known whether the grant was withdrawn: do it again,
    /// a second withdrawal is answered like the first one.
    pub async fn withdraw(&self, grant_id: &str) -> Result<Withdrawn, WalletError> {
        let grant = self.stored_grant(grant_id)?;
        let withdrawn: Withdrawn = read(&self.ask(grant_id, "DELETE", "").await?)?;
        self.check_acknowledgement(&grant, &withdrawn).await?;
        let (at, acknowledgement) = (withdrawn.withdrawn_at, withdrawn.acknowledgement.clone());
        self.keeper.change(|state| {
            if let Some(grant) = state.grants.iter_mut().find(|grant| grant.grant_id == grant_id) {
                grant.confirmed = true;
                grant.withdrawn_at = Some(at);
                grant.acknowledgement = Some(acknowledgement);
            }
        })?;
        Ok(withdrawn)
    }

    /// Remembers that the verifier has the grant.
    pub(crate) fn confirm(&self, grant_id: &str) -> Result<(), WalletError> {
        let is_new = |grant: &StoredGrant| grant.grant_id == grant_id && !grant.confirmed;
        if self.keeper.read(|state| state.grants.iter().any(is_new)) {
            self.keeper.change(|state| {
                state
                    .grants
                    .iter_mut()
                    .filter(|grant| is_new(grant))
                    .for_each(|grant| grant.confirmed = true);
            })?;
        }
        Ok(())
    }

    /// The verifier does not know the grant. If it can no longer come to know it, it never was one.
    fn forget_unanswered(&self, grant_id: &str) -> Result<(), WalletError> {
        let now = self.now();
        let lapsed = |grant: &StoredGrant| {
            let answer_by = summary(grant).map(|grant| grant.terms.answer_by);
            grant.grant_id == grant_id && !grant.confirmed && answer_by.is_some_and(|end| end <= now)
        };
        if self.keeper.read(|state| state.grants.iter().any(lapsed)) {
            self.keeper.change(|state| state.grants.retain(|grant| !lapsed(grant)))?;
        }
        Ok(())
    }

    fn stored_grant(&self, grant_id: &str) -> Result<StoredGrant, Failure> {
        let found = self.keeper.read(|state| {
            let mut grants = state.grants.iter();
            grants.find(|grant| grant.grant_id == grant_id).cloned()
        });
        found.ok_or_else(unknown)
    }

    /// Sends a request that the grant's own key signs.
    async fn ask(
        &self,
        grant_id: &str,
        method: &'static str,
        below: &str,
    ) -> Result<HttpResponse, WalletError> {
        let grant = self.stored_grant(grant_id)?;
        let url = format!("{}{below}", grant.grant_uri);
        let key = signer(self.parts.seed.grant_key(&grant.verifier, grant_id))?;
        let proof = ProofRequest { method, url: &url, access_token: None, nonce: None };
        let proof = dpop::create(&key, proof, self.now(), self.entropy()).await?;
        let mut request = HttpRequest::get(url, "application/json").header("dpop", proof);
        request.method = method;
        self.fetch(request).await
    }
}

fn summary(stored: &StoredGrant) -> Option<GrantSummary> {
    Some(GrantSummary {
        grant_id: stored.grant_id.clone(),
        verifier: stored.verifier.clone(),
        given_at: stored.given_at,
        confirmed: stored.confirmed,
        withdrawn_at: stored.withdrawn_at,
        acknowledgement: stored.acknowledgement.clone(),
        terms: serde_json::from_value(stored.terms.clone()).ok()?,
    })
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new("grant-answer", "grant_answer_malformed", detail)
        .remedy("the verifier has a fault: its answer is not what the linkage protocol says")
}

fn read<T: serde::de::DeserializeOwned>(response: &HttpResponse) -> Result<T, WalletError> {
    json::from_slice(&response.body).map_err(|error| malformed(error.to_string()).into())
}
