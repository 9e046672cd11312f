//! The API towards parties, holders and the world: one endpoint per file, its errors beside it.

mod admin_change;
mod create_request;
mod declarations;
mod evidence;
mod grant;
mod grant_events;
mod metadata;
mod mint;
mod release_report;
mod request_status;
mod status_list;
mod withdraw;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use enishi_service::http::wallet_cors;

use super::Linking;

/// The public routes.
pub(super) fn routes(linking: Arc<Linking>) -> Router {
    // What a wallet in a browser calls, and what anybody may read.
    let open = Router::new()
        .route("/grants/{id}", get(grant::grant).delete(withdraw::withdraw))
        .route("/grants/{id}/events", get(grant_events::grant_events))
        .route("/declarations", get(declarations::list))
        .route("/declarations/{sha256}", get(declarations::one))
        .route("/status-lists", get(status_list::status_lists))
        .route("/status-lists/{number}", get(status_list::status_list))
        .route("/.well-known/enishi-verifier", get(metadata::metadata))
        .layer(wallet_cors());
    Router::new()
        .route("/link-requests", post(create_request::create_request))
        .route("/link-requests/{id}", get(request_status::request_status))
        .route(mint::PATH, post(mint::mint))
        .route("/release-reports", post(release_report::release_report))
        .route("/evidence/{sha256}", get(evidence::evidence))
        .merge(open)
        .with_state(linking)
}

/// The routes of the operator, on the internal listener.
pub(super) fn admin_routes(linking: Arc<Linking>) -> Router {
    Router::new().route("/admin/grants/{id}/{action}", post(admin_change::admin_change)).with_state(linking)
}
