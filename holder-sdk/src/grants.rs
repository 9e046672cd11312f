//! Looking back and withdrawing: the grants that the person gave (linkage protocol §8, §10).

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

    /// How the grant stands at the verifier.
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors.
    pub async fn grant_status(&self, grant_id: &str) -> Result<GrantStatus, WalletError> {
        read(&self.ask(grant_id, "GET", "").await?)
    }

    /// What happened under the grant: when, by whom, what.
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors.
    pub async fn grant_events(&self, grant_id: &str) -> Result<GrantEvents, WalletError> {
        read(&self.ask(grant_id, "GET", "/events").await?)
    }

    /// Withdraws the grant. When this returns, the verifier has stopped it and said so with its signature.
    ///
    /// # Errors
    /// `grant_unknown`; the verifier's errors. After an error it is not known whether it was withdrawn: ask again.
    pub async fn withdraw(&self, grant_id: &str) -> Result<Withdrawn, WalletError> {
        let withdrawn: Withdrawn = read(&self.ask(grant_id, "DELETE", "").await?)?;
        let (at, acknowledgement) = (withdrawn.withdrawn_at, withdrawn.acknowledgement.clone());
        self.keeper.change(|state| {
            if let Some(grant) = state.grants.iter_mut().find(|grant| grant.grant_id == grant_id) {
                grant.withdrawn_at = Some(at);
                grant.acknowledgement = Some(acknowledgement);
            }
        })?;
        Ok(withdrawn)
    }

    /// Sends a request that the grant's own key signs.
    async fn ask(
        &self,
        grant_id: &str,
        method: &'static str,
        below: &str,
    ) -> Result<HttpResponse, WalletError> {
        let grant = self
            .keeper
            .read(|state| state.grants.iter().find(|grant| grant.grant_id == grant_id).cloned())
            .ok_or_else(unknown)?;
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
        withdrawn_at: stored.withdrawn_at,
        acknowledgement: stored.acknowledgement.clone(),
        terms: serde_json::from_value(stored.terms.clone()).ok()?,
    })
}

fn read<T: serde::de::DeserializeOwned>(response: &HttpResponse) -> Result<T, WalletError> {
    json::from_slice(&response.body).map_err(|error| {
        Failure::new("grant-answer", "grant_answer_malformed", error.to_string())
            .remedy("the verifier has a fault: its answer is not what the linkage protocol says")
            .into()
    })
}
