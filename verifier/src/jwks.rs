//! `GET /jwks`: the keys that this verifier signs with.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json as JsonAnswer, Router};
use enishi_credential::jose::jwk::JwkSet;
use enishi_service::http::wallet_cors;
use http::header;

/// The route.
pub(crate) fn route(jwks: JwkSet) -> Router {
    let jwks = Arc::new(jwks);
    Router::new()
        .route(
            "/jwks",
            get(move || async move {
                ([(header::CACHE_CONTROL, "public, max-age=60")], JsonAnswer((*jwks).clone()))
            }),
        )
        .layer(wallet_cors())
}
