//! `GET /login` and `POST /login`: the relying party's own login, which has nothing to do with the town's ID.

use askama::Template;
use axum::extract::{RawForm, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Rp;
use super::error::RpError;
use crate::web;
use crate::words::Words;

#[derive(Template)]
#[template(path = "rp_login.html")]
struct LoginPage {
    words: Words,
    name: &'static str,
    wrong: bool,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

pub(super) async fn form(State(rp): State<Rp>, headers: HeaderMap) -> Response {
    let words = Words::for_browser(&headers);
    web::page(StatusCode::OK, &LoginPage { words, name: rp.0.profile.name(words), wrong: false })
}

pub(super) async fn login(
    State(rp): State<Rp>,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Result<Response, RpError> {
    let form: Credentials = serde_urlencoded::from_bytes(&body).map_err(|_| RpError::Form)?;
    let Some(number) = rp.0.accounts.log_in(&form.name, &form.password).await? else {
        let words = Words::for_browser(&headers);
        let page = LoginPage { words, name: rp.0.profile.name(words), wrong: true };
        return Ok(web::page(StatusCode::UNAUTHORIZED, &page));
    };
    let token = rp.0.sessions.begin(number, &*rp.0.entropy);
    Ok(web::set_cookie(web::see_other("/"), &rp.cookie_name(), &token))
}
