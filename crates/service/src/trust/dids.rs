//! DIDs of others: resolved where the policy allows it, fetched with the guarded client where that is needed.
//!
//! The rules are those of [`enishi_credential::did`]; here are the two fetches (`did.json` of a `did:web`; `did.jsonl`, and
//! `did-witness.json` where it is needed, of a `did:webvh`) and a bounded memory. To the codes of that module come:
//!
//! | code | meaning |
//! |---|---|
//! | `did_not_trusted` | the policy does not let this DID be resolved; nothing was fetched |
//! | `did_unavailable` | what is published cannot be had: unreachable, redirected, too large, too slow, of another type |

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::webvh::{self, MAX_LOG, MAX_WITNESS_FILE, UnwitnessedLog, Version, WebvhLog};
use enishi_credential::did::{self, Did, DidDocument, DidUrl, Location, MAX_DOCUMENT, Relationship};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use http::StatusCode;

use crate::client::{ClientError, ClientResponse, GuardedClient};
use crate::config::{Development, is_loopback_host};

/// DIDs that are kept at one time.
const MAX_DIDS: usize = 256;
/// Seconds for which the document of a `did:web` is used: a key that its owner withdrew must not live on for long.
const WEB_FOR: i64 = 300;
/// Seconds for which a log is used at most, whatever its `ttl` says.
const LOG_FOR: i64 = 3600;
/// After a failure everybody gets the same answer for so many seconds, so that a host that is down is not hammered, and a
/// log that was broken can be mended.
const FAILURE_FOR: i64 = 5;
/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Media types of DID documents (DID 1.1 §6, did:web).
const DOCUMENT_TYPES: [&str; 5] = [
    "application/did",
    "application/did+json",
    "application/did+ld+json",
    "application/ld+json",
    "application/json",
];
/// Media types of logs. A log verifies itself; this only keeps pages of errors apart from it.
const LOG_TYPES: [&str; 5] =
    ["text/jsonl", "application/jsonl", "application/json", "text/plain", "application/octet-stream"];

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
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    verifier: Arc<dyn SignatureVerifier>,
    policy: DidPolicy,
    development: Development,
    known: Mutex<HashMap<Did, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    /// What is known, and until when.
    content: tokio::sync::Mutex<Option<(UnixTime, Verdict<Published>)>>,
}

#[derive(Clone)]
enum Published {
    Document(Arc<DidDocument>),
    Log(Arc<WebvhLog>),
}

impl DidResolver {
    /// A resolver of the DIDs that `policy` permits.
    pub fn new(
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn SignatureVerifier>,
        policy: DidPolicy,
        development: Development,
    ) -> Self {
        Self { client, clock, verifier, policy, development, known: Mutex::default() }
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
    /// `did_not_trusted` (nothing was fetched), `did_unavailable` (try again later), `did_not_found`, and what
    /// [`enishi_credential::did`] and [`webvh`] list.
    pub async fn resolve(&self, did: &Did, version: &Version) -> Verdict<Arc<DidDocument>> {
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
        let slot = self.slot(did);
        let mut content = slot.content.lock().await;
        let now = self.clock.now();
        let published = match &*content {
            Some((until, known)) if now < *until => known.clone(),
            _ => {
                let (keep_for, fetched) = self.fetch(did, now).await;
                *content = Some((now.plus(keep_for), fetched.clone()));
                fetched
            }
        };
        drop(content);
        match published? {
            Published::Document(document) => Ok(document),
            Published::Log(log) => log.resolve(version).map(|resolution| Arc::new(resolution.document)),
        }
    }

    /// What is published, and for how many seconds it may be used.
    async fn fetch(&self, did: &Did, now: UnixTime) -> (i64, Verdict<Published>) {
        let fetched = if did.method() == "web" {
            self.fetch_document(did).await.map(|document| (WEB_FOR, Published::Document(Arc::new(document))))
        } else {
            self.fetch_log(did, now).await.map(|log| {
                let keep_for = if log
                    .resolve(&Version::LATEST)
                    .is_err_and(|failure| failure.code != "did_deactivated")
                {
                    FAILURE_FOR
                } else {
                    i64::from(log.ttl()).min(LOG_FOR)
                };
                (keep_for, Published::Log(Arc::new(log)))
            })
        };
        match fetched {
            Ok((keep_for, published)) => (keep_for, Ok(published)),
            Err(failure) => {
                // A did:web or did:webvh names an organisation; still, no DID goes into the log.
                tracing::warn!(method = did.method(), code = failure.code, detail = %failure.detail, "no DID document");
                (FAILURE_FOR, Err(failure))
            }
        }
    }

    async fn fetch_document(&self, did: &Did) -> Verdict<DidDocument> {
        let location = Location::of(did)?;
        let answer = self.get(&location, "did.json", MAX_DOCUMENT, &DOCUMENT_TYPES).await?;
        DidDocument::read(&answer.body, did)
    }

    async fn fetch_log(&self, did: &Did, now: UnixTime) -> Verdict<WebvhLog> {
        let location = webvh::check(did)?;
        let answer = self.get(&location, "did.jsonl", MAX_LOG, &LOG_TYPES).await?;
        let log = UnwitnessedLog::read(&answer.body, did, now, self.verifier.as_ref())?;
        if !log.needs_witnesses() {
            return log.witnessed(None, self.verifier.as_ref());
        }
        let file = self.get(&location, "did-witness.json", MAX_WITNESS_FILE, &["application/json"]).await;
        match file {
            Ok(answer) => log.witnessed(Some(&answer.body), self.verifier.as_ref()),
            // Without the file nobody has approved; a log that cannot be judged just now is another matter.
            Err(failure) if failure.code == "did_not_found" => log.witnessed(None, self.verifier.as_ref()),
            Err(failure) => Err(failure),
        }
    }

    async fn get(
        &self,
        location: &Location,
        file: &str,
        limit: usize,
        types: &[&str],
    ) -> Verdict<ClientResponse> {
        let plain = self.development.is_on() && is_loopback_host(location.host());
        let url = location.url(if plain { "http" } else { "https" }, file);
        let client = self.client.clone().with_limits(limit, TIMEOUT);
        let answer = client.get(&url, &types.join(", ")).await.map_err(|error| unavailable(&error))?;
        if [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&answer.status) {
            return Err(Failure::new("did-resolution", "did_not_found", "nothing is published for this DID")
                .remedy("publish what the method prescribes at the place that the DID names"));
        }
        answer.ok().and_then(|answer| answer.of_any_type(types)).map_err(|error| unavailable(&error))
    }

    fn slot(&self, did: &Did) -> Arc<Slot> {
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

fn unavailable(error: &ClientError) -> Failure {
    Failure::new(
        "did-resolution",
        "did_unavailable",
        format!("what is published for the DID cannot be had: {error}"),
    )
    .remedy("try again later; the host must be public and answer by itself, within its limits")
}

#[cfg(test)]
mod tests;
