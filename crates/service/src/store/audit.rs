//! The record of what was done.

use async_trait::async_trait;
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};
use enishi_credential::time::UnixTime;

/// One thing that happened (linkage protocol §11). It holds no account identifier, DID, token, IP address or user
/// agent: `detail` is for names of items, reasons, hashes and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// What happened: `requested`, `granted`, `link_issued`, `withdrawn`, …
    pub kind: String,
    /// The grant, session or credential batch that it happened to.
    pub reference: String,
    /// When.
    pub at: UnixTime,
    /// Everything else worth keeping.
    pub detail: serde_json::Value,
}

/// An append-only record.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends one entry.
    async fn append(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// The entries of one reference, oldest first, at most `limit`.
    async fn list(&self, reference: &str, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}

/// [`AuditLog`] in the table `audit`.
#[derive(Debug, Clone)]
pub struct SqlAuditLog(Store);

impl SqlAuditLog {
    /// Uses the shared tables of `store`, which must be migrated.
    pub fn new(store: &Store) -> Self {
        Self(store.clone())
    }
}

#[async_trait]
impl AuditLog for SqlAuditLog {
    async fn append(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut connection = self.0.pool().acquire().await?;
        append_audit(&mut connection, entry).await
    }

    async fn list(&self, reference: &str, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows =
            sqlx::query("SELECT at, kind, detail FROM audit WHERE reference = $1 ORDER BY seq LIMIT $2")
                .bind(reference)
                .bind(i64::from(limit))
                .fetch_all(self.0.pool())
                .await?;
        rows.iter()
            .map(|row| {
                let detail: String = row.try_get("detail")?;
                Ok(AuditEntry {
                    kind: row.try_get("kind")?,
                    reference: reference.to_owned(),
                    at: UnixTime::from_secs(row.try_get("at")?),
                    detail: serde_json::from_str(&detail)
                        .map_err(|e| StoreError::Malformed(e.to_string()))?,
                })
            })
            .collect()
    }
}

/// Appends one entry inside the caller's transaction, so that what was done and its record stand or fall together.
pub async fn append_audit(connection: &mut AnyConnection, entry: &AuditEntry) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at, kind, reference, detail) VALUES ($1, $2, $3, $4)")
        .bind(entry.at.secs())
        .bind(entry.kind.as_str())
        .bind(entry.reference.as_str())
        .bind(entry.detail.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn audit_log_contract() {
        for given in super::super::testing::stores("audit").await {
            super::super::testing::audit_log_contract(&SqlAuditLog::new(&given.store)).await;
        }
    }
}
