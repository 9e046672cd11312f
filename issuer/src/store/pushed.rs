//! Pushed authorization requests (RFC 9126): used once, by the client that pushed.

use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::{Binding, hash, read, write};

/// A pushed request that was found in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: String,
    pub(crate) state: Option<String>,
    /// The relying party that the offer's `issuer_state` fixed.
    pub(crate) fixed_rps: Option<Vec<String>>,
    /// The key that code and token will be bound to.
    pub(crate) dpop_jkt: Binding,
}

/// The table `pushed_requests`.
#[derive(Debug, Clone)]
pub(crate) struct PushedRequests(Store);

impl PushedRequests {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// Keeps `request` under the secret `reference`.
    pub(crate) async fn insert(
        &self,
        reference: &str,
        request: &StoredRequest,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO pushed_requests (reference_hash, client_id, payload, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(hash(reference))
        .bind(request.client_id.as_str())
        .bind(write(request)?)
        .bind(expires_at.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// Takes the request out; `None` if it is unknown, used, over, or another client's, which does not use it up.
    pub(crate) async fn consume(
        &self,
        reference: &str,
        client_id: &str,
        now: UnixTime,
    ) -> Result<Option<StoredRequest>, StoreError> {
        let payload: Option<String> = sqlx::query_scalar(
            "DELETE FROM pushed_requests WHERE reference_hash = $1 AND client_id = $2 AND expires_at > $3 \
             RETURNING payload",
        )
        .bind(hash(reference))
        .bind(client_id)
        .bind(now.secs())
        .fetch_optional(self.0.pool())
        .await?;
        payload.as_deref().map(read).transpose()
    }
}
