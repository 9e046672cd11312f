//! One line per request, without anything about the person behind it.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use tracing::Instrument as _;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names one request: in the log, in the `x-request-id` of the answer, and as an extension for handlers. Always ours, as
/// a client's could carry anything into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Gives the request its id and logs method, route template, status and milliseconds: no path with its ids, no query, no
/// address, no user agent (threat 16, threat 22).
pub(super) async fn access_log(
    State(entropy): State<Arc<dyn Entropy>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = b64::encode(entropy::bytes::<9>(entropy.as_ref()));
    let method = request.method().as_str().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(unknown)".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request_id = %id);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(target: "enishi::access", method, route, status = response.status().as_u16(), ms, "request");
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response
}
