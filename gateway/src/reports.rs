//! Delivers release reports to verifiers, until they are acknowledged or a day has passed.

use std::sync::Arc;
use std::time::Duration;

use enishi_protocol::party;
use enishi_service::http::ShutdownSignal;
use enishi_service::store::{Delivery, Outbox as _, SqlOutbox, StoreError};
use http::{HeaderMap, HeaderValue, header};

use crate::context::Gateway;
use crate::steps::release::{PATH, TOPIC};

/// How long the worker sleeps when nothing wakes it.
const PAUSE: Duration = Duration::from_secs(2);
/// Seconds for which a report that is being sent is nobody else's.
const LEASE: u32 = 30;

/// Runs until the server stops.
pub(crate) async fn deliver(gateway: Arc<Gateway>, mut signal: ShutdownSignal) {
    let outbox = SqlOutbox::new(&gateway.store);
    loop {
        if let Err(error) = deliver_due(&gateway, &outbox).await {
            tracing::warn!(%error, "release reports could not be read");
        }
        tokio::select! {
            going_on = signal.pause(PAUSE) => if !going_on { return },
            () = gateway.report_queued.notified() => {}
        }
    }
}

async fn deliver_due(gateway: &Gateway, outbox: &SqlOutbox) -> Result<(), StoreError> {
    for delivery in outbox.take_due(gateway.now(), LEASE, 20).await? {
        if delivery.topic == TOPIC && send(gateway, &delivery).await {
            outbox.delivered(delivery.id).await?;
        } else {
            outbox.failed(delivery.id, gateway.now()).await?;
        }
    }
    Ok(())
}

/// Sends one report; whether it was acknowledged.
async fn send(gateway: &Gateway, delivery: &Delivery) -> bool {
    let verifier = delivery.destination.strip_suffix(PATH).map(|base| base.trim_end_matches('/'));
    let known = verifier
        .and_then(|id| gateway.verifiers.find(id).or_else(|| gateway.verifiers.find(&format!("{id}/"))));
    let Some(verifier) = known else {
        tracing::warn!("a report is for a verifier that is no longer trusted");
        return false;
    };
    let assertion =
        party::create(&*gateway.signer, &gateway.party, verifier.as_str(), gateway.now(), &*gateway.entropy)
            .await;
    let Ok(assertion) = assertion else {
        tracing::error!("the client assertion could not be signed");
        return false;
    };
    let Ok(authorization) = HeaderValue::from_str(&format!("Bearer {assertion}")) else { return false };
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, authorization);
    let body = delivery.payload.clone().into_bytes();
    match gateway.client.post_body(&delivery.destination, "application/json", body, headers).await {
        Ok(answer) if answer.status.is_success() => true,
        Ok(answer) => {
            tracing::warn!(status = answer.status.as_u16(), "a verifier did not take a release report");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "a release report was not delivered");
            false
        }
    }
}
