//! `POST /admin/grants/{id}/{suspend|resume|revoke|withdraw}` on the internal listener: an authority acts through the
//! operator, with a reason (linkage protocol §10).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_protocol::grant::Event;
use enishi_protocol::grant::holder::Actor;
use enishi_service::http::{BodyError, Json, Problem};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::change::{Change, ChangeError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Why, without personal data; it goes into the record.
    reason: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum AdminError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("there is no such grant or action")]
    Unknown,
    #[error("a reason is needed")]
    Reason,
    #[error("that cannot happen to the grant now")]
    State,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(error) => error.into(),
            Self::Unknown => Problem::not_found(),
            Self::Reason => Problem::new(StatusCode::BAD_REQUEST, "reason_missing", "A reason is needed")
                .check("reason")
                .remedy("send {\"reason\": …} of 1 to 200 characters, without personal data"),
            Self::State => Problem::new(
                StatusCode::CONFLICT,
                "grant_state",
                "That cannot happen to the grant in its state",
            )
            .check("grant-state")
            .remedy("read the grant's state; what has ended stays ended"),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn admin_change(
    State(linking): State<Arc<Linking>>,
    Path((id, action)): Path<(String, String)>,
    body: Result<Json<Order>, BodyError>,
) -> Result<JsonAnswer<Value>, AdminError> {
    let event = match action.as_str() {
        "suspend" => Event::Suspend,
        "resume" => Event::Resume,
        "revoke" => Event::Revoke,
        "withdraw" => Event::Withdraw,
        _ => return Err(AdminError::Unknown),
    };
    let Json(order) = body?;
    if order.reason.trim().is_empty() || order.reason.chars().count() > 200 {
        return Err(AdminError::Reason);
    }
    let change = Change { event, by: Actor::Authority, reason: Some(&order.reason) };
    match linking.change(&id, change).await {
        Ok(row) => Ok(JsonAnswer(json!({"grant_id": row.id, "state": row.state}))),
        Err(ChangeError::Unknown) => Err(AdminError::Unknown),
        Err(ChangeError::Transition(_)) => Err(AdminError::State),
        Err(ChangeError::Internal(error)) => Err(error.into()),
    }
}
