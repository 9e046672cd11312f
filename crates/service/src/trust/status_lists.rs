//! Status lists of others, kept as long as they say and no longer than we allow.
//!
//! A list that grew old is asked for with `If-None-Match`. "Not modified" means that the very bytes we hold were sent again, and
//! that is how it is treated: the token is verified once more, at the time of that answer and with the key that its issuer
//! publishes then. So its `ttl` starts anew, as it would for the same bytes in a 200 answer, which whoever answers could
//! have sent as well; and what is expired, or signed with a key that was withdrawn, does not come back to life (Token
//! Status List §8.3: `exp` holds whatever HTTP says).

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::status::{
    Expected, MEDIA_TYPE, Status, StatusReference, UnverifiedStatusListToken, VerifiedStatusList,
};
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::OwnedMutexGuard;

use super::TrustedKeys;
use super::keys::not_trusted;
use crate::client::{ClientResponse, GuardedClient};

/// Lists that are kept at one time.
const MAX_LISTS: usize = 64;
/// What all kept lists together may take, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// The largest token that is read, in bytes.
const MAX_TOKEN: usize = 1 << 20;
/// The longest `ETag` that is kept, in bytes.
const MAX_ETAG: usize = 256;
/// After a failure everybody gets the same answer for so many seconds, so that a list that is down is not hammered.
const FAILURE_FOR: i64 = 2;

/// Reads statuses from lists that trusted issuers sign (Token Status List §8). There is no answer but one that a fresh,
/// verified list gives: everything else is a failure, and the caller refuses (threat 11).
pub struct StatusLists {
    source: Source,
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
}

/// Where lists come from, and what verifies them.
#[derive(Clone)]
struct Source {
    client: GuardedClient,
    keys: Arc<TrustedKeys>,
    verifier: Arc<dyn SignatureVerifier>,
    max_ttl: u32,
}

/// The lists by issuer and URI. A slot is made only for a reference that may be followed.
#[derive(Default)]
struct Kept {
    slots: HashMap<String, HashMap<String, Arc<Slot>>>,
    uses: u64,
}

#[derive(Default)]
struct Slot {
    /// Held while fetching, so that many callers make one request.
    gate: Arc<tokio::sync::Mutex<()>>,
    content: RwLock<Content>,
    /// What the content takes, in bytes.
    bytes: AtomicU64,
    /// Larger than that of every slot that was used before.
    used: AtomicU64,
}

#[derive(Default)]
struct Content {
    copy: Option<Arc<Held>>,
    failed: Option<(UnixTime, Failure)>,
}

/// A list that was verified, and what to say when asking for it again.
struct Held {
    list: VerifiedStatusList,
    token: String,
    etag: Option<HeaderValue>,
}

impl StatusLists {
    /// Lists of the issuers in `keys`; a copy is used for `max_ttl` seconds at most, whatever it says (threat 9).
    pub fn new(
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        keys: Arc<TrustedKeys>,
        verifier: Arc<dyn SignatureVerifier>,
        max_ttl: u32,
    ) -> Self {
        let client = client.with_limits(MAX_TOKEN, Duration::from_secs(3));
        Self { source: Source { client, keys, verifier, max_ttl }, clock, kept: Arc::default() }
    }

    /// The status at `reference`, which stands in something that `issuer` signed and whose signature was verified before:
    /// nothing is fetched for what anybody could have written. The list must be on the issuer's own origin and signed by it.
    ///
    /// # Errors
    /// `issuer_not_trusted`, `status_list_foreign`, `status_unavailable`, and everything that verifying the list and reading its place can
    /// say. No failure means "valid".
    pub async fn status(&self, issuer: &str, reference: &StatusReference) -> Verdict<Status> {
        let slot = if let Some(slot) = self.find(issuer, &reference.uri) {
            slot
        } else {
            self.source.check(issuer, &reference.uri)?;
            self.make(issuer, &reference.uri)
        };
        if let Some(copy) = slot.answer(self.clock.now())? {
            return copy.list.get(reference.idx);
        }
        let gate = Arc::clone(&slot.gate).lock_owned().await;
        // Somebody else may have fetched meanwhile.
        let now = self.clock.now();
        let copy = match slot.answer(now)? {
            Some(copy) => copy,
            None => self.refresh(issuer, &reference.uri, slot, gate, now).await?,
        };
        copy.list.get(reference.idx)
    }

    /// Fetches in a task of its own: a caller that goes away neither stops it nor makes the next one ask again.
    async fn refresh(
        &self,
        issuer: &str,
        uri: &str,
        slot: Arc<Slot>,
        gate: OwnedMutexGuard<()>,
        now: UnixTime,
    ) -> Verdict<Arc<Held>> {
        let (source, kept) = (self.source.clone(), Arc::clone(&self.kept));
        let (issuer, uri) = (issuer.to_owned(), uri.to_owned());
        let task = tokio::spawn(async move {
            let _gate = gate;
            match source.newest(&issuer, &uri, slot.copy(), now).await {
                Ok(copy) => {
                    let copy = Arc::new(copy);
                    slot.bytes.store(copy.bytes(), Ordering::Relaxed);
                    slot.write(Content { copy: Some(Arc::clone(&copy)), failed: None });
                    lock(&kept).shrink();
                    Ok(copy)
                }
                Err(failure) => {
                    tracing::warn!(issuer, code = failure.code, detail = %failure.detail, "no status list");
                    // The old copy is kept to ask with, never to answer with: it is not fresh.
                    slot.write(Content { copy: slot.copy(), failed: Some((now, failure.clone())) });
                    Err(failure)
                }
            }
        });
        task.await.unwrap_or_else(|_| Err(unavailable("the attempt was broken off")))
    }

    fn find(&self, issuer: &str, uri: &str) -> Option<Arc<Slot>> {
        let mut kept = lock(&self.kept);
        kept.uses += 1;
        let slot = kept.slots.get(issuer)?.get(uri)?;
        slot.used.store(kept.uses, Ordering::Relaxed);
        Some(Arc::clone(slot))
    }

    fn make(&self, issuer: &str, uri: &str) -> Arc<Slot> {
        let mut kept = lock(&self.kept);
        let uses = kept.uses;
        let of_issuer = kept.slots.entry(issuer.to_owned()).or_default();
        let slot = Arc::clone(of_issuer.entry(uri.to_owned()).or_default());
        slot.used.store(uses, Ordering::Relaxed);
        kept.shrink();
        slot
    }
}

impl Source {
    /// Whether the list of a reference may be asked for at all.
    fn check(&self, issuer: &str, uri: &str) -> Verdict<()> {
        if !self.keys.trusts(issuer) {
            return Err(not_trusted());
        }
        let url = self.keys.policy().check(uri)?;
        // A DID that is published nowhere has no origin, and so no list that counts.
        if self.keys.origin(issuer).is_some_and(|own| url.origin().ascii_serialization() == own) {
            return Ok(());
        }
        Err(Failure::new("status-list", "status_list_foreign", "the list is not on the issuer's origin")
            .at("/status/status_list/uri")
            .remedy("serve the status list on the issuer's own origin"))
    }

    /// A newer copy, or the old one again if the issuer says that it is the newest.
    async fn newest(&self, issuer: &str, uri: &str, old: Option<Arc<Held>>, now: UnixTime) -> Verdict<Held> {
        // An expired list is not asked about: nobody may say that it still holds.
        let usable =
            |old: &Arc<Held>| old.etag.is_some() && old.list.expires_at().is_none_or(|exp| exp > now);
        if let Some(old) = old.filter(usable) {
            let answer = self.get(uri, old.etag.as_ref()).await?;
            if answer.status != StatusCode::NOT_MODIFIED {
                return self.read(issuer, uri, answer, now).await;
            }
            let token = UnverifiedStatusListToken::parse(&old.token)?;
            if let Ok(list) = self.verify(issuer, uri, token, now).await {
                return Ok(Held { list, token: old.token.clone(), etag: old.etag.clone() });
            }
            // Its key was withdrawn: what is there now must be something else, and is asked for without conditions.
        }
        let answer = self.get(uri, None).await?;
        self.read(issuer, uri, answer, now).await
    }

    async fn get(&self, uri: &str, etag: Option<&HeaderValue>) -> Verdict<ClientResponse> {
        let mut headers = http::HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(etag) = etag {
            headers.insert(header::IF_NONE_MATCH, etag.clone());
        }
        self.client.get_with(uri, headers).await.map_err(unavailable)
    }

    async fn read(&self, issuer: &str, uri: &str, answer: ClientResponse, now: UnixTime) -> Verdict<Held> {
        let answer = answer.ok().map_err(unavailable)?;
        let token = UnverifiedStatusListToken::from_response(answer.header("content-type"), &answer.body)?;
        let list = self.verify(issuer, uri, token, now).await?;
        let etag = answer.headers.get(header::ETAG).filter(|etag| etag.len() <= MAX_ETAG).cloned();
        // It was read as a token, so it is text.
        Ok(Held { list, token: answer.text().map_err(unavailable)?, etag })
    }

    async fn verify(
        &self,
        issuer: &str,
        uri: &str,
        token: UnverifiedStatusListToken,
        now: UnixTime,
    ) -> Verdict<VerifiedStatusList> {
        let key = self.keys.key(issuer, &token.key_hint()).await?;
        let expected = Expected { uri, now, max_ttl: self.max_ttl, max_age: None };
        token.verify(self.verifier.as_ref(), &key, &expected)
    }
}

impl Kept {
    /// Lets go of what was not used for longest. A caller that holds such a slot goes on with it; the next one fetches again.
    fn shrink(&mut self) {
        loop {
            let slots = || {
                self.slots
                    .iter()
                    .flat_map(|(issuer, of)| of.iter().map(move |(uri, slot)| (issuer, uri, slot)))
            };
            let bytes: u64 = slots().map(|(_, _, slot)| slot.bytes.load(Ordering::Relaxed)).sum();
            let count = slots().count();
            if count <= 1 || (count <= MAX_LISTS && bytes <= MAX_BYTES) {
                return;
            }
            let oldest = slots().min_by_key(|(_, _, slot)| slot.used.load(Ordering::Relaxed));
            let Some((issuer, uri)) = oldest.map(|(issuer, uri, _)| (issuer.clone(), uri.clone())) else {
                return;
            };
            if let Some(of_issuer) = self.slots.get_mut(&issuer) {
                of_issuer.remove(&uri);
            }
            self.slots.retain(|_, of_issuer| !of_issuer.is_empty());
        }
    }
}

impl Slot {
    /// A copy that may be used now; a failure of a moment ago; or neither.
    fn answer(&self, now: UnixTime) -> Verdict<Option<Arc<Held>>> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        match &content.failed {
            Some((at, failure)) if (0..FAILURE_FOR).contains(&now.since(*at)) => return Err(failure.clone()),
            _ => {}
        }
        Ok(content.copy.as_ref().filter(|copy| copy.list.is_fresh(now)).map(Arc::clone))
    }

    fn copy(&self) -> Option<Arc<Held>> {
        self.content.read().unwrap_or_else(PoisonError::into_inner).copy.clone()
    }

    fn write(&self, content: Content) {
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = content;
    }
}

impl Held {
    fn bytes(&self) -> u64 {
        let statuses = self.list.len() * u64::from(self.list.bits().count()) / 8;
        statuses.saturating_add(u64::try_from(self.token.len()).unwrap_or(u64::MAX))
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(why: impl std::fmt::Display) -> Failure {
    Failure::new("status-list", "status_unavailable", format!("the status list cannot be had: {why}"))
        .remedy("try again later")
}

impl std::fmt::Debug for StatusLists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatusLists(at most {} s)", self.source.max_ttl)
    }
}
