//! `GET /authorize`: the browser arrives with a pushed request and is sent to the identity provider's login.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use enishi_credential::entropy;
use enishi_protocol::oauth::{
    AuthorizationAnswer, AuthorizationRequest, ErrorCode, OAuthError, Params, authorization_redirect,
};
use http::{HeaderMap, StatusCode};

use super::page;
use crate::app::{App, Shared};
use crate::store::{Asker, Started, StoredRequest};

/// What every `request_uri` of ours begins with.
const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// | error | answer |
/// |---|---|
/// | not pushed, unknown, used, expired or another client's `request_uri` | page, status 400 |
/// | the provider cannot be reached | redirect to the wallet, `temporarily_unavailable` |
pub(super) async fn authorize(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let request = match find(&app, query.as_deref().unwrap_or_default()).await {
        Ok(Some(request)) => request,
        Ok(None) => return page::error(&app, &headers, StatusCode::BAD_REQUEST, "issuer-error-request"),
        Err(response) => return response_for_store(&app, &headers, &response),
    };
    begin(&app, &headers, Asker::Wallet(Box::new(request))).await
}

async fn find(app: &App, query: &str) -> Result<Option<StoredRequest>, enishi_service::store::StoreError> {
    let request = match read(query) {
        Ok(request) => request,
        Err(error) => {
            tracing::info!(%error, "an authorization request was refused");
            return Ok(None);
        }
    };
    let Some(reference) = request.request_uri.strip_prefix(REQUEST_URI_PREFIX) else { return Ok(None) };
    app.pushed.consume(reference, &request.client_id, app.clock.now()).await
}

fn read(query: &str) -> Result<AuthorizationRequest, OAuthError> {
    AuthorizationRequest::from_params(Params::parse(query.as_bytes())?)
}

fn response_for_store(app: &App, headers: &HeaderMap, error: &enishi_service::store::StoreError) -> Response {
    tracing::error!(%error, "the store failed");
    page::error(app, headers, StatusCode::INTERNAL_SERVER_ERROR, "issuer-error-internal")
}

/// Sends the browser to the provider's login, on behalf of a wallet or of the person.
pub(super) async fn begin(app: &App, headers: &HeaderMap, asker: Asker) -> Response {
    let begun = match app.upstream.begin(wanted_acr(app, &asker), &*app.entropy).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::error!(%error, "a login could not begin");
            return send_back(app, headers, &asker, ErrorCode::TemporarilyUnavailable);
        }
    };
    let id = entropy::token(&*app.entropy);
    let login = Started { asker, state: begun.state, nonce: begun.nonce, pkce_verifier: begun.pkce_verifier };
    let until = app.clock.now().plus(i64::from(app.config.lifetimes.login));
    match app.logins.insert(&id, &login, until).await {
        Ok(()) => page::set_session(app, page::redirect(begun.url.as_str()), Some(&id)),
        Err(error) => response_for_store(app, headers, &error),
    }
}

/// The assurance that a fixed relying party needs; the person's own choice comes after the login.
fn wanted_acr<'a>(app: &'a App, asker: &Asker) -> Option<&'a str> {
    let Asker::Wallet(request) = asker else { return None };
    let parties = request.fixed_rps.iter().flatten().filter_map(|id| app.parties.get(id));
    let level = parties.map(|party| party.min_level).max().filter(|level| *level > 0)?;
    app.config.issuance.acr_levels.get(level).map(String::as_str)
}

/// Tells the asker that nothing came of it: the wallet by its redirect URI, the person by a page.
pub(super) fn send_back(app: &App, headers: &HeaderMap, asker: &Asker, error: ErrorCode) -> Response {
    match asker {
        Asker::Wallet(request) => {
            let answer = AuthorizationAnswer::Error(error);
            redirect_to_wallet(app, headers, request, &answer)
        }
        Asker::Person if error == ErrorCode::AccessDenied => {
            page::error(app, headers, StatusCode::OK, "issuer-declined")
        }
        Asker::Person => page::error(app, headers, StatusCode::SERVICE_UNAVAILABLE, "issuer-error-login"),
    }
}

/// The authorization response, with `iss` and `state`.
pub(super) fn redirect_to_wallet(
    app: &App,
    headers: &HeaderMap,
    request: &StoredRequest,
    answer: &AuthorizationAnswer,
) -> Response {
    match authorization_redirect(&request.redirect_uri, answer, request.state.as_deref(), app.url.as_str()) {
        Ok(url) => page::redirect(url.as_str()),
        Err(failure) => {
            tracing::error!(%failure, "a registered redirect URI cannot be used");
            page::error(app, headers, StatusCode::INTERNAL_SERVER_ERROR, "issuer-error-internal")
        }
    }
}
