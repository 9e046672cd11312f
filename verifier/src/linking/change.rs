//! What happens to a grant after it was given, and to a request that nobody answered. The state, the record and the
//! notices change in one transaction (linkage protocol §10), and only then is anybody told.

use enishi_credential::entropy;
use enishi_credential::time::UnixTime;
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::{Event, State, TransitionError, transition};
use enishi_protocol::notice::{self, Notice};
use enishi_service::store::{AuditEntry, Enqueue, append_audit, enqueue, retry_busy};
use serde_json::json;

use super::Linking;
use super::store::{self, GrantRow};
use crate::errors::Internal;

/// How long a notice is repeated, in seconds (linkage protocol §10).
const NOTICE_LIFETIME: i64 = 24 * 3600;

/// The topic of notices in the outbox.
pub(super) const NOTICE_TOPIC: &str = "notice";

/// What is to happen to a grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    /// What.
    pub event: Event,
    /// By whom.
    pub by: Actor,
    /// Why, in a few words without personal data.
    pub reason: Option<&'a str>,
}

/// Why nothing happened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    /// No such grant.
    #[error("there is no such grant")]
    Unknown,
    /// It cannot happen in this state.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Our inside.
    #[error(transparent)]
    Internal(#[from] Internal),
}

struct Envelope {
    destination: String,
    payload: String,
}

impl Linking {
    /// Makes `change` happen to the grant `id`, and gives the grant as it is afterwards.
    pub(super) async fn change(&self, id: &str, change: Change<'_>) -> Result<GrantRow, ChangeError> {
        let row = self.find_grant(id).await?.ok_or(ChangeError::Unknown)?;
        // Refused without a transaction where that can be said already.
        transition(row.state, change.event)?;
        let now = self.context.now();
        // Signed beforehand: a slow signer must not hold a lock in the database.
        let notices = self.sign_notices(&row, change.event, now).await?;
        let row = self.commit_change(id, change, &notices, now).await?;
        self.changed(&row);
        if !notices.is_empty() {
            self.notices.wake();
        }
        Ok(row)
    }

    async fn commit_change(
        &self,
        id: &str,
        change: Change<'_>,
        notices: &[Envelope],
        now: UnixTime,
    ) -> Result<GrantRow, ChangeError> {
        let mut tx = self.context.store.begin().await.map_err(Internal::from)?;
        let mut row = store::lock(&mut tx, id).await.map_err(Internal::from)?.ok_or(ChangeError::Unknown)?;
        let state = transition(row.state, change.event)?;
        if !store::change_state(&mut tx, id, row.state, state, now).await.map_err(Internal::from)? {
            return Err(Internal::Broken("a locked grant changed its state").into());
        }
        let entry = AuditEntry {
            kind: audit_kind(change.event).to_owned(),
            reference: id.to_owned(),
            at: now,
            detail: json!({"by": change.by, "detail": change.reason}),
        };
        append_audit(&mut tx, &entry).await.map_err(Internal::from)?;
        for notice in notices {
            let message = Enqueue {
                topic: NOTICE_TOPIC,
                destination: &notice.destination,
                reference: id,
                payload: &notice.payload,
                give_up_at: now.plus(NOTICE_LIFETIME),
            };
            enqueue(&mut tx, message, now).await.map_err(Internal::from)?;
        }
        tx.commit().await.map_err(Internal::from)?;
        row.state = state;
        row.ended_at = state.is_terminal().then_some(now);
        row.exchange = None;
        Ok(row)
    }

    /// The notices to SP and DP, for those that declared where they want them.
    async fn sign_notices(
        &self,
        row: &GrantRow,
        event: Event,
        now: UnixTime,
    ) -> Result<Vec<Envelope>, Internal> {
        let Some(event) = event.notice() else { return Ok(Vec::new()) };
        let mut envelopes = Vec::new();
        for party in [&row.recipient, &row.provider] {
            let declared = self.declarations.party_by_id(party, now);
            let Some(uri) = declared.and_then(|declared| declared.body.notice_uri.as_ref()) else { continue };
            let notice = Notice {
                iss: self.context.url.as_str().to_owned(),
                aud: party.clone(),
                jti: entropy::token(&*self.context.entropy),
                iat: now,
                event,
                grant_id: row.id.clone(),
            };
            let payload = notice::create(&*self.context.signer(), &notice).await?;
            envelopes.push(Envelope { destination: uri.clone(), payload });
        }
        Ok(envelopes)
    }

    /// Finds a request or grant.
    pub(super) async fn find_grant(&self, id: &str) -> Result<Option<GrantRow>, Internal> {
        Ok(retry_busy(|| async {
            let mut connection = self.context.store.pool().acquire().await?;
            store::find(&mut connection, id).await
        })
        .await?)
    }

    /// Lets the status list be signed again at once.
    pub(super) fn changed(&self, row: &GrantRow) {
        if let Some(consent) = &row.consent {
            self.status_lists.invalidate(consent.status.list);
        }
    }
}

/// The name of an event in the record (linkage protocol §11).
pub(super) const fn audit_kind(event: Event) -> &'static str {
    match event {
        Event::Present => "presented",
        Event::Activate => "granted",
        Event::Decline => State::Declined.as_str(),
        Event::Lapse => State::Lapsed.as_str(),
        Event::Fail => State::Failed.as_str(),
        Event::Suspend => State::Suspended.as_str(),
        Event::Resume => "resumed",
        Event::Withdraw => State::Withdrawn.as_str(),
        Event::Expire => State::Expired.as_str(),
        Event::Revoke => State::Revoked.as_str(),
        Event::Complete => State::Completed.as_str(),
        Event::Supersede => State::Superseded.as_str(),
    }
}
