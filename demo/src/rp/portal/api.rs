//! The portal's side of the linking verifier's API: client assertions, and a DPoP key per request.

use std::sync::Arc;

use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use enishi_credential::time::Clock;
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::grant::messages::{
    LinkRequest, LinkRequestCreated, LinkRequestStatus, MintRequest, MintedLink,
};
use enishi_protocol::party;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::PortalConfig;
use crate::net::{Answer, Call, CallError, Net};
use crate::rp::Rp;
use crate::rp::error::RpError;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The linking verifier, as the portal talks to it.
pub(super) struct VerifierApi {
    net: Net,
    party: String,
    verifier: String,
    signer: SoftwareSigner,
    dpop_secret: Secret<[u8; 32]>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl VerifierApi {
    pub(super) fn new(rp: &Rp, net: Net, config: &PortalConfig) -> Self {
        Self {
            net,
            party: rp.0.profile.id.clone(),
            verifier: config.verifier.clone(),
            signer: config.signer.clone(),
            dpop_secret: config.dpop_secret.clone(),
            clock: Arc::clone(&rp.0.clock),
            entropy: Arc::clone(&rp.0.entropy),
        }
    }

    /// The key that may mint and use links of the request `ask_id`. Derived, so that it is in no database.
    pub(super) fn dpop_key(&self, ask_id: &str) -> Result<SoftwareSigner, RpError> {
        let secret = Sha256::new().chain_update(b"portal/dpop/1").chain_update(self.dpop_secret.expose());
        let secret: [u8; 32] = secret.chain_update(ask_id).finalize().into();
        let key =
            PrivateJwk::from_p256_secret(&secret).map_err(|error| RpError::Crypto(error.to_string()))?;
        SoftwareSigner::new(key).ok_or_else(|| RpError::Crypto("the key does not sign".to_owned()))
    }

    /// `POST /link-requests`.
    pub(super) async fn ask(&self, request: &LinkRequest) -> Result<LinkRequestCreated, RpError> {
        let body = serde_json::to_value(request).map_err(|error| RpError::Crypto(error.to_string()))?;
        let call = self.call(Method::POST, "/link-requests").await?.json(&body);
        Ok(self.net.send(call).await?.ok()?)
    }

    /// `GET /link-requests/{id}` without a code: what is known as long as no browser came back.
    pub(super) async fn state(&self, id: &str) -> Result<Answer, RpError> {
        Ok(self.net.send(self.call(Method::GET, &format!("/link-requests/{id}")).await?).await?)
    }

    /// `GET /link-requests/{id}`, with the code that the browser brought.
    pub(super) async fn status(&self, id: &str, response_code: &str) -> Result<LinkRequestStatus, RpError> {
        let query =
            serde_urlencoded::to_string([("response_code", response_code)]).map_err(|_| RpError::Form)?;
        let call = self.call(Method::GET, &format!("/link-requests/{id}?{query}")).await?;
        Ok(self.net.send(call).await?.ok()?)
    }

    /// `POST /links`: mints a data link with the request's DPoP key.
    pub(super) async fn mint(&self, ask_id: &str, grant_id: &str) -> Result<MintedLink, RpError> {
        let url = format!("{}/links", self.verifier);
        let proof = self.proof(ask_id, "POST", &url, None).await?;
        let body = serde_json::to_value(MintRequest { grant_id: grant_id.to_owned() });
        let body = body.map_err(|error| RpError::Crypto(error.to_string()))?;
        let call = self.call(Method::POST, "/links").await?.header(DPOP, &proof)?.json(&body);
        Ok(self.net.send(call).await?.ok()?)
    }

    /// `DELETE /grants/{id}`: a consent that turned out to be another person's is given back.
    pub(super) async fn give_back(&self, grant_id: &str, reason: &str) -> Result<Value, RpError> {
        let call = self.call(Method::DELETE, &format!("/grants/{grant_id}")).await?;
        Ok(self.net.send(call.json(&json!({"reason": reason}))).await?.ok()?)
    }

    /// Uses a data link at the gateway.
    pub(super) async fn use_link(&self, ask_id: &str, link: &MintedLink) -> Result<Answer, RpError> {
        Ok(self.net.send(self.link_call(ask_id, link).await?).await?)
    }

    /// The request with which a data link is used.
    pub(super) async fn link_call(&self, ask_id: &str, link: &MintedLink) -> Result<Call, RpError> {
        let proof = self.proof(ask_id, "GET", &link.resource, Some(&link.access_token)).await?;
        let call = Call::new(Method::GET, &link.resource)
            .header(AUTHORIZATION, &format!("DPoP {}", link.access_token))?
            .header(DPOP, &proof)?;
        Ok(call)
    }

    async fn proof(
        &self,
        ask_id: &str,
        method: &str,
        url: &str,
        token: Option<&str>,
    ) -> Result<String, RpError> {
        let request = ProofRequest { method, url, access_token: token, nonce: None };
        dpop::create(&self.dpop_key(ask_id)?, request, self.clock.now(), &*self.entropy)
            .await
            .map_err(|error| RpError::Crypto(error.to_string()))
    }

    async fn call(&self, method: Method, path: &str) -> Result<Call, RpError> {
        let (now, entropy) = (self.clock.now(), &*self.entropy);
        let assertion = party::create(&self.signer, &self.party, &self.verifier, now, entropy)
            .await
            .map_err(|error| RpError::Crypto(error.to_string()))?;
        let call = Call::new(method, format!("{}{path}", self.verifier));
        Ok(call.header(AUTHORIZATION, &format!("Bearer {assertion}"))?)
    }

    /// Thumbprint of the request's DPoP key.
    pub(super) fn dpop_jkt(&self, ask_id: &str) -> Result<enishi_credential::jose::jwk::Thumbprint, RpError> {
        Ok(self.dpop_key(ask_id)?.public_jwk().thumbprint())
    }
}

impl From<CallError> for super::fetch::Refusal {
    fn from(error: CallError) -> Self {
        Self::verifier(error.code())
    }
}
