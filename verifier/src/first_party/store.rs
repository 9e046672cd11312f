//! The table of presentations. Every statement carries its whole condition, so that the database decides who is first.

use enishi_credential::time::UnixTime;
use enishi_service::store::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// Where a presentation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody answered yet.
    Pending,
    /// The answer holds; its result waits to be read.
    Verified,
    /// The wallet refused.
    Declined,
    /// The result has been read.
    Read,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Verified, Self::Declined, Self::Read];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Declined => "declined",
            Self::Read => "read",
        }
    }
}

/// A presentation.
#[derive(Debug, Clone)]
pub(super) struct PresentationRow {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) answer_by: UnixTime,
    pub(super) exchange: Option<String>,
    pub(super) redirect_uri: Option<String>,
    pub(super) response_code: Option<String>,
    pub(super) result: Option<String>,
}

const COLUMNS: &str = "id, state, answer_by, exchange, redirect_uri, response_code, result";

fn read(row: &AnyRow) -> Result<PresentationRow, StoreError> {
    let state: String = row.try_get("state")?;
    let state = State::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(PresentationRow {
        id: row.try_get("id")?,
        state: state.ok_or_else(|| StoreError::Malformed("presentations: state".into()))?,
        answer_by: UnixTime::from_secs(row.try_get("answer_by")?),
        exchange: row.try_get("exchange")?,
        redirect_uri: row.try_get("redirect_uri")?,
        response_code: row.try_get("response_code")?,
        result: row.try_get("result")?,
    })
}

/// Stores a presentation that is asked for.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    id: &str,
    exchange: &str,
    redirect_uri: Option<&str>,
    now: UnixTime,
    answer_by: UnixTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO presentations (id, state, created_at, answer_by, exchange, fetches, redirect_uri) \
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(id)
    .bind(State::Pending.as_str())
    .bind(now.secs())
    .bind(answer_by.secs())
    .bind(exchange)
    .bind(redirect_uri)
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds a presentation.
pub(super) async fn find(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<PresentationRow>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM presentations WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Counts one fetch of the request object; `false` when it may not be fetched (again).
pub(super) async fn count_fetch(
    connection: &mut AnyConnection,
    id: &str,
    now: UnixTime,
    most: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE presentations SET fetches = fetches + 1 \
         WHERE id = $1 AND state = $2 AND answer_by > $3 AND fetches < $4",
    )
    .bind(id)
    .bind(State::Pending.as_str())
    .bind(now.secs())
    .bind(most)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the result of an answer that holds; `None` when no answer is awaited (any more).
pub(super) async fn answer(
    connection: &mut AnyConnection,
    id: &str,
    result: &str,
    response_code: &str,
    now: UnixTime,
) -> Result<Option<PresentationRow>, StoreError> {
    end(connection, id, State::Verified, Some(result), response_code, now).await
}

/// The wallet refused; `None` when no answer is awaited (any more).
pub(super) async fn decline(
    connection: &mut AnyConnection,
    id: &str,
    response_code: &str,
    now: UnixTime,
) -> Result<Option<PresentationRow>, StoreError> {
    end(connection, id, State::Declined, None, response_code, now).await
}

async fn end(
    connection: &mut AnyConnection,
    id: &str,
    state: State,
    result: Option<&str>,
    response_code: &str,
    now: UnixTime,
) -> Result<Option<PresentationRow>, StoreError> {
    let statement = format!(
        "UPDATE presentations SET state = $1, result = $2, response_code = $3, exchange = NULL \
         WHERE id = $4 AND state = $5 AND answer_by > $6 RETURNING {COLUMNS}"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(state.as_str())
        .bind(result)
        .bind(response_code)
        .bind(id)
        .bind(State::Pending.as_str())
        .bind(now.secs())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The result is being read: `true` for exactly one caller.
pub(super) async fn consume(connection: &mut AnyConnection, id: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE presentations SET state = $1, result = NULL WHERE id = $2 AND state = $3")
        .bind(State::Read.as_str())
        .bind(id)
        .bind(State::Verified.as_str())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Erases what nobody answered or read in time.
pub(super) async fn purge(connection: &mut AnyConnection, before: UnixTime) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM presentations WHERE answer_by <= $1")
        .bind(before.secs())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use enishi_service::store::testing;

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    #[tokio::test]
    async fn a_presentation_is_answered_once_and_read_once() {
        for given in testing::stores("presentations").await {
            crate::migrate(&given.store).await.unwrap();
            let mut tx = given.store.begin().await.unwrap();
            let late = NOW.plus(300);
            insert(&mut tx, "p1", "sealed", Some("https://rp.example/back"), NOW, late).await.unwrap();
            assert!(count_fetch(&mut tx, "p1", NOW, 1).await.unwrap());
            assert!(!count_fetch(&mut tx, "p1", NOW, 1).await.unwrap());
            assert!(!consume(&mut tx, "p1").await.unwrap(), "not answered yet");
            assert!(answer(&mut tx, "p1", "r", "c", late).await.unwrap().is_none(), "too late");
            let row = answer(&mut tx, "p1", "r", "c", NOW).await.unwrap().unwrap();
            assert_eq!((row.state, row.exchange.as_deref()), (State::Verified, None));
            assert_eq!(row.redirect_uri.as_deref(), Some("https://rp.example/back"));
            assert!(answer(&mut tx, "p1", "r2", "c2", NOW).await.unwrap().is_none(), "VP N16");
            assert!(decline(&mut tx, "p1", "c2", NOW).await.unwrap().is_none());
            assert_eq!(find(&mut tx, "p1").await.unwrap().unwrap().result.as_deref(), Some("r"));
            assert!(consume(&mut tx, "p1").await.unwrap());
            assert!(!consume(&mut tx, "p1").await.unwrap());
            assert_eq!(find(&mut tx, "p1").await.unwrap().unwrap().result, None);
            assert_eq!(purge(&mut tx, NOW).await.unwrap(), 0);
            assert_eq!(purge(&mut tx, late).await.unwrap(), 1);
            assert!(find(&mut tx, "p1").await.unwrap().is_none());
        }
    }
}
