//! Login is delegated to the identity provider's own OpenID Provider (OpenID Connect Core 1.0, code flow with PKCE). Of
//! what it answers, `sub` and `acr` are kept, nothing else is even asked for.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::secret::Secret;
use enishi_credential::time::Clock;
use enishi_service::client::{ClientError, GuardedClient};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse as _,
};
use url::Url;

use crate::remembered::Remembered;

/// Why a login did not come about. The text is for the log and names nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// The provider cannot be reached, or its metadata cannot be read.
    #[error("the OpenID Provider's metadata cannot be had")]
    Discovery,
    /// Our configuration does not fit the provider.
    #[error("the OpenID Provider cannot be used: {0}")]
    Unusable(&'static str),
    /// The code was not accepted.
    #[error("the OpenID Provider did not give a token: {0}")]
    Exchange(&'static str),
    /// The ID token is not one for us.
    #[error("the ID token is not valid: {0}")]
    IdToken(String),
}

/// A login that begins: where to send the browser, and what to remember meanwhile.
pub(crate) struct Begun {
    pub(crate) url: Url,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) pkce_verifier: String,
}

/// Who logged in.
pub(crate) struct LoggedIn {
    pub(crate) account: UpstreamAccount,
    /// As the provider says; not yet one of our levels.
    pub(crate) acr: Option<String>,
}

/// The provider, with its metadata as last seen.
pub(crate) struct Upstream {
    issuer: String,
    client_id: String,
    client_secret: Secret<String>,
    redirect_uri: String,
    http: GuardedClient,
    clock: Arc<dyn Clock>,
    known: Remembered<CoreProviderMetadata>,
}

impl Upstream {
    /// A provider of which nothing is known but its issuer id.
    pub(crate) fn new(
        issuer: &str,
        client: (String, Secret<String>),
        redirect_uri: String,
        http: GuardedClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (client_id, client_secret) = client;
        Self {
            issuer: issuer.to_owned(),
            client_id,
            client_secret,
            redirect_uri,
            http,
            known: Remembered::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// The provider's issuer id.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn metadata(&self, again: bool) -> Result<CoreProviderMetadata, UpstreamError> {
        let issuer = IssuerUrl::new(self.issuer.clone())
            .map_err(|_| UpstreamError::Unusable("issuer is not a URL"))?;
        let caller = self.caller();
        let fetch = async move {
            match CoreProviderMetadata::discover_async(issuer, &caller).await {
                Ok(metadata) => Some(metadata),
                Err(error) => {
                    tracing::warn!(%error, "the OpenID Provider's metadata could not be fetched");
                    None
                }
            }
        };
        self.known.get(again, fetch).await.ok_or(UpstreamError::Discovery)
    }

    /// The only way out, as the library wants it.
    fn caller(
        &self,
    ) -> impl Fn(
        HttpRequest,
    ) -> std::pin::Pin<
        Box<dyn Future<Output = Result<openidconnect::HttpResponse, ClientError>> + Send>,
    > + Send
    + Sync
    + 'static {
        let http = self.http.clone();
        move |request| {
            let http = http.clone();
            Box::pin(async move { http.execute(request).await })
        }
    }

    /// Begins a login. `acr` asks for an assurance level.
    pub(crate) async fn begin(
        &self,
        acr: Option<&str>,
        entropy: &dyn Entropy,
    ) -> Result<Begun, UpstreamError> {
        let metadata = self.metadata(false).await?;
        let (state, nonce) = (entropy::token(entropy), entropy::token(entropy));
        let pkce_verifier = entropy::token(entropy);
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pkce_verifier.clone()));
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(self.client_id.clone()), None)
                .set_redirect_uri(self.redirect_url()?);
        let (state2, nonce2) = (state.clone(), nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state2),
                move || Nonce::new(nonce2),
            )
            .set_pkce_challenge(challenge);
        if let Some(acr) = acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.to_owned()));
        }
        let (url, _, _) = request.url();
        Ok(Begun { url, state, nonce, pkce_verifier })
    }

    /// Ends a login with the provider's code.
    pub(crate) async fn finish(
        &self,
        code: String,
        nonce: &str,
        pkce_verifier: String,
    ) -> Result<LoggedIn, UpstreamError> {
        let metadata = self.metadata(false).await?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(self.client_id.clone()),
            Some(ClientSecret::new(self.client_secret.expose().clone())),
        )
        .set_redirect_uri(self.redirect_url()?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| UpstreamError::Unusable("its metadata name no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier))
            .request_async(&self.caller())
            .await
            .map_err(|error| {
                // The library's text may quote the answer.
                UpstreamError::Exchange(match error {
                    openidconnect::RequestTokenError::ServerResponse(_) => "it refused",
                    openidconnect::RequestTokenError::Request(_) => "it could not be reached",
                    _ => "its answer cannot be read",
                })
            })?;
        let token = answer.id_token().ok_or(UpstreamError::Exchange("there is no ID token"))?;
        let nonce = Nonce::new(nonce.to_owned());
        let now = self.clock.now().secs();
        let verify = |client: openidconnect::core::CoreIdTokenVerifier<'_>| {
            let verifier = client
                .set_allowed_algs([
                    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
                    CoreJwsSigningAlgorithm::EdDsa,
                    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
                    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                ])
                .set_time_fn(move || DateTime::<Utc>::from_timestamp(now, 0).unwrap_or_default());
            token.claims(&verifier, &nonce).map(|claims| LoggedIn {
                account: UpstreamAccount::new(claims.issuer().as_str(), claims.subject().as_str()),
                acr: claims.auth_context_ref().map(|acr| acr.as_str().to_owned()),
            })
        };
        if let Ok(logged_in) = verify(client.id_token_verifier()) {
            return Ok(logged_in);
        }
        // The provider may have rotated its keys since we looked.
        let metadata = self.metadata(true).await?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(self.client_id.clone()),
            Some(ClientSecret::new(self.client_secret.expose().clone())),
        );
        verify(client.id_token_verifier()).map_err(|error| UpstreamError::IdToken(error.to_string()))
    }

    fn redirect_url(&self) -> Result<RedirectUrl, UpstreamError> {
        RedirectUrl::new(self.redirect_uri.clone())
            .map_err(|_| UpstreamError::Unusable("our redirect URI is not a URL"))
    }
}
