//! `GET /offers/{id}`: an offer by reference (OpenID4VCI 1.0 §4.1.3).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_service::http::Problem;
use http::StatusCode;

use super::answer::json;
use crate::app::Shared;
use crate::offer::offer_of;

/// 404 for an offer that is unknown, used or over: the three are not told apart.
pub(super) async fn offer(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match app.offers.by_id(&id, app.clock.now()).await {
        Ok(Some(content)) => json(StatusCode::OK, offer_of(&app, &id, &content).to_value().to_string()),
        Ok(None) => Problem::not_found()
            .remedy("ask for a new offer: offers are short-lived and good once")
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the store failed");
            Problem::internal().into_response()
        }
    }
}
