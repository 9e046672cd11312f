//! `DELETE /grants/{id}`: withdrawal, by the holder, the SP or the DP (linkage protocol §10).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::encoding::json;
use enishi_protocol::grant::acknowledgement::{self, Acknowledgement};
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::messages::{WithdrawRequest, Withdrawn};
use enishi_protocol::grant::{Event, State as GrantState};
use enishi_service::http::{BodyError, Problem, read_body};
use http::{StatusCode, header};

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;
use crate::linking::change::{Change, ChangeError};

/// The longest reason that is kept.
const MAX_REASON: usize = 200;

#[derive(Debug, thiserror::Error)]
pub(super) enum WithdrawError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("a party has to give a reason")]
    Reason,
    #[error("the grant has ended otherwise")]
    Ended,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<WithdrawError> for Problem {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Auth(error) => error.into(),
            WithdrawError::Body(error) => error.into(),
            WithdrawError::Reason => {
                Self::new(StatusCode::BAD_REQUEST, "reason_missing", "A party has to say why it withdraws")
                    .check("withdrawal")
                    .remedy("send {\"reason\": …} of at most 200 characters, without personal data")
            }
            WithdrawError::Ended => Self::new(
                StatusCode::CONFLICT,
                "grant_ended",
                "The grant has ended already, and not by withdrawal",
            )
            .check("grant-state")
            .remedy("read its state with GET; there is nothing left to withdraw"),
            WithdrawError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for WithdrawError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(super) async fn withdraw(
    State(linking): State<Arc<Linking>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, WithdrawError> {
    let headers = request.headers().clone();
    let (by, row) = linking.actor(&headers, "DELETE", &id, &format!("/grants/{id}")).await?;
    let reason = reason(request).await?;
    if by != Actor::Holder && reason.is_none() {
        return Err(WithdrawError::Reason);
    }
    let change = Change { event: Event::Withdraw, by, reason: reason.as_deref() };
    let row = match linking.change(&row.id, change).await {
        Ok(row) => row,
        // Withdrawing twice is no error: the second one is told what the first one was.
        Err(ChangeError::Transition(refused)) if refused.state == GrantState::Withdrawn => {
            linking.find_grant(&row.id).await?.ok_or(WithdrawError::Auth(AuthError::Unknown))?
        }
        Err(ChangeError::Transition(_)) => return Err(WithdrawError::Ended),
        Err(ChangeError::Unknown) => return Err(AuthError::Unknown.into()),
        Err(ChangeError::Internal(error)) => return Err(error.into()),
    };
    let withdrawn_at = row.ended_at.ok_or(Internal::Broken("a withdrawn grant has no end"))?;
    let acknowledgement = Acknowledgement {
        iss: linking.context.url.as_str().to_owned(),
        iat: linking.context.now(),
        grant_id: row.id,
        terms_sha256: row.terms_sha256,
        state: GrantState::Withdrawn,
        withdrawn_at,
    };
    let acknowledgement = acknowledgement::create(&*linking.context.signer(), &acknowledgement)
        .await
        .map_err(Internal::from)?;
    let answer = Withdrawn { state: GrantState::Withdrawn, withdrawn_at, acknowledgement };
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(answer)))
}

/// The reason in the body; a request without body and type has none.
async fn reason(request: Request) -> Result<Option<String>, WithdrawError> {
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(None);
    }
    let body = read_body(request, "application/json").await?;
    let body: WithdrawRequest =
        json::from_slice(&body).map_err(|error| BodyError::Malformed(error.to_string()))?;
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    match reason {
        Some(reason) if reason.chars().count() > MAX_REASON => Err(WithdrawError::Reason),
        reason => Ok(reason),
    }
}
