//! Answers in the shapes of OAuth: errors as JSON with their status, challenges at the protected endpoints.

use axum::response::{IntoResponse, Response};
use enishi_protocol::dpop::DpopError;
use enishi_protocol::oauth::{ErrorCode, OAuthError, bearer_challenge};
use enishi_service::http::BodyError;
use enishi_service::store::StoreError;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Why a wallet's request was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error of the endpoint, with the status that belongs to its code.
    Error(OAuthError),
    /// The body could not be read; the status says how, the error what.
    Body(StatusCode, OAuthError),
    /// A protected endpoint was called without a good access token: 401 and a challenge.
    Challenge { challenge: String, error: Option<OAuthError> },
    /// Something failed here, and was logged.
    Internal,
    /// Something that we depend on does not answer.
    Unavailable,
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        match error {
            StoreError::Busy => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

impl Refusal {
    /// A body that could not be read, at an endpoint whose code for malformed requests is `code`.
    pub(crate) fn body(code: ErrorCode, error: &BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::Body(status, OAuthError::new(code, error.to_string()))
    }

    /// A challenge for a request without token (`None`) or with one that is no good (RFC 6750 §3, RFC 9449 §7.1).
    pub(crate) fn challenge(scheme: &str, error: Option<OAuthError>) -> Self {
        let mut challenge = bearer_challenge(scheme, error.as_ref());
        if scheme == "DPoP" {
            let separator = if error.is_some() { ", " } else { " " };
            challenge =
                format!("{challenge}{separator}algs=\"{}\"", enishi_protocol::dpop::ALGORITHMS.join(" "));
        }
        Self::Challenge { challenge, error }
    }

    /// A DPoP proof that was refused at a protected endpoint.
    pub(crate) fn dpop_challenge(error: &DpopError) -> Self {
        Self::Challenge { challenge: error.challenge(), error: Some(error.as_resource_error()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let with = |status: StatusCode, error: &OAuthError| {
            json(status, serde_json::to_string(error).unwrap_or_default())
        };
        match self {
            Self::Error(error) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
                with(status, &error)
            }
            Self::Body(status, error) => with(status, &error),
            Self::Challenge { challenge, error } => {
                let mut response = match error {
                    Some(error) => with(StatusCode::UNAUTHORIZED, &error),
                    // No error code without a token (RFC 6750 §3.1); the chassis gives it a body.
                    None => StatusCode::UNAUTHORIZED.into_response(),
                };
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
                }
                response
            }
            Self::Internal => with(
                StatusCode::INTERNAL_SERVER_ERROR,
                &OAuthError::new(ErrorCode::ServerError, "the server failed: try again later"),
            ),
            Self::Unavailable => with(
                StatusCode::SERVICE_UNAVAILABLE,
                &OAuthError::new(ErrorCode::TemporarilyUnavailable, "try again in a moment"),
            ),
        }
    }
}

/// A JSON answer that is not to be cached.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

/// All values of the `DPoP` header. One that is not ASCII cannot be a JWT, and must not be overlooked either.
pub(crate) fn dpop_headers(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or("not-ascii")).collect()
}
