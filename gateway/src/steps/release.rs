//! Step 11: the record of a release, and the report to the verifier, before the data leaves.

use enishi_protocol::grant::messages::{ReleaseOutcome, ReleaseReport};
use enishi_service::store::{AuditEntry, Enqueue, StoreError, append_audit, enqueue};
use serde_json::json;

use super::token::Link;
use crate::context::Gateway;
use crate::refusal::Refusal;

/// What release reports are called in the outbox.
pub(crate) const TOPIC: &str = "release_report";

/// For how many seconds a report is tried.
const REPORT_LIFETIME: i64 = 24 * 3600;

/// Where reports of releases go below a verifier's id.
pub(crate) const PATH: &str = "release-reports";

/// Records a release and queues its report in one transaction: without a record nothing leaves.
pub(crate) async fn record(gateway: &Gateway, link: &Link, items: &[String]) -> Result<(), Refusal> {
    let (now, claims) = (gateway.now(), &link.claims);
    let report = ReleaseReport {
        txn: claims.txn.clone(),
        grant_id: claims.consent.grant_id.clone(),
        items: items.to_vec(),
        released_at: now,
        outcome: ReleaseOutcome::Released,
    };
    let payload = serde_json::to_string(&report)
        .map_err(|error| Refusal::from(StoreError::Malformed(error.to_string())))?;
    let mut tx = gateway.store.begin().await?;
    let entry = AuditEntry {
        kind: "released".to_owned(),
        reference: claims.consent.grant_id.clone(),
        at: now,
        detail: json!({
            "txn": claims.txn,
            "items": items,
            "recipient": claims.client_id,
            "purpose": claims.detail().purpose,
            "terms_sha256": claims.consent.terms_sha256,
            "evidence_sha256": claims.consent.evidence_sha256,
        }),
    };
    append_audit(&mut tx, &entry).await?;
    let destination = link.verifier.join(PATH);
    let message = Enqueue {
        topic: TOPIC,
        destination: &destination,
        reference: &claims.consent.grant_id,
        payload: &payload,
        give_up_at: now.plus(REPORT_LIFETIME),
    };
    enqueue(&mut tx, message, now).await?;
    tx.commit().await.map_err(StoreError::from)?;
    gateway.report_queued.notify_one();
    Ok(())
}

/// Records a refusal under a link that was authentic. It cannot be made undone by a failing record.
pub(crate) async fn record_refusal(gateway: &Gateway, link: &Link, code: &str) {
    let claims = &link.claims;
    let entry = AuditEntry {
        kind: "release_refused".to_owned(),
        reference: claims.consent.grant_id.clone(),
        at: gateway.now(),
        detail: json!({"txn": claims.txn, "recipient": claims.client_id, "code": code}),
    };
    let outcome = match gateway.store.pool().acquire().await {
        Ok(mut connection) => append_audit(&mut connection, &entry).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = outcome {
        tracing::warn!(%error, "a refusal could not be recorded");
    }
}
