//! A real server on this machine that publishes DIDs, well and badly.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::did::MAX_DOCUMENT;
use enishi_credential::did::webvh::{Author, LogEntry};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::time::FixedClock;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::client::ClientConfig;
use crate::keys::AwsVerifier;

const START: UnixTime = UnixTime::from_secs(1_800_000_000);

/// What is published under a name: status, type, text.
type Shelf = Arc<Mutex<HashMap<String, (StatusCode, &'static str, String)>>>;

struct World {
    port: u16,
    shelf: Shelf,
    asked: Arc<AtomicU32>,
    /// What answers of the type "when told" wait for.
    told: Arc<Notify>,
    clock: Arc<FixedClock>,
    resolver: DidResolver,
}

fn client(development: Development) -> GuardedClient {
    GuardedClient::new(&ClientConfig::default(), development).unwrap()
}

async fn world(policy: DidPolicy) -> World {
    world_with(policy, Development(true)).await
}

async fn world_with(policy: DidPolicy, development: Development) -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (shelf, asked) = (Shelf::default(), Arc::new(AtomicU32::new(0)));
    let told = Arc::new(Notify::new());
    let (served, count, wait) = (Arc::clone(&shelf), Arc::clone(&asked), Arc::clone(&told));
    let answer = move |Path(path): Path<String>| {
        count.fetch_add(1, Ordering::SeqCst);
        let (found, told) = (served.lock().unwrap().get(&path).cloned(), Arc::clone(&wait));
        async move {
            match found {
                Some((status, "location", to)) => (status, [(header::LOCATION, to)]).into_response(),
                Some((_, "never", _)) => std::future::pending::<Response>().await,
                Some((_, "when told", body)) => {
                    told.notified().await;
                    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
                }
                Some((_, "no-store", body)) => {
                    let fresh = (header::CACHE_CONTROL, "no-store");
                    ([(header::CONTENT_TYPE, "application/json"), fresh], body).into_response()
                }
                Some((status, kind, body)) => (status, [(header::CONTENT_TYPE, kind)], body).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    let router = Router::new().route("/{*path}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let clock = Arc::new(FixedClock::at(START));
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let resolver = DidResolver::new(client(development), shared, Arc::new(AwsVerifier), policy, development);
    World { port, shelf, asked, told, clock, resolver }
}

impl World {
    fn did(&self, path: &str) -> Did {
        Did::parse(&format!("did:web:localhost%3A{}{path}", self.port)).unwrap()
    }

    fn publish(&self, path: &str, status: StatusCode, kind: &'static str, body: String) {
        self.shelf.lock().unwrap().insert(path.to_owned(), (status, kind, body));
    }

    fn publish_log(&self, entries: &[&LogEntry]) {
        let text: Vec<_> = entries.iter().map(|entry| entry.line.clone() + "\n").collect();
        self.publish("a/did.jsonl", StatusCode::OK, "text/jsonl", text.concat());
    }

    fn publish_document(&self, path: &str, did: &Did) {
        self.publish(path, StatusCode::OK, "application/did+json", document(did).to_string());
    }

    async fn ask(&self, did: &Did) -> Result<Jwk, &'static str> {
        let url = DidUrl::parse(&format!("{}#sign", did.as_str())).unwrap();
        self.resolver.key(&url, Relationship::AssertionMethod).await.map_err(|failure| failure.code)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn any() -> DidPolicy {
    DidPolicy::default().and_any_published()
}

fn key() -> Jwk {
    PrivateJwk::generate_p256(&SeededEntropy::new("did")).public().clone()
}

fn document(did: &Did) -> Value {
    json!({
        "id": did.as_str(),
        "verificationMethod": [
            {"id": "#sign", "type": "JsonWebKey", "controller": did.as_str(), "publicKeyJwk": key()},
        ],
        "assertionMethod": ["#sign"],
    })
}

fn signer(seed: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_ed25519(&SeededEntropy::new(seed))).unwrap()
}

async fn first(world: &World, parameters: Value) -> LogEntry {
    let (key, mut all) = (signer("update"), parameters);
    let author = Author::new(&key).unwrap();
    all["updateKeys"] = json!([author.multikey()]);
    let did = Did::parse(&format!("did:webvh:SCID:localhost%3A{}:a", world.port)).unwrap();
    let state = document(&did).to_string().replace(":SCID:", ":{SCID}:");
    author.first(START.plus(-100), &all, &serde_json::from_str(&state).unwrap()).await.unwrap()
}

#[tokio::test]
async fn did_web_documents_are_fetched_once_and_again_when_they_are_old() {
    let world = world(any()).await;
    let (root, path) = (world.did(""), world.did(":user:alice"));
    world.publish_document(".well-known/did.json", &root);
    world.publish_document("user/alice/did.json", &path);
    assert_eq!(world.ask(&root).await, Ok(key()));
    assert_eq!(world.ask(&path).await, Ok(key()));
    assert_eq!(world.ask(&root).await, Ok(key()));
    assert_eq!(world.asked(), 2);
    world.clock.advance(WEB_FOR);
    world.publish(".well-known/did.json", StatusCode::NOT_FOUND, "text/plain", String::new());
    assert_eq!(world.ask(&root).await, Err("did_not_found"), "what is gone is gone");
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn did_web_what_is_not_the_document_of_the_did_is_refused() {
    let world = world(any()).await;
    let ok = StatusCode::OK;
    let other = document(&world.did(":other")).to_string();
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(MAX_DOCUMENT));
    let moved = format!("http://localhost:{}/good/did.json", world.port);
    let whole = |name: &str| document(&world.did(&format!(":{name}"))).to_string();
    world.publish_document("good/did.json", &world.did(":good"));
    for (name, status, kind, body, code) in [
        ("mismatch", ok, "application/json", other, "did_document_id"),
        ("oversize", ok, "application/json", large, "did_unavailable"),
        ("redirect", StatusCode::FOUND, "location", moved, "did_unavailable"),
        ("html", ok, "text/html", whole("html"), "did_unavailable"),
        ("broken", ok, "application/json", "{".to_owned(), "did_document_invalid"),
        (
            "failing",
            StatusCode::INTERNAL_SERVER_ERROR,
            "application/json",
            whole("failing"),
            "did_unavailable",
        ),
        ("created", StatusCode::CREATED, "application/json", whole("created"), "did_unavailable"),
        ("gone", StatusCode::GONE, "application/json", whole("gone"), "did_not_found"),
    ] {
        world.publish(&format!("{name}/did.json"), status, kind, body);
        let before = world.asked();
        assert_eq!(world.ask(&world.did(&format!(":{name}"))).await, Err(code), "{name}");
        assert_eq!(world.asked(), before + 1, "{name}: nothing was followed");
    }
    assert_eq!(world.ask(&world.did(":missing")).await, Err("did_not_found"));
    assert_eq!(world.ask(&world.did(":good")).await, Ok(key()));
    assert_eq!(world.ask(&world.did(":%2e%2e:good")).await, Err("did_invalid"));
}

#[tokio::test]
async fn did_web_a_host_that_does_not_answer_costs_a_limited_time() {
    let world = world(any()).await;
    world.publish("slow/did.json", StatusCode::OK, "never", String::new());
    assert_eq!(world.ask(&world.did(":slow")).await, Err("did_unavailable"));
    // And whoever asks a moment later does not wait for it again.
    assert_eq!(world.ask(&world.did(":slow")).await, Err("did_unavailable"));
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn threat_10_a_did_web_on_a_private_address_is_not_called() {
    let world = world_with(any(), Development(false)).await;
    let root = world.did("");
    world.publish_document(".well-known/did.json", &root);
    assert_eq!(world.ask(&root).await, Err("did_unavailable"));
    for host in ["127.0.0.1", "169%2E254%2E169%2E254", "2130706433"] {
        let did = Did::parse(&format!("did:web:{host}")).unwrap();
        assert_eq!(world.ask(&did).await, Err("did_invalid"), "{host}");
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn threat_10_nothing_is_fetched_for_a_did_that_the_policy_does_not_name() {
    let world = world(DidPolicy::default()).await;
    let root = world.did("");
    world.publish_document(".well-known/did.json", &root);
    world.publish_document("user/did.json", &world.did(":user"));
    assert_eq!(world.ask(&root).await, Err("did_not_trusted"));
    let listed = DidResolver { policy: DidPolicy::default().and(root.clone()), ..world.resolver };
    let world = World { resolver: listed, ..world };
    assert_eq!(world.ask(&world.did(":user")).await, Err("did_not_trusted"));
    assert_eq!(world.asked(), 0);
    assert_eq!(world.ask(&root).await, Ok(key()));
}

#[tokio::test]
async fn dids_that_carry_their_document_need_no_fetch_and_peers_a_policy() {
    let world = world(DidPolicy::default()).await;
    for did in [Did::jwk(&key()), Did::key(&key())] {
        let url = did.verification_method().unwrap();
        let found = world.resolver.key(&url, Relationship::Authentication).await.unwrap();
        assert_eq!(found.key, key().key);
    }
    let multikey = Did::key(&key()).as_str().replace("did:key:", "");
    let peer = Did::parse(&format!("did:peer:2.V{multikey}")).unwrap();
    let refused = world.resolver.resolve(&peer, &Version::LATEST).await.unwrap_err();
    assert_eq!(refused.code, "did_not_trusted");
    let peers = DidResolver { policy: DidPolicy::default().and_peer(), ..world.resolver };
    assert!(peers.resolve(&peer, &Version::LATEST).await.is_ok());
    let other = Did::parse("did:example:a").unwrap();
    let unknown = peers.resolve(&other, &Version::LATEST).await.unwrap_err();
    assert_eq!(unknown.code, "did_method_unsupported", "whatever the policy says");
    let version = Version::from_query("versionNumber=1").unwrap();
    assert_eq!(peers.resolve(&peer, &version).await.unwrap_err().code, "did_invalid");
}

#[tokio::test]
async fn many_callers_make_one_request_and_a_failure_is_remembered_briefly() {
    let world = Arc::new(world(any()).await);
    let root = world.did("");
    let ask_all = || {
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (world, root) = (Arc::clone(&world), root.clone());
                tokio::spawn(async move { world.ask(&root).await })
            })
            .collect();
        async move {
            let mut answers = Vec::new();
            for caller in callers {
                answers.push(caller.await.unwrap());
            }
            answers
        }
    };
    assert!(ask_all().await.iter().all(|answer| *answer == Err("did_not_found")));
    assert_eq!(world.asked(), 1);
    world.publish_document(".well-known/did.json", &root);
    world.clock.advance(FAILURE_FOR);
    assert!(ask_all().await.iter().all(Result::is_ok));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn threat_10_a_caller_that_hangs_up_does_not_stop_the_fetch_for_the_others() {
    let world = Arc::new(world(any()).await);
    let root = world.did(":slow");
    world.publish("slow/did.json", StatusCode::OK, "when told", document(&root).to_string());
    let ask = || {
        let (world, root) = (Arc::clone(&world), root.clone());
        tokio::spawn(async move { world.ask(&root).await })
    };
    let first = ask();
    while world.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = ask();
    first.abort();
    assert!(first.await.is_err());
    world.told.notify_one();
    assert_eq!(second.await.unwrap(), Ok(key()));
    assert_eq!(world.asked(), 1, "the first attempt went on without its caller");
}

#[tokio::test]
async fn a_host_can_make_its_document_age_faster() {
    let world = world(any()).await;
    let root = world.did(":brief");
    world.publish("brief/did.json", StatusCode::OK, "no-store", document(&root).to_string());
    assert_eq!(world.ask(&root).await, Ok(key()));
    world.clock.advance(FAILURE_FOR - 1);
    assert_eq!(world.ask(&root).await, Ok(key()));
    assert_eq!(world.asked(), 1);
    world.clock.advance(1);
    assert_eq!(world.ask(&root).await, Ok(key()));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn the_memory_is_bounded() {
    let world = world(any()).await;
    for at in 0..=MAX_DIDS {
        drop(world.resolver.slot(&world.did(&format!(":{at}"))));
    }
    assert_eq!(world.resolver.known.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn did_webvh_logs_are_fetched_verified_and_kept_as_long_as_they_say() {
    let world = world(any()).await;
    let one = first(&world, json!({ "ttl": 60 })).await;
    world.publish_log(&[&one]);
    assert_eq!(world.ask(&one.did).await, Ok(key()));
    assert_eq!(world.ask(&one.did).await, Ok(key()));
    assert_eq!(world.asked(), 1);
    let version = Version::from_query("versionNumber=1").unwrap();
    assert!(world.resolver.resolve(&one.did, &version).await.is_ok());
    let version = Version::from_query("versionNumber=2").unwrap();
    assert_eq!(world.resolver.resolve(&one.did, &version).await.unwrap_err().code, "did_not_found");
    assert_eq!(world.asked(), 1);
    world.clock.advance(60);
    let author_key = signer("update");
    let author = Author::new(&author_key).unwrap();
    let parameters = json!({ "deactivated": true });
    let two = author.next(&one, START, &parameters, &document(&one.did)).await.unwrap();
    world.publish_log(&[&one, &two]);
    assert_eq!(world.ask(&one.did).await, Err("did_deactivated"));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn did_webvh_a_log_that_does_not_verify_is_refused_and_soon_asked_for_again() {
    let world = world(any()).await;
    let one = first(&world, json!({})).await;
    world.publish("a/did.jsonl", StatusCode::OK, "text/jsonl", one.line.replace("localhost", "Localhost"));
    assert!(world.ask(&one.did).await.is_err());
    let stranger_key = signer("stranger");
    let stranger = Author::new(&stranger_key).unwrap();
    let two = stranger.next(&one, START, &json!({}), &document(&one.did)).await.unwrap();
    world.publish_log(&[&one, &two]);
    world.clock.advance(FAILURE_FOR);
    assert_eq!(world.ask(&one.did).await, Err("did_log_proof"));
    world.publish_log(&[&one]);
    world.clock.advance(FAILURE_FOR);
    assert_eq!(world.ask(&one.did).await, Ok(key()), "it recovers by itself");
    assert_eq!(world.asked(), 3);
    world.publish("a/did.jsonl", StatusCode::OK, "text/html", one.line.clone());
    world.clock.advance(LOG_FOR);
    assert_eq!(world.ask(&one.did).await, Err("did_unavailable"));
}

#[tokio::test]
async fn did_webvh_witnesses_must_have_approved() {
    let world = world(any()).await;
    let witness_key = signer("witness");
    let witness = Author::new(&witness_key).unwrap();
    let rule = json!({"threshold": 1, "witnesses": [{"id": format!("did:key:{}", witness.multikey())}]});
    let one = first(&world, json!({ "witness": rule })).await;
    world.publish_log(&[&one]);
    assert_eq!(world.ask(&one.did).await, Err("did_log_witness"), "there is no file");
    let file = |proof: Value| json!([{"versionId": one.version_id, "proof": [proof]}]).to_string();
    let name = "a/did-witness.json";
    for (status, kind, body, code) in [
        (StatusCode::OK, "application/json", file(json!({})), "did_log_witness"),
        (StatusCode::OK, "text/html", "<html>".to_owned(), "did_unavailable"),
        (StatusCode::SERVICE_UNAVAILABLE, "application/json", String::new(), "did_unavailable"),
    ] {
        world.publish(name, status, kind, body);
        world.clock.advance(FAILURE_FOR);
        assert_eq!(world.ask(&one.did).await, Err(code));
    }
    let proof = witness.approve(&one.version_id).await.unwrap();
    world.publish(name, StatusCode::OK, "application/json", file(proof));
    world.clock.advance(FAILURE_FOR);
    assert_eq!(world.ask(&one.did).await, Ok(key()));
}
