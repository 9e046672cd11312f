//! `POST /responses/{id}`: a wallet answers (OpenID4VP 1.0 §8.2, §8.3.1).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use enishi_protocol::vp::IncomingResponse;
use enishi_service::http::{BodyError, Problem, read_body};
use http::{StatusCode, header};
use serde::Serialize;

use super::{AnswerError, WalletFacing};
use crate::errors::Internal;

#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl From<Internal> for ResponseError {
    fn from(error: Internal) -> Self {
        Self::Answer(error.into())
    }
}

impl From<ResponseError> for Problem {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Body(error) => error.into(),
            ResponseError::Answer(AnswerError::Gone) => Self::new(
                StatusCode::NOT_FOUND,
                "request_gone",
                "There is no request that waits for this answer",
            )
            .check("request")
            .remedy("start again at the service: a request can be answered once, and only for a few minutes"),
            ResponseError::Answer(AnswerError::Refused(failure)) => {
                Self::from_failure(StatusCode::BAD_REQUEST, &failure)
            }
            ResponseError::Answer(AnswerError::Internal(error)) => error.into(),
        }
    }
}

impl IntoResponse for ResponseError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// The answer to a wallet: where the person's browser goes next, if anywhere.
#[derive(Debug, Serialize)]
struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
}

pub(super) async fn answer<M: WalletFacing>(
    State(mode): State<Arc<M>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, ResponseError> {
    let body = read_body(request, "application/x-www-form-urlencoded").await?;
    let response = IncomingResponse::parse(&body).map_err(AnswerError::from)?;
    let exchange = mode.to_answer(&id).await?.ok_or(AnswerError::Gone)?;
    let answer = response.open(&exchange.expectation(), &*mode.context().jwe).map_err(AnswerError::from)?;
    let redirect_uri = mode.answered(&id, &exchange, answer).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(Reply { redirect_uri })))
}
