//! `GET /link-requests/{id}`: how a request ended, for the SP that made it.
//!
//! A request that was declined stays `pending` until its time is over: a refusal, an unknown person and silence look
//! the same and come at the same time (linkage protocol §12.6, threat 13).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_protocol::grant::messages::{LinkRequestStatus, RequestStatus};
use enishi_service::http::{BodyError, Problem, Query};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// What the person's browser brought back, when the request has a `redirect_uri`.
    #[serde(default)]
    response_code: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum StatusError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Query(#[from] BodyError),
    #[error("there is no such request of this party")]
    Unknown,
    #[error("the response code is wrong")]
    ResponseCode,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<StatusError> for Problem {
    fn from(error: StatusError) -> Self {
        match error {
            StatusError::Auth(error) => error.into(),
            StatusError::Query(error) => error.into(),
            StatusError::Unknown => Self::not_found(),
            StatusError::ResponseCode => Self::new(
                StatusCode::FORBIDDEN,
                "response_code_wrong",
                "This result belongs to another browser session",
            )
            .check("response-code")
            .remedy("send the response_code that the person's browser brought to your redirect_uri"),
            StatusError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for StatusError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(super) async fn request_status(
    State(linking): State<Arc<Linking>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Result<Query<Parameters>, BodyError>,
) -> Result<impl IntoResponse, StatusError> {
    let party = linking.party(&headers).await?;
    let Query(parameters) = query?;
    let row = linking.find_grant(&id).await?.filter(|row| row.recipient == party);
    let row = row.ok_or(StatusError::Unknown)?;

    let over = row.answer_by <= linking.context.now();
    let no = LinkRequestStatus {
        status: if over { RequestStatus::NotGranted } else { RequestStatus::Pending },
        grant_id: None,
        sealed_sub: None,
        expires: None,
    };
    let answer = match (&row.consent, &row.response_code, &parameters.response_code) {
        (Some(_), Some(wanted), Some(given)) if !bool::from(wanted.as_bytes().ct_eq(given.as_bytes())) => {
            return Err(StatusError::ResponseCode);
        }
        // Not given; or whoever asks cannot show the code, and so has not proved to be in the session that was answered
        // (OpenID4VP 1.0 §14.2).
        (None, ..) | (Some(_), Some(_), None) => no,
        // What was given and has ended since: where it stands is for `GET /grants/{id}` to say.
        (Some(_), ..) if row.state.is_terminal() => {
            LinkRequestStatus { status: RequestStatus::NotGranted, ..no }
        }
        (Some(consent), ..) => LinkRequestStatus {
            status: RequestStatus::Granted,
            grant_id: Some(row.id.clone()),
            sealed_sub: Some(consent.sp_sealed_sub.clone()),
            expires: Some(row.not_after),
        },
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(answer)))
}
