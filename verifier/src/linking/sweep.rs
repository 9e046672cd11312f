//! What time alone does: requests lapse, grants expire or are completed, and grants whose declarations are no longer
//! valid are suspended (linkage protocol §3, §8).

use std::sync::Arc;
use std::time::Duration;

use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::{Event, State};
use enishi_service::http::ShutdownSignal;
use enishi_service::store::{ReplayCache as _, StoreError};
use sqlx::Row as _;

use super::Linking;
use super::change::{Change, ChangeError};
use super::store;
use crate::errors::Internal;

/// For how many seconds an SP can ask how a request ended that never became a grant.
const REQUESTS_KEPT: i64 = 24 * 3600;

/// How many grants one round takes of each kind.
const BATCH: i64 = 200;

/// Looks every so often until the server stops.
pub(super) async fn run(linking: Arc<Linking>, interval: Duration, mut signal: ShutdownSignal) {
    loop {
        if let Err(error) = linking.sweep().await {
            tracing::error!(%error, "looking for what is over failed");
        }
        if !signal.pause(interval).await {
            return;
        }
    }
}

impl Linking {
    /// One round.
    pub(super) async fn sweep(&self) -> Result<(), Internal> {
        let now = self.context.now();
        let due = {
            let mut connection = self.context.store.pool().acquire().await?;
            store::due(&mut connection, now, self.link_lifetime, BATCH).await?
        };
        for due in due {
            self.by_itself(&due.id, due.event, None).await?;
        }
        for id in self.without_declarations().await? {
            self.by_itself(&id, Event::Suspend, Some("a declaration is no longer valid")).await?;
        }
        let mut connection = self.context.store.pool().acquire().await?;
        store::purge_requests(&mut connection, now.plus(-REQUESTS_KEPT)).await?;
        drop(connection);
        self.context.replay.purge(now).await?;
        Ok(())
    }

    async fn by_itself(&self, id: &str, event: Event, reason: Option<&str>) -> Result<(), Internal> {
        match self.change(id, Change { event, by: Actor::Verifier, reason }).await {
            // Somebody else was first.
            Ok(_) | Err(ChangeError::Unknown | ChangeError::Transition(_)) => Ok(()),
            Err(ChangeError::Internal(error)) => Err(error),
        }
    }

    /// Active grants of which a declaration is no longer valid.
    async fn without_declarations(&self) -> Result<Vec<String>, Internal> {
        let mut connection = self.context.store.pool().acquire().await?;
        let rows = sqlx::query(
            "SELECT DISTINCT service_sha256, purpose_sha256, recipient, provider FROM grants WHERE state = $1",
        )
        .bind(State::Active.as_str())
        .fetch_all(&mut *connection)
        .await?;
        let mut ids = Vec::new();
        for row in rows {
            let text = |name: &str| row.try_get::<String, _>(name);
            let (service, purpose) = (text("service_sha256")?, text("purpose_sha256")?);
            if self.declarations_hold(&service, &purpose, &text("recipient")?, &text("provider")?) {
                continue;
            }
            let found: Vec<String> = sqlx::query_scalar(
                "SELECT id FROM grants WHERE state = $1 AND service_sha256 = $2 AND purpose_sha256 = $3 LIMIT $4",
            )
            .bind(State::Active.as_str())
            .bind(&service)
            .bind(&purpose)
            .bind(BATCH)
            .fetch_all(&mut *connection)
            .await
            .map_err(StoreError::from)?;
            ids.extend(found);
        }
        Ok(ids)
    }

    /// Whether everything that a grant rests on is declared, approved and valid now.
    pub(super) fn declarations_hold(
        &self,
        service_sha256: &str,
        purpose_sha256: &str,
        recipient: &str,
        provider: &str,
    ) -> bool {
        let now = self.context.now();
        let service = self.declarations.service(service_sha256);
        let purpose = self.declarations.purpose(purpose_sha256);
        let (Some(service), Some(purpose)) = (service, purpose) else { return false };
        service.body.exp > now
            && purpose.body.exp > now
            && self.declarations.approval(purpose, now).is_some()
            && self.declarations.party_by_id(recipient, now).is_some()
            && self.declarations.party_by_id(provider, now).is_some()
    }
}
