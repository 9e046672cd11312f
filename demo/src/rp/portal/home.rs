//! `GET /` and `GET /me.json`: what the portal shows the resident who is logged in.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Portal;
use super::store::Ask;
use crate::rp::error::RpError;
use crate::rp::session::Session;
use crate::web;
use crate::words::Words;

#[derive(Template)]
#[template(path = "portal_home.html")]
struct HomePage {
    words: Words,
    name: &'static str,
    number: String,
    csrf: String,
    bound: bool,
    asks: Vec<ShownAsk>,
}

struct ShownAsk {
    ask: Ask,
    /// The message key of its state.
    state: String,
    data: Option<String>,
}

pub(super) async fn page(State(portal): State<Portal>, headers: HeaderMap) -> Result<Response, RpError> {
    let rp = &portal.0.rp;
    let Ok(session) = rp.session(&headers) else { return Ok(web::see_other("/login")) };
    let words = Words::for_browser(&headers);
    let mut asks = Vec::new();
    for ask in portal.0.store.asks_of(&session.number).await? {
        let data = portal.0.store.data_of(&ask.grant_id).await?;
        let data = data.and_then(|data| serde_json::to_string_pretty(&data).ok());
        asks.push(ShownAsk { state: format!("demo-portal-state-{}", ask.state), data, ask });
    }
    let bound = rp.0.accounts.is_bound(&session.number).await?;
    let Session { number, csrf, .. } = session;
    Ok(web::page(
        StatusCode::OK,
        &HomePage { words, name: rp.0.profile.name(words), number, csrf, bound, asks },
    ))
}

pub(super) async fn json(State(portal): State<Portal>, headers: HeaderMap) -> Result<Json<Value>, RpError> {
    let session = portal.0.rp.session(&headers)?;
    let mut asks = Vec::new();
    for ask in portal.0.store.asks_of(&session.number).await? {
        let data = portal.0.store.data_of(&ask.grant_id).await?;
        let fetches = portal.0.store.fetches_of(&ask.grant_id).await?;
        asks.push(json!({"grant_id": ask.grant_id, "state": ask.state, "data": data, "fetches": fetches}));
    }
    let bound = portal.0.rp.0.accounts.is_bound(&session.number).await?;
    Ok(Json(json!({"number": session.number, "bound": bound, "asks": asks})))
}
