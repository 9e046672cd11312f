//! Credential offers. An offer's pre-authorized code, its `issuer_state` and its transaction code are derived from its
//! secret id by the caller, so that the offer can be shown by reference without any of them being stored.

use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError, changed_once};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::tokens::{self, NewToken};
use super::{Subject, hash, read, write};

/// What an offer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferFor {
    /// The person, if they have logged in already: then the offer has a pre-authorized code.
    pub(crate) subject: Option<Personal<Subject>>,
    /// The relying parties.
    pub(crate) rps: Vec<String>,
    /// Whether the offer has the authorization code grant.
    pub(crate) authorization_code: bool,
    /// Whether the offer has the pre-authorized code grant.
    pub(crate) pre_authorized: bool,
    /// How many digits the transaction code has, if one is wanted.
    pub(crate) tx_code_length: Option<u32>,
}

/// An offer on its way into the table.
pub(crate) struct NewOffer<'a> {
    pub(crate) id: &'a str,
    pub(crate) code: &'a str,
    pub(crate) issuer_state: &'a str,
    pub(crate) grant_id: &'a str,
    /// A keyed hash of the transaction code: six digits alone would be guessed from a plain one.
    pub(crate) tx_code_mac: Option<&'a str>,
    pub(crate) content: &'a OfferFor,
    pub(crate) expires_at: UnixTime,
}

/// The table `offers`.
#[derive(Debug, Clone)]
pub(crate) struct Offers(Store);

impl Offers {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// Keeps an offer.
    pub(crate) async fn insert(&self, new: NewOffer<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO offers \
             (id_hash, code_hash, issuer_state_hash, grant_id, payload, tx_code_mac, tx_tries, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
        )
        .bind(hash(new.id))
        .bind(hash(new.code))
        .bind(hash(new.issuer_state))
        .bind(new.grant_id)
        .bind(write(new.content)?)
        .bind(new.tx_code_mac)
        .bind(new.expires_at.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// The offer with this id, unused and not over.
    pub(crate) async fn by_id(&self, id: &str, now: UnixTime) -> Result<Option<OfferFor>, StoreError> {
        let row = sqlx::query("SELECT payload, grant_id, expires_at, used_at FROM offers WHERE id_hash = $1")
            .bind(hash(id))
            .fetch_optional(self.0.pool())
            .await?;
        live(row, now)
    }

    /// The offer to which this `issuer_state` belongs, unused and not over.
    pub(crate) async fn by_issuer_state(
        &self,
        issuer_state: &str,
        now: UnixTime,
    ) -> Result<Option<OfferFor>, StoreError> {
        let row = sqlx::query(
            "SELECT payload, grant_id, expires_at, used_at FROM offers WHERE issuer_state_hash = $1",
        )
        .bind(hash(issuer_state))
        .fetch_optional(self.0.pool())
        .await?;
        live(row, now)
    }

    /// The offer with this pre-authorized code. A used one gives `None`, and its tokens are revoked.
    pub(crate) async fn by_code(&self, code: &str, now: UnixTime) -> Result<Option<OfferFor>, StoreError> {
        let row =
            sqlx::query("SELECT payload, grant_id, expires_at, used_at FROM offers WHERE code_hash = $1")
                .bind(hash(code))
                .fetch_optional(self.0.pool())
                .await?;
        if let Some(row) = &row
            && row.try_get::<Option<i64>, _>("used_at")?.is_some()
        {
            tokens::revoke(&self.0, &row.try_get::<String, _>("grant_id")?, now).await?;
            return Ok(None);
        }
        live(row, now)
    }

    /// Counts one try of the transaction code and gives its keyed hash for comparison; `None` when `most` tries have
    /// been made, from then on for ever (OpenID4VCI 1.0 §13.6.3).
    pub(crate) async fn count_try(
        &self,
        code: &str,
        most: i64,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let mac: Option<Option<String>> = sqlx::query_scalar(
            "UPDATE offers SET tx_tries = tx_tries + 1 \
             WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2 AND tx_tries < $3 RETURNING tx_code_mac",
        )
        .bind(hash(code))
        .bind(now.secs())
        .bind(most)
        .fetch_optional(self.0.pool())
        .await?;
        Ok(mac.flatten())
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
            "UPDATE offers SET used_at = $1 WHERE code_hash = $2 AND used_at IS NULL AND expires_at > $1",
        )
        .bind(now.secs())
        .bind(hash(code))
        .execute(&mut *tx)
        .await?;
        if !changed_once(&used)? {
            tx.rollback().await?;
            self.by_code(code, now).await?;
            return Ok(false);
        }
        let grant_id: String = sqlx::query_scalar("SELECT grant_id FROM offers WHERE code_hash = $1")
            .bind(hash(code))
            .fetch_one(&mut *tx)
            .await?;
        tokens::insert(&mut tx, &grant_id, token).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn live(row: Option<AnyRow>, now: UnixTime) -> Result<Option<OfferFor>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<Option<i64>, _>("used_at")?.is_some()
        || row.try_get::<i64, _>("expires_at")? <= now.secs()
    {
        return Ok(None);
    }
    read(&row.try_get::<String, _>("payload")?).map(Some)
}
