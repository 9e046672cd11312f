//! Notices on their way: taken from the outbox and posted at once, and again until they are acknowledged or a day has
//! passed (linkage protocol §10, threat 17).

use std::sync::Arc;
use std::time::Duration;

use enishi_credential::time::UnixTime;
use enishi_protocol::notice;
use enishi_service::client::ClientError;
use enishi_service::http::ShutdownSignal;
use enishi_service::store::{
    AuditEntry, AuditLog as _, Delivery, DeliveryState, Outbox as _, SqlAuditLog, SqlOutbox, Store,
    StoreError,
};
use futures_util::future::join_all;
use http::HeaderMap;
use serde_json::json;
use tokio::sync::Notify;

use super::Linking;
use enishi_protocol::grant::holder::Actor;

/// For how many seconds a delivery is this worker's: longer than one call can take.
const LEASE: u32 = 30;
/// How many are sent at the same time.
const BATCH: u32 = 20;
/// How often to look for repetitions that are due.
const PAUSE: Duration = Duration::from_secs(1);

/// The outbox and the bell beside it.
pub(super) struct Notices {
    outbox: SqlOutbox,
    bell: Notify,
}

impl Notices {
    pub(super) fn new(store: &Store) -> Self {
        Self { outbox: SqlOutbox::new(store), bell: Notify::new() }
    }

    /// Something was put into the outbox: it is sent without waiting for the next look.
    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }
}

/// Sends until the server stops.
pub(super) async fn run(linking: Arc<Linking>, mut signal: ShutdownSignal) {
    loop {
        match linking.send_due().await {
            // There may be more than one batch.
            Ok(sent) if sent > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the outbox cannot be read"),
        }
        tokio::select! {
            () = linking.notices.bell.notified() => {}
            go_on = signal.pause(PAUSE) => if !go_on { return },
        }
    }
}

impl Linking {
    /// Sends what is due; gives the number of attempts.
    async fn send_due(&self) -> Result<usize, StoreError> {
        let now = self.context.now();
        let due = self.notices.outbox.take_due(now, LEASE, BATCH).await?;
        let results = join_all(due.iter().map(|delivery| self.send(delivery, now))).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(due.len())
    }

    async fn send(&self, delivery: &Delivery, now: UnixTime) -> Result<(), StoreError> {
        let outcome = self.post(delivery).await;
        match outcome {
            Ok(()) => {
                self.notices.outbox.delivered(delivery.id).await?;
                let entry = AuditEntry {
                    kind: "notified".to_owned(),
                    reference: delivery.reference.clone(),
                    at: now,
                    detail: json!({"by": Actor::Verifier}),
                };
                SqlAuditLog::new(&self.context.store).append(&entry).await
            }
            Err(error) => {
                let state = self.notices.outbox.failed(delivery.id, now).await?;
                if state == DeliveryState::GivenUp {
                    tracing::error!(%error, "a notice was never acknowledged");
                } else {
                    tracing::info!(%error, attempts = delivery.attempts + 1, "a notice is repeated later");
                }
                Ok(())
            }
        }
    }

    async fn post(&self, delivery: &Delivery) -> Result<(), ClientError> {
        let body = delivery.payload.clone().into_bytes();
        let client = &self.context.client;
        let answer =
            client.post_body(&delivery.destination, notice::MEDIA_TYPE, body, HeaderMap::new()).await?;
        if answer.status.is_success() { Ok(()) } else { Err(ClientError::Status(answer.status.as_u16())) }
    }
}
