use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use enishi_credential::did::Did;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::issuer_key::{IssuerTrust, Mechanism, Profile};
use enishi_credential::jose::jwk::{JwkSet, PrivateJwk};
use enishi_credential::status::{StatusBits, StatusList, StatusListToken};
use enishi_credential::time::FixedClock;
use enishi_protocol::issuer_keys;
use http::HeaderMap;
use serde_json::json;
use tokio::sync::Notify;

use super::*;
use crate::client::ClientConfig;
use crate::config::{Development, PublicUrl};
use crate::keys::{AwsSigner, AwsVerifier, KeyType};

const START: UnixTime = UnixTime::from_secs(1_800_000_000);
const JWT: &str = "application/statuslist+jwt";

/// What the issuer's server says next.
#[derive(Clone)]
struct Reply {
    status: u16,
    content_type: &'static str,
    /// Answers "not modified" to whoever sends this.
    etag: Option<&'static str>,
    location: &'static str,
    body: String,
}

impl Default for Reply {
    fn default() -> Self {
        Self { status: 200, content_type: JWT, etag: None, location: "", body: String::new() }
    }
}

struct World {
    issuer: String,
    uri: String,
    reply: Arc<Mutex<Reply>>,
    /// For each request, the `If-None-Match` that came with it.
    asked: Arc<Mutex<Vec<Option<String>>>>,
    /// What an answer waits for, if anything.
    told: Arc<Mutex<Option<Arc<Notify>>>>,
    /// How often any other list was asked for.
    others: Arc<AtomicU32>,
    published: Arc<Mutex<Vec<&'static str>>>,
    clock: Arc<FixedClock>,
    lists: StatusLists,
}

struct Token {
    seed: &'static str,
    ttl: Option<u32>,
    expires_in: Option<i64>,
    statuses: Vec<Status>,
}

impl Default for Token {
    fn default() -> Self {
        Self { seed: "issuer", ttl: Some(30), expires_in: None, statuses: Vec::new() }
    }
}

impl Token {
    fn of(statuses: &[Status]) -> Self {
        Self { statuses: statuses.to_vec(), ..Self::default() }
    }

    async fn sign(&self, uri: &str, at: UnixTime) -> String {
        self.sign_by(&key(self.seed), uri, at).await
    }

    async fn sign_by(&self, key: &PrivateJwk, uri: &str, at: UnixTime) -> String {
        let signer = AwsSigner::new(key).unwrap();
        let mut list = StatusList::new(StatusBits::Two, 16).unwrap();
        for (idx, status) in (0..).zip(&self.statuses) {
            list.set(idx, *status).unwrap();
        }
        let token = StatusListToken {
            uri,
            issuer: None,
            issued_at: at,
            expires_at: self.expires_in.map(|seconds| at.plus(seconds)),
            ttl: self.ttl,
            aggregation_uri: None,
            list: &list,
        };
        token.sign(&signer, &[]).await.unwrap()
    }
}

/// The DID that is published where `issuer` is.
fn did_web(issuer: &str) -> String {
    format!("did:web:{}", issuer.replace("http://", "").replace(':', "%3A"))
}

fn key(seed: &str) -> PrivateJwk {
    KeyType::Es256.generate(&SeededEntropy::new(seed)).map_public(|public| public.with_kid(seed))
}

async fn world() -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let (reply, asked) = (Arc::new(Mutex::new(Reply::default())), Arc::new(Mutex::new(Vec::new())));
    let (others, published) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(vec!["issuer"])));

    let told = Arc::new(Mutex::new(None::<Arc<Notify>>));

    let (replies, log, wait) = (Arc::clone(&reply), Arc::clone(&asked), Arc::clone(&told));
    let one = async move |headers: HeaderMap| -> Response {
        let condition = headers.get("if-none-match").map(|value| value.to_str().unwrap().to_owned());
        log.lock().unwrap().push(condition.clone());
        let told = wait.lock().unwrap().clone();
        if let Some(told) = told {
            told.notified().await;
        }
        let reply = replies.lock().unwrap().clone();
        if condition.is_some() && condition.as_deref() == reply.etag {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let mut response = Response::new(reply.body.into());
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
        let mut header = |name: &'static str, value: &'static str| {
            if !value.is_empty() {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        };
        header("content-type", reply.content_type);
        header("etag", reply.etag.unwrap_or_default());
        header("location", reply.location);
        response
    };
    let (count, me) = (Arc::clone(&others), issuer.clone());
    let other = async move |Path(n): Path<u32>| {
        count.fetch_add(1, Ordering::SeqCst);
        let token = Token::of(&[]).sign(&format!("{me}/others/{n}"), START).await;
        ([(header::CONTENT_TYPE, JWT)], token)
    };
    let (seeds, me) = (Arc::clone(&published), issuer.clone());
    let metadata = async move || {
        let keys = seeds.lock().unwrap().iter().map(|seed| key(seed).public().clone()).collect();
        axum::Json(issuer_keys::metadata(&me, &JwkSet { keys }))
    };
    let document = {
        let did = did_web(&issuer);
        let method = json!({"id": "#issuer", "type": "JsonWebKey", "controller": did, "publicKeyJwk": key("issuer").public()});
        json!({"id": did, "verificationMethod": [method], "assertionMethod": ["#issuer"]})
    };
    let router = Router::new()
        .route("/status-lists/1", get(one))
        .route("/others/{n}", get(other))
        .route("/.well-known/did.json", get(async move || axum::Json(document)))
        .route("/.well-known/enishi-verifier", get(metadata));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let clock = Arc::new(FixedClock::at(START));
    let (on, shared) = (Development(true), Arc::clone(&clock) as Arc<dyn Clock>);
    let client = GuardedClient::new(&ClientConfig::default(), on).unwrap();
    let trusted = vec![PublicUrl::parse(&issuer, on).unwrap()];
    let keys = TrustedKeys::new("enishi-verifier", trusted, client.clone(), Arc::clone(&shared), on);
    let lists = StatusLists::new(client, shared, Arc::new(keys), Arc::new(AwsVerifier), 60);
    let uri = format!("{issuer}/status-lists/1");
    World { issuer, uri, reply, asked, told, others, published, clock, lists }
}

impl World {
    async fn serve(&self, token: Token) {
        self.serve_with(token, None).await;
    }

    async fn serve_with(&self, token: Token, etag: Option<&'static str>) {
        let body = token.sign(&self.uri, self.clock.now()).await;
        self.reply(Reply { etag, body, ..Reply::default() });
    }

    fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    async fn status(&self, idx: u64) -> Result<Status, &'static str> {
        self.status_at(idx, &self.uri).await
    }

    async fn status_at(&self, idx: u64, uri: &str) -> Result<Status, &'static str> {
        let reference = StatusReference { idx, uri: uri.to_owned() };
        self.lists.status(&self.issuer, &reference).await.map_err(|failure| failure.code)
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn last_condition(&self) -> Option<String> {
        self.asked.lock().unwrap().last().cloned().flatten()
    }
}

#[tokio::test]
async fn threat_11_a_revoked_place_is_seen_within_the_ttl() {
    let world = world().await;
    world.serve(Token::of(&[Status::Valid, Status::Suspended])).await;
    assert_eq!(world.status(0).await, Ok(Status::Valid));
    assert_eq!(world.status(1).await, Ok(Status::Suspended));
    assert_eq!(world.asked(), 1, "one list, one request");
    world.serve(Token::of(&[Status::Invalid])).await;
    world.clock.advance(31);
    assert_eq!(world.status(0).await, Ok(Status::Invalid));
    assert_eq!(world.asked(), 2);
    assert_eq!(world.status(16).await, Err("status_index_out_of_range"));
}

#[tokio::test]
async fn threat_9_a_huge_or_missing_ttl_is_capped() {
    for ttl in [Some(u32::MAX), None] {
        let world = world().await;
        world.serve(Token { ttl, ..Token::default() }).await;
        world.status(0).await.unwrap();
        world.clock.advance(61);
        world.status(0).await.unwrap();
        assert_eq!(world.asked(), 2);
    }
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_request() {
    let world = Arc::new(world().await);
    world.serve(Token::of(&[Status::Suspended])).await;
    let ask = |world: Arc<World>| tokio::spawn(async move { world.status(0).await });
    let all: Vec<_> = (0..20).map(|_| ask(Arc::clone(&world))).collect();
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(Status::Suspended));
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn threat_10_a_caller_that_hangs_up_does_not_stop_the_fetch_of_a_list() {
    let world = Arc::new(world().await);
    world.serve(Token::of(&[Status::Suspended])).await;
    let told = Arc::new(Notify::new());
    *world.told.lock().unwrap() = Some(Arc::clone(&told));
    let ask = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.status(0).await })
    };
    let first = ask();
    while world.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = ask();
    first.abort();
    assert!(first.await.is_err());
    // A second request would be answered at once, and be seen.
    *world.told.lock().unwrap() = None;
    told.notify_one();
    assert_eq!(second.await.unwrap(), Ok(Status::Suspended));
    assert_eq!(world.asked(), 1, "the first attempt went on without its caller");
}

#[tokio::test]
async fn not_modified_is_the_same_token_again_and_its_ttl_starts_anew() {
    let world = world().await;
    world.serve_with(Token::of(&[Status::Suspended]), Some("\"one\"")).await;
    assert_eq!(world.status(0).await, Ok(Status::Suspended));
    assert_eq!(world.last_condition(), None);
    for round in 1..=3 {
        world.clock.advance(31);
        assert_eq!(world.status(0).await, Ok(Status::Suspended), "{round}");
        assert_eq!(world.status(0).await, Ok(Status::Suspended), "{round}");
        assert_eq!((world.asked(), world.last_condition()), (round + 1, Some("\"one\"".to_owned())));
    }
    // Something newer is there: the condition does not hold, and the whole answer is taken.
    world.serve_with(Token::of(&[Status::Invalid]), Some("\"two\"")).await;
    world.clock.advance(31);
    assert_eq!(world.status(0).await, Ok(Status::Invalid));
    assert_eq!(world.last_condition().as_deref(), Some("\"one\""));
}

#[tokio::test]
async fn tsl_n4_not_modified_does_not_prolong_an_expired_list() {
    let world = world().await;
    let token = || Token { expires_in: Some(50), ..Token::of(&[Status::Suspended]) };
    world.serve_with(token(), Some("\"one\"")).await;
    assert_eq!(world.status(0).await, Ok(Status::Suspended));
    // Renewed once; the copy is now good for 30 seconds more by its `ttl`, and 18 by its `exp`.
    world.clock.advance(31);
    assert_eq!(world.status(0).await, Ok(Status::Suspended));
    world.clock.advance(18);
    assert_eq!((world.status(0).await, world.asked()), (Ok(Status::Suspended), 2));
    world.clock.advance(1);
    assert_eq!(world.status(0).await, Err("status_list_expired"));
    assert_eq!(world.last_condition(), None, "nobody is asked whether an expired list still holds");
    world.clock.advance(FAILURE_FOR);
    world.serve_with(token(), Some("\"one\"")).await;
    assert_eq!(world.status(0).await, Ok(Status::Suspended), "the same ETag, and fresh");
}

#[tokio::test]
async fn threat_20_not_modified_does_not_prolong_a_list_whose_key_was_withdrawn() {
    let world = world().await;
    world.serve_with(Token::of(&[Status::Valid]), Some("\"one\"")).await;
    assert_eq!(world.status(0).await, Ok(Status::Valid));
    *world.published.lock().unwrap() = vec!["next"];
    // The keys are fetched again as well by then.
    world.clock.advance(3600);
    assert_eq!(world.status(0).await, Err("key_unknown"));
    let conditions: Vec<bool> = world.asked.lock().unwrap().iter().map(Option::is_some).collect();
    assert_eq!(conditions, [false, true, false], "asked once more for what is there now");
    world.serve_with(Token { seed: "next", ..Token::of(&[Status::Invalid]) }, Some("\"two\"")).await;
    world.clock.advance(FAILURE_FOR);
    assert_eq!(world.status(0).await, Ok(Status::Invalid));
}

#[tokio::test]
async fn threat_11_not_modified_without_a_copy_is_no_answer() {
    let world = world().await;
    world.reply(Reply { status: 304, ..Reply::default() });
    assert_eq!(world.status(0).await, Err("status_unavailable"));
}

#[tokio::test]
async fn tsl_n1_n2_n8_n12_without_a_verified_fresh_list_there_is_no_status() {
    let world = world().await;
    world.serve_with(Token::default(), Some("\"one\"")).await;
    world.status(0).await.unwrap();
    let good = Token::default().sign(&world.uri, START).await;
    let body = |body: String| Reply { body, ..Reply::default() };
    let stranger = Token { seed: "stranger", ..Token::default() }.sign(&world.uri, START).await;
    let slash = Token::default().sign(&format!("{}/", world.uri), START).await;
    let of_type = |content_type| Reply { content_type, ..body(good.clone()) };
    let status = |status| Reply { status, ..body(good.clone()) };
    let to = |location| Reply { status: 302, location, ..body(good.clone()) };
    let spoilt = [
        (body(stranger), "key_unknown"),
        (body(slash), "status_list_uri"),
        (body("<html>".to_owned()), "jws_malformed"),
        (body(String::new()), "jws_malformed"),
        (of_type("text/html"), "status_list_media_type"),
        (of_type(""), "status_list_media_type"),
        (of_type("application/statuslist+cwt"), "status_list_cwt"),
        (status(404), "status_unavailable"),
        (status(500), "status_unavailable"),
        (status(206), "status_unavailable"),
        (to("/status-lists/1"), "status_unavailable"),
        (to("http://10.0.0.1/status-lists/1"), "status_unavailable"),
        (body("x".repeat(MAX_TOKEN + 1)), "status_unavailable"),
    ];
    world.clock.advance(31);
    for (reply, code) in spoilt {
        world.reply(reply);
        assert_eq!(world.status(0).await, Err(code));
        let asked = world.asked();
        assert_eq!(world.status(0).await, Err(code));
        assert_eq!(world.asked(), asked, "not asked again at once");
        world.clock.advance(FAILURE_FOR);
    }
    world.serve(Token::default()).await;
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
        assert_eq!(world.status_at(0, &uri).await, Err(code));
        assert_eq!(world.asked(), 0);
        assert_eq!(world.lists.kept.lock().unwrap().slots.len(), 0, "and nothing is kept for it");
    }
}

#[tokio::test]
async fn threat_10_the_lists_of_a_did_are_on_the_host_that_publishes_it_and_signed_by_its_method() {
    let world = world().await;
    let did = did_web(&world.issuer);
    let bare = Did::jwk(key("issuer").public());
    let mut trust = [did.as_str(), bare.as_str()].into_iter();
    let trust = trust.try_fold(IssuerTrust::new(Profile::Any), |trust, did| trust.with(did, Mechanism::Did));
    let (on, clock) = (Development(true), Arc::clone(&world.clock) as Arc<dyn Clock>);
    let client = GuardedClient::new(&ClientConfig::default(), on).unwrap();
    let verifier = Arc::new(AwsVerifier);
    let keys =
        TrustedKeys::of_issuers(trust.unwrap(), client.clone(), Arc::clone(&clock), verifier.clone(), on);
    let lists = StatusLists::new(client, clock, Arc::new(keys), verifier, 60);
    let ask = async |issuer: &str, uri: &str| {
        let reference = StatusReference { idx: 1, uri: uri.to_owned() };
        lists.status(issuer, &reference).await.map_err(|failure| failure.code)
    };
    for uri in [world.uri.replace("localhost", "127.0.0.1"), "https://evil.example/1".to_owned()] {
        assert_eq!(ask(&did, &uri).await, Err("status_list_foreign"), "{uri}");
    }
    assert_eq!(ask(bare.as_str(), &world.uri).await, Err("status_list_foreign"), "it is published nowhere");
    assert_eq!(world.asked(), 0);
    let url = format!("{did}#issuer");
    let signed = async |kid: &str| {
        let key = key("issuer").map_public(|public| public.with_kid(kid));
        Token::of(&[Status::Valid, Status::Invalid]).sign_by(&key, &world.uri, START).await
    };
    *world.reply.lock().unwrap() = Reply { body: signed("issuer").await, ..Reply::default() };
    assert_eq!(ask(&did, &world.uri).await, Err("did_invalid"), "its key names no method of the DID");
    world.clock.advance(FAILURE_FOR);
    *world.reply.lock().unwrap() = Reply { body: signed(&url).await, ..Reply::default() };
    assert_eq!(ask(&did, &world.uri).await, Ok(Status::Invalid));
}

#[tokio::test]
async fn threat_12_only_so_many_lists_are_kept_and_the_oldest_goes_first() {
    let world = world().await;
    let uri = |n: usize| format!("{}/others/{n}", world.issuer);
    let count =
        |world: &World| world.lists.kept.lock().unwrap().slots.values().map(HashMap::len).sum::<usize>();
    for n in 0..MAX_LISTS {
        world.status_at(0, &uri(n)).await.unwrap();
    }
    world.status_at(0, &uri(0)).await.unwrap();
    assert_eq!((count(&world), world.others.load(Ordering::SeqCst)), (64, 64));
    world.status_at(0, &uri(MAX_LISTS)).await.unwrap();
    assert_eq!(count(&world), 64);
    world.status_at(0, &uri(0)).await.unwrap();
    assert_eq!(world.others.load(Ordering::SeqCst), 65, "it was used a moment ago");
    world.status_at(0, &uri(1)).await.unwrap();
    assert_eq!(world.others.load(Ordering::SeqCst), 66, "it was used longest ago");

    // Also when they are few and large.
    let slot = world.lists.find(&world.issuer, &uri(5)).unwrap();
    slot.bytes.store(MAX_BYTES, Ordering::Relaxed);
    lock(&world.lists.kept).shrink();
    assert_eq!(count(&world), 1);
    assert!(world.lists.find(&world.issuer, &uri(5)).is_some());
}
