//! `GET /.well-known/enishi-verifier`: where everything is.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::IntoResponse;
use enishi_protocol::{dpop, party};
use http::header;
use serde_json::json;

use crate::linking::Linking;

pub(super) async fn metadata(State(linking): State<Arc<Linking>>) -> impl IntoResponse {
    let url = &linking.context.url;
    let body = json!({
        "issuer": url.as_str(),
        "jwks_uri": url.join("/jwks"),
        "link_requests_endpoint": url.join("/link-requests"),
        "links_endpoint": url.join("/links"),
        "grants_endpoint": url.join("/grants"),
        "release_reports_endpoint": url.join("/release-reports"),
        "evidence_endpoint": url.join("/evidence"),
        "declarations_endpoint": url.join("/declarations"),
        "client_assertion_types_supported": [party::TYP],
        "dpop_signing_alg_values_supported": dpop::ALGORITHMS,
        "link_lifetime": linking.link_lifetime,
    });
    ([(header::CACHE_CONTROL, "public, max-age=60")], JsonAnswer(body))
}
