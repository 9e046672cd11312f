//! Errors for people who integrate: RFC 9457 problem details with a code, the failed check and a remedy.

use axum::response::{IntoResponse, Response};
use enishi_credential::crypto::SignerError;
use enishi_credential::verdict::{Failure, Report};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::store::StoreError;

/// An RFC 9457 problem (`application/problem+json`) with four members more: `code` for programs, `check` (which check
/// failed), `remedy` (what the caller can do) and, where a message was verified step by step, `checks` (the
/// [`Report`]: what had held before). It never says anything about a person or about our inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `urn:enishi:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Report>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a stable `code` (snake case) and a short English title.
    pub fn new(status: StatusCode, code: &str, title: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:enishi:problem:{code}"),
            title: title.into(),
            status,
            detail: None,
            code: code.into(),
            check: None,
            remedy: None,
            checks: None,
            headers: Vec::new(),
        }
    }

    /// Something in our inside failed. What it was goes to the log (by the caller), not to the client.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "The server failed")
            .remedy("try again later; if it stays, tell the operator the x-request-id of this answer")
    }

    /// 404 for something that is not there, or that this caller may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here")
    }

    /// A failed check on what the caller sent: 400 unless `status` says otherwise.
    pub fn from_failure(status: StatusCode, failure: &Failure) -> Self {
        let mut problem = Self::new(status, failure.code, "A check failed").check(failure.check).detail(
            if failure.pointer.is_empty() {
                failure.detail.clone()
            } else {
                format!("{}: {}", failure.pointer, failure.detail)
            },
        );
        if !failure.remedy.is_empty() {
            problem.remedy = Some(failure.remedy.into());
        }
        if !failure.held_before().is_empty() {
            problem.checks = Some(Report::from(failure));
        }
        problem
    }

    /// Says more about this occurrence. Never quotes input that could be personal.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the check that failed.
    #[must_use]
    pub fn check(mut self, check: impl Into<String>) -> Self {
        self.check = Some(check.into());
        self
    }

    /// Says what the caller can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds a response header, such as `WWW-Authenticate` or `DPoP-Nonce`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The problem for a status alone.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, title, remedy) = match status {
            StatusCode::UNAUTHORIZED => ("unauthorized", "Authentication is missing or wrong", None),
            StatusCode::FORBIDDEN => ("forbidden", "This caller may not do this", None),
            StatusCode::NOT_FOUND => return Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "This path does not know the method",
                Some("use one of the methods in the Allow header"),
            ),
            StatusCode::REQUEST_TIMEOUT => (
                "request_timeout",
                "The request took too long",
                Some("send the whole request at once and try again"),
            ),
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("body_too_large", "The request body is too large", Some("send a smaller body"))
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "The Content-Type is not one that this path reads", None)
            }
            StatusCode::TOO_MANY_REQUESTS => (
                "too_many_requests",
                "Too many requests",
                Some("wait for the seconds in the Retry-After header"),
            ),
            status if status.is_server_error() => return Self { status, ..Self::internal() },
            _ => ("bad_request", "The request is not understood", None),
        };
        let problem = Self::new(status, code, title);
        match remedy {
            Some(remedy) => problem.remedy(remedy),
            None => problem,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::from_failure(StatusCode::BAD_REQUEST, &failure)
    }
}

/// What went wrong in the store is logged; the client learns at most that it can try again.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Busy) {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy")
                .remedy("try again in a moment")
                .header(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        tracing::error!(%error, "store");
        Self::internal()
    }
}

impl From<SignerError> for Problem {
    fn from(error: SignerError) -> Self {
        tracing::error!(%error, "signer");
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (
            self.status,
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            body,
        )
            .into_response();
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_rfc_9457_and_ours() {
        let failure = Failure::new("kb-audience", "aud_mismatch", "`aud` is not this verifier")
            .at("/aud")
            .remedy("put the client_id of the request there");
        let value = serde_json::to_value(Problem::from(failure)).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "type": "urn:enishi:problem:aud_mismatch",
                "title": "A check failed",
                "status": 400,
                "detail": "/aud: `aud` is not this verifier",
                "code": "aud_mismatch",
                "check": "kb-audience",
                "remedy": "put the client_id of the request there",
            })
        );
    }

    #[test]
    fn headers_come_along() {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "x", "X")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("DPoP error=\"invalid_token\""));
        let response = problem.into_response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["www-authenticate"], "DPoP error=\"invalid_token\"");
    }
}
