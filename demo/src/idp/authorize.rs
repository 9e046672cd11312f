//! `GET /authorize` (OpenID Connect Core 1.0 §3.1.2): checks the request and shows the login form.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::encoding::b64;
use enishi_credential::entropy;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{Idp, Pending};
use crate::web;
use crate::words::Words;

/// The cookie that ties a login form to the browser it was shown in.
pub(super) const COOKIE: &str = "machi_id";

/// The parameters that are read. serde refuses one that occurs twice (RFC 6749 §3.1).
#[derive(Debug, Deserialize)]
struct Query {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    response_mode: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    prompt: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    request: Option<String>,
    request_uri: Option<String>,
}

/// Why no login form is shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum AuthorizeError {
    /// We do not know who asks or where the answer may go: nobody is redirected anywhere (RFC 6749 §4.1.2.1).
    #[error("{0}")]
    Untrusted(&'static str),
    /// An error for the client, by redirect.
    #[error("{error}: {description}")]
    Refused { redirect_uri: String, state: Option<String>, error: &'static str, description: &'static str },
}

/// The login form.
#[derive(Template)]
#[template(path = "idp_login.html")]
pub(super) struct LoginPage {
    pub(super) words: Words,
    pub(super) handle: String,
    pub(super) wrong: bool,
}

/// A page that says why nothing happens.
#[derive(Template)]
#[template(path = "idp_error.html")]
pub(super) struct ErrorPage {
    pub(super) words: Words,
    pub(super) detail: String,
}

pub(super) async fn authorize(
    State(idp): State<Idp>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let words = Words::for_browser(&headers);
    let browser = web::cookie(&headers, COOKIE).filter(|value| b64::decode_array::<32>(value).is_ok());
    let browser = browser.unwrap_or_else(|| entropy::token(&*idp.0.config.entropy));
    match check(&idp, &query.unwrap_or_default(), &browser) {
        Ok(pending) => {
            let handle = idp.0.pending.put(pending, &*idp.0.config.clock, &*idp.0.config.entropy);
            let page = web::page(StatusCode::OK, &LoginPage { words, handle, wrong: false });
            web::set_cookie(page, COOKIE, &browser)
        }
        Err(error) => refuse(&idp, words, error),
    }
}

fn check(idp: &Idp, query: &str, browser: &str) -> Result<Pending, AuthorizeError> {
    let request: Query = serde_urlencoded::from_str(query)
        .map_err(|_| AuthorizeError::Untrusted("the request is not a query whose parameters occur once"))?;
    let client = request.client_id.as_deref().and_then(|id| idp.client(id));
    let client = client.ok_or(AuthorizeError::Untrusted("`client_id` is not registered"))?;
    let redirect_uri = request
        .redirect_uri
        .filter(|uri| *uri == client.redirect_uri)
        .ok_or(AuthorizeError::Untrusted("`redirect_uri` is not the one registered for this client"))?;
    let refused = |error, description| AuthorizeError::Refused {
        redirect_uri: redirect_uri.clone(),
        state: request.state.clone(),
        error,
        description,
    };
    if request.request.is_some() {
        return Err(refused("request_not_supported", "send the parameters in the query"));
    }
    if request.request_uri.is_some() {
        return Err(refused("request_uri_not_supported", "send the parameters in the query"));
    }
    if request.response_type.as_deref() != Some("code") {
        return Err(refused("unsupported_response_type", "`response_type` must be `code`"));
    }
    if request.response_mode.as_deref().is_some_and(|mode| mode != "query") {
        return Err(refused("invalid_request", "`response_mode` must be `query`"));
    }
    if !request.scope.as_deref().unwrap_or_default().split(' ').any(|scope| scope == "openid") {
        return Err(refused("invalid_scope", "`scope` must contain `openid`"));
    }
    if request.prompt.as_deref() == Some("none") {
        return Err(refused("login_required", "every request is a login here"));
    }
    if request.code_challenge_method.as_deref() != Some("S256") {
        return Err(refused("invalid_request", "`code_challenge_method` must be `S256` (RFC 7636)"));
    }
    let code_challenge = request.code_challenge.clone().filter(|text| b64::decode_array::<32>(text).is_ok());
    let code_challenge = code_challenge
        .ok_or_else(|| refused("invalid_request", "`code_challenge` must be a SHA-256 in base64url"))?;
    Ok(Pending {
        client_id: client.id.clone(),
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        browser: browser.to_owned(),
        failures: 0,
        redirect_uri,
        code_challenge,
    })
}

fn refuse(idp: &Idp, words: Words, error: AuthorizeError) -> Response {
    match error {
        AuthorizeError::Untrusted(detail) => {
            web::page(StatusCode::BAD_REQUEST, &ErrorPage { words, detail: detail.to_owned() })
        }
        AuthorizeError::Refused { redirect_uri, state, error, description } => {
            let parameters = [("error", error), ("error_description", description)];
            match answer(idp, &redirect_uri, state.as_deref(), &parameters) {
                Some(location) => web::see_other(&location),
                None => StatusCode::BAD_REQUEST.into_response(),
            }
        }
    }
}

/// The redirect to the client, with `state` and `iss` (RFC 9207).
pub(super) fn answer(
    idp: &Idp,
    redirect_uri: &str,
    state: Option<&str>,
    parameters: &[(&str, &str)],
) -> Option<String> {
    let mut url = Url::parse(redirect_uri).ok()?;
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(parameters);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &idp.0.config.issuer);
    }
    Some(url.into())
}
