//! Asking for one organisation's credentials, and looking hard at what comes.

use std::collections::BTreeSet;

use enishi_credential::entropy;
use enishi_credential::issuer_key::choose_key;
use enishi_credential::jose::jwk::{JwkSet, PrivateJwk, Thumbprint};
use enishi_credential::jose::jws::UnverifiedJws;
use enishi_credential::linkage::HeldLinkage;
use enishi_credential::secret::Personal;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::vci::{
    CredentialRequest, CredentialResponse, IssuedCredential, IssuerMetadata, KeyBinding, NonceResponse,
    RequestTarget, create_proof,
};

use super::client::{DpopClient, Token};
use super::signer;
use crate::error::WalletError;
use crate::state::StoredCredential;
use crate::transport::HttpRequest;
use crate::wallet::{CredentialSummary, Wallet};

/// What one request is about.
pub(super) struct Plan<'a> {
    pub(super) issuer: &'a IssuerMetadata,
    pub(super) keys: &'a JwkSet,
    pub(super) rp: &'a str,
    pub(super) client_id: Option<&'a str>,
    /// How many credentials the person shall have for this organisation.
    pub(super) batch: usize,
}

/// A credential that holds, and what there is to keep of it.
struct Received {
    jkt: Thumbprint,
    stored: Option<StoredCredential>,
}

fn refused(code: &'static str, detail: impl Into<String>) -> Failure {
    Failure::new("issued-credential", code, detail)
        .remedy("the issuer has a fault: nothing of this response was kept")
}

impl Wallet {
    /// Asks for the batch, verifies every credential, and keeps them all or none.
    pub(super) async fn receive(
        &self,
        client: &DpopClient<'_>,
        token: &Token,
        plan: &Plan<'_>,
    ) -> Result<Vec<CredentialSummary>, WalletError> {
        let keys = self.batch_keys(plan);
        let credentials = self.request(client, token, plan, &keys).await?;
        let mut received = Vec::with_capacity(credentials.len());
        for issued in &credentials {
            received.push(self.accept(issued, plan, &keys)?);
        }
        let distinct: BTreeSet<_> = received.iter().map(|received| received.jkt.to_string()).collect();
        if distinct.len() != received.len() {
            return Err(refused("key_used_twice", "two credentials are bound to one key").into());
        }
        let stored: Vec<_> = received.into_iter().filter_map(|received| received.stored).collect();
        let summaries = stored.iter().map(CredentialSummary::from).collect();
        self.keeper.change(|state| state.credentials.extend(stored))?;
        Ok(summaries)
    }

    /// Sends the request; once more with a fresh nonce if the issuer says that this one is used or too old
    /// (OpenID4VCI 1.0 §8.3.1.2).
    async fn request(
        &self,
        client: &DpopClient<'_>,
        token: &Token,
        plan: &Plan<'_>,
        keys: &[PrivateJwk],
    ) -> Result<Vec<IssuedCredential>, WalletError> {
        let mut retried = false;
        let response = loop {
            let request = CredentialRequest {
                target: RequestTarget::Identifier(plan.rp.to_owned()),
                proofs: self.proofs(client, plan, keys).await?,
            };
            let body = request.to_value().to_string();
            let request = HttpRequest::post(&plan.issuer.credential_endpoint, "application/json", body);
            match client.send(&request, Some(&token.access_token)).await {
                Err(error) if error.code() == "invalid_nonce" && !retried => retried = true,
                outcome => break outcome?,
            }
        };
        match CredentialResponse::parse(&response.body)? {
            CredentialResponse::Issued { credentials, .. } => Ok(credentials),
            CredentialResponse::Deferred { .. } => {
                Err(refused("issuance_deferred", "the issuer wants to deliver later").into())
            }
        }
    }

    /// Fresh instance keys: as many as wanted, and as the issuer takes beside the proof of the pairwise DID.
    fn batch_keys(&self, plan: &Plan<'_>) -> Vec<PrivateJwk> {
        let most = plan.issuer.batch_size().saturating_sub(1).max(1);
        (0..plan.batch.clamp(1, most)).map(|_| PrivateJwk::generate_p256(self.entropy())).collect()
    }

    async fn proofs(
        &self,
        client: &DpopClient<'_>,
        plan: &Plan<'_>,
        keys: &[PrivateJwk],
    ) -> Result<Vec<String>, WalletError> {
        let nonce = match &plan.issuer.nonce_endpoint {
            None => None,
            Some(url) => {
                let response = client.send(&HttpRequest::post(url, "application/json", ""), None).await?;
                Some(NonceResponse::parse(&response.body)?.c_nonce)
            }
        };
        let issuer = plan.issuer.credential_issuer.as_str();
        let did = self.parts.seed.pairwise_did(plan.rp);
        let url = did.verification_method()?;
        let mut proofs = Vec::with_capacity(keys.len() + 1);
        let with_did = (self.parts.seed.pairwise_key(plan.rp), KeyBinding::Did(url));
        let instances = keys.iter().map(|key| (key.clone(), KeyBinding::Jwk));
        for (key, binding) in std::iter::once(with_did).chain(instances) {
            let (nonce, now) = (nonce.as_deref(), self.now());
            proofs.push(create_proof(&signer(key)?, &binding, issuer, nonce, plan.client_id, now).await?);
        }
        Ok(proofs)
    }

    /// Verifies one credential as if the issuer were a stranger.
    fn accept(&self, issued: &IssuedCredential, plan: &Plan<'_>, keys: &[PrivateJwk]) -> Verdict<Received> {
        let held = self.verify_issued(&issued.credential, plan)?;
        let view = held.view();
        if view.rp != plan.rp {
            return Err(refused("rp_mismatch", "the credential is for another organisation"));
        }
        if held.sub() != &self.parts.seed.pairwise_did(plan.rp) {
            return Err(refused("sub_mismatch", "`sub` is not the pairwise DID that was proven"));
        }
        let jkt = view.jkt;
        // The credential of the DID's own key is not kept: shown, it would be the same key in every batch.
        if jkt == self.parts.seed.pairwise_key(plan.rp).public().thumbprint() {
            return Ok(Received { jkt, stored: None });
        }
        let key = keys
            .iter()
            .find(|key| key.public().thumbprint() == jkt)
            .ok_or_else(|| refused("cnf_mismatch", "the credential is bound to a key of somebody else"))?;
        let opening = issued
            .link_opening
            .as_ref()
            .ok_or_else(|| refused("link_opening_missing", "there is no opening of the commitment"))?;
        let stored = StoredCredential {
            id: entropy::token(self.entropy()),
            issuer: plan.issuer.credential_issuer.clone(),
            rp: plan.rp.to_owned(),
            expires: view.expires,
            shown: false,
            sd_jwt: Personal::new(issued.credential.clone()),
            key: Personal::new(key.to_secret_value()),
            opening: opening.clone(),
        };
        Ok(Received { jkt, stored: Some(stored) })
    }

    fn verify_issued(&self, compact: &str, plan: &Plan<'_>) -> Verdict<HeldLinkage> {
        let jwt = compact.split('~').next().unwrap_or_default();
        let parsed = UnverifiedJws::parse(jwt)?;
        let key = choose_key(plan.keys, &parsed.key_hint())
            .map_err(|failure| refused(failure.code, failure.detail).at("/kid"))?;
        let issuer = &plan.issuer.credential_issuer;
        HeldLinkage::receive(compact, self.signatures.as_ref(), issuer, key, self.now())
    }
}
