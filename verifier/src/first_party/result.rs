//! `GET /presentations/{id}` on the internal listener: the relying party learns who it was, once.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_service::http::{BodyError, Problem, Query};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::store::{self, PresentationRow, State as RowState};
use super::{FirstParty, Recognised, result_place};
use crate::errors::Internal;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// What the person's browser brought to the `redirect_uri`.
    #[serde(default)]
    response_code: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    status: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    recognised: Option<Recognised>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ResultError {
    #[error(transparent)]
    Query(#[from] BodyError),
    #[error("there is no such presentation")]
    Unknown,
    #[error("the response code is missing or wrong")]
    ResponseCode,
    #[error("the result has been read")]
    Read,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for ResultError {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => error.into(),
            Self::Unknown => Problem::not_found(),
            Self::ResponseCode => Problem::new(
                StatusCode::FORBIDDEN,
                "response_code_wrong",
                "This result belongs to another browser session",
            )
            .check("response-code")
            .remedy("send the response_code that the person's browser brought to your redirect_uri"),
            Self::Read => Problem::new(StatusCode::GONE, "result_read", "The result has been read already")
                .check("one-time-result")
                .remedy("start a new presentation"),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn result(
    State(first_party): State<Arc<FirstParty>>,
    Path(id): Path<String>,
    query: Result<Query<Parameters>, BodyError>,
) -> Result<impl IntoResponse, ResultError> {
    let Query(parameters) = query?;
    let mut tx = first_party.context.store.begin().await.map_err(Internal::from)?;
    let row = store::find(&mut tx, &id).await.map_err(Internal::from)?.ok_or(ResultError::Unknown)?;
    let plain = |status| Ok(answer(status, None));
    match row.state {
        RowState::Pending if row.answer_by > first_party.context.now() => return plain("pending"),
        RowState::Pending => return plain("not_verified"),
        RowState::Verified | RowState::Declined | RowState::Read => check_code(&row, &parameters)?,
    }
    let sealed = match (row.state, row.result) {
        (RowState::Verified, Some(sealed)) => sealed,
        (RowState::Declined, _) => return plain("not_verified"),
        _ => return Err(ResultError::Read),
    };
    if !store::consume(&mut tx, &id).await.map_err(Internal::from)? {
        return Err(ResultError::Read);
    }
    tx.commit().await.map_err(Internal::from)?;
    let opened = first_party.context.store_key.open(&result_place(&id), &sealed).map_err(Internal::from)?;
    let recognised =
        serde_json::from_slice(&opened).map_err(|_| Internal::Broken("a stored result cannot be read"))?;
    Ok(answer("verified", Some(recognised)))
}

/// The code that the browser brought must be shown, if the browser was sent anywhere (OpenID4VP 1.0 §14.2).
fn check_code(row: &PresentationRow, parameters: &Parameters) -> Result<(), ResultError> {
    if row.redirect_uri.is_none() {
        return Ok(());
    }
    match (&row.response_code, &parameters.response_code) {
        (Some(wanted), Some(given)) if bool::from(wanted.as_bytes().ct_eq(given.as_bytes())) => Ok(()),
        _ => Err(ResultError::ResponseCode),
    }
}

fn answer(status: &'static str, recognised: Option<Recognised>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], JsonAnswer(Answer { status, recognised }))
}
