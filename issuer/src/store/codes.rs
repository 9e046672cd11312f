//! Authorization codes: good once; a second use takes back what the first one gave.

use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError, changed_once};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::tokens::{self, NewToken};
use super::{StoredRequest, Subject, hash, read, write};

/// What an authorization code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IssuedCode {
    /// The request that it answers.
    pub(crate) request: StoredRequest,
    /// Who agreed.
    pub(crate) subject: Personal<Subject>,
    /// To which relying parties.
    pub(crate) rps: Vec<String>,
}

/// The table `codes`.
#[derive(Debug, Clone)]
pub(crate) struct Codes(Store);

impl Codes {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// Keeps what `code` stands for.
    pub(crate) async fn insert(
        &self,
        code: &str,
        grant_id: &str,
        content: &IssuedCode,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO codes (code_hash, grant_id, payload, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(hash(code))
            .bind(grant_id)
            .bind(write(content)?)
            .bind(expires_at.secs())
            .execute(self.0.pool())
            .await?;
        Ok(())
    }

    /// What an unused code stands for. A used one gives `None`, and its tokens are revoked.
    pub(crate) async fn look_up(&self, code: &str, now: UnixTime) -> Result<Option<IssuedCode>, StoreError> {
        let row =
            sqlx::query("SELECT grant_id, payload, expires_at, used_at FROM codes WHERE code_hash = $1")
                .bind(hash(code))
                .fetch_optional(self.0.pool())
                .await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<Option<i64>, _>("used_at")?.is_some() {
            tokens::revoke(&self.0, &row.try_get::<String, _>("grant_id")?, now).await?;
            return Ok(None);
        }
        if row.try_get::<i64, _>("expires_at")? <= now.secs() {
            return Ok(None);
        }
        read(&row.try_get::<String, _>("payload")?).map(Some)
    }

    /// Uses the code up and keeps its token, both or neither; `false` if somebody was faster, whose token is revoked.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        token: NewToken<'_>,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let mut tx = self.0.begin().await?;
        let used = sqlx::query(
            "UPDATE codes SET used_at = $1 WHERE code_hash = $2 AND used_at IS NULL AND expires_at > $1",
        )
        .bind(now.secs())
        .bind(hash(code))
        .execute(&mut *tx)
        .await?;
        if !changed_once(&used)? {
            tx.rollback().await?;
            self.look_up(code, now).await?;
            return Ok(false);
        }
        let grant_id: String = sqlx::query_scalar("SELECT grant_id FROM codes WHERE code_hash = $1")
            .bind(hash(code))
            .fetch_one(&mut *tx)
            .await?;
        tokens::insert(&mut tx, &grant_id, token).await?;
        tx.commit().await?;
        Ok(true)
    }
}
