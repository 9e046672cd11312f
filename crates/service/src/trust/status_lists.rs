//! Status lists of others, kept as long as they say and no longer than we allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::status::{
    Expected, Status, StatusReference, UnverifiedStatusListToken, VerifiedStatusList,
};
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};

use super::TrustedKeys;
use super::keys::not_trusted;
use crate::client::GuardedClient;

/// Lists that are kept at one time.
const MAX_LISTS: usize = 64;
/// The largest token that is read, in bytes.
const MAX_TOKEN: usize = 1 << 20;
/// After a failure everybody gets the same answer for so many seconds, so that a list that is down is not hammered.
const FAILURE_FOR: i64 = 2;

/// Reads statuses from lists that trusted issuers sign (Token Status List §8). There is no answer but one that a fresh,
/// verified list gives: everything else is a failure, and the caller refuses (threat 11).
pub struct StatusLists {
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    keys: Arc<TrustedKeys>,
    verifier: Arc<dyn SignatureVerifier>,
    max_ttl: u32,
    lists: Mutex<HashMap<(String, String), Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    content: tokio::sync::Mutex<Content>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    List(VerifiedStatusList),
    Failed(UnixTime, Failure),
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
        Self { client, clock, keys, verifier, max_ttl, lists: Mutex::default() }
    }

    /// The status at `reference`, which stands in something that `issuer` signed and whose signature was verified before:
    /// nothing is fetched for what anybody could have written. The list must be on the issuer's own origin and signed by it.
    ///
    /// # Errors
    /// `issuer_not_trusted`, `status_list_foreign`, `status_unavailable`, and everything that verifying the list and reading its place can
    /// say. No failure means "valid".
    pub async fn status(&self, issuer: &str, reference: &StatusReference) -> Verdict<Status> {
        let trusted = self.keys.find(issuer).ok_or_else(not_trusted)?;
        let url = self.keys.policy().check(&reference.uri)?;
        if url.origin().ascii_serialization() != trusted.origin() {
            return Err(Failure::new(
                "status-list",
                "status_list_foreign",
                "the list is not on the issuer's origin",
            )
            .at("/status/status_list/uri")
            .remedy("serve the status list on the issuer's own origin"));
        }
        let slot = self.slot(issuer, &reference.uri);
        let mut content = slot.content.lock().await;
        let now = self.clock.now();
        match &*content {
            Content::List(list) if list.is_fresh(now) => return list.get(reference.idx),
            Content::Failed(at, failure) if now.since(*at) < FAILURE_FOR => return Err(failure.clone()),
            _ => {}
        }
        match self.fetch(issuer, &reference.uri, now).await {
            Ok(list) => {
                let status = list.get(reference.idx);
                *content = Content::List(list);
                status
            }
            Err(failure) => {
                tracing::warn!(issuer, code = failure.code, detail = %failure.detail, "no status list");
                *content = Content::Failed(now, failure.clone());
                Err(failure)
            }
        }
    }

    async fn fetch(&self, issuer: &str, uri: &str, now: UnixTime) -> Verdict<VerifiedStatusList> {
        let text = self.client.get_text(uri, "application/statuslist+jwt").await.map_err(|error| {
            Failure::new(
                "status-list",
                "status_unavailable",
                format!("the status list cannot be had: {error}"),
            )
            .remedy("try again later")
        })?;
        let token = UnverifiedStatusListToken::parse(&text)?;
        let key = self.keys.key(issuer, &token.key_source().hint).await?;
        let expected = Expected { uri, now, max_ttl: self.max_ttl, max_age: None };
        token.verify(self.verifier.as_ref(), &key, &expected)
    }

    fn slot(&self, issuer: &str, uri: &str) -> Arc<Slot> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (issuer.to_owned(), uri.to_owned());
        if let Some(slot) = lists.get(&key) {
            return Arc::clone(slot);
        }
        if lists.len() >= MAX_LISTS {
            // A caller that holds a slot goes on with it; the next one fetches again.
            lists.clear();
        }
        Arc::clone(lists.entry(key).or_default())
    }
}

impl std::fmt::Debug for StatusLists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatusLists(at most {} s)", self.max_ttl)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::get;
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::JwkSet;
    use enishi_credential::status::{StatusBits, StatusList, StatusListToken};
    use enishi_credential::time::FixedClock;
    use enishi_protocol::issuer_keys;
    use http::header;

    use super::*;
    use crate::client::ClientConfig;
    use crate::config::{Development, PublicUrl};
    use crate::keys::{AwsSigner, AwsVerifier, KeyType};

    const START: UnixTime = UnixTime::from_secs(1_800_000_000);

    struct World {
        issuer: String,
        uri: String,
        served: Arc<Mutex<String>>,
        asked: Arc<AtomicU32>,
        clock: Arc<FixedClock>,
        lists: StatusLists,
    }

    async fn token(uri: &str, seed: &str, at: UnixTime, ttl: Option<u32>, statuses: &[Status]) -> String {
        let signer = AwsSigner::new(&KeyType::Es256.generate(&SeededEntropy::new(seed))).unwrap();
        let mut list = StatusList::new(StatusBits::Two, 16).unwrap();
        for (idx, status) in statuses.iter().enumerate() {
            list.set(idx as u64, *status).unwrap();
        }
        StatusListToken {
            uri,
            issuer: None,
            issued_at: at,
            expires_at: None,
            ttl,
            aggregation_uri: None,
            list: &list,
        }
        .sign(&signer, &[])
        .await
        .unwrap()
    }

    async fn world() -> World {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let uri = format!("{issuer}/status-lists/1");
        let (served, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicU32::new(0)));
        let (text, count) = (Arc::clone(&served), Arc::clone(&asked));
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let text = text.lock().unwrap().clone();
            async move { ([(header::CONTENT_TYPE, "application/statuslist+jwt")], text) }
        };
        let key = KeyType::Es256.generate(&SeededEntropy::new("issuer")).public().clone();
        let metadata = axum::Json(issuer_keys::metadata(&issuer, &JwkSet { keys: vec![key] }));
        let router = Router::new()
            .route("/status-lists/1", get(answer))
            .route("/.well-known/enishi-verifier", get(move || async { metadata }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = Arc::new(FixedClock::at(START));
        let (on, shared) = (Development(true), Arc::clone(&clock) as Arc<dyn Clock>);
        let client = GuardedClient::new(&ClientConfig::default(), on).unwrap();
        let trusted = vec![PublicUrl::parse(&issuer, on).unwrap()];
        let keys = TrustedKeys::new("enishi-verifier", trusted, client.clone(), Arc::clone(&shared), on);
        let lists = StatusLists::new(client, shared, Arc::new(keys), Arc::new(AwsVerifier), 60);
        World { issuer, uri, served, asked, clock, lists }
    }

    impl World {
        async fn serve(&self, seed: &str, ttl: Option<u32>, statuses: &[Status]) {
            let text = token(&self.uri, seed, self.clock.now(), ttl, statuses).await;
            *self.served.lock().unwrap() = text;
        }

        async fn status(&self, idx: u64) -> Result<Status, &'static str> {
            let reference = StatusReference { idx, uri: self.uri.clone() };
            self.lists.status(&self.issuer, &reference).await.map_err(|failure| failure.code)
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn threat_11_a_revoked_place_is_seen_within_the_ttl() {
        let world = world().await;
        world.serve("issuer", Some(30), &[Status::Valid, Status::Suspended]).await;
        assert_eq!(world.status(0).await, Ok(Status::Valid));
        assert_eq!(world.status(1).await, Ok(Status::Suspended));
        assert_eq!(world.asked(), 1, "one list, one request");
        world.serve("issuer", Some(30), &[Status::Invalid]).await;
        world.clock.advance(31);
        assert_eq!(world.status(0).await, Ok(Status::Invalid));
        assert_eq!(world.asked(), 2);
        assert_eq!(world.status(16).await, Err("status_index_out_of_range"));
    }

    #[tokio::test]
    async fn threat_9_a_huge_or_missing_ttl_is_capped() {
        for ttl in [Some(u32::MAX), None] {
            let world = world().await;
            world.serve("issuer", ttl, &[]).await;
            world.status(0).await.unwrap();
            world.clock.advance(61);
            world.status(0).await.unwrap();
            assert_eq!(world.asked(), 2);
        }
    }

    #[tokio::test]
    async fn tsl_n1_n2_n8_without_a_verified_fresh_list_there_is_no_status() {
        let world = world().await;
        world.serve("issuer", Some(30), &[]).await;
        world.status(0).await.unwrap();
        let spoilt = [
            token(&world.uri, "stranger", START, Some(30), &[]).await,
            token(&format!("{}/", world.uri), "issuer", START, Some(30), &[]).await,
            "<html>".to_owned(),
            String::new(),
        ];
        world.clock.advance(31);
        for text in spoilt {
            *world.served.lock().unwrap() = text;
            assert!(world.status(0).await.is_err());
            let asked = world.asked();
            assert!(world.status(0).await.is_err());
            assert_eq!(world.asked(), asked, "not asked again at once");
            world.clock.advance(FAILURE_FOR);
        }
        world.serve("issuer", Some(30), &[]).await;
        assert_eq!(world.status(0).await, Ok(Status::Valid), "it recovers by itself");
    }

    #[tokio::test]
    async fn tsl_n7_nothing_is_fetched_for_an_untrusted_issuer() {
        let world = world().await;
        let reference = StatusReference { idx: 0, uri: world.uri.clone() };
        let failure = world.lists.status("https://evil.example", &reference).await.unwrap_err();
        assert_eq!((failure.code, world.asked()), ("issuer_not_trusted", 0));
    }
    #[tokio::test]
    async fn threat_10_a_list_on_another_origin_is_not_fetched() {
        let world = world().await;
        for (uri, code) in [
            (world.uri.replace("localhost", "127.0.0.1"), "status_list_foreign"),
            ("https://evil.example/status-lists/1".to_owned(), "status_list_foreign"),
            ("http://evil.example/status-lists/1".to_owned(), "url_not_https"),
        ] {
            let reference = StatusReference { idx: 0, uri };
            let failure = world.lists.status(&world.issuer, &reference).await.unwrap_err();
            assert_eq!((failure.code, world.asked()), (code, 0));
        }
    }
}
