//! Reading request bodies: bounded, of the type that is expected.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError};

use super::Problem;

/// The body was longer than this server reads. A middleware that wraps bodies marks the error with this type.
pub type TooLarge = LengthLimitError;

/// Why the parameters of a request could not be read. An endpoint that answers errors in a shape of its own
/// (RFC 6749 §5.2, OpenID4VCI 1.0 §8.3.1) implements `From<BodyError>` for its error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The `Content-Type` is missing or another one.
    #[error("the Content-Type is not {expected}")]
    ContentType {
        /// What is expected.
        expected: &'static str,
    },
    /// Longer than this server reads.
    #[error("the body is too large")]
    TooLarge,
    /// The client went away or sent something that is not HTTP.
    #[error("the body could not be read to its end")]
    Unreadable,
    /// Not JSON, a member twice, or not of the expected shape. The text names no values.
    #[error("{0}")]
    Malformed(String),
    /// A parameter occurs twice (RFC 6749 §3.1 and §3.2 forbid that).
    #[error("a parameter occurs twice")]
    Duplicate,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match &error {
            BodyError::ContentType { expected } => Self::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail(error.to_string())
                .remedy(format!("send Content-Type: {expected}")),
            BodyError::TooLarge => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE),
            BodyError::Unreadable => {
                Self::new(StatusCode::BAD_REQUEST, "body_unreadable", "The body could not be read")
            }
            BodyError::Malformed(detail) => {
                Self::new(StatusCode::BAD_REQUEST, "body_malformed", "The parameters cannot be read")
                    .check("request-shape")
                    .detail(detail.clone())
                    .remedy("send the members that the API description lists, each once")
            }
            BodyError::Duplicate => {
                Self::new(StatusCode::BAD_REQUEST, "parameter_repeated", "A parameter occurs twice")
                    .check("request-shape")
                    .remedy("send each parameter once")
            }
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Reads a whole body of the content type `expected` (parameters such as `charset` are ignored).
pub async fn read_body(request: Request, expected: &'static str) -> Result<Bytes, BodyError> {
    if !is_type(request.headers(), expected) {
        return Err(BodyError::ContentType { expected });
    }
    read_any(request).await
}

/// Reads a whole body whatever its type.
pub(super) async fn read_any(request: Request) -> Result<Bytes, BodyError> {
    let collected =
        request.into_body().collect().await.map_err(|error| {
            if is_too_large(&error) { BodyError::TooLarge } else { BodyError::Unreadable }
        })?;
    Ok(collected.to_bytes())
}

/// Whether the headers name exactly this media type, once.
pub(crate) fn is_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return false };
    values.next().is_none()
        && value.to_str().is_ok_and(|text| {
            text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
        })
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}
