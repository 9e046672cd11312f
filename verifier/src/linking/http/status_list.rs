//! `GET /status-lists/{n}`: whether grants hold (Token Status List §8), and `GET /status-lists`: which lists there are (§9).
//!
//! A reader that has a copy sends `If-None-Match` and hears "not modified" for as long as nothing changed. There is no
//! `Last-Modified`: a list may change twice in a second, and that header could not tell.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::status::MEDIA_TYPE;
use enishi_service::http::{Problem, accepts, is_current};
use http::{HeaderMap, StatusCode, header};

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::status::TTL;

/// For how long a cache between us and a reader may answer by itself, in seconds. The reader then uses its copy for a whole
/// `ttl`, whatever the cache did (Token Status List §8.3), so this adds to the time until a withdrawal is seen: a quarter
/// of the `ttl`, and with the time after which another server's changes are seen within the 30 seconds of linkage
/// protocol §10.
const CACHED_FOR: u32 = TTL / 4;

#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    #[error("there is no such list")]
    Unknown,
    #[error("the caller does not take status lists as JWT")]
    NotAcceptable,
    #[error("the caller asks for the past")]
    Historical,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for ListError {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => Problem::not_found(),
            Self::NotAcceptable => {
                Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Status lists are JWTs here")
                    .check("accept")
                    .remedy("accept application/statuslist+jwt")
                    .header(header::VARY, http::HeaderValue::from_static("Accept"))
            }
            Self::Historical => Problem::new(
                StatusCode::NOT_IMPLEMENTED,
                "status_history_not_supported",
                "What a status was in the past is not told (Token Status List §8.4)",
            )
            .check("time")
            .remedy("leave `time` out"),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn status_list(
    State(linking): State<Arc<Linking>>,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ListError> {
    // One spelling per list, since the URI is compared as a string.
    let list: i64 =
        number.parse().ok().filter(|n: &i64| n.to_string() == number).ok_or(ListError::Unknown)?;
    let query = query.unwrap_or_default();
    if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "time") {
        return Err(ListError::Historical);
    }
    if !accepts(&headers, MEDIA_TYPE) {
        return Err(ListError::NotAcceptable);
    }
    let signed = linking.signed_status_list(list).await?.ok_or(ListError::Unknown)?;
    let caching = [
        (header::ETAG, signed.etag().to_owned()),
        (header::CACHE_CONTROL, cache_control()),
        (header::VARY, "Accept".to_owned()),
    ];
    if is_current(&headers, signed.etag()) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, MEDIA_TYPE)], signed.token().to_owned()).into_response())
}

pub(super) async fn status_lists(State(linking): State<Arc<Linking>>) -> Result<Response, ListError> {
    let aggregation = linking.status_aggregation().await?;
    Ok(([(header::CACHE_CONTROL, cache_control())], JsonAnswer(aggregation)).into_response())
}

fn cache_control() -> String {
    format!("public, max-age={CACHED_FOR}, must-revalidate")
}
