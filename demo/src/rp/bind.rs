//! `POST /bind` and `GET /bind/done`: the resident shows the relying party its own credential once, so that it knows which
//! PPID is which of its accounts.

use askama::Template;
use axum::extract::{Query, RawForm, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Rp;
use super::error::RpError;
use crate::web;
use crate::words::Words;

/// The page with the link that the wallet opens.
#[derive(Template)]
#[template(path = "rp_wallet.html")]
pub(super) struct WalletPage {
    pub(super) words: Words,
    pub(super) name: &'static str,
    pub(super) wallet_uri: String,
    pub(super) key: &'static str,
}

/// A form with nothing but the session's token.
#[derive(Deserialize)]
pub(super) struct PlainForm {
    pub(super) csrf: String,
}

impl PlainForm {
    pub(super) fn read(body: &[u8]) -> Result<Self, RpError> {
        serde_urlencoded::from_bytes(body).map_err(|_| RpError::Form)
    }
}

#[derive(Deserialize)]
pub(super) struct Done {
    response_code: String,
}

pub(super) async fn begin(
    State(rp): State<Rp>,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Result<Response, RpError> {
    let session = rp.session(&headers)?;
    session.check_form(&PlainForm::read(&body)?.csrf)?;
    let redirect_uri = format!("{}/bind/done", rp.0.profile.id);
    let asked = rp.0.first_party.ask(&redirect_uri).await?;
    rp.update(&session, |session| session.presentation = Some(asked.presentation_id));
    let words = Words::for_browser(&headers);
    let page = WalletPage {
        words,
        name: rp.0.profile.name(words),
        wallet_uri: asked.wallet_uri,
        key: "demo-rp-bind-open-wallet",
    };
    Ok(web::page(StatusCode::OK, &page))
}

pub(super) async fn done(
    State(rp): State<Rp>,
    headers: HeaderMap,
    Query(done): Query<Done>,
) -> Result<Response, RpError> {
    let session = rp.session(&headers)?;
    let presentation = session.presentation.clone().ok_or(RpError::NotStarted)?;
    rp.update(&session, |session| session.presentation = None);
    let presented = rp.0.first_party.result(&presentation, &done.response_code).await?;
    rp.0.accounts.bind(&session.number, &presented, rp.0.clock.now()).await?;
    Ok(web::see_other("/"))
}
