//! `GET /start`: a person who comes by themselves logs in, chooses whom to link, and gets an offer for any wallet: as a
//! link, protected by a transaction code that is shown beside it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use enishi_credential::secret::Personal;
use enishi_service::store::StoreError;
use http::{HeaderMap, StatusCode};

use super::authorize::begin;
use super::page::{self, Words};
use crate::app::{App, Shared};
use crate::offer::{TxCodeWish, make_offer};
use crate::store::{Asker, OfferFor, Subject};

#[derive(Template)]
#[template(path = "offer.html")]
struct OfferPage {
    words: Words,
    style: String,
    offer_uri: String,
    tx_code: String,
    minutes: String,
}

pub(super) async fn start(State(app): State<Shared>, headers: HeaderMap) -> Response {
    begin(&app, &headers, Asker::Person).await
}

/// The page at the end of it.
pub(super) async fn show_offer(
    app: &App,
    headers: &HeaderMap,
    subject: Personal<Subject>,
    rps: Vec<String>,
) -> Result<Response, StoreError> {
    let content = OfferFor {
        subject: Some(subject),
        rps,
        authorization_code: false,
        pre_authorized: true,
        tx_code_length: None,
    };
    let made = make_offer(app, content, TxCodeWish::Fresh).await?;
    let page = OfferPage {
        words: Words::of(headers),
        style: page::at(app, "/assets/issuer.css"),
        offer_uri: made.by_reference,
        tx_code: made.tx_code.as_ref().map(|code| code.expose().clone()).unwrap_or_default(),
        minutes: (made.expires_in / 60).max(1).to_string(),
    };
    Ok(page::render(StatusCode::OK, &page, None))
}
