//! `POST /notification`: what became of the credentials (OpenID4VCI 1.0 §11). Counted in the log, about nobody.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::encoding::b64;
use enishi_credential::entropy;
use enishi_protocol::oauth::{ErrorCode, OAuthError};
use enishi_protocol::vci::Notification;
use enishi_service::http::read_body;
use http::StatusCode;

use super::answer::Refusal;
use super::credential::authorize;
use crate::app::{App, Shared};

const PURPOSE: &str = "notification";

/// An id that belongs to this access token and need not be stored.
pub(super) fn new_id(app: &App, access_token: &str) -> String {
    let random = b64::encode(entropy::bytes::<16>(&*app.entropy));
    let mac = app.keys.k_state.derive(PURPOSE, &[access_token, &random]);
    format!("{random}.{mac}")
}

/// | error | status and code |
/// |---|---|
/// | access token | 401 and a challenge |
/// | malformed, unknown event | 400 `invalid_notification_request` |
/// | an id that did not come with this access token | 400 `invalid_notification_id` |
pub(super) async fn notification(State(app): State<Shared>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(app: &App, request: Request) -> Result<(), Refusal> {
    let headers = request.headers().clone();
    let (_, access_token) = authorize(app, &headers, "/notification").await?;
    let body = read_body(request, "application/json")
        .await
        .map_err(|error| Refusal::body(ErrorCode::InvalidNotificationRequest, &error))?;
    let notification = Notification::parse(&body)?;
    let is_ours = notification
        .notification_id
        .split_once('.')
        .is_some_and(|(random, mac)| app.keys.k_state.check(PURPOSE, &[&access_token, random], mac));
    if !is_ours {
        return Err(OAuthError::new(
            ErrorCode::InvalidNotificationId,
            "the id did not come with this access token",
        )
        .into());
    }
    tracing::info!(event = ?notification.event, "notification");
    Ok(())
}
