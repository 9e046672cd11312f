//! The values that may be used once.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::{Store, StoreError};
use enishi_credential::time::UnixTime;

/// Whether a one-time value was new.
#[must_use = "a replay that nobody looks at is not refused"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was new, and is now remembered.
    Fresh,
    /// It was used before: refuse.
    Before,
}

/// Remembers values that may be used once until they expire by themselves: `jti` of DPoP proofs (RFC 9449 §11.1) and
/// of client assertions, spent nonces.
#[async_trait]
pub trait ReplayCache: Send + Sync {
    /// Remembers `value` for `purpose` until `expires_at`. Of any number of concurrent callers, also in other
    /// processes, exactly one is told [`Seen::Fresh`]. Only a hash is stored, so a value may be long and personal.
    async fn remember(
        &self,
        purpose: &str,
        value: &str,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<Seen, StoreError>;

    /// Forgets what has expired; gives the number of values forgotten.
    async fn purge(&self, now: UnixTime) -> Result<u64, StoreError>;
}

/// [`ReplayCache`] in the table `replay`.
#[derive(Debug, Clone)]
pub struct SqlReplayCache(Store);

impl SqlReplayCache {
    /// Uses the shared tables of `store`, which must be migrated.
    pub fn new(store: &Store) -> Self {
        Self(store.clone())
    }
}

#[async_trait]
impl ReplayCache for SqlReplayCache {
    async fn remember(
        &self,
        purpose: &str,
        value: &str,
        expires_at: UnixTime,
        now: UnixTime,
    ) -> Result<Seen, StoreError> {
        let mut connection = self.0.pool().acquire().await?;
        remember(&mut connection, purpose, value, expires_at, now).await
    }

    async fn purge(&self, now: UnixTime) -> Result<u64, StoreError> {
        let result = sqlx::query("DELETE FROM replay WHERE expires_at <= $1")
            .bind(now.secs())
            .execute(self.0.pool())
            .await?;
        Ok(result.rows_affected())
    }
}

/// As [`ReplayCache::remember`], inside the caller's transaction: rolled back, the value is unused again.
pub async fn remember(
    connection: &mut AnyConnection,
    purpose: &str,
    value: &str,
    expires_at: UnixTime,
    now: UnixTime,
) -> Result<Seen, StoreError> {
    // A row that has expired but was not purged yet counts as unknown: whoever checks the age of the value refuses it
    // by its age, and a value without an age is fresh again.
    let result = sqlx::query(
        "INSERT INTO replay (key_hash, expires_at) VALUES ($1, $2) \
         ON CONFLICT (key_hash) DO UPDATE SET expires_at = excluded.expires_at WHERE replay.expires_at <= $3",
    )
    .bind(key_hash(purpose, value))
    .bind(expires_at.secs())
    .bind(now.secs())
    .execute(connection)
    .await?;
    Ok(if super::changed_once(&result)? { Seen::Fresh } else { Seen::Before })
}

fn key_hash(purpose: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    hash.update((purpose.len() as u64).to_be_bytes());
    hash.update(purpose);
    hash.update(value);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn replay_cache_contract() {
        for given in super::super::testing::stores("replay").await {
            super::super::testing::replay_cache_contract(&SqlReplayCache::new(&given.store)).await;
        }
    }

    #[tokio::test]
    async fn a_rolled_back_value_is_unused() {
        for given in super::super::testing::stores("replay_tx").await {
            let at = UnixTime::from_secs(1_000);
            let later = UnixTime::from_secs(1_060);
            let mut tx = given.store.begin().await.unwrap();
            assert_eq!(remember(&mut tx, "p", "v", later, at).await.unwrap(), Seen::Fresh);
            assert_eq!(remember(&mut tx, "p", "v", later, at).await.unwrap(), Seen::Before);
            tx.rollback().await.unwrap();
            let cache = SqlReplayCache::new(&given.store);
            assert_eq!(cache.remember("p", "v", later, at).await.unwrap(), Seen::Fresh);
        }
    }
}
