//! まちのID: a sample identity provider that is a real OpenID Provider (OpenID Connect Core 1.0), for the town only.
//!
//! Discovery, JWKS, the code flow with PKCE, a login form. It keeps no session: every authorization request is a login.
//! Accounts hold a login name, a PIN and a subject, and nothing else: the issuer needs no more of a person.

mod accounts;
mod authorize;
mod login;
mod metadata;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use enishi_credential::crypto::Signer;
use enishi_credential::entropy::Entropy;
use enishi_credential::time::{Clock, UnixTime};

pub(crate) use self::accounts::Account;
use crate::web::OneTime;

/// The authentication context of a login with login name and PIN (`acr`, OpenID Connect Core 1.0 §2).
pub(crate) const ACR: &str = "urn:enishi:demo:acr:pin";

/// A relying party of the provider: in the town, the issuer of linkage credentials.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// `client_id`.
    pub(crate) id: String,
    /// `client_secret`.
    pub(crate) secret: String,
    /// The only `redirect_uri`, compared as a string.
    pub(crate) redirect_uri: String,
}

/// What the provider is started with.
pub(crate) struct IdpConfig {
    /// `iss`.
    pub(crate) issuer: String,
    /// Who may ask.
    pub(crate) clients: Vec<Client>,
    /// Who can log in.
    pub(crate) accounts: Vec<Account>,
    /// Signs ID tokens; its public key has a `kid`.
    pub(crate) signer: Arc<dyn Signer>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness for codes.
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// A valid authorization request whose login form is open.
#[derive(Debug, Clone)]
struct Pending {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: String,
    /// The browser that opened the form, by its cookie.
    browser: String,
    /// Wrong PINs so far.
    failures: u32,
}

/// What an authorization code stands for.
#[derive(Debug, Clone)]
struct Authorized {
    request: Pending,
    sub: String,
    auth_time: UnixTime,
}

/// The provider's state. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Idp(Arc<Inner>);

struct Inner {
    config: IdpConfig,
    pending: OneTime<Pending>,
    codes: OneTime<Authorized>,
}

/// Seconds that a login form stays open.
const FORM_LIFE: i64 = 600;
/// Seconds that an authorization code lives.
const CODE_LIFE: i64 = 60;

impl Idp {
    /// A provider with `config`.
    pub(crate) fn new(config: IdpConfig) -> Self {
        Self(Arc::new(Inner { config, pending: OneTime::new(FORM_LIFE), codes: OneTime::new(CODE_LIFE) }))
    }

    /// Its endpoints.
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(metadata::discovery))
            .route("/jwks", get(metadata::jwks))
            .route("/authorize", get(authorize::authorize))
            .route("/login", post(login::login))
            .route("/token", post(token::token))
            .with_state(self)
    }

    fn client(&self, id: &str) -> Option<&Client> {
        self.0.config.clients.iter().find(|client| client.id == id)
    }
}

#[cfg(test)]
mod tests;
