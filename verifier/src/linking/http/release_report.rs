//! `POST /release-reports`: a DP says what it handed over under a link (linkage protocol §9).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::verdict::Failure;
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::messages::{ReleaseOutcome, ReleaseReport};
use enishi_service::http::{BodyError, Json, Problem};
use enishi_service::store::{AuditEntry, append_audit};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;
use crate::linking::store;

/// How far ahead of ours the DP's clock may be, in seconds.
const CLOCK_SKEW: i64 = 60;

#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("there is no such link of this party's service")]
    Unknown,
    #[error(transparent)]
    Refused(Failure),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Auth(error) => error.into(),
            ReportError::Body(error) => error.into(),
            ReportError::Unknown => Self::not_found(),
            ReportError::Refused(failure) => Self::from_failure(StatusCode::BAD_REQUEST, &failure),
            ReportError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for ReportError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(super) async fn release_report(
    State(linking): State<Arc<Linking>>,
    headers: HeaderMap,
    body: Result<Json<ReleaseReport>, BodyError>,
) -> Result<StatusCode, ReportError> {
    let party = linking.party(&headers).await?;
    let Json(report) = body?;
    let row = linking.find_grant(&report.grant_id).await?;
    let row = row.filter(|row| row.was_given() && row.provider == party).ok_or(ReportError::Unknown)?;
    let now = linking.context.now();
    let refuse = |code, at: &str, detail: &str| {
        let failure = Failure::new("release-report", code, detail).at(at);
        Err(ReportError::Refused(failure.remedy("report what was released under this link, once it was")))
    };
    if report.items.iter().any(|item| !row.details.items.contains(item)) {
        return refuse("items_not_granted", "/items", "an item is not part of the grant");
    }
    if report.released_at.since(now) > CLOCK_SKEW {
        return refuse("released_in_future", "/released_at", "the release is in the future");
    }
    let (kind, detail) = match report.outcome {
        ReleaseOutcome::Released => ("released", None),
        ReleaseOutcome::Refused => ("release_refused", Some("the gateway refused")),
        ReleaseOutcome::UpstreamFailed => ("release_refused", Some("the provider's system had no answer")),
    };
    let mut tx = linking.context.store.begin().await.map_err(Internal::from)?;
    store::lock(&mut tx, &row.id).await.map_err(Internal::from)?;
    match store::report_release(&mut tx, &row.id, &report.txn, now).await.map_err(Internal::from)? {
        None => return Err(ReportError::Unknown),
        // Reports are repeated until they are acknowledged; the first one counts.
        Some(false) => return Ok(StatusCode::ACCEPTED),
        Some(true) => {}
    }
    let entry = AuditEntry {
        kind: kind.to_owned(),
        reference: row.id,
        at: now,
        detail: json!({"by": Actor::Provider, "items": report.items, "detail": detail,
            "released_at": report.released_at}),
    };
    append_audit(&mut tx, &entry).await.map_err(Internal::from)?;
    tx.commit().await.map_err(Internal::from)?;
    Ok(StatusCode::ACCEPTED)
}
