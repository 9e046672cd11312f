//! `POST /login`: login name and PIN against an authorization code.

use axum::extract::{RawForm, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::authorize::{COOKIE, ErrorPage, LoginPage, answer};
use super::{Authorized, Idp};
use crate::web;
use crate::words::Words;

#[derive(Deserialize)]
struct LoginForm {
    handle: String,
    name: String,
    pin: String,
}

/// Wrong PINs after which the form is worth nothing.
const MOST_FAILURES: u32 = 5;

pub(super) async fn login(State(idp): State<Idp>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let words = Words::for_browser(&headers);
    let gone =
        |detail: &str| web::page(StatusCode::BAD_REQUEST, &ErrorPage { words, detail: detail.to_owned() });
    let Ok(form) = serde_urlencoded::from_bytes::<LoginForm>(&body) else {
        return gone("the form lacks a field, or a field occurs twice");
    };
    let (clock, entropy) = (&*idp.0.config.clock, &*idp.0.config.entropy);
    // Taking it makes every form good for one attempt; a wrong PIN gets a fresh form.
    let Some(mut pending) = idp.0.pending.take(&form.handle, clock) else {
        return gone("this form was used or is too old: start again");
    };
    if web::cookie(&headers, COOKIE).as_ref() != Some(&pending.browser) {
        return gone("this form was opened in another browser: start again");
    }
    let account = idp.0.config.accounts.iter().find(|account| account.opens_with(&form.name, &form.pin));
    let Some(account) = account else {
        pending.failures += 1;
        if pending.failures >= MOST_FAILURES {
            return gone("too many attempts: start again");
        }
        let handle = idp.0.pending.put(pending, clock, entropy);
        return web::page(StatusCode::UNAUTHORIZED, &LoginPage { words, handle, wrong: true });
    };
    let (redirect_uri, state) = (pending.redirect_uri.clone(), pending.state.clone());
    let authorized =
        Authorized { request: pending, sub: account.sub().expose().clone(), auth_time: clock.now() };
    let code = idp.0.codes.put(authorized, clock, entropy);
    match answer(&idp, &redirect_uri, state.as_deref(), &[("code", &code)]) {
        Some(location) => web::see_other(&location),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}
