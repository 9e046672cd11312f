//! What every request and every answer passes through.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::Limited;
use tower_http::catch_panic::CatchPanicLayer;

use super::Problem;

/// Put into the extensions of a response, it keeps the response's error body as it is: for a proxy that passes an
/// upstream's answer on.
#[derive(Debug, Clone, Copy)]
pub struct Verbatim;

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) body: usize,
    pub(super) time: Duration,
}

/// Wraps all routes and fallbacks of `router`. From the outside in: error shape and headers, panics, time, body.
pub(super) fn wrap(router: Router, limits: Limits) -> Router {
    router
        .layer(from_fn_with_state(limits, limit_body))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(limits, limit_time))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn(finish))
}

async fn limit_body(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body as u64) {
        return Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, limits.body)))).await
}

async fn limit_time(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limits.time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::of_status(StatusCode::REQUEST_TIMEOUT).into_response(),
    }
}

fn on_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    // What the panic said may hold anything; where it happened is in the log, through the panic hook of `telemetry`.
    tracing::error!("a handler panicked");
    Problem::internal().into_response()
}

/// Turns every error that is not of a deliberate shape into a problem, and adds the headers that every answer has.
async fn finish(request: Request, next: Next) -> Response {
    let head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let status = response.status();
    let deliberate = response.extensions().get::<Verbatim>().is_some() || !is_plain(response.headers());
    if (status.is_client_error() || status.is_server_error()) && !deliberate && !head {
        // Everything but the body and its description stays: Allow, WWW-Authenticate, DPoP-Nonce, CORS.
        let mut kept = std::mem::take(response.headers_mut());
        for described in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            kept.remove(described);
        }
        response = Problem::of_status(status).into_response();
        for (name, value) in &kept {
            response.headers_mut().append(name, value.clone());
        }
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Frameworks say their errors in plain text or say nothing.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"text/plain"))
}
