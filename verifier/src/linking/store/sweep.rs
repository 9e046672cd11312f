//! What time alone changes: found here, changed one grant at a time by the sweeper.

use enishi_credential::time::UnixTime;
use enishi_protocol::grant::{Event, State};
use enishi_service::store::StoreError;
use sqlx::{AnyConnection, Row as _};

/// A grant to which something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The grant.
    pub(crate) id: String,
    /// What is due.
    pub(crate) event: Event,
}

/// Finds at most `limit` of each: requests that have lapsed, grants whose time is over, and grants of which everything
/// was fetched at least `link_lifetime` seconds ago, so that the last link has expired.
pub(crate) async fn due(
    connection: &mut AnyConnection,
    now: UnixTime,
    link_lifetime: i64,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    let mut found = Vec::new();
    let lapsed = sqlx::query("SELECT id FROM grants WHERE state = $1 AND answer_by <= $2 LIMIT $3")
        .bind(State::Requested.as_str())
        .bind(now.secs())
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let expired = sqlx::query("SELECT id FROM grants WHERE state IN ($1, $2) AND not_after <= $3 LIMIT $4")
        .bind(State::Active.as_str())
        .bind(State::Suspended.as_str())
        .bind(now.secs())
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let used_up = sqlx::query(
        "SELECT id FROM grants WHERE state = $1 AND not_after > $2 AND max_links IS NOT NULL \
         AND links_minted >= max_links AND last_minted_at <= $3 LIMIT $4",
    )
    .bind(State::Active.as_str())
    .bind(now.secs())
    .bind(now.plus(-link_lifetime).secs())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    for (rows, event) in [(lapsed, Event::Lapse), (expired, Event::Expire), (used_up, Event::Complete)] {
        for row in rows {
            found.push(Due { id: row.try_get("id")?, event });
        }
    }
    Ok(found)
}

/// Erases requests that never became a grant and could be answered until `before`, so that nobody fills the table with
/// them (threat 12). Their record stays.
pub(crate) async fn purge_requests(
    connection: &mut AnyConnection,
    before: UnixTime,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM grants WHERE state IN ($1, $2, $3) AND given_at IS NULL AND answer_by <= $4",
    )
    .bind(State::Declined.as_str())
    .bind(State::Lapsed.as_str())
    .bind(State::Failed.as_str())
    .bind(before.secs())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
