//! The keys of trusted issuers and verifiers.

use std::sync::{Arc, PoisonError, RwLock};

use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::jose::jws::KeyHint;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys::{self, IssuerKeySource};
use enishi_protocol::linking::{IssuerHint, IssuerKeys};
use enishi_protocol::party::find_key;
use enishi_protocol::web::{UrlPolicy, well_known_url};

use crate::client::{ClientError, ClientResponse, GuardedClient};
use crate::config::{Development, PublicUrl};

/// Keys are fetched again after so many seconds, if anybody asks.
const FRESH_FOR: i64 = 300;
/// When they cannot be fetched again, the old ones are used for so many seconds in all: a key that its owner withdrew must
/// not live on because the owner is kept from saying so.
const USABLE_FOR: i64 = 600;
/// Seconds between two attempts, so that unknown key names cannot make us hammer anybody.
const RETRY_AFTER: i64 = 10;

/// The keys of those whose signatures this server believes. Nothing is ever fetched for anybody else (threat 10).
pub struct TrustedKeys {
    well_known: &'static str,
    policy: UrlPolicy,
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    trusted: Vec<Entry>,
}

struct Entry {
    id: PublicUrl,
    known: RwLock<Known>,
    /// Held while fetching, so that many callers make one request.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: JwkSet,
    fetched_at: Option<UnixTime>,
    tried_at: Option<UnixTime>,
}

impl TrustedKeys {
    /// The keys of `trusted`, from their metadata at the well-known name `well_known`, with `issuer` and one of `jwks` and
    /// `jwks_uri`: [`issuer_keys::WELL_KNOWN`] for issuers of credentials (SD-JWT VC §4), `enishi-verifier` for verifiers.
    pub fn new(
        well_known: &'static str,
        trusted: Vec<PublicUrl>,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        development: Development,
    ) -> Self {
        let entry = |id| Entry { id, known: RwLock::default(), gate: tokio::sync::Mutex::default() };
        let trusted = trusted.into_iter().map(entry).collect();
        Self { well_known, policy: development.url_policy(), client, clock, trusted }
    }

    /// The trusted one with exactly this id.
    pub fn find(&self, id: &str) -> Option<&PublicUrl> {
        self.entry(id).map(|entry| &entry.id)
    }

    /// The key of `id` that a JWS names by its `kid`, or its only signing key when the JWS names none.
    ///
    /// # Errors
    /// `issuer_not_trusted` (nothing was fetched), `keys_unavailable` (try again later), `key_unknown`.
    pub async fn key(&self, id: &str, hint: &KeyHint<'_>) -> Verdict<Jwk> {
        let entry = self.entry(id).ok_or_else(not_trusted)?;
        let keys = self.keys(entry, |keys| find_key(keys, hint).is_ok()).await?;
        find_key(&keys, hint).cloned().map_err(|_| {
            Failure::new("issuer-key", "key_unknown", "the issuer publishes no signing key with this `kid`")
                .at("/kid")
                .remedy("sign with a published key and name it in `kid`")
        })
    }

    /// The keys of the issuers that presentations claim to be from. An issuer that is not trusted stays out, and the
    /// verification says so.
    ///
    /// # Errors
    /// `keys_unavailable` (try again later).
    pub async fn of_presentations(&self, hints: &[IssuerHint]) -> Verdict<IssuerKeys> {
        let mut all = IssuerKeys::default();
        for hint in hints {
            if let Some(entry) = self.entry(&hint.issuer) {
                let alone = |keys: JwkSet| IssuerKeys::default().with(hint.issuer.as_str(), keys);
                let keys = self.keys(entry, |keys| alone(keys.clone()).has(hint)).await?;
                all = all.with(hint.issuer.as_str(), keys);
            }
        }
        Ok(all)
    }

    pub(super) const fn policy(&self) -> UrlPolicy {
        self.policy
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.trusted.iter().find(|entry| entry.id.as_str() == id)
    }

    /// Keys that are young enough; fetched again when they are not, or do not hold what is wanted.
    async fn keys(&self, entry: &Entry, wanted: impl Fn(&JwkSet) -> bool + Send + Sync) -> Verdict<JwkSet> {
        if let Some(keys) = self.known(entry, FRESH_FOR).filter(&wanted) {
            return Ok(keys);
        }
        let _gate = entry.gate.lock().await;
        // Somebody else may have fetched meanwhile.
        if let Some(keys) = self.known(entry, FRESH_FOR).filter(&wanted) {
            return Ok(keys);
        }
        let now = self.clock.now();
        let due = read(entry).tried_at.is_none_or(|tried_at| now.since(tried_at) >= RETRY_AFTER);
        if !due {
            return self.known(entry, USABLE_FOR).ok_or_else(|| unavailable("asked a moment ago"));
        }
        match self.fetch(&entry.id).await {
            Ok(keys) => {
                *write(entry) = Known { keys: keys.clone(), fetched_at: Some(now), tried_at: Some(now) };
                Ok(keys)
            }
            Err(failure) => {
                tracing::warn!(issuer = %entry.id, code = failure.code, detail = %failure.detail, "no keys of a trusted issuer");
                write(entry).tried_at = Some(now);
                self.known(entry, USABLE_FOR).filter(&wanted).ok_or_else(|| unavailable(&failure.detail))
            }
        }
    }

    fn known(&self, entry: &Entry, within: i64) -> Option<JwkSet> {
        let known = read(entry);
        let age = self.clock.now().since(known.fetched_at?);
        (age <= within).then(|| known.keys.clone())
    }

    async fn fetch(&self, id: &PublicUrl) -> Verdict<JwkSet> {
        let url = well_known_url(&self.policy.check_identifier(id.as_str())?, self.well_known);
        let body = self.get(url.as_str(), &["application/json"]).await?.body;
        let url = match issuer_keys::parse_metadata(&body, id.as_str(), self.policy)? {
            IssuerKeySource::Inline(keys) => return Ok(keys),
            IssuerKeySource::At(url) => url,
        };
        let answer = self.get(url.as_str(), &["application/json", "application/jwk-set+json"]).await?;
        issuer_keys::parse_jwks(&answer.body)
    }

    async fn get(&self, url: &str, types: &[&str]) -> Verdict<ClientResponse> {
        let answer = self.client.get(url, &types.join(", ")).await.and_then(ClientResponse::ok);
        let answer = answer.map_err(|error: ClientError| unavailable(&error.to_string()))?;
        if types.iter().any(|expected| answer.clone().of_type(expected).is_ok()) {
            Ok(answer)
        } else {
            Err(unavailable("the answer is not JSON"))
        }
    }
}

impl std::fmt::Debug for TrustedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.trusted.iter().map(|entry| entry.id.as_str())).finish()
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
        .remedy("try again later; the issuer must serve its metadata under its own identifier")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::get;
    use enishi_credential::crypto::Algorithm;
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::time::FixedClock;
    use serde_json::{Value, json};

    use super::*;
    use crate::client::ClientConfig;
    use crate::keys::KeyType;

    const ON: Development = Development(true);

    fn key(kid: &str) -> Jwk {
        KeyType::Es256.generate(&SeededEntropy::new(kid)).public().clone().with_kid(kid)
    }

    fn set(kids: &[&str]) -> Value {
        json!({ "keys": kids.iter().map(|kid| key(kid)).collect::<Vec<_>>() })
    }

    fn hint(kid: Option<&str>) -> KeyHint<'_> {
        KeyHint { algorithm: Algorithm::Es256, typ: None, kid, jwk: None, x5c: &[] }
    }

    /// An issuer whose metadata can be changed, and who counts how often he is asked.
    struct Issuer {
        id: String,
        metadata: Arc<Mutex<Value>>,
        asked: Arc<AtomicU32>,
        clock: Arc<FixedClock>,
        keys: TrustedKeys,
    }

    async fn issuer(metadata: impl Fn(&str) -> Value) -> Issuer {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let id = format!("http://localhost:{}/tenant", listener.local_addr().unwrap().port());
        let document = Arc::new(Mutex::new(metadata(&id)));
        let asked = Arc::new(AtomicU32::new(0));
        let (served, count) = (Arc::clone(&document), Arc::clone(&asked));
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let value = served.lock().unwrap().clone();
            async move {
                if value.is_null() {
                    Err(http::StatusCode::SERVICE_UNAVAILABLE)
                } else {
                    Ok(axum::Json(value))
                }
            }
        };
        let router = Router::new()
            .route("/.well-known/jwt-vc-issuer/tenant", get(answer))
            .route("/keys", get(|| async { axum::Json(set(&["far"])) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let client = GuardedClient::new(&ClientConfig::default(), ON).unwrap();
        let trusted = vec![PublicUrl::parse(&id, ON).unwrap()];
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let keys = TrustedKeys::new(issuer_keys::WELL_KNOWN, trusted, client, shared, ON);
        Issuer { id, metadata: document, asked, clock, keys }
    }

    impl Issuer {
        async fn ask(&self, kid: &str) -> Result<Jwk, &'static str> {
            self.keys.key(&self.id, &hint(Some(kid))).await.map_err(|failure| failure.code)
        }

        fn publish(&self, kids: &[&str]) {
            *self.metadata.lock().unwrap() = json!({ "issuer": self.id, "jwks": set(kids) });
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn keys_are_fetched_once_and_again_for_a_new_kid_but_not_too_often() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
        assert_eq!(issuer.ask("a").await, Ok(key("a")));
        assert_eq!(issuer.ask("a").await, Ok(key("a")));
        assert_eq!(issuer.asked(), 1);
        issuer.publish(&["a", "b"]);
        issuer.clock.advance(9);
        assert_eq!(issuer.ask("b").await, Err("key_unknown"), "asked nine seconds ago");
        assert_eq!(issuer.asked(), 1);
        issuer.clock.advance(1);
        assert_eq!(issuer.ask("b").await, Ok(key("b")));
        assert_eq!(issuer.ask("a").await, Ok(key("a")));
        assert_eq!(issuer.asked(), 2);
    }

    #[tokio::test]
    async fn many_callers_make_one_request() {
        let issuer = Arc::new(issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await);
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let issuer = Arc::clone(&issuer);
                tokio::spawn(async move { issuer.ask("a").await.is_ok() })
            })
            .collect();
        for caller in callers {
            assert!(caller.await.unwrap());
        }
        assert_eq!(issuer.asked(), 1);
    }

    #[tokio::test]
    async fn an_issuer_that_is_down_is_trusted_for_a_bounded_time() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
        issuer.ask("a").await.unwrap();
        *issuer.metadata.lock().unwrap() = Value::Null;
        issuer.clock.advance(FRESH_FOR + 1);
        assert_eq!(issuer.ask("a").await, Ok(key("a")));
        assert_eq!(issuer.ask("b").await, Err("key_unknown"));
        assert_eq!(issuer.asked(), 2);
        issuer.clock.advance(USABLE_FOR - FRESH_FOR - 1);
        assert_eq!(issuer.ask("a").await, Ok(key("a")), "the last second");
        issuer.clock.advance(RETRY_AFTER);
        assert_eq!(issuer.ask("a").await, Err("keys_unavailable"));
        assert_eq!(issuer.ask("a").await, Err("keys_unavailable"));
        assert_eq!(issuer.asked(), 4);
        // A key that was withdrawn is gone as soon as the issuer can say so.
        issuer.publish(&["b"]);
        issuer.clock.advance(RETRY_AFTER);
        assert_eq!(issuer.ask("a").await, Err("key_unknown"));
    }

    #[tokio::test]
    async fn sd_n13_metadata_of_another_issuer_are_unusable() {
        type Change = fn(&str) -> Value;
        let cases: [Change; 5] = [
            |id| json!({ "issuer": format!("{id}/"), "jwks": set(&["a"]) }),
            |id| json!({ "issuer": id, "jwks": set(&["a"]), "jwks_uri": "https://a.example/jwks" }),
            |id| json!({ "issuer": id }),
            |id| json!({ "issuer": id, "jwks_uri": "http://a.example/jwks" }),
            |_| json!({ "jwks": set(&["a"]) }),
        ];
        for case in cases {
            let issuer = issuer(case).await;
            assert!(issuer.ask("a").await.is_err_and(|code| code == "keys_unavailable"));
        }
    }

    #[tokio::test]
    async fn keys_may_be_at_a_uri_of_their_own() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks_uri": id.replace("/tenant", "/keys") })).await;
        assert_eq!(issuer.ask("far").await, Ok(key("far")));
    }

    #[tokio::test]
    async fn threat_10_nothing_is_fetched_for_a_stranger() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
        for stranger in [format!("{}/", issuer.id), "https://evil.example".to_owned()] {
            let failure = issuer.keys.key(&stranger, &hint(Some("a"))).await.unwrap_err();
            assert_eq!(failure.code, "issuer_not_trusted");
            assert!(issuer.keys.find(&stranger).is_none());
            let hints = [IssuerHint { issuer: stranger, kid: Some("a".to_owned()) }];
            assert_eq!(issuer.keys.of_presentations(&hints).await, Ok(IssuerKeys::default()));
        }
        assert_eq!(issuer.asked(), 0);
    }

    #[tokio::test]
    async fn without_a_kid_there_must_be_one_signing_key() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
        assert_eq!(issuer.keys.key(&issuer.id, &hint(None)).await, Ok(key("a")));
        issuer.publish(&["a", "b"]);
        issuer.clock.advance(FRESH_FOR + 1);
        let failure = issuer.keys.key(&issuer.id, &hint(None)).await.unwrap_err();
        assert_eq!(failure.code, "key_unknown");
    }

    #[tokio::test]
    async fn for_presentations_a_new_kid_is_fetched_and_an_issuer_that_is_down_is_an_error() {
        let issuer = issuer(|id| json!({ "issuer": id, "jwks": set(&["a"]) })).await;
        let claimed = |kid: &str| [IssuerHint { issuer: issuer.id.clone(), kid: Some(kid.to_owned()) }];
        let (a, b) = (claimed("a"), claimed("b"));
        assert!(issuer.keys.of_presentations(&a).await.unwrap().has(&a[0]));
        issuer.publish(&["b"]);
        assert!(!issuer.keys.of_presentations(&b).await.unwrap().has(&b[0]), "asked a moment ago");
        issuer.clock.advance(RETRY_AFTER);
        assert!(issuer.keys.of_presentations(&b).await.unwrap().has(&b[0]));
        *issuer.metadata.lock().unwrap() = Value::Null;
        issuer.clock.advance(USABLE_FOR + 1);
        assert_eq!(issuer.keys.of_presentations(&b).await.unwrap_err().code, "keys_unavailable");
    }
}
