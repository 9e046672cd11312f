//! `GET /callback`: the provider sends the browser back. The login is verified, and goes on under a new session id, so that
//! nobody who planted the old one can finish it.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use enishi_credential::entropy;
use enishi_credential::secret::Personal;
use enishi_protocol::oauth::{ErrorCode, Params};
use enishi_service::store::StoreError;
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::authorize::send_back;
use super::page;
use crate::app::{App, Shared};
use crate::store::{Authenticated, Started, Subject};

/// Why the login does not go on.
enum CallbackError {
    /// There is no login in this browser to which the answer belongs: page, status 400.
    NoLogin,
    /// The provider refused, or its answer does not hold: redirect to the wallet, `access_denied`.
    Refused(Box<Started>),
    /// The provider could not be asked: redirect to the wallet, `server_error`.
    Failed(Box<Started>),
    /// Status 500.
    Store(StoreError),
}

impl From<StoreError> for CallbackError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) async fn callback(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match answer(&app, query.as_deref().unwrap_or_default(), &headers).await {
        Ok(id) => page::set_session(&app, page::redirect(&app.url.join("/link")), Some(&id)),
        Err(CallbackError::NoLogin) => {
            page::error(&app, &headers, StatusCode::BAD_REQUEST, "issuer-error-session")
        }
        Err(CallbackError::Refused(login)) => {
            let response = send_back(&app, &headers, &login.asker, ErrorCode::AccessDenied);
            page::set_session(&app, response, None)
        }
        Err(CallbackError::Failed(login)) => {
            let response = send_back(&app, &headers, &login.asker, ErrorCode::ServerError);
            page::set_session(&app, response, None)
        }
        Err(CallbackError::Store(error)) => {
            tracing::error!(%error, "the store failed");
            page::error(&app, &headers, StatusCode::INTERNAL_SERVER_ERROR, "issuer-error-internal")
        }
    }
}

async fn answer(app: &App, query: &str, headers: &HeaderMap) -> Result<String, CallbackError> {
    let now = app.clock.now();
    let mut params = Params::parse(query.as_bytes()).map_err(|_| CallbackError::NoLogin)?;
    let id = page::session(app, headers).ok_or(CallbackError::NoLogin)?;
    let state = params.take("state").ok_or(CallbackError::NoLogin)?;
    let login: Started = app.logins.get(&id, now).await?.ok_or(CallbackError::NoLogin)?;
    // Before the login is used up: a forged answer must not end it.
    if !bool::from(login.state.as_bytes().ct_eq(state.as_bytes())) {
        return Err(CallbackError::NoLogin);
    }
    let login: Started = app.logins.consume(&id, now).await?.ok_or(CallbackError::NoLogin)?;
    let login = Box::new(login);
    if params.get("iss").is_some_and(|iss| iss != app.upstream.issuer()) {
        tracing::warn!("an answer of another provider was refused");
        return Err(CallbackError::Refused(login));
    }
    let (None, Some(code)) = (params.take("error"), params.take("code")) else {
        return Err(CallbackError::Refused(login));
    };
    let logged_in = match app.upstream.finish(code, &login.nonce, login.pkce_verifier.clone()).await {
        Ok(logged_in) => logged_in,
        Err(error) => {
            tracing::error!(%error, "a login could not be finished");
            return Err(CallbackError::Failed(login));
        }
    };
    let authenticated = Authenticated {
        asker: login.asker,
        subject: Personal::new(Subject {
            account: logged_in.account,
            acr: app.known_acr(logged_in.acr.as_deref()),
        }),
    };
    let id = entropy::token(&*app.entropy);
    let until = now.plus(i64::from(app.config.lifetimes.login));
    app.logins.insert(&id, &authenticated, until).await?;
    Ok(id)
}
