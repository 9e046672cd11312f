//! `GET /privacy`: the privacy notice that the purpose declaration names.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::Portal;
use crate::web;
use crate::words::Words;

#[derive(Template)]
#[template(path = "portal_privacy.html")]
struct PrivacyPage {
    words: Words,
    name: &'static str,
}

pub(super) async fn page(State(portal): State<Portal>, headers: HeaderMap) -> Response {
    let words = Words::for_browser(&headers);
    web::page(StatusCode::OK, &PrivacyPage { words, name: portal.0.rp.0.profile.name(words) })
}
