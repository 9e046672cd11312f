//! A browser on its way through the login: `started` until the provider sends it back, then `authenticated` under a new
//! id until the person has decided. Each stage is used once.

use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use super::{StoredRequest, Subject, hash, read, write};

/// Who wants the person to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asker {
    /// A wallet, with its authorization request.
    Wallet(Box<StoredRequest>),
    /// The person, who opened our start page and will get an offer.
    Person,
}

/// A login that was handed to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) asker: Asker,
    /// `state` of our request to the provider.
    pub(crate) state: String,
    /// `nonce` of our request to the provider.
    pub(crate) nonce: String,
    /// PKCE verifier of our request to the provider.
    pub(crate) pkce_verifier: String,
}

/// A login that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authenticated {
    pub(crate) asker: Asker,
    pub(crate) subject: Personal<Subject>,
}

/// One of the two stages.
pub(crate) trait Login: Serialize + serde::de::DeserializeOwned {
    /// The stage's name in the table.
    const STAGE: &'static str;
}

impl Login for Started {
    const STAGE: &'static str = "started";
}

impl Login for Authenticated {
    const STAGE: &'static str = "authenticated";
}

/// The table `logins`.
#[derive(Debug, Clone)]
pub(crate) struct Logins(Store);

impl Logins {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.clone())
    }

    /// Keeps a stage under the secret `id` of the browser's cookie.
    pub(crate) async fn insert<L: Login>(
        &self,
        id: &str,
        login: &L,
        expires_at: UnixTime,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO logins (id_hash, stage, payload, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(hash(id))
            .bind(L::STAGE)
            .bind(write(login)?)
            .bind(expires_at.secs())
            .execute(self.0.pool())
            .await?;
        Ok(())
    }

    /// Looks at a stage without using it up.
    pub(crate) async fn get<L: Login>(&self, id: &str, now: UnixTime) -> Result<Option<L>, StoreError> {
        let payload: Option<String> = sqlx::query_scalar(
            "SELECT payload FROM logins WHERE id_hash = $1 AND stage = $2 AND expires_at > $3",
        )
        .bind(hash(id))
        .bind(L::STAGE)
        .bind(now.secs())
        .fetch_optional(self.0.pool())
        .await?;
        payload.as_deref().map(read).transpose()
    }

    /// Takes a stage out: exactly one caller gets it.
    pub(crate) async fn consume<L: Login>(&self, id: &str, now: UnixTime) -> Result<Option<L>, StoreError> {
        let payload: Option<String> = sqlx::query_scalar(
            "DELETE FROM logins WHERE id_hash = $1 AND stage = $2 AND expires_at > $3 RETURNING payload",
        )
        .bind(hash(id))
        .bind(L::STAGE)
        .bind(now.secs())
        .fetch_optional(self.0.pool())
        .await?;
        payload.as_deref().map(read).transpose()
    }
}
