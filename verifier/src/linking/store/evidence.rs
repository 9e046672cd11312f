//! The stored evidence, found by its hash.

use enishi_service::store::StoreError;
use sqlx::{AnyConnection, Row as _};

/// An evidence bundle as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredEvidence {
    /// The grant that it proves.
    pub(crate) grant_id: String,
    /// The bundle, encrypted.
    pub(crate) sealed: String,
}

/// Finds an evidence bundle.
pub(crate) async fn find_evidence(
    connection: &mut AnyConnection,
    sha256: &str,
) -> Result<Option<StoredEvidence>, StoreError> {
    let row = sqlx::query("SELECT grant_id, sealed FROM evidence WHERE sha256 = $1")
        .bind(sha256)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(StoredEvidence { grant_id: row.try_get("grant_id")?, sealed: row.try_get("sealed")? }))
        .transpose()
}
