//! The keys of trusted issuers.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::jose::jws::KeyHint;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys::{self, IssuerKeySource};
use enishi_protocol::party::find_key;
use enishi_protocol::web::well_known_url;

use crate::client::{ClientError, ClientResponse, GuardedClient};
use crate::config::Development;

/// Keys are fetched again after so many seconds, if anybody asks.
const FRESH_FOR: i64 = 300;
/// When they cannot be fetched again, the old ones are used for so many seconds in all: a key that its issuer withdrew must
/// not live on because the issuer is kept from saying so.
const USABLE_FOR: i64 = 3600;
/// Seconds between two attempts, so that unknown key names cannot make us hammer an issuer.
const RETRY_AFTER: i64 = 10;

/// Where the keys of a trusted issuer come from.
#[derive(Debug, Clone)]
pub enum KeyOrigin {
    /// From metadata at this well-known name, with `issuer` and one of `jwks` and `jwks_uri`: `jwt-vc-issuer` for issuers
    /// of credentials (SD-JWT VC §4), `enishi-verifier` for verifiers.
    WellKnown(&'static str),
    /// From a JWK Set at this URL.
    JwksUri(String),
    /// From the configuration.
    Fixed(JwkSet),
}

/// The keys of the issuers that this server trusts. Nothing is ever fetched for anybody else (threat 10).
pub struct IssuerKeys {
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    development: Development,
    issuers: HashMap<String, Entry>,
}

struct Entry {
    origin: KeyOrigin,
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

impl IssuerKeys {
    /// A server that trusts nobody yet.
    pub fn new(client: GuardedClient, clock: Arc<dyn Clock>, development: Development) -> Self {
        Self { client, clock, development, issuers: HashMap::new() }
    }

    /// Trusts one more issuer.
    #[must_use]
    pub fn trust(mut self, issuer: impl Into<String>, origin: KeyOrigin) -> Self {
        let entry = Entry { origin, known: RwLock::default(), gate: tokio::sync::Mutex::default() };
        self.issuers.insert(issuer.into(), entry);
        self
    }

    /// Whether `issuer` is trusted, as an exact string.
    pub fn is_trusted(&self, issuer: &str) -> bool {
        self.issuers.contains_key(issuer)
    }

    /// The key of `issuer` that a JWS names by its `kid`, or its only signing key when the JWS names none.
    ///
    /// # Errors
    /// `issuer_not_trusted` (nothing was fetched), `issuer_keys_unavailable` (try again later), `issuer_key_unknown`.
    pub async fn key(&self, issuer: &str, hint: &KeyHint<'_>) -> Verdict<Jwk> {
        let entry = self.issuers.get(issuer).ok_or_else(|| {
            Failure::new(
                "issuer-trust",
                "issuer_not_trusted",
                "the issuer is not one that this server trusts",
            )
            .remedy("use a credential of a trusted issuer, or add the issuer to the configuration")
        })?;
        if let KeyOrigin::Fixed(keys) = &entry.origin {
            return find(keys, hint);
        }
        if let Some(key) = self.known(entry, hint, FRESH_FOR) {
            return Ok(key);
        }
        let _gate = entry.gate.lock().await;
        // Somebody else may have fetched meanwhile.
        if let Some(key) = self.known(entry, hint, FRESH_FOR) {
            return Ok(key);
        }
        let now = self.clock.now();
        let due = read(entry).tried_at.is_none_or(|tried_at| now.since(tried_at) >= RETRY_AFTER);
        let mut failed = None;
        if due {
            match self.fetch(issuer, &entry.origin).await {
                Ok(keys) => *write(entry) = Known { keys, fetched_at: Some(now), tried_at: Some(now) },
                Err(failure) => {
                    tracing::warn!(issuer, code = failure.code, detail = %failure.detail, "no keys of a trusted issuer");
                    write(entry).tried_at = Some(now);
                    failed = Some(failure);
                }
            }
        }
        if let Some(key) = self.known(entry, hint, USABLE_FOR) {
            return Ok(key);
        }
        let reachable = self.age(entry).is_some_and(|age| age <= USABLE_FOR) && failed.is_none();
        if reachable {
            find(&read(entry).keys, hint)
        } else {
            Err(failed.unwrap_or_else(|| unavailable("asked a moment ago")))
        }
    }

    fn known(&self, entry: &Entry, hint: &KeyHint<'_>, within: i64) -> Option<Jwk> {
        self.age(entry).filter(|age| *age <= within)?;
        find(&read(entry).keys, hint).ok()
    }

    fn age(&self, entry: &Entry) -> Option<i64> {
        Some(self.clock.now().since(read(entry).fetched_at?))
    }

    async fn fetch(&self, issuer: &str, origin: &KeyOrigin) -> Verdict<JwkSet> {
        let policy = self.development.url_policy();
        let url = match origin {
            KeyOrigin::Fixed(keys) => return Ok(keys.clone()),
            KeyOrigin::JwksUri(uri) => policy.check(uri)?,
            KeyOrigin::WellKnown(name) => {
                let url = well_known_url(&policy.check_identifier(issuer)?, name);
                let body = self.get(url.as_str(), &["application/json"]).await?.body;
                match issuer_keys::parse_metadata(&body, issuer, policy)? {
                    IssuerKeySource::Inline(keys) => return Ok(keys),
                    IssuerKeySource::At(url) => url,
                }
            }
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

impl std::fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.issuers.keys()).finish()
    }
}

fn read(entry: &Entry) -> std::sync::RwLockReadGuard<'_, Known> {
    entry.known.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(entry: &Entry) -> std::sync::RwLockWriteGuard<'_, Known> {
    entry.known.write().unwrap_or_else(PoisonError::into_inner)
}

fn find(keys: &JwkSet, hint: &KeyHint<'_>) -> Verdict<Jwk> {
    find_key(keys, hint).cloned().map_err(|_| {
        Failure::new(
            "issuer-key",
            "issuer_key_unknown",
            "the issuer publishes no signing key with this `kid`",
        )
        .at("/kid")
        .remedy("sign with a published key and name it in `kid`")
    })
}

fn unavailable(detail: &str) -> Failure {
    Failure::new(
        "issuer-keys",
        "issuer_keys_unavailable",
        format!("the issuer's keys cannot be had: {detail}"),
    )
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
        keys: IssuerKeys,
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
        let keys = IssuerKeys::new(client, Arc::clone(&clock) as Arc<dyn Clock>, ON)
            .trust(id.clone(), KeyOrigin::WellKnown("jwt-vc-issuer"));
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
        assert_eq!(issuer.ask("b").await, Err("issuer_key_unknown"), "asked nine seconds ago");
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
        assert_eq!(issuer.ask("b").await, Err("issuer_key_unknown"));
        assert_eq!(issuer.asked(), 2);
        issuer.clock.advance(USABLE_FOR);
        assert_eq!(issuer.ask("a").await, Err("issuer_keys_unavailable"));
        assert_eq!(issuer.ask("a").await, Err("issuer_keys_unavailable"));
        assert_eq!(issuer.asked(), 3);
        // A key that was withdrawn is gone as soon as the issuer can say so.
        issuer.publish(&["b"]);
        issuer.clock.advance(RETRY_AFTER);
        assert_eq!(issuer.ask("a").await, Err("issuer_key_unknown"));
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
            assert!(issuer.ask("a").await.is_err_and(|code| code != "issuer_key_unknown"));
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
            assert!(!issuer.keys.is_trusted(&stranger));
        }
        assert_eq!(issuer.asked(), 0);
    }

    #[tokio::test]
    async fn without_a_kid_there_must_be_one_signing_key() {
        let fixed = |kids: &[&str]| {
            let client = GuardedClient::new(&ClientConfig::default(), ON).unwrap();
            let clock = Arc::new(FixedClock::at(UnixTime::from_secs(0)));
            let keys = serde_json::from_value(set(kids)).unwrap();
            IssuerKeys::new(client, clock, ON).trust("x", KeyOrigin::Fixed(keys))
        };
        assert_eq!(fixed(&["a"]).key("x", &hint(None)).await, Ok(key("a")));
        assert!(fixed(&["a", "b"]).key("x", &hint(None)).await.is_err());
    }
}
