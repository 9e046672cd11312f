//! A request for data: every step of linkage protocol §9 in order.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use enishi_service::http::Problem;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use crate::context::Gateway;
use crate::refusal::Refusal;
use crate::steps::token::Link;
use crate::steps::{evidence, filter, release, scope, sender, status, subject, token, upstream, uses};

/// Every request that is not for the gateway itself.
pub(crate) async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Some(rest) = upstream::below(gateway.resource.path(), &path) else {
        return Problem::not_found().into_response();
    };
    let link = match token::verify(&gateway, &parts.headers).await {
        Ok(link) => link,
        Err(refusal) => return refused(refusal),
    };
    match release(&gateway, &link, &parts, rest).await {
        Ok(data) => answer(&parts.method, &data),
        Err(refusal) => {
            release::record_refusal(&gateway, &link, refusal.code()).await;
            refused(refusal)
        }
    }
}

async fn release(gateway: &Gateway, link: &Link, parts: &Parts, rest: &str) -> Result<Value, Refusal> {
    sender::verify(gateway, link, &parts.method, parts.uri.path(), &parts.headers).await?;
    status::check(gateway, link).await?;
    let subject = subject::open(gateway, link)?;
    let consent = evidence::check(gateway, link, &subject).await?;
    let agreed = scope::check(gateway, link, &consent, &parts.method)?;
    uses::take(gateway, link, &consent).await?;
    let query = parts.uri.query();
    let released = match upstream::fetch(gateway, link, &subject, rest, query, &parts.headers).await {
        Ok(response) => {
            let data = filter::keep(&response, &agreed.pointers);
            release::record(gateway, link, &agreed.items).await.map(|()| data)
        }
        Err(refusal) => Err(refusal),
    };
    if released.is_err() {
        uses::give_back(gateway, link).await;
    }
    released
}

fn answer(method: &Method, data: &Value) -> Response {
    let body = if *method == Method::HEAD { String::new() } else { data.to_string() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::OK, headers, body).into_response()
}

fn refused(refusal: Refusal) -> Response {
    tracing::info!(code = refusal.code(), "a request for data was refused");
    Problem::from(refusal).into_response()
}
