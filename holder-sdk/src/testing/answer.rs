//! Answers as servers send them.

use enishi_credential::verdict::Failure;
use enishi_protocol::oauth::OAuthError;
use serde::Serialize;
use serde_json::json;

use crate::{HttpRequest, HttpResponse};

/// `status` with a body of this media type.
pub(super) fn body(status: u16, media: &str, body: impl Into<Vec<u8>>) -> HttpResponse {
    let headers = vec![("content-type".to_owned(), media.to_owned())];
    HttpResponse { status, headers, body: body.into() }
}

/// `status` with JSON.
pub(super) fn json(status: u16, value: &impl Serialize) -> HttpResponse {
    body(status, "application/json", serde_json::to_vec(value).unwrap())
}

/// An OAuth error with its status.
pub(super) fn oauth(error: &OAuthError) -> HttpResponse {
    json(error.status(), error)
}

/// problem+json (RFC 9457) about a failed check.
pub(super) fn problem(status: u16, failure: &Failure) -> HttpResponse {
    let value = json!({"status": status, "code": failure.code, "detail": failure.detail});
    body(status, "application/problem+json", value.to_string())
}

/// 404.
pub(super) fn not_found() -> HttpResponse {
    problem(404, &Failure::new("route", "not_found", "there is nothing here"))
}

/// The values of a header of the request.
pub(super) fn headers<'a>(request: &'a HttpRequest, name: &str) -> Vec<&'a str> {
    let named = request.headers.iter().filter(|(found, _)| *found == name);
    named.map(|(_, value)| value.as_str()).collect()
}
