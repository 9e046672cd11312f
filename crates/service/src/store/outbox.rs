//! Messages to others that must arrive although they, or we, may be down.

use async_trait::async_trait;
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};
use enishi_credential::time::UnixTime;

/// The first pause after a failure, in seconds; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: i64 = 2;
/// The longest pause between two attempts, in seconds.
const LONGEST_PAUSE: i64 = 15 * 60;

/// A message to put into the outbox.
#[derive(Debug, Clone, Copy)]
pub struct Enqueue<'a> {
    /// What kind of message, such as `notice`.
    pub topic: &'a str,
    /// Where to, usually a URL.
    pub destination: &'a str,
    /// The grant or session that it is about.
    pub reference: &'a str,
    /// The body, ready to send.
    pub payload: &'a str,
    /// When nobody needs to try any more.
    pub give_up_at: UnixTime,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Names the message in the outbox.
    pub id: i64,
    /// As enqueued.
    pub topic: String,
    /// As enqueued.
    pub destination: String,
    /// As enqueued.
    pub reference: String,
    /// As enqueued.
    pub payload: String,
    /// Attempts before this one.
    pub attempts: i64,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not delivered yet.
    Pending,
    /// The recipient has acknowledged it.
    Delivered,
    /// Its time ran out.
    GivenUp,
}

impl DeliveryState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// Messages that survive a restart. They are put in with [`enqueue`], inside the transaction that makes them true.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `limit` messages that are due. For `lease_seconds` nobody else is given them; a worker that dies
    /// loses the lease, and the message is due again.
    async fn take_due(
        &self,
        now: UnixTime,
        lease_seconds: u32,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// The recipient has acknowledged the message; its payload is erased.
    async fn delivered(&self, id: i64) -> Result<(), StoreError>;

    /// The attempt failed: due again after a pause that doubles each time, or given up when its time has run out.
    async fn failed(&self, id: i64, now: UnixTime) -> Result<DeliveryState, StoreError>;

    /// The states of all messages about one reference, oldest first.
    async fn states(&self, reference: &str) -> Result<Vec<DeliveryState>, StoreError>;
}

/// [`Outbox`] in the table `outbox`.
#[derive(Debug, Clone)]
pub struct SqlOutbox(Store);

impl SqlOutbox {
    /// Uses the shared tables of `store`, which must be migrated.
    pub fn new(store: &Store) -> Self {
        Self(store.clone())
    }
}

/// Puts a message into the outbox, inside the caller's transaction.
pub async fn enqueue(
    connection: &mut AnyConnection,
    message: Enqueue<'_>,
    now: UnixTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (topic, destination, reference, payload, state, attempts, created_at, next_at, give_up_at) \
         VALUES ($1, $2, $3, $4, 'pending', 0, $5, $5, $6)",
    )
    .bind(message.topic)
    .bind(message.destination)
    .bind(message.reference)
    .bind(message.payload)
    .bind(now.secs())
    .bind(message.give_up_at.secs())
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl Outbox for SqlOutbox {
    async fn take_due(
        &self,
        now: UnixTime,
        lease_seconds: u32,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        // The lease is `next_at` itself. The condition stands twice because PostgreSQL, when it had to wait for another
        // worker's lock, re-evaluates the outer one only.
        let rows = sqlx::query(
            "UPDATE outbox SET next_at = $1 WHERE state = 'pending' AND next_at <= $2 AND seq IN \
             (SELECT seq FROM outbox WHERE state = 'pending' AND next_at <= $2 ORDER BY next_at, seq LIMIT $3) \
             RETURNING seq, topic, destination, reference, payload, attempts",
        )
        .bind(now.secs().saturating_add(i64::from(lease_seconds)))
        .bind(now.secs())
        .bind(i64::from(limit))
        .fetch_all(self.0.pool())
        .await?;
        let mut due = rows
            .iter()
            .map(|row| {
                Ok(Delivery {
                    id: row.try_get("seq")?,
                    topic: row.try_get("topic")?,
                    destination: row.try_get("destination")?,
                    reference: row.try_get("reference")?,
                    payload: row.try_get("payload")?,
                    attempts: row.try_get("attempts")?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        due.sort_by_key(|delivery| delivery.id);
        Ok(due)
    }

    async fn delivered(&self, id: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET state = 'delivered', payload = '', attempts = attempts + 1 WHERE seq = $1",
        )
        .bind(id)
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    async fn failed(&self, id: i64, now: UnixTime) -> Result<DeliveryState, StoreError> {
        let mut tx = self.0.begin().await?;
        let row = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1 WHERE seq = $1 AND state = 'pending' \
             RETURNING attempts, give_up_at",
        )
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        // Delivered or given up by another worker meanwhile: there is nothing left to fail.
        let Some(row) = row else { return Ok(DeliveryState::Delivered) };
        let next = now.secs().saturating_add(pause(row.try_get("attempts")?));
        let state = if next > row.try_get::<i64, _>("give_up_at")? {
            DeliveryState::GivenUp
        } else {
            DeliveryState::Pending
        };
        sqlx::query("UPDATE outbox SET state = $1, next_at = $2 WHERE seq = $3")
            .bind(state.as_str())
            .bind(next)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(state)
    }

    async fn states(&self, reference: &str) -> Result<Vec<DeliveryState>, StoreError> {
        let states: Vec<String> =
            sqlx::query_scalar("SELECT state FROM outbox WHERE reference = $1 ORDER BY seq")
                .bind(reference)
                .fetch_all(self.0.pool())
                .await?;
        states
            .iter()
            .map(|text| {
                [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::GivenUp]
                    .into_iter()
                    .find(|state| state.as_str() == text)
                    .ok_or_else(|| StoreError::Malformed("unknown delivery state".into()))
            })
            .collect()
    }
}

/// Seconds to wait after `attempts` failures.
fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(20);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        assert_eq!([1, 2, 3, 9, 10, 1000, -1].map(pause), [2, 4, 8, 512, 900, 900, 2]);
    }

    #[tokio::test]
    async fn outbox_contract() {
        for given in super::super::testing::stores("outbox").await {
            super::super::testing::outbox_contract(&given.store, &SqlOutbox::new(&given.store)).await;
        }
    }
}
