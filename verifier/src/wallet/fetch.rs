//! `GET` and `POST /requests/{id}`: a wallet fetches the request object (RFC 9101 §5.2.3, OpenID4VP 1.0 §5.10).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_service::http::{BodyError, Form, Problem};
use http::{StatusCode, header};
use serde::Deserialize;

use super::WalletFacing;
use crate::errors::Internal;

/// The longest `wallet_nonce` that is echoed.
const MAX_NONCE: usize = 256;

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// Unknown, answered, lapsed, or fetched too often: one answer.
    #[error("there is no such request any more")]
    Gone,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the wallet_nonce is too long or not URL-safe")]
    Nonce,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<FetchError> for Problem {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Gone => Self::new(
                StatusCode::NOT_FOUND,
                "request_gone",
                "There is no such request any more",
            )
            .check("request")
            .remedy("start again at the service: a request can be answered once, and only for a few minutes"),
            FetchError::Body(error) => error.into(),
            FetchError::Nonce => Self::new(
                StatusCode::BAD_REQUEST,
                "wallet_nonce_invalid",
                "The wallet_nonce cannot be echoed",
            )
            .check("wallet-nonce")
            .remedy("send at most 256 URL-safe characters"),
            FetchError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for FetchError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// What a wallet posts; everything else is ignored (OpenID4VP 1.0 §5.1).
#[derive(Debug, Deserialize)]
pub(super) struct Posted {
    #[serde(default)]
    wallet_nonce: Option<String>,
}

pub(super) async fn by_get<M: WalletFacing>(
    State(mode): State<Arc<M>>,
    Path(id): Path<String>,
) -> Result<Response, FetchError> {
    fetch(&*mode, &id, None).await
}

pub(super) async fn by_post<M: WalletFacing>(
    State(mode): State<Arc<M>>,
    Path(id): Path<String>,
    form: Result<Form<Posted>, BodyError>,
) -> Result<Response, FetchError> {
    let Form(posted) = form?;
    let url_safe = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if posted.wallet_nonce.as_deref().is_some_and(|nonce| nonce.len() > MAX_NONCE || !url_safe(nonce)) {
        return Err(FetchError::Nonce);
    }
    fetch(&*mode, &id, posted.wallet_nonce.as_deref()).await
}

async fn fetch<M: WalletFacing>(
    mode: &M,
    id: &str,
    wallet_nonce: Option<&str>,
) -> Result<Response, FetchError> {
    let exchange = mode.to_fetch(id).await?.ok_or(FetchError::Gone)?;
    let signed = exchange.sign(mode.context(), wallet_nonce).await?.ok_or(FetchError::Gone)?;
    let headers =
        [(header::CONTENT_TYPE, "application/oauth-authz-req+jwt"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, signed).into_response())
}
