//! What the issuer remembers: one-time things that live for minutes, each behind a store of its own.
//!
//! References, codes, tokens and session ids are looked up by their SHA-256; the values themselves are not stored. What
//! may be used once is used up by one conditional statement, so that of two replicas one is first.

mod codes;
mod logins;
mod offers;
mod pushed;
mod tokens;

use enishi_credential::encoding::b64;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::time::UnixTime;
use enishi_service::store::{Store, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use codes::{Codes, IssuedCode};
pub(crate) use logins::{Asker, Authenticated, Logins, Started};
pub(crate) use offers::{NewOffer, OfferFor, Offers};
pub(crate) use pushed::{PushedRequests, StoredRequest};
pub(crate) use tokens::{AccessToken, NewToken, Tokens};

/// A person who has logged in, and how well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The account upstream.
    pub(crate) account: UpstreamAccount,
    /// The assurance of the login, one of the configured levels.
    pub(crate) acr: String,
}

/// A key that something is bound to.
pub(crate) type Binding = Option<Thumbprint>;

/// The tables, for purging.
const TABLES: [&str; 5] = [
    "DELETE FROM pushed_requests WHERE expires_at <= $1",
    "DELETE FROM logins WHERE expires_at <= $1",
    "DELETE FROM codes WHERE expires_at <= $1",
    "DELETE FROM offers WHERE expires_at <= $1",
    "DELETE FROM access_tokens WHERE expires_at <= $1",
];

/// Brings the issuer's tables up to date.
pub(crate) async fn migrate(store: &Store) -> Result<(), StoreError> {
    store.migrate(&enishi_service::migrations!["0001_issuer"]).await
}

/// Deletes what has been over for a while. Used codes stay until then, so that a second use is noticed.
pub(crate) async fn purge(store: &Store, now: UnixTime) -> Result<(), StoreError> {
    /// Seconds that a row outlives its end.
    const GRACE: i64 = 600;
    for statement in TABLES {
        sqlx::query(statement).bind(now.plus(-GRACE).secs()).execute(store.pool()).await?;
    }
    Ok(())
}

/// The hash under which a random value is found again.
pub(crate) fn hash(value: &str) -> String {
    b64::encode(Sha256::digest(value))
}

fn write<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Malformed("a payload cannot be written".to_owned()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    // serde would quote what it found; a payload is personal.
    serde_json::from_str(text)
        .map_err(|_| StoreError::Malformed("a stored payload cannot be read".to_owned()))
}

#[cfg(test)]
mod tests;
