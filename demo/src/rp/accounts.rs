//! Accounts of a relying party, and which PPID belongs to which.

use enishi_credential::encoding::b64;
use enishi_credential::secret::Personal;
use enishi_credential::time::UnixTime;
use enishi_service::store::Store;
use sha2::{Digest as _, Sha256};

use super::error::RpError;

/// An account that the town starts with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleAccount {
    /// Login name.
    pub(crate) login: &'static str,
    /// The relying party's own number of the person.
    pub(crate) number: &'static str,
}

/// The password of every sample account.
pub(crate) const PASSWORD: &str = "machi-demo";

/// The accounts in a relying party's database.
#[derive(Clone)]
pub(crate) struct Accounts(Store);

/// What a relying party learned of a person from the issuer, through its own verifier.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    /// The PPID.
    pub(crate) ppid: Personal<String>,
    /// The pairwise DID.
    pub(crate) sub: Personal<String>,
}

impl Accounts {
    /// Opens the accounts in `store`, which begin with `samples`.
    pub(crate) async fn open(store: Store, samples: &[SampleAccount]) -> Result<Self, RpError> {
        for statement in [
            "CREATE TABLE IF NOT EXISTS accounts (number TEXT PRIMARY KEY, login TEXT NOT NULL UNIQUE, password TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS bindings (ppid TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, sub TEXT NOT NULL, \
             bound_at BIGINT NOT NULL)",
        ] {
            sqlx::query(statement).execute(store.pool()).await?;
        }
        for sample in samples {
            sqlx::query("INSERT INTO accounts (number, login, password) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING")
                .bind(sample.number)
                .bind(sample.login)
                .bind(hash(sample.login, PASSWORD))
                .execute(store.pool())
                .await?;
        }
        Ok(Self(store))
    }

    /// The database, for what else the app keeps.
    pub(crate) const fn store(&self) -> &Store {
        &self.0
    }

    /// The number of the account that this login name and password open.
    pub(crate) async fn log_in(&self, login: &str, password: &str) -> Result<Option<String>, RpError> {
        let number = sqlx::query_scalar("SELECT number FROM accounts WHERE login = $1 AND password = $2")
            .bind(login)
            .bind(hash(login, password))
            .fetch_optional(self.0.pool())
            .await?;
        Ok(number)
    }

    /// Binds the person who was presented to the account `number`. Doing it again is fine; a newer DID replaces the
    /// older one, since a new wallet has another.
    pub(crate) async fn bind(
        &self,
        number: &str,
        presented: &Presented,
        now: UnixTime,
    ) -> Result<(), RpError> {
        let ppid = presented.ppid.expose();
        let bound = self.number_of(ppid).await?;
        let taken = self.is_bound(number).await?;
        match bound {
            Some(known) if known == number => {}
            None if !taken => {}
            _ => return Err(RpError::BoundOtherwise),
        }
        sqlx::query(
            "INSERT INTO bindings (ppid, number, sub, bound_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (ppid) DO UPDATE SET sub = excluded.sub",
        )
        .bind(ppid)
        .bind(number)
        .bind(presented.sub.expose())
        .bind(now.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    /// The account of the person with this PPID.
    pub(crate) async fn number_of(&self, ppid: &str) -> Result<Option<String>, RpError> {
        let number = sqlx::query_scalar("SELECT number FROM bindings WHERE ppid = $1").bind(ppid);
        Ok(number.fetch_optional(self.0.pool()).await?)
    }

    /// Whether the account has a person.
    pub(crate) async fn is_bound(&self, number: &str) -> Result<bool, RpError> {
        let bound: Option<i64> = sqlx::query_scalar("SELECT bound_at FROM bindings WHERE number = $1")
            .bind(number)
            .fetch_optional(self.0.pool())
            .await?;
        Ok(bound.is_some())
    }
}

/// Passwords of sample accounts are in the source; a real app uses a slow, salted hash.
fn hash(login: &str, password: &str) -> String {
    b64::encode(Sha256::new().chain_update(login).chain_update([0]).chain_update(password).finalize())
}
