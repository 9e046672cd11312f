//! `GET /status-lists/{n}`: whether grants hold (Token Status List §8).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_service::http::Problem;
use http::{HeaderMap, StatusCode, header};

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::status::TTL;

#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    #[error("there is no such list")]
    Unknown,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for ListError {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => Problem::not_found(),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn status_list(
    State(linking): State<Arc<Linking>>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ListError> {
    // One spelling per list, since the URI is compared as a string.
    let list: i64 =
        number.parse().ok().filter(|n: &i64| n.to_string() == number).ok_or(ListError::Unknown)?;
    let signed = linking.signed_status_list(list).await?.ok_or(ListError::Unknown)?;
    let caching = [
        (header::ETAG, signed.etag.clone()),
        // The token's own `ttl` decides how long a copy is good; a cache in between must ask every time.
        (header::CACHE_CONTROL, format!("public, no-cache, max-age=0, stale-if-error={TTL}")),
        (header::VARY, "Accept".to_owned()),
    ];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|tag| tag.trim() == signed.etag) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/statuslist+jwt")], signed.token).into_response())
}
