//! What can go wrong in a store, by what the caller can do about it.

use std::time::Duration;

/// A failure of the database, sorted by what the caller can do about it. Its text never goes to a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row exists already.
    #[error("a row with this key exists already")]
    AlreadyThere,
    /// Another writer was in the way; the same work can be tried again.
    #[error("the database is busy")]
    Busy,
    /// What is stored cannot be read as what it should be.
    #[error("stored data is malformed: {0}")]
    Malformed(String),
    /// The address of the database is not understood.
    #[error("database URL: {0}")]
    Url(String),
    /// The tables could not be brought up to date.
    #[error("migration failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else: connection lost, disk full, a mistake in SQL.
    #[error("database error: {0}")]
    Other(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::AlreadyThere,
            sqlx::Error::Database(database) if database.code().is_some_and(|code| is_busy(&code)) => {
                Self::Busy
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Malformed(error.to_string()),
            _ => Self::Other(error),
        }
    }
}

/// SQLite: BUSY with its extended codes, LOCKED. PostgreSQL: serialization failure, deadlock, lock not available.
fn is_busy(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 5 | 6),
        _ => matches!(code, "40001" | "40P01" | "55P03"),
    }
}

/// `true` when a statement that uses up a one-time row changed exactly that row, `false` when there was none to use up:
/// unknown, expired or used before, which callers do not tell apart.
///
/// The statement must carry the whole condition, as in
/// `UPDATE offers SET used_at = $1 WHERE id = $2 AND used_at IS NULL AND expires_at > $1`; then the database decides
/// which of two callers is first, across replicas too.
pub fn changed_once(result: &sqlx::any::AnyQueryResult) -> Result<bool, StoreError> {
    match result.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        n => Err(StoreError::Malformed(format!("a one-time statement changed {n} rows"))),
    }
}

/// Runs `work` again while the database says that it is busy, at most five times with growing pauses.
pub async fn retry_busy<T, F>(mut work: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut pause = Duration::from_millis(10);
    for _ in 0..4 {
        match work().await {
            Err(StoreError::Busy) => tokio::time::sleep(pause).await,
            done => return done,
        }
        pause *= 3;
    }
    work().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_codes_of_both_backends() {
        for code in ["5", "6", "261", "517", "262", "40001", "40P01", "55P03"] {
            assert!(is_busy(code), "{code}");
        }
        for code in ["1", "19", "2067", "1555", "23505", "42P01", "25005"] {
            assert!(!is_busy(code), "{code}");
        }
    }

    #[tokio::test]
    async fn busy_work_is_tried_again_and_other_errors_are_not() {
        let mut calls = 0;
        let done = retry_busy(|| {
            calls += 1;
            let this = calls;
            async move { if this < 3 { Err(StoreError::Busy) } else { Ok(this) } }
        })
        .await;
        assert_eq!(done.unwrap(), 3);
        let mut calls = 0;
        let failed: Result<(), _> = retry_busy(|| {
            calls += 1;
            async { Err(StoreError::AlreadyThere) }
        })
        .await;
        assert!(matches!(failed, Err(StoreError::AlreadyThere)));
        assert_eq!(calls, 1);
    }
}
