//! DIDs of others: resolved where the policy allows it, fetched with the guarded client where that is needed.
//!
//! The rules are those of [`enishi_credential::did`]; here are the two fetches (`did.json` of a `did:web`; `did.jsonl`, and
//! `did-witness.json` where it is needed, of a `did:webvh`) and a bounded memory. To the codes of that module come:
//!
//! | code | meaning |
//! |---|---|
//! | `did_not_trusted` | the policy does not let this DID be resolved; nothing was fetched |
//! | `did_unavailable` | what is published cannot be had: unreachable, redirected, too large, too slow, of another type |

mod fetch;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::webvh::Version;
use enishi_credential::did::{self, Did, DidDocument, DidUrl, Relationship};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use tokio::sync::OwnedMutexGuard;

pub(super) use self::fetch::DidFetcher;
use self::fetch::Published;
use crate::client::GuardedClient;
use crate::config::Development;

/// The methods that are known here.
const METHODS: [&str; 5] = ["jwk", "key", "peer", "web", "webvh"];
/// DIDs that are kept at one time.
const MAX_DIDS: usize = 256;
/// Seconds for which the document of a `did:web` is used: a key that its owner withdrew must not live on for long.
const WEB_FOR: i64 = 300;
/// Seconds for which a log is used at most, whatever its `ttl` says.
const LOG_FOR: i64 = 3600;
/// After a failure everybody gets the same answer for so many seconds, so that a host that is down is not hammered, and a
/// log that was broken can be mended.
const FAILURE_FOR: i64 = 5;

/// Which DIDs a server resolves: `did:jwk` and `did:key` always, everything else only when it is said here.
#[derive(Debug, Clone, Default)]
pub struct DidPolicy {
    peer: bool,
    listed: BTreeSet<Did>,
    any_published: bool,
}

impl DidPolicy {
    /// Also `did:peer`, which carries its document as well.
    #[must_use]
    pub fn and_peer(mut self) -> Self {
        self.peer = true;
        self
    }

    /// Also exactly this `did:web` or `did:webvh`.
    #[must_use]
    pub fn and(mut self, did: Did) -> Self {
        self.listed.insert(did);
        self
    }

    /// Also every `did:web` and `did:webvh`: only where whoever names a DID is trusted to make this server call its host.
    #[must_use]
    pub fn and_any_published(mut self) -> Self {
        self.any_published = true;
        self
    }

    fn permits(&self, did: &Did) -> bool {
        match did.method() {
            "jwk" | "key" => true,
            "peer" => self.peer,
            "web" | "webvh" => self.any_published || self.listed.contains(did),
            _ => false,
        }
    }
}

/// Resolves DIDs by a policy. Of many who ask for the same DID at once, one fetches.
pub struct DidResolver {
    fetcher: DidFetcher,
    clock: Arc<dyn Clock>,
    policy: DidPolicy,
    known: Mutex<HashMap<Did, Slot>>,
}

/// What is known, and until when. Held while fetching, so that many callers make one request.
type Slot = Arc<tokio::sync::Mutex<Content>>;
type Content = Option<(UnixTime, Verdict<Published>)>;

impl DidResolver {
    /// A resolver of the DIDs that `policy` permits.
    pub fn new(
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn SignatureVerifier>,
        policy: DidPolicy,
        development: Development,
    ) -> Self {
        let fetcher = DidFetcher::new(client, verifier, development);
        Self { fetcher, clock, policy, known: Mutex::default() }
    }

    /// The key that `url` names, if it may be used for `relationship` now.
    ///
    /// # Errors
    /// As [`DidResolver::resolve`] and [`DidDocument::key`].
    pub async fn key(&self, url: &DidUrl, relationship: Relationship) -> Verdict<Jwk> {
        let document = self.resolve(&url.did(), &Version::LATEST).await?;
        document.key(url, relationship, self.clock.now())
    }

    /// The document of `did`; another version than the latest is known of a `did:webvh` only.
    ///
    /// # Errors
    /// `did_method_unsupported`, `did_not_trusted` (nothing was fetched), `did_unavailable` (try again later),
    /// `did_not_found`, and what [`enishi_credential::did`] and [`enishi_credential::did::webvh`] list.
    pub async fn resolve(&self, did: &Did, version: &Version) -> Verdict<Arc<DidDocument>> {
        if !METHODS.contains(&did.method()) {
            return Err(Failure::new(
                "did-resolution",
                "did_method_unsupported",
                "the DID's method is not known here",
            )
            .remedy("use did:jwk, did:key, did:peer, did:web or did:webvh"));
        }
        if !self.policy.permits(did) {
            return Err(Failure::new(
                "did-trust",
                "did_not_trusted",
                "the DID is not one that this server resolves",
            )
            .remedy("use did:jwk or did:key, or add the DID to the configuration"));
        }
        if did.method() != "webvh" && *version != Version::LATEST {
            return Err(Failure::new("did-resolution", "did_invalid", "only a did:webvh has versions")
                .remedy("ask for the DID without a query"));
        }
        if !["web", "webvh"].contains(&did.method()) {
            return did::resolve(did, &[]).map(Arc::new);
        }
        match self.published(did).await? {
            Published::Document(document, _) => Ok(document),
            Published::Log(log) => log.resolve(version).map(|resolution| Arc::new(resolution.document)),
        }
    }

    async fn published(&self, did: &Did) -> Verdict<Published> {
        let content = self.slot(did).lock_owned().await;
        let now = self.clock.now();
        match &*content {
            Some((until, known)) if now < *until => known.clone(),
            _ => self.fetch(did, content, now).await,
        }
    }

    /// Fetches in a task of its own: a caller that goes away neither stops it nor makes the next one ask again.
    async fn fetch(
        &self,
        did: &Did,
        mut content: OwnedMutexGuard<Content>,
        now: UnixTime,
    ) -> Verdict<Published> {
        let (fetcher, did) = (self.fetcher.clone(), did.clone());
        let task = tokio::spawn(async move {
            let published = fetcher.fetch(&did, now).await;
            if let Err(failure) = &published {
                // A did:web or did:webvh names an organisation; still, no DID goes into the log.
                tracing::warn!(method = did.method(), code = failure.code, detail = %failure.detail, "no DID document");
            }
            *content = Some((now.plus(keep_for(&published)), published.clone()));
            published
        });
        task.await.unwrap_or_else(|_| Err(fetch::unavailable("the attempt was broken off")))
    }

    fn slot(&self, did: &Did) -> Slot {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known.get(did) {
            return Arc::clone(slot);
        }
        if known.len() >= MAX_DIDS {
            // A caller that holds a slot goes on with it; the next one fetches again.
            known.clear();
        }
        Arc::clone(known.entry(did.clone()).or_default())
    }
}

impl std::fmt::Debug for DidResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DidResolver({} listed)", self.policy.listed.len())
    }
}

/// For how many seconds an answer is used.
fn keep_for(published: &Verdict<Published>) -> i64 {
    match published {
        Ok(Published::Document(_, fresh_for)) => fresh_for.unwrap_or(WEB_FOR).clamp(FAILURE_FOR, WEB_FOR),
        Ok(Published::Log(log)) => match log.resolve(&Version::LATEST) {
            Err(failure) if failure.code != "did_deactivated" => FAILURE_FOR,
            _ => i64::from(log.ttl()).min(LOG_FOR),
        },
        Err(_) => FAILURE_FOR,
    }
}

#[cfg(test)]
mod tests;
