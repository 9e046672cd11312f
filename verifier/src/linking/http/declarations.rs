//! `GET /declarations` and `GET /declarations/{sha256}`: the registry (linkage protocol §3), public.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use enishi_service::http::Problem;
use http::header;
use serde_json::{Value, json};

use crate::linking::Linking;

pub(super) async fn list(State(linking): State<Arc<Linking>>) -> impl IntoResponse {
    let entry = |(sha256, compact): (&str, &str)| {
        let uri = linking.context.url.join(&format!("/declarations/{sha256}"));
        json!({"sha256": sha256, "uri": uri, "declaration": compact})
    };
    let all: Vec<Value> = linking.declarations.all().map(entry).collect();
    ([(header::CACHE_CONTROL, "public, max-age=60")], JsonAnswer(json!({"declarations": all})))
}

pub(super) async fn one(
    State(linking): State<Arc<Linking>>,
    Path(sha256): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let found = linking.declarations.all().find(|(name, _)| *name == sha256);
    let (_, compact) = found.ok_or_else(Problem::not_found)?;
    // A text that is named by its hash never changes.
    let headers = [
        (header::CONTENT_TYPE, "application/jwt"),
        (header::CACHE_CONTROL, "public, max-age=86400, immutable"),
    ];
    Ok((headers, compact.to_owned()))
}
