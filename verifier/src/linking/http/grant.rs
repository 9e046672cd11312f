//! `GET /grants/{id}`: where a grant stands, for its holder, SP and DP.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use enishi_protocol::grant::messages::GrantStatus;
use http::{HeaderMap, header};

use crate::linking::Linking;
use crate::linking::auth::AuthError;

pub(super) async fn grant(
    State(linking): State<Arc<Linking>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, AuthError> {
    let (_, row) = linking.actor(&headers, "GET", &id, &format!("/grants/{id}")).await?;
    let consent = row.consent.ok_or(AuthError::Unknown)?;
    let status = GrantStatus {
        grant_id: row.id,
        state: row.state,
        recipient: row.recipient,
        provider: row.provider,
        service: row.details.service,
        purpose: row.details.purpose,
        items: row.details.items,
        access: row.details.access,
        given_at: consent.given_at,
        not_after: row.not_after,
        terms_sha256: row.terms_sha256,
        links_minted: row.links_minted,
        ended_at: row.ended_at,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(status)))
}
