//! `GET /grants/{id}/events`: what happened under a grant, for its holder, SP and DP.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::messages::{GrantEvent, GrantEvents};
use enishi_service::http::Problem;
use enishi_service::store::{AuditEntry, AuditLog as _, SqlAuditLog};
use http::{HeaderMap, header};
use serde_json::Value;

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;

/// How many entries one answer has at most.
const MOST: u32 = 1000;

#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for EventsError {
    fn into_response(self) -> Response {
        match self {
            Self::Auth(error) => Problem::from(error),
            Self::Internal(error) => Problem::from(error),
        }
        .into_response()
    }
}

pub(super) async fn grant_events(
    State(linking): State<Arc<Linking>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, EventsError> {
    let (_, row) = linking.actor(&headers, "GET", &id, &format!("/grants/{id}/events")).await?;
    let entries = SqlAuditLog::new(&linking.context.store).list(&id, MOST).await.map_err(Internal::from)?;
    let events = entries.into_iter().map(event).collect();
    let answer = GrantEvents { grant_id: row.id, events };
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(answer)))
}

fn event(entry: AuditEntry) -> GrantEvent {
    let member = |name: &str| entry.detail.get(name).cloned();
    let by = member("by").and_then(|by| serde_json::from_value::<Actor>(by).ok()).unwrap_or(Actor::Verifier);
    let items = member("items").and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default();
    let detail = entry.detail.get("detail").and_then(Value::as_str).map(str::to_owned);
    GrantEvent { at: entry.at, event: entry.kind, by, items, detail }
}
