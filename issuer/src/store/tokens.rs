//! Access tokens: found by their hash, revoked together with the code that they came from.

use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::{Binding, Subject, hash, read, write};

/// What an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    /// Whose credentials.
    pub(crate) subject: Personal<Subject>,
    /// For which relying parties.
    pub(crate) rps: Vec<String>,
    /// The wallet, as it named itself.
    pub(crate) client_id: Option<String>,
    /// The key that the token is bound to; a bearer token has none.
    pub(crate) jkt: Binding,
}

/// A token on its way into the table, in the transaction that uses up its code.
#[derive(Clone, Copy)]
pub(crate) struct NewToken<'a> {
    pub(crate) token: &'a str,
    pub(crate) content: &'a AccessToken,
    pub(crate) expires_at: UnixTime,
}

/// The table `access_tokens`.
#[derive(Debug, Clone)]
pub(crate) struct Tokens(Store);

impl Tokens {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// What the token stands for; `None` if it is unknown, over or revoked.
    pub(crate) async fn find(&self, token: &str, now: UnixTime) -> Result<Option<AccessToken>, StoreError> {
        let payload: Option<String> = sqlx::query_scalar(
            "SELECT payload FROM access_tokens WHERE token_hash = $1 AND expires_at > $2 AND revoked_at IS NULL",
        )
        .bind(hash(token))
        .bind(now.secs())
        .fetch_optional(self.0.pool())
        .await?;
        payload.as_deref().map(read).transpose()
    }
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    grant_id: &str,
    new: NewToken<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO access_tokens (token_hash, grant_id, payload, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(hash(new.token))
    .bind(grant_id)
    .bind(write(new.content)?)
    .bind(new.expires_at.secs())
    .execute(connection)
    .await?;
    Ok(())
}

/// Revokes every token of a grant: its code was shown a second time (RFC 6749 §4.1.2).
pub(super) async fn revoke(store: &Store, grant_id: &str, now: UnixTime) -> Result<(), StoreError> {
    sqlx::query("UPDATE access_tokens SET revoked_at = $1 WHERE grant_id = $2 AND revoked_at IS NULL")
        .bind(now.secs())
        .bind(grant_id)
        .execute(store.pool())
        .await?;
    Ok(())
}
