//! The cache with a real server beside it: rotation, floods, outages.

mod dids;
mod mechanisms;
mod rotation;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use enishi_credential::crypto::Algorithm;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::time::FixedClock;
use serde_json::{Value, json};
use tokio::sync::Notify;

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
    serve(metadata, "public", None).await
}

/// One that says for how long its keys are fresh.
async fn issuer_with_headers(cache_control: &'static str) -> Issuer {
    serve(|id| json!({ "issuer": id, "jwks": set(&["a"]) }), cache_control, None).await
}

/// One that answers when it is told to.
async fn slow_issuer() -> (Issuer, Arc<Notify>) {
    let answer = Arc::new(Notify::new());
    let metadata = |id: &str| json!({ "issuer": id, "jwks": set(&["a"]) });
    (serve(metadata, "public", Some(Arc::clone(&answer))).await, answer)
}

async fn serve(
    metadata: impl Fn(&str) -> Value,
    cache_control: &'static str,
    wait: Option<Arc<Notify>>,
) -> Issuer {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://localhost:{}/tenant", listener.local_addr().unwrap().port());
    let document = Arc::new(Mutex::new(metadata(&id)));
    let asked = Arc::new(AtomicU32::new(0));
    let (served, count) = (Arc::clone(&document), Arc::clone(&asked));
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let value = served.lock().unwrap().clone();
        let wait = wait.clone();
        async move {
            if let Some(told) = wait {
                told.notified().await;
            }
            if value.is_null() {
                Err(http::StatusCode::SERVICE_UNAVAILABLE)
            } else {
                Ok(([("cache-control", cache_control)], axum::Json(value)))
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
        assert!(issuer.keys.of_presentations(&hints).await.unwrap().is_empty());
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
