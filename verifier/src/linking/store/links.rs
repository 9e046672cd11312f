//! Minted links: counted, and reported on once used.

use enishi_credential::time::UnixTime;
use enishi_protocol::grant::access::PastMints;
use enishi_service::store::StoreError;
use sqlx::AnyConnection;

/// A minted link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkRow<'a> {
    /// Under which grant.
    pub(crate) grant_id: &'a str,
    /// The transaction that the link names.
    pub(crate) txn: &'a str,
    /// When.
    pub(crate) minted_at: UnixTime,
}

/// Counts the links minted so far, in all and at or after `window_start`. To be called on a locked grant.
pub(crate) async fn count_links(
    connection: &mut AnyConnection,
    grant_id: &str,
    window_start: Option<UnixTime>,
) -> Result<PastMints, StoreError> {
    let count = |n: i64| u64::try_from(n).map_err(|_| StoreError::Malformed("links: count".into()));
    let total: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM links WHERE grant_id = $1")
        .bind(grant_id)
        .fetch_one(&mut *connection)
        .await?;
    let in_window: i64 = match window_start {
        None => total,
        Some(start) => {
            sqlx::query_scalar("SELECT COUNT(*) FROM links WHERE grant_id = $1 AND minted_at >= $2")
                .bind(grant_id)
                .bind(start.secs())
                .fetch_one(connection)
                .await?
        }
    };
    Ok(PastMints { total: count(total)?, in_window: count(in_window)? })
}

/// Records a minted link.
pub(crate) async fn record_mint(
    connection: &mut AnyConnection,
    link: &LinkRow<'_>,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO links (grant_id, txn, minted_at) VALUES ($1, $2, $3)")
        .bind(link.grant_id)
        .bind(link.txn)
        .bind(link.minted_at.secs())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE grants SET links_minted = links_minted + 1, last_minted_at = $1 WHERE id = $2")
        .bind(link.minted_at.secs())
        .bind(link.grant_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Records that the DP reported on a link: `None` if there is no such link, `Some(false)` if it was reported before.
pub(crate) async fn report_release(
    connection: &mut AnyConnection,
    grant_id: &str,
    txn: &str,
    now: UnixTime,
) -> Result<Option<bool>, StoreError> {
    let done = sqlx::query(
        "UPDATE links SET reported_at = $1 WHERE grant_id = $2 AND txn = $3 AND reported_at IS NULL",
    )
    .bind(now.secs())
    .bind(grant_id)
    .bind(txn)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Some(true));
    }
    let known = sqlx::query("SELECT txn FROM links WHERE grant_id = $1 AND txn = $2")
        .bind(grant_id)
        .bind(txn)
        .fetch_optional(connection)
        .await?;
    Ok(known.map(|_| false))
}
