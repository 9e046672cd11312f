//! Requests before they are answered.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::time::UnixTime;
use enishi_protocol::grant::State;
use enishi_protocol::grant::access::Mode;
use enishi_service::store::StoreError;
use sqlx::AnyConnection;

use super::row::Details;

/// A request to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewRequest<'a> {
    /// The grant id.
    pub(crate) id: &'a str,
    /// The SP.
    pub(crate) recipient: &'a str,
    /// The DP.
    pub(crate) provider: &'a str,
    /// Hash of the service declaration.
    pub service_sha256: &'a str,
    /// Hash of the purpose declaration.
    pub purpose_sha256: &'a str,
    /// What is asked for.
    pub(crate) details: &'a Details,
    /// The key that may mint links.
    pub(crate) dpop_jkt: Thumbprint,
    /// Hash of the consent terms.
    pub terms_sha256: &'a str,
    /// When the SP asked.
    pub(crate) created_at: UnixTime,
    /// Until when the wallet may answer.
    pub(crate) answer_by: UnixTime,
    /// When the grant would end.
    pub(crate) not_after: UnixTime,
    /// What the request object is made from, encrypted.
    pub(crate) exchange: &'a str,
    /// Where the person's browser goes afterwards.
    pub(crate) redirect_uri: Option<&'a str>,
}

/// Stores a request in the state `requested`.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    request: &NewRequest<'_>,
) -> Result<(), StoreError> {
    let access = &request.details.access;
    let max_links = match access.mode {
        Mode::OneTime => Some(1),
        Mode::Periodic => access.max_total.map(i64::from),
    };
    let details =
        serde_json::to_string(request.details).map_err(|error| StoreError::Malformed(error.to_string()))?;
    sqlx::query(
        "INSERT INTO grants (id, state, recipient, provider, service_sha256, purpose_sha256, details, dpop_jkt, \
         terms_sha256, created_at, answer_by, not_after, exchange, redirect_uri, max_links, fetches, links_minted) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0)",
    )
    .bind(request.id)
    .bind(State::Requested.as_str())
    .bind(request.recipient)
    .bind(request.provider)
    .bind(request.service_sha256)
    .bind(request.purpose_sha256)
    .bind(details)
    .bind(request.dpop_jkt.to_string())
    .bind(request.terms_sha256)
    .bind(request.created_at.secs())
    .bind(request.answer_by.secs())
    .bind(request.not_after.secs())
    .bind(request.exchange)
    .bind(request.redirect_uri)
    .bind(max_links)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts one fetch of the request object; `false` when it may not be fetched (again): unknown, answered, lapsed, or
/// fetched `most` times already.
pub(crate) async fn count_fetch(
    connection: &mut AnyConnection,
    id: &str,
    now: UnixTime,
    most: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE grants SET fetches = fetches + 1 \
         WHERE id = $1 AND state = $2 AND answer_by > $3 AND fetches < $4",
    )
    .bind(id)
    .bind(State::Requested.as_str())
    .bind(now.secs())
    .bind(most)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The wallet refused: the request is over. `false` when there is no request waiting for an answer.
pub(crate) async fn decline(
    connection: &mut AnyConnection,
    id: &str,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE grants SET state = $1, exchange = NULL, ended_at = $2 \
         WHERE id = $3 AND state = $4 AND answer_by > $2",
    )
    .bind(State::Declined.as_str())
    .bind(now.secs())
    .bind(id)
    .bind(State::Requested.as_str())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
