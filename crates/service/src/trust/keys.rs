//! The keys of trusted issuers and verifiers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::Did;
use enishi_credential::issuer_key::{Fetched, IssuerTrust, KeySearch, Mechanism, Needs, Profile};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::KeyHint;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys;
use enishi_protocol::linking::{IssuerHint, IssuerKeys};
use enishi_protocol::web::UrlPolicy;
use tokio::sync::OwnedMutexGuard;

use super::dids::DidFetcher;
use super::issuer_metadata::MetadataFetcher;
use crate::client::GuardedClient;
use crate::config::{Development, PublicUrl};
use crate::keys::AwsVerifier;

/// Keys are fetched again after so many seconds, if anybody asks; sooner if their owner says so.
const FRESH_FOR: i64 = 300;
/// When they cannot be fetched again, the old ones are used for so many seconds in all: a key that its owner withdrew must
/// not live on because the owner is kept from saying so.
const USABLE_FOR: i64 = 600;
/// Seconds between two attempts, so that unknown key names cannot make us hammer anybody.
const RETRY_AFTER: i64 = 10;
/// What the owner of a DID says when it is no more (did:web and did:webvh 1.0, "Deactivate"): then its keys end at once,
/// unlike those of somebody who cannot be reached.
const WITHDRAWN: [&str; 2] = ["did_not_found", "did_deactivated"];

/// The keys of those whose signatures this server believes. Nothing is ever fetched for anybody else (threat 10).
///
/// What is kept is bounded: one entry for everybody who is configured, of at most 64 KiB (for a `did:webvh`, 512 KiB), used
/// for ten minutes at most and asked for every ten seconds at most, whatever callers ask for.
pub struct TrustedKeys {
    sources: Sources,
    clock: Arc<dyn Clock>,
    trust: IssuerTrust,
    entries: BTreeMap<String, Arc<Entry>>,
}

/// Where keys come from.
#[derive(Clone)]
struct Sources {
    metadata: MetadataFetcher,
    dids: DidFetcher,
}

struct Entry {
    id: String,
    /// The id, where it is a URL.
    url: Option<PublicUrl>,
    /// The id, where it is a DID whose document is to be fetched.
    did: Option<Did>,
    /// Where the issuer publishes what is its own.
    origin: Option<String>,
    known: RwLock<Known>,
    /// Held while fetching, so that many callers make one request.
    gate: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Known {
    fetched: Fetched,
    fetched_at: Option<UnixTime>,
    fresh_for: i64,
    tried_at: Option<UnixTime>,
}

impl TrustedKeys {
    /// The keys of `trusted`, from their metadata at the well-known name `well_known`, with `issuer` and one of `jwks` and
    /// `jwks_uri`: `enishi-verifier` for verifiers, for example.
    pub fn new(
        well_known: &'static str,
        trusted: Vec<PublicUrl>,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        development: Development,
    ) -> Self {
        let distinct: BTreeSet<PublicUrl> = trusted.into_iter().collect();
        let mut all = distinct.iter();
        // Nothing that is a URL, and there once, is refused; if it were, nobody would be trusted.
        let trust = all.try_fold(IssuerTrust::new(Profile::Any), |trust, url| {
            trust.with(url.as_str(), Mechanism::Metadata)
        });
        // No DID is among them, so nothing is verified here.
        let verifier = Arc::new(AwsVerifier);
        Self::with_trust(well_known, trust.unwrap_or_default(), client, clock, verifier, development)
    }

    /// The keys of issuers of credentials, each found as it is configured: by JWT VC Issuer Metadata (SD-JWT VC §4), by
    /// certificate, or by DID. The logs of those that are known by a `did:webvh` are verified with `verifier`.
    pub fn of_issuers(
        trust: IssuerTrust,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn SignatureVerifier>,
        development: Development,
    ) -> Self {
        Self::with_trust(issuer_keys::WELL_KNOWN, trust, client, clock, verifier, development)
    }

    fn with_trust(
        well_known: &'static str,
        trust: IssuerTrust,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn SignatureVerifier>,
        development: Development,
    ) -> Self {
        let sources = Sources {
            metadata: MetadataFetcher::new(well_known, development.url_policy(), client.clone()),
            dids: DidFetcher::new(client, verifier, development),
        };
        let entry = |id: &str, mechanism: &Mechanism| {
            let url = PublicUrl::parse(id, development).ok();
            let did = match KeySearch::configured(id, mechanism).needs() {
                Needs::DidDocument(did) => Some(did),
                _ => None,
            };
            let published = || did.as_ref().and_then(|did| sources.dids.origin(did));
            let origin = url.as_ref().map(|url| url.origin().to_owned()).or_else(published);
            let (known, gate) = (RwLock::default(), Arc::default());
            Arc::new(Entry { id: id.to_owned(), url, origin, did, known, gate })
        };
        let entries = trust.issuers().map(|(id, mechanism)| (id.to_owned(), entry(id, mechanism))).collect();
        Self { sources, clock, trust, entries }
    }

    /// Whether exactly this id is trusted.
    pub fn trusts(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// The trusted one with exactly this id, if the id is a URL.
    pub fn find(&self, id: &str) -> Option<&PublicUrl> {
        self.entries.get(id)?.url.as_ref()
    }

    /// The origin of what the trusted one with exactly this id publishes: that of its URL, or that of its `did:web` or
    /// `did:webvh`.
    pub(super) fn origin(&self, id: &str) -> Option<&str> {
        self.entries.get(id)?.origin.as_deref()
    }

    /// The key of `id` that a JWS names, in the way that is configured for `id`: by its `kid`, or the only signing key when
    /// the JWS names none; by its `x5c`; or by the DID URL in its `kid`.
    ///
    /// # Errors
    /// `issuer_not_trusted` (nothing was fetched), `keys_unavailable` (try again later), `key_unknown`, and for
    /// certificates and DIDs the codes of [`enishi_credential::issuer_key`].
    pub async fn key(&self, id: &str, hint: &KeyHint<'_>) -> Verdict<Jwk> {
        let (search, entry) = self.search(id).ok_or_else(not_trusted)?;
        if search.needs() == Needs::Nothing {
            let fetched = Fetched::Nothing;
            return Ok(search.key(hint, fetched.material(), self.clock.now())?.into_parts().1);
        }
        self.ensure(entry, |fetched| fetched.names(hint.kid)).await?;
        let known = read(entry);
        let found = search.key(hint, known.fetched.material(), self.clock.now());
        found.map(|key| key.into_parts().1).map_err(|failure| match known.fetched {
            // A document says precisely why a method of it is no key.
            Fetched::Document(_) => failure,
            _ => Failure::new("issuer-key", "key_unknown", failure.detail)
                .at("/kid")
                .remedy("sign with a published key and name it in `kid`"),
        })
    }

    /// What leads to the keys of the issuers that presentations claim to be from. An issuer that is not trusted stays out,
    /// and the verification says so.
    ///
    /// # Errors
    /// `keys_unavailable` (try again later).
    pub async fn of_presentations(&self, hints: &[IssuerHint]) -> Verdict<IssuerKeys> {
        let mut all = IssuerKeys::default();
        for hint in hints {
            let (Some((search, entry)), Some(mechanism)) =
                (self.search(&hint.issuer), self.trust.mechanism(&hint.issuer))
            else {
                continue;
            };
            let mut fetched = Fetched::Nothing;
            if search.needs() != Needs::Nothing {
                self.ensure(entry, |fetched| fetched.names(hint.kid.as_deref())).await?;
                fetched = read(entry).fetched.clone();
            }
            all = all.with_mechanism(hint.issuer.as_str(), mechanism.clone(), fetched);
        }
        Ok(all)
    }

    pub(super) const fn policy(&self) -> UrlPolicy {
        self.sources.metadata.policy()
    }

    fn search(&self, id: &str) -> Option<(KeySearch<'_>, &Arc<Entry>)> {
        let entry = self.entries.get(id)?;
        Some((KeySearch::configured(&entry.id, self.trust.mechanism(id)?), entry))
    }

    /// Makes sure that what is known of the entry may be used: young enough, and fetched again when it is not or lacks
    /// what is `wanted`. What is wanted may be missing all the same.
    async fn ensure(
        &self,
        entry: &Arc<Entry>,
        wanted: impl Fn(&Fetched) -> bool + Send + Sync,
    ) -> Verdict<()> {
        if self.is_fresh(entry, &wanted) {
            return Ok(());
        }
        let gate = Arc::clone(&entry.gate).lock_owned().await;
        // Somebody else may have fetched meanwhile.
        if self.is_fresh(entry, &wanted) {
            return Ok(());
        }
        let now = self.clock.now();
        // A clock that was set back must not keep us from asking.
        let too_soon = read(entry).tried_at.is_some_and(|at| (0..RETRY_AFTER).contains(&now.since(at)));
        if too_soon {
            return if self.is_usable(entry) { Ok(()) } else { Err(unavailable("asked a moment ago")) };
        }
        let refreshed = self.refresh(entry, gate, now).await;
        let Err(failure) = refreshed else { return Ok(()) };
        if self.is_usable(entry) && wanted(&read(entry).fetched) {
            return Ok(());
        }
        Err(unavailable(&failure.detail))
    }

    /// Fetches in a task of its own: a caller that goes away neither stops it nor makes the next one ask again.
    async fn refresh(&self, entry: &Arc<Entry>, gate: OwnedMutexGuard<()>, now: UnixTime) -> Verdict<()> {
        write(entry).tried_at = Some(now);
        let (sources, entry) = (self.sources.clone(), Arc::clone(entry));
        let task = tokio::spawn(async move {
            let _gate = gate;
            match sources.fetch(&entry, now).await {
                Ok((fetched, fresh_for)) => {
                    *write(&entry) = Known {
                        fetched,
                        fetched_at: Some(now),
                        fresh_for: fresh_for.unwrap_or(FRESH_FOR).clamp(RETRY_AFTER, FRESH_FOR),
                        tried_at: Some(now),
                    };
                    Ok(())
                }
                Err(failure) => {
                    let (code, detail) = (failure.code, &failure.detail);
                    tracing::warn!(issuer = %entry.id, code, %detail, "no keys of a trusted issuer");
                    if WITHDRAWN.contains(&code) {
                        *write(&entry) = Known { tried_at: Some(now), ..Known::default() };
                    }
                    Err(failure)
                }
            }
        });
        task.await.unwrap_or_else(|_| Err(unavailable("the attempt was broken off")))
    }

    fn is_fresh(&self, entry: &Entry, wanted: impl Fn(&Fetched) -> bool) -> bool {
        let known = read(entry);
        self.age(&known).is_some_and(|age| age <= known.fresh_for) && wanted(&known.fetched)
    }

    fn is_usable(&self, entry: &Entry) -> bool {
        self.age(&read(entry)).is_some_and(|age| age <= USABLE_FOR)
    }

    /// Seconds since the fetch; `None` for what was never fetched, or later than now.
    fn age(&self, known: &Known) -> Option<i64> {
        Some(self.clock.now().since(known.fetched_at?)).filter(|age| *age >= 0)
    }
}

impl Sources {
    /// What leads to the keys of the entry, and for how many seconds it may be used, if their owner says so.
    async fn fetch(&self, entry: &Entry, now: UnixTime) -> Verdict<(Fetched, Option<i64>)> {
        if let Some(did) = &entry.did {
            let (document, fresh_for) = self.dids.document(did, now).await?;
            return Ok((Fetched::Document(document), fresh_for));
        }
        let published = self.metadata.fetch(&entry.id).await?;
        Ok((Fetched::Keys(published.keys), published.fresh_for))
    }
}

impl std::fmt::Debug for TrustedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

fn read(entry: &Entry) -> std::sync::RwLockReadGuard<'_, Known> {
    entry.known.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(entry: &Entry) -> std::sync::RwLockWriteGuard<'_, Known> {
    entry.known.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn not_trusted() -> Failure {
    Failure::new("issuer-trust", "issuer_not_trusted", "the issuer is not one that this server trusts")
        .remedy("use a credential of a trusted issuer, or add the issuer to the configuration")
}

fn unavailable(detail: &str) -> Failure {
    Failure::new("issuer-keys", "keys_unavailable", format!("the issuer's keys cannot be had: {detail}"))
        .remedy("try again later; the issuer must serve its metadata or its DID document under its own identifier")
}

#[cfg(test)]
mod tests;
