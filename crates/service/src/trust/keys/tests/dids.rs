//! Issuers that are known by a `did:web` or `did:webvh`: their documents are fetched by the same rules as metadata.

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::did::webvh::{Author, LogEntry};
use enishi_credential::issuer_key::{IssuerTrust, Mechanism, Profile};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation};
use http::{StatusCode, header};

use super::*;
use crate::keys::AwsVerifier;

const START: UnixTime = UnixTime::from_secs(1_800_000_000);
const VCT: &str = "urn:example:card:1";

/// What is published: status, `Cache-Control`, text.
type Shelf = Arc<Mutex<(StatusCode, &'static str, String)>>;

/// A host that publishes one document or log.
struct Host {
    port: u16,
    shelf: Shelf,
    asked: Arc<AtomicU32>,
    /// When there is one, answers wait for it.
    told: Arc<Mutex<Option<Arc<Notify>>>>,
}

async fn host() -> Host {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shelf = Shelf::new(Mutex::new((StatusCode::NOT_FOUND, "", String::new())));
    let (asked, told) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(None::<Arc<Notify>>)));
    let (served, count, wait) = (Arc::clone(&shelf), Arc::clone(&asked), Arc::clone(&told));
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let ((status, fresh, body), wait) = (served.lock().unwrap().clone(), wait.lock().unwrap().clone());
        async move {
            if let Some(told) = wait {
                told.notified().await;
            }
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, fresh)];
            (status, headers, body)
        }
    };
    let router = Router::new()
        .route("/issuer/did.json", get(answer.clone()))
        .route("/issuer/did.jsonl", get(answer.clone()))
        .route("/elsewhere/did.json", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Host { port, shelf, asked, told }
}

impl Host {
    fn did(&self) -> Did {
        Did::parse(&format!("did:web:localhost%3A{}:issuer", self.port)).unwrap()
    }

    fn publish(&self, body: impl ToString) {
        *self.shelf.lock().unwrap() = (StatusCode::OK, "", body.to_string());
    }

    fn fail(&self, status: StatusCode) {
        *self.shelf.lock().unwrap() = (status, "", String::new());
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn secret(name: &str) -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(name))
}

fn public(name: &str) -> Jwk {
    secret(name).public().clone()
}

/// The document of `did`, with keys that are for assertions and keys that are not.
fn document(did: &str, assertions: &[&str], others: &[&str]) -> Value {
    let method = |name: &&str| {
        let key = public(name);
        json!({ "id": format!("{did}#{name}"), "type": "JsonWebKey", "controller": did, "publicKeyJwk": key })
    };
    json!({
        "id": did,
        "verificationMethod": assertions.iter().chain(others).map(method).collect::<Vec<_>>(),
        "assertionMethod": assertions.iter().map(|name| format!("{did}#{name}")).collect::<Vec<_>>(),
        "authentication": others.iter().map(|name| format!("{did}#{name}")).collect::<Vec<_>>(),
    })
}

/// A server that trusts this DID.
struct Reader {
    did: Did,
    clock: Arc<FixedClock>,
    keys: TrustedKeys,
}

impl Reader {
    fn new(did: Did) -> Self {
        let clock = Arc::new(FixedClock::at(START));
        let trust = IssuerTrust::new(Profile::Any).with(did.as_str(), Mechanism::Did).unwrap();
        let client = GuardedClient::new(&ClientConfig::default(), ON).unwrap();
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let keys = TrustedKeys::of_issuers(trust, client, shared, Arc::new(AwsVerifier), ON);
        Self { did, clock, keys }
    }

    /// The key of the method `name`.
    async fn ask(&self, name: &str) -> Result<Jwk, &'static str> {
        self.ask_for(&format!("{}#{name}", self.did.as_str())).await
    }

    async fn ask_for(&self, kid: &str) -> Result<Jwk, &'static str> {
        self.keys.key(self.did.as_str(), &hint(Some(kid))).await.map_err(|failure| failure.code)
    }
}

/// A host with a `did:web` that has these keys for assertions, and a server that trusts it.
async fn web(keys: &[&str]) -> (Host, Reader) {
    let host = host().await;
    let did = host.did();
    host.publish(document(did.as_str(), keys, &["login"]));
    (host, Reader::new(did))
}

#[tokio::test]
async fn a_credential_is_verified_with_the_key_that_the_document_lists_for_assertions() {
    let (host, reader) = web(&["a"]).await;
    let did = reader.did.as_str();
    let verify = async |name: &str, kid: &str| {
        let claims = json!({ "iss": did, "vct": VCT });
        let builder = SdJwtBuilder::new(claims.as_object().cloned().unwrap()).header("kid", kid);
        let signer = SoftwareSigner::new(secret(name)).unwrap();
        let text = builder.sign(&signer, &SeededEntropy::new("salts")).await.unwrap();
        let credential = UnverifiedSdJwt::parse(&text).unwrap();
        let hint = IssuerHint { issuer: did.to_owned(), kid: Some(kid.to_owned()) };
        let known = reader.keys.of_presentations(std::slice::from_ref(&hint)).await.unwrap().has(&hint);
        let key = reader.keys.key(did, &credential.key_hint()).await.map_err(|failure| failure.code)?;
        let validation = Validation::credential(did, VCT, START);
        let verified = credential.verify(&AwsVerifier, &key, &validation, &KeyBindingPolicy::NotRequired);
        verified.map_err(|failure| failure.code)?;
        assert!(known);
        Ok(())
    };
    assert_eq!(verify("a", &format!("{did}#a")).await, Ok(()));
    assert_eq!(verify("b", &format!("{did}#a")).await, Err("signature_invalid"));
    assert_eq!(verify("login", &format!("{did}#login")).await, Err("did_relationship"));
    assert_eq!(verify("a", &format!("{did}#b")).await, Err("did_url_unknown"));
    assert_eq!(verify("a", "#a").await, Err("did_invalid"));
    let foreign = format!("did:web:localhost%3A{}:elsewhere#a", host.port);
    assert_eq!(verify("a", &foreign).await, Err("did_url_foreign"));
    let silent = reader.keys.key(did, &hint(None)).await.unwrap_err();
    assert_eq!(silent.code, "kid_missing");
    assert_eq!(host.asked(), 1, "and whoever names nonsense makes nobody ask again at once");
}

#[tokio::test]
async fn threat_10_a_document_is_fetched_for_no_other_did() {
    let (host, reader) = web(&["a"]).await;
    let other = host.did().as_str().replace(":issuer", ":elsewhere");
    let refused = reader.keys.key(&other, &hint(Some(&format!("{other}#a")))).await.unwrap_err();
    assert_eq!(refused.code, "issuer_not_trusted");
    let hints = [IssuerHint { kid: Some(format!("{other}#a")), issuer: other }];
    assert!(reader.keys.of_presentations(&hints).await.unwrap().is_empty());
    assert_eq!(host.asked(), 0);
}

#[tokio::test]
async fn what_is_not_the_document_of_the_did_gives_no_key() {
    let (host, reader) = web(&["a"]).await;
    let did = reader.did.as_str();
    let other = did.replace(":issuer", ":elsewhere");
    let private = document(did, &["a"], &[]).to_string().replace("\"kty\"", "\"d\":\"AA\",\"kty\"");
    for wrong in [
        document(&other, &["a"], &[]).to_string(),
        document(did, &["a"], &[])
            .to_string()
            .replace(&format!("\"id\":\"{did}\""), &format!("\"id\":\"{other}\"")),
        private,
        "{".to_owned(),
        "x".repeat(70_000),
    ] {
        host.publish(&wrong);
        assert_eq!(reader.ask("a").await, Err("keys_unavailable"), "{wrong:.200}");
        reader.clock.advance(RETRY_AFTER);
    }
    let asked = host.asked();
    host.publish(document(did, &["a"], &[]));
    assert_eq!(reader.ask("a").await, Ok(public("a")), "it recovers by itself");
    assert_eq!(host.asked(), asked + 1);
}

#[tokio::test]
async fn threat_20_a_rotation_of_a_document_fails_no_live_credential() {
    let (host, reader) = web(&["a"]).await;
    let did = reader.did.as_str();
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    // The next key signs before anybody here has heard of it.
    host.publish(document(did, &["a", "b"], &[]));
    reader.clock.advance(RETRY_AFTER - 1);
    assert_eq!(reader.ask("b").await, Err("did_url_unknown"), "asked a moment ago");
    assert_eq!(host.asked(), 1);
    reader.clock.advance(1);
    assert_eq!(reader.ask("b").await, Ok(public("b")), "an unknown method is asked for");
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    assert_eq!(host.asked(), 2);
    // The old key retires: it lives on for as long as what is kept is fresh.
    host.publish(document(did, &["b"], &[]));
    reader.clock.advance(FRESH_FOR);
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    reader.clock.advance(1);
    assert_eq!(reader.ask("a").await, Err("did_url_unknown"));
    assert_eq!(reader.ask("b").await, Ok(public("b")));
    assert_eq!(host.asked(), 3);
    // And one that is no longer for assertions is none, although its method is still there.
    host.publish(document(did, &[], &["b"]));
    reader.clock.advance(FRESH_FOR + 1);
    assert_eq!(reader.ask("b").await, Err("did_relationship"));
}

#[tokio::test]
async fn threat_10_unknown_methods_and_many_callers_do_not_make_us_hammer_a_host() {
    let (host, reader) = web(&["a"]).await;
    let reader = Arc::new(reader);
    let ask = |name: String| {
        let reader = Arc::clone(&reader);
        tokio::spawn(async move { reader.ask(&name).await.is_ok() })
    };
    let callers: Vec<_> = (0..20).map(|_| ask("a".to_owned())).collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(host.asked(), 1);
    for round in 0..5 {
        reader.clock.advance(RETRY_AFTER);
        let strangers: Vec<_> = (0..20).map(|n| ask(format!("unknown-{round}-{n}"))).collect();
        for stranger in strangers {
            assert!(!stranger.await.unwrap());
        }
        assert_eq!(reader.ask("a").await, Ok(public("a")), "others are served meanwhile");
        assert_eq!(host.asked(), 2 + round);
    }
}

#[tokio::test]
async fn threat_10_a_caller_that_hangs_up_does_not_stop_the_fetch_of_a_document() {
    let (host, reader) = web(&["a"]).await;
    let (reader, told) = (Arc::new(reader), Arc::new(Notify::new()));
    *host.told.lock().unwrap() = Some(Arc::clone(&told));
    let first = {
        let reader = Arc::clone(&reader);
        tokio::spawn(async move { reader.ask("a").await })
    };
    while host.asked() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.is_err());
    told.notify_one();
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn a_host_that_is_down_is_trusted_for_a_bounded_time() {
    let (host, reader) = web(&["a"]).await;
    host.fail(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reader.ask("a").await, Err("keys_unavailable"), "nothing is known yet");
    let hints = [IssuerHint { issuer: reader.did.as_str().to_owned(), kid: None }];
    assert_eq!(reader.keys.of_presentations(&hints).await.unwrap_err().code, "keys_unavailable");
    reader.clock.advance(RETRY_AFTER);
    host.publish(document(reader.did.as_str(), &["a"], &[]));
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    // Down, redirecting, or with something else than a document: the owner has not said anything.
    reader.clock.advance(FRESH_FOR);
    for (asked, wrong) in (3..).zip([StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND, StatusCode::OK]) {
        host.fail(wrong);
        reader.clock.advance((USABLE_FOR - FRESH_FOR) / 3);
        assert_eq!(reader.ask("a").await, Ok(public("a")), "{wrong}");
        assert_eq!(host.asked(), asked, "{wrong}");
    }
    reader.clock.advance(RETRY_AFTER);
    assert_eq!(reader.ask("a").await, Err("keys_unavailable"));
}

#[tokio::test]
async fn a_did_whose_document_was_removed_ends_at_once() {
    for gone in [StatusCode::NOT_FOUND, StatusCode::GONE] {
        let (host, reader) = web(&["a"]).await;
        assert_eq!(reader.ask("a").await, Ok(public("a")));
        host.fail(gone);
        reader.clock.advance(FRESH_FOR + 1);
        assert_eq!(reader.ask("a").await, Err("keys_unavailable"), "{gone}");
        assert_eq!(reader.ask("a").await, Err("keys_unavailable"), "{gone}: and stays so");
    }
}

#[tokio::test]
async fn a_host_can_make_its_document_age_faster_and_not_slower() {
    for (said, used) in [("max-age=60", 60), ("max-age=86400", FRESH_FOR), ("no-store", RETRY_AFTER)] {
        let (host, reader) = web(&["a"]).await;
        host.shelf.lock().unwrap().1 = said;
        assert!(reader.ask("a").await.is_ok());
        host.publish(document(reader.did.as_str(), &["b"], &[]));
        reader.clock.advance(used);
        assert!(reader.ask("a").await.is_ok(), "{said}");
        reader.clock.advance(1);
        assert_eq!(reader.ask("a").await, Err("did_url_unknown"), "{said}");
    }
}

/// The author of a log, by a key of this name.
fn updater(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_ed25519(&SeededEntropy::new(name))).unwrap()
}

async fn first_entry(host: &Host, author: &Author<'_>, parameters: &Value) -> LogEntry {
    let mut all = parameters.clone();
    all["updateKeys"] = json!([author.multikey()]);
    let did = format!("did:webvh:{{SCID}}:localhost%3A{}:issuer", host.port);
    let state = document(&did, &["a"], &[]);
    author.first(START.plus(-100), &all, &state).await.unwrap()
}

fn log(entries: &[&LogEntry]) -> String {
    entries.iter().map(|entry| entry.line.clone() + "\n").collect()
}

#[tokio::test]
async fn a_did_webvh_is_followed_through_its_log_until_it_is_deactivated() {
    let (host, update) = (host().await, updater("update"));
    let author = Author::new(&update).unwrap();
    let one = first_entry(&host, &author, &json!({ "ttl": 60 })).await;
    let reader = Reader::new(one.did.clone());
    host.publish(log(&[&one]));
    assert_eq!(reader.ask("a").await, Ok(public("a")));
    assert_eq!(reader.ask("login").await, Err("did_url_unknown"));
    assert_eq!(host.asked(), 1);
    let rotated = document(one.did.as_str(), &["b"], &["a"]);
    let two = author.next(&one, START.plus(-50), &json!({}), &rotated).await.unwrap();
    host.publish(log(&[&one, &two]));
    reader.clock.advance(60);
    assert_eq!(reader.ask("a").await, Ok(public("a")), "for as long as the log says");
    reader.clock.advance(1);
    assert_eq!(reader.ask("a").await, Err("did_relationship"));
    assert_eq!(reader.ask("b").await, Ok(public("b")));
    assert_eq!(host.asked(), 2);

    // Whoever has the host has not the log: what the owner said before is used, and not for long.
    let thief = updater("thief");
    let forged = Author::new(&thief).unwrap();
    let forged =
        forged.next(&two, START, &json!({}), &document(one.did.as_str(), &["c"], &[])).await.unwrap();
    host.publish(log(&[&one, &two, &forged]));
    reader.clock.advance(61);
    assert_eq!(reader.ask("b").await, Ok(public("b")));
    assert_eq!(reader.ask("c").await, Err("did_url_unknown"));
    reader.clock.advance(USABLE_FOR);
    assert_eq!(reader.ask("b").await, Err("keys_unavailable"));

    host.publish(log(&[&one, &two]));
    reader.clock.advance(RETRY_AFTER);
    assert_eq!(reader.ask("b").await, Ok(public("b")));
    let three = author.next(&two, START, &json!({ "deactivated": true }), &rotated).await.unwrap();
    host.publish(log(&[&one, &two, &three]));
    reader.clock.advance(61);
    assert_eq!(reader.ask("b").await, Err("keys_unavailable"), "it has ended");
}
