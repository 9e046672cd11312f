//! Requests of the wallet: plain ones, and those with a DPoP proof (RFC 9449), nonce and all.

use std::sync::{Mutex, PoisonError};

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::secret::Secret;
use enishi_credential::verdict::Failure;
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::issuer_keys::{self, IssuerKeySource};
use enishi_protocol::oauth::{AuthorizationServerMetadata, GrantedDetail, TokenRequest, TokenResponse};
use url::Url;

use crate::error::WalletError;
use crate::transport::{HttpRequest, HttpResponse};
use crate::wallet::Wallet;

impl Wallet {
    /// Sends `request` and wants a 2xx answer.
    pub(crate) async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, WalletError> {
        self.urls().check(&request.url)?;
        let response = self.parts.transport.send(request).await?;
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        Err(WalletError::from_response(&response))
    }

    /// GETs a JSON document.
    pub(crate) async fn fetch_json(&self, url: &Url) -> Result<Vec<u8>, WalletError> {
        let response = self.fetch(HttpRequest::get(url.as_str(), "application/json")).await?;
        if response.is("application/json") {
            return Ok(response.body);
        }
        Err(Failure::new("media-type", "not_json", "the answer is not application/json")
            .remedy("serve the document with its media type")
            .into())
    }

    /// The keys with which `issuer` signs credentials.
    pub(crate) async fn issuer_keys(&self, issuer: &str) -> Result<JwkSet, WalletError> {
        let body = self.fetch_json(&issuer_keys::metadata_url(issuer, self.urls())?).await?;
        match issuer_keys::parse_metadata(&body, issuer, self.urls())? {
            IssuerKeySource::Inline(keys) => Ok(keys),
            IssuerKeySource::At(url) => Ok(issuer_keys::parse_jwks(&self.fetch_json(&url).await?)?),
        }
    }
}

/// An access token and what it is for.
pub(super) struct Token {
    pub(super) access_token: Secret<String>,
    pub(super) details: Vec<GrantedDetail>,
}

/// Sends requests with proofs by one key, and uses the nonces that servers hand out.
pub(super) struct DpopClient<'w> {
    wallet: &'w Wallet,
    key: SoftwareSigner,
    /// The last nonce by origin: nonces of different servers are not to be mixed (RFC 9449 §8.2).
    nonces: Mutex<Vec<(String, String)>>,
}

impl<'w> DpopClient<'w> {
    pub(super) const fn new(wallet: &'w Wallet, key: SoftwareSigner) -> Self {
        Self { wallet, key, nonces: Mutex::new(Vec::new()) }
    }

    pub(super) async fn token(
        &self,
        server: &AuthorizationServerMetadata,
        request: &TokenRequest,
    ) -> Result<Token, WalletError> {
        let endpoint = server.token_endpoint.as_deref().ok_or_else(|| {
            Failure::new("authorization-server", "token_endpoint_missing", "there is no token endpoint")
        })?;
        let response = self.post_form(endpoint, request.to_form().expose().clone()).await?;
        let token = TokenResponse::parse(&response.body, true)?;
        Ok(Token { access_token: token.access_token, details: token.authorization_details })
    }

    pub(super) async fn post_form(&self, url: &str, form: String) -> Result<HttpResponse, WalletError> {
        self.send(&HttpRequest::post(url, "application/x-www-form-urlencoded", form), None).await
    }

    /// Sends with a proof, and once more with the server's nonce when it wants one.
    pub(super) async fn send(
        &self,
        request: &HttpRequest,
        token: Option<&Secret<String>>,
    ) -> Result<HttpResponse, WalletError> {
        self.wallet.urls().check(&request.url)?;
        let origin =
            Url::parse(&request.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let mut retried = false;
        loop {
            let nonce = self.nonce(&origin);
            let proof = dpop::create(
                &self.key,
                ProofRequest {
                    method: request.method,
                    url: &request.url,
                    access_token: token.map(|token| token.expose().as_str()),
                    nonce: nonce.as_deref(),
                },
                self.wallet.now(),
                self.wallet.entropy(),
            )
            .await?;
            let mut with_proof = request.clone().header("dpop", proof);
            if let Some(token) = token {
                with_proof = with_proof.header("authorization", format!("DPoP {}", token.expose()));
            }
            let response = self.wallet.parts.transport.send(with_proof).await?;
            let offered = response.header("dpop-nonce").map(str::to_owned);
            let fresh = offered.is_some() && offered != nonce;
            if let Some(nonce) = offered {
                self.remember(&origin, nonce);
            }
            if (200..300).contains(&response.status) {
                return Ok(response);
            }
            let error = WalletError::from_response(&response);
            let wanted = error.code() == "use_dpop_nonce"
                || response.header("www-authenticate").is_some_and(|value| value.contains("use_dpop_nonce"));
            if retried || !wanted || !fresh {
                return Err(error);
            }
            retried = true;
        }
    }

    fn nonce(&self, origin: &str) -> Option<String> {
        let nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.iter().find(|(of, _)| of == origin).map(|(_, nonce)| nonce.clone())
    }

    fn remember(&self, origin: &str, nonce: String) {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.retain(|(of, _)| of != origin);
        nonces.push((origin.to_owned(), nonce));
    }
}
