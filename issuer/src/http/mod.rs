//! The endpoints, one file each.

mod answer;
mod authorize;
mod callback;
mod credential;
mod dpop;
mod link;
mod metadata;
mod new_offer;
mod nonce;
mod notification;
mod offers;
mod page;
mod par;
mod start;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use enishi_service::http::wallet_cors;

use crate::app::Shared;

pub(crate) use metadata::issuer_metadata;

/// What the world may call, below the path of the issuer's identifier.
pub(crate) fn public_routes(app: &Shared) -> Router {
    let for_wallets = Router::new()
        .route("/par", post(par::par))
        .route("/token", post(token::token))
        .route("/nonce", post(nonce::nonce))
        .route("/credential", post(credential::credential))
        .route("/notification", post(notification::notification))
        .route("/offers/{id}", get(offers::offer))
        .route("/jwks", get(metadata::jwks))
        .layer(wallet_cors());
    let for_browsers = Router::new()
        .route("/authorize", get(authorize::authorize))
        .route("/callback", get(callback::callback))
        .route("/link", get(link::show).post(link::decide))
        .route("/start", get(start::start))
        .route("/assets/issuer.css", get(page::style));
    let below = for_wallets.merge(for_browsers).with_state(Arc::clone(app));
    let path = app.url.path();
    let routes = if path.is_empty() { below } else { Router::new().nest(path, below) };
    routes.merge(metadata::routes(app).layer(wallet_cors()))
}

/// What an identity provider that embeds the issuer calls, with the internal token.
pub(crate) fn admin_routes(app: &Shared) -> Router {
    Router::new().route("/offers", post(new_offer::new_offer)).with_state(Arc::clone(app))
}
