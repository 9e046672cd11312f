//! `enishi did resolve` as a person at a terminal uses it, against a host on this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::did::webvh::{Author, LogEntry};
use enishi_credential::did::{Did, did_document_value};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::time::UnixTime;
use serde_json::{Value, json};

/// Before any clock on which this runs.
const START: UnixTime = UnixTime::from_secs(1_750_000_000);

/// By path: the lines between the protocol's name and the empty line, and the body.
type Shelf = BTreeMap<String, (String, String)>;

struct Host {
    port: u16,
    shelf: Arc<Mutex<Shelf>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            port: listener.local_addr().unwrap().port(),
            shelf: Arc::default(),
            asked: Arc::default(),
        };
        let (shelf, asked) = (Arc::clone(&host.shelf), Arc::clone(&host.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A caller that hangs up is not what is tested here.
                let _ = stream.and_then(|stream| answer(stream, &shelf, &asked));
            }
        });
        host
    }

    fn did(&self, name: &str) -> String {
        format!("did:web:localhost%3A{}:{name}", self.port)
    }

    fn publish(&self, path: &str, head: &str, body: &str) {
        self.shelf.lock().unwrap().insert(path.to_owned(), (head.to_owned(), body.to_owned()));
    }

    fn publish_document(&self, name: &str, did: &str) {
        let body = document(did).to_string();
        self.publish(&format!("/{name}/did.json"), "200 OK\r\nContent-Type: application/json", &body);
    }

    /// Two versions of a `did:webvh`, of which the first has one key and the second another.
    async fn publish_log(&self) -> (LogEntry, LogEntry) {
        let key = SoftwareSigner::new(PrivateJwk::generate_ed25519(&SeededEntropy::new("update"))).unwrap();
        let author = Author::new(&key).unwrap();
        let state = document(&format!("did:webvh:{{SCID}}:localhost%3A{}:log", self.port));
        let parameters = json!({ "updateKeys": [author.multikey()] });
        let one = author.first(START, &parameters, &state).await.unwrap();
        let state = document_with(one.did.as_str(), "later");
        let two = author.next(&one, START.plus(1000), &json!({}), &state).await.unwrap();
        let log = format!("{}\n{}\n", one.line, two.line);
        self.publish("/log/did.jsonl", "200 OK\r\nContent-Type: text/jsonl", &log);
        (one, two)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, shelf: &Mutex<Shelf>, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines.by_ref() {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(path.clone());
    let missing = || ("404 Not Found".to_owned(), String::new());
    let (head, body) = shelf.lock().unwrap().get(&path).cloned().unwrap_or_else(missing);
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn key_of(seed: &str) -> Jwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(seed)).public().clone()
}

fn document(did: &str) -> Value {
    document_with(did, "first")
}

fn document_with(did: &str, seed: &str) -> Value {
    json!({
        "id": did,
        "verificationMethod": [
            {"id": "#sign", "type": "JsonWebKey", "controller": did, "publicKeyJwk": key_of(seed)},
        ],
        "assertionMethod": ["#sign"],
    })
}

fn resolve(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_enishi"));
    command.args(["did", "resolve"]).args(args).output().unwrap()
}

fn found(args: &[&str]) -> (Option<i32>, Value) {
    let output = resolve(args);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[test]
fn dids_that_carry_their_document_are_shown_without_a_call() {
    for did in [Did::jwk(&key_of("first")), Did::key(&key_of("first"))] {
        assert_eq!(found(&[did.as_str()]), (Some(0), did_document_value(&did).unwrap()));
        let method = did.verification_method().unwrap();
        let (code, shown) = found(&[method.as_str()]);
        assert_eq!((code, &shown["id"]), (Some(0), &json!(method.as_str())), "{shown}");
        assert!(shown["publicKeyJwk"].is_object(), "{shown}");
    }
    let key = Did::key(&key_of("first"));
    let peer = key.as_str().replace("did:key:", "did:peer:2.V");
    let (code, shown) = found(&[&peer]);
    assert_eq!((code, &shown["id"]), (Some(0), &json!(peer)), "{shown}");
    let (code, shown) = found(&[&format!("{peer}#key-1")]);
    assert_eq!((code, &shown["type"]), (Some(0), &json!("Multikey")), "{shown}");
}

#[test]
fn a_did_web_is_fetched_from_this_machine_in_development() {
    let host = Host::start();
    let did = host.did("good");
    host.publish_document("good", &did);
    for json in [&[][..], &["--json"]] {
        let args = [&[&*did, "--development"], json].concat();
        assert_eq!(found(&args), (Some(0), document(&did)));
    }
    let (code, method) = found(&[&format!("{did}#sign"), "--development"]);
    assert_eq!((code, &method), (Some(0), &document(&did)["verificationMethod"][0]));
    assert_eq!(host.asked(), ["/good/did.json"; 3]);
}

#[tokio::test]
async fn a_did_webvh_is_shown_in_the_version_that_is_asked_for() {
    let host = Host::start();
    let (one, two) = host.publish_log().await;
    let by_id = |entry: &LogEntry| format!("?versionId={}", entry.version_id);
    for (rest, seed) in [
        (String::new(), "later"),
        (by_id(&one), "first"),
        (by_id(&two), "later"),
        ("?versionNumber=1".to_owned(), "first"),
        // 500 seconds after the first, and 500 before the second.
        ("?versionTime=2025-06-15T15:15:00Z".to_owned(), "first"),
    ] {
        let did = one.did.as_str();
        let (code, shown) = found(&[&format!("{did}{rest}"), "--development"]);
        assert_eq!((code, &shown["id"]), (Some(0), &json!(did)), "{rest}: {shown}");
        assert_eq!(shown["verificationMethod"][0]["publicKeyJwk"], json!(key_of(seed)), "{rest}");
        let (_, method) = found(&[&format!("{did}{rest}#sign"), "--development"]);
        assert_eq!(method, shown["verificationMethod"][0], "{rest}");
    }
    let (code, refused) =
        found(&[&format!("{}?versionNumber=3", one.did.as_str()), "--development", "--json"]);
    assert_eq!((code, &refused["code"]), (Some(1), &json!("did_not_found")));
}

#[test]
fn what_does_not_resolve_exits_1_with_code_check_and_remedy() {
    let host = Host::start();
    host.publish_document("good", &host.did("good"));
    host.publish_document("wrong-id", &host.did("good"));
    let moved = format!("302 Found\r\nLocation: http://localhost:{}/good/did.json", host.port);
    host.publish("/moved/did.json", &moved, "");
    host.publish("/html/did.json", "200 OK\r\nContent-Type: text/html", "<html>");
    let web = |name: &str| host.did(name);
    for (did, code, calls) in [
        (web("moved"), "did_unavailable", 1),
        (web("html"), "did_unavailable", 1),
        (web("wrong-id"), "did_document_id", 1),
        (web("missing"), "did_not_found", 1),
        (web("good#other"), "did_url_unknown", 1),
        (web("good?versionNumber=1"), "did_invalid", 0),
        (web("good?service=files"), "did_invalid", 0),
        (web("good/path"), "did_invalid", 0),
        ("did:web:127.0.0.1".to_owned(), "did_invalid", 0),
        ("did:example:a".to_owned(), "did_method_unsupported", 0),
        ("did:peer:1zQm".to_owned(), "did_method_unsupported", 0),
        ("https://issuer.example/did.json".to_owned(), "did_invalid", 0),
        (String::new(), "did_invalid", 0),
    ] {
        let (exit, refused) = found(&[&did, "--development", "--json"]);
        assert_eq!((exit, &refused["code"]), (Some(1), &json!(code)), "{did}: {refused}");
        assert_eq!(refused["resolved"], false);
        assert!(refused["pointer"].is_string());
        let checks = refused["checks"].as_array().unwrap();
        assert_eq!((checks.len(), &checks[0]["check"]), (1, &refused["check"]), "{refused}");
        assert_eq!(host.asked().len(), calls, "{did}: nothing was followed");
        // The same for a person.
        let text = resolve(&[&did, "--development"]);
        host.asked();
        assert_eq!(text.status.code(), Some(1), "{did}");
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.starts_with("NOT RESOLVED\n"), "{text}");
        for member in ["code", "check", "detail", "remedy"] {
            let said = refused[member].as_str().unwrap();
            assert!(!said.is_empty() && text.contains(said), "{member} of {did}: {text}");
        }
    }
}

#[test]
fn threat_10_this_machine_is_called_in_development_only() {
    let host = Host::start();
    let did = host.did("good");
    host.publish_document("good", &did);
    let (code, refused) = found(&[&did, "--json"]);
    assert_eq!((code, &refused["code"]), (Some(1), &json!("did_unavailable")), "{refused}");
    assert!(refused["remedy"].as_str().unwrap().contains("--development"), "{refused}");
    assert!(host.asked().is_empty());
}

#[test]
fn a_wrong_command_line_exits_2() {
    for args in [&[][..], &["did:example:a", "did:example:b"], &["did:example:a", "--unknown"]] {
        let output = resolve(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}
