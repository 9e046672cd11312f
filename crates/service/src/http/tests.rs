//! The chassis from the outside, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::SystemEntropy;
use crate::config::{RateLimitConfig, SecretSource, ServerConfig};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    a: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn problem(&self) -> String {
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let value: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(value["status"], self.status);
        value["code"].as_str().unwrap().to_owned()
    }
}

async fn raw(addr: SocketAddr, text: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Answer::parse(&String::from_utf8(answer).unwrap())
}

async fn send(addr: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str("Content-Length: ");
        text.push_str(&body.len().to_string());
        text.push_str("\r\n");
    }
    raw(addr, &format!("{text}\r\n{body}")).await
}

fn config() -> ServerConfig {
    ServerConfig { body_limit: 1000, ..ServerConfig::loopback("http://localhost") }
}

fn routes() -> Router {
    Router::new()
        .route("/json", post(|Json(sample): Json<Sample>| async move { sample.a }))
        .route("/form", post(|Form(sample): Form<Sample>| async move { axum::Json(sample) }))
        .route("/query", get(|Query(sample): Query<Sample>| async move { sample.a }))
        .route("/bytes", post(|body: bytes::Bytes| async move { body.len().to_string() }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    unreachable!("geheim")
                }
            }),
        )
        .route("/never", get(|| async { std::future::pending::<()>().await }))
        .route("/things/{id}", get(|| async { "thing" }))
        .route("/axum", post(|axum::Json(_): axum::Json<Sample>| async {}))
        .route(
            "/verbatim",
            get(|| async { (http::StatusCode::NOT_FOUND, axum::Extension(Verbatim), "upstream") }),
        )
}

async fn serve(config: &ServerConfig) -> Running {
    Chassis::new(config, Arc::new(SystemEntropy))
        .unwrap()
        .public(routes())
        .admin(Router::new().route("/admin/x", get(|| async { "done" })))
        .serve(Listeners::bind(config).await.unwrap())
        .unwrap()
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let running = serve(&config()).await;
    let answer = send(running.public_addr, "GET", "/nowhere", &[], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"));
    let answer = send(running.public_addr, "DELETE", "/json", &[], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (405, "method_not_allowed"));
    assert!(answer.head.contains("allow: post"), "{}", answer.head);
    let answer = send(running.public_addr, "GET", "/verbatim", &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "upstream"));
    running.shutdown().await;
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_safe_headers() {
    let running = serve(&config()).await;
    let one = send(running.public_addr, "GET", "/things/1", &["X-Request-Id: mine"], "").await;
    let two = send(running.public_addr, "GET", "/nowhere", &[], "").await;
    let id = |answer: &Answer| {
        answer.head.lines().find_map(|line| line.strip_prefix("x-request-id: ").map(str::to_owned)).unwrap()
    };
    assert_ne!(id(&one), id(&two));
    assert_ne!(id(&one), "mine");
    for wanted in
        ["cache-control: no-store", "x-content-type-options: nosniff", "referrer-policy: no-referrer"]
    {
        assert!(one.head.contains(wanted), "{wanted}");
    }
    running.shutdown().await;
}

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn threat_16_the_access_log_knows_the_route_and_nobody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let running = serve(&config()).await;
    let headers =
        ["User-Agent: geheim-agent", "Authorization: DPoP geheim-token", "X-Forwarded-For: 192.0.2.77"];
    send(running.public_addr, "GET", "/things/geheim-id?token=geheim-query", &headers, "").await;
    send(running.public_addr, "GET", "/geheim-path", &headers, "").await;
    send(running.public_addr, "GET", "/panic", &headers, "").await;
    running.shutdown().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for wanted in
        ["/things/{id}", "\"status\":200", "\"status\":404", "\"method\":\"GET\"", "request_id", "\"ms\""]
    {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
    for unwanted in ["geheim", "192.0.2.77", "127.0.0.1"] {
        assert!(!text.contains(unwanted), "{unwanted} in {text}");
    }
}

#[tokio::test]
async fn a_plain_error_keeps_its_headers_and_work_is_repeated() {
    let turns = Arc::new(tokio::sync::Semaphore::new(0));
    let seen = Arc::clone(&turns);
    let refuse =
        || async { (http::StatusCode::UNAUTHORIZED, [("dpop-nonce", "n1"), ("www-authenticate", "DPoP")]) };
    let running = Chassis::new(&config(), Arc::new(SystemEntropy))
        .unwrap()
        .public(Router::new().route("/dpop", get(refuse)))
        .every(std::time::Duration::from_millis(1), move || {
            seen.add_permits(1);
            std::future::ready(())
        })
        .serve(Listeners::loopback().await.unwrap())
        .unwrap();
    let answer = send(running.public_addr, "GET", "/dpop", &[], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
    assert!(answer.head.contains("dpop-nonce: n1") && answer.head.contains("www-authenticate: dpop"));
    turns.acquire_many(3).await.unwrap().forget();
    running.shutdown().await;
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let running = serve(&config()).await;
    let addr = running.public_addr;
    let json = ["Content-Type: application/json; charset=utf-8"];
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = send(addr, "POST", "/json", &json, r#"{"a":"ok"}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    let answer = send(addr, "POST", "/form", &form, "a=%E7%94%BA").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"a":"町"}"#));

    for (path, headers, body, status, code) in [
        ("/json", json.as_slice(), r#"{"a":"1","a":"2"}"#, 400, "body_malformed"),
        ("/json", &json, r#"{"a":"1","b":2}"#, 400, "body_malformed"),
        ("/json", &json, r#"{"a":1"#, 400, "body_malformed"),
        ("/json", &form, r#"{"a":"1"}"#, 415, "unsupported_media_type"),
        ("/json", &[], r#"{"a":"1"}"#, 415, "unsupported_media_type"),
        (
            "/json",
            &["Content-Type: application/json", "Content-Type: text/plain"],
            "{}",
            415,
            "unsupported_media_type",
        ),
        ("/form", &form, "a=1&a=2", 400, "parameter_repeated"),
        ("/form", &form, "b=1", 400, "body_malformed"),
        ("/form", &json, "a=1", 415, "unsupported_media_type"),
        // What a framework's extractor says becomes a problem too.
        ("/axum", &form, "{}", 415, "unsupported_media_type"),
        ("/axum", &json, "{}", 422, "bad_request"),
    ] {
        let answer = send(addr, "POST", path, headers, body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{path} {body}");
    }
    let answer = send(addr, "GET", "/query?a=1&a=1", &[], "").await;
    assert_eq!(answer.problem(), "parameter_repeated");
    let answer = send(addr, "GET", "/query?a=x", &[], "").await;
    assert_eq!(answer.body, "x");
    running.shutdown().await;
}

#[tokio::test]
async fn a_large_body_is_refused_announced_or_not() {
    let running = serve(&config()).await;
    let addr = running.public_addr;
    let json = "Content-Type: application/json";
    let large = "x".repeat(1001);
    let answer = send(addr, "POST", "/json", &[json], &large).await;
    assert_eq!((answer.status, answer.problem().as_str()), (413, "body_too_large"));
    for path in ["/json", "/bytes"] {
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{json}\r\nTransfer-Encoding: chunked\r\n\r\n\
             3e9\r\n{large}\r\n0\r\n\r\n"
        );
        let answer = raw(addr, &chunked).await;
        assert_eq!((answer.status, answer.problem().as_str()), (413, "body_too_large"), "{path}");
    }
    let answer = send(addr, "POST", "/bytes", &[], &"x".repeat(1000)).await;
    assert_eq!(answer.body, "1000");
    running.shutdown().await;
}

#[tokio::test]
async fn a_panic_is_an_error_without_details_and_the_server_lives() {
    let running = serve(&config()).await;
    let answer = send(running.public_addr, "GET", "/panic", &[], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (500, "internal_error"));
    assert!(!answer.body.contains("geheim"));
    assert_eq!(send(running.public_addr, "GET", "/things/1", &[], "").await.status, 200);
    running.shutdown().await;
}

#[tokio::test]
async fn slow_handlers_and_slow_clients_are_cut() {
    let impatient = ServerConfig { request_timeout_seconds: 1, header_timeout_seconds: 1, ..config() };
    let running = serve(&impatient).await;
    let addr = running.public_addr;
    let slow_body = "POST /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                     Content-Length: 100\r\n\r\n{";
    let (handler, header, body) = tokio::join!(
        send(addr, "GET", "/never", &[], ""),
        raw(addr, "GET /things/1 HTTP/1.1\r\nHost: "),
        raw(addr, slow_body)
    );
    assert_eq!((handler.status, handler.problem().as_str()), (408, "request_timeout"));
    assert!(header.status == 0 || header.status == 408, "closed without an answer, or 408: {}", header.head);
    assert_eq!((body.status, body.problem().as_str()), (408, "request_timeout"));
    running.shutdown().await;
}

#[tokio::test]
async fn threat_21_administration_is_internal_and_needs_the_secret() {
    let mut config = config();
    config.internal_token = Some(SecretSource::Value("0123456789abcdef".into()));
    let running = serve(&config).await;
    let (public, internal) = (running.public_addr, running.internal_addr);
    let right = "Authorization: Bearer 0123456789abcdef";
    assert_eq!(send(public, "GET", "/admin/x", &[right], "").await.status, 404);
    assert_eq!(send(internal, "GET", "/admin/x", &[right], "").await.body, "done");
    for wrong in [&[][..], &["Authorization: Bearer 0123456789abcdeF"], &["Authorization: Bearer "]] {
        let answer = send(internal, "GET", "/admin/x", wrong, "").await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
    }
    for health in ["/health/live", "/health/ready"] {
        assert_eq!(send(internal, "GET", health, &[], "").await.status, 204, "{health}");
        assert_eq!(send(public, "GET", health, &[], "").await.status, 404, "{health}");
    }
    running.shutdown().await;

    config.internal_token = None;
    let running = serve(&config).await;
    assert_eq!(
        send(running.internal_addr, "GET", "/admin/x", &["Authorization: Bearer "], "").await.status,
        401
    );
    running.shutdown().await;
    config.internal_token = Some(SecretSource::Value("short".into()));
    assert!(Chassis::new(&config, Arc::new(SystemEntropy)).is_err());
}

#[tokio::test]
async fn readiness_follows_the_check() {
    let config = config();
    let up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&up);
    let running = Chassis::new(&config, Arc::new(SystemEntropy))
        .unwrap()
        .ready_when(move || {
            let up = seen.load(Ordering::SeqCst);
            async move { up }
        })
        .serve(Listeners::loopback().await.unwrap())
        .unwrap();
    let answer = send(running.internal_addr, "GET", "/health/ready", &[], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "not_ready"));
    assert_eq!(send(running.internal_addr, "GET", "/health/live", &[], "").await.status, 204);
    up.store(true, Ordering::SeqCst);
    assert_eq!(send(running.internal_addr, "GET", "/health/ready", &[], "").await.status, 204);
    running.shutdown().await;
}

#[tokio::test]
async fn threat_12_a_greedy_client_is_told_to_wait() {
    let mut config = config();
    config.rate_limit = Some(RateLimitConfig {
        per_second: std::num::NonZeroU32::MIN,
        burst: std::num::NonZeroU32::new(2).unwrap(),
    });
    let running = serve(&config).await;
    let addr = running.public_addr;
    for _ in 0..2 {
        assert_eq!(send(addr, "GET", "/things/1", &[], "").await.status, 200);
    }
    let answer = send(addr, "GET", "/things/1", &["X-Forwarded-For: 192.0.2.9"], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (429, "too_many_requests"));
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    running.shutdown().await;
}

#[tokio::test]
async fn shutdown_lets_an_open_request_finish_and_ends_background_work() {
    let (started, wait_started) = tokio::sync::oneshot::channel::<()>();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let parts = Arc::new(std::sync::Mutex::new(Some((started, released))));
    let ended = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&ended);
    let router = Router::new().route(
        "/slow",
        get(move || {
            let (started, released) = parts.lock().unwrap().take().unwrap();
            async move {
                started.send(()).unwrap();
                released.await.unwrap();
                "finished"
            }
        }),
    );
    let running = Chassis::new(&ServerConfig::loopback("http://localhost"), Arc::new(SystemEntropy))
        .unwrap()
        .public(router)
        .background(move |mut signal| async move {
            signal.requested().await;
            mark.store(true, Ordering::SeqCst);
        })
        .serve(Listeners::loopback().await.unwrap())
        .unwrap();
    let addr = running.public_addr;
    let request = tokio::spawn(async move { send(addr, "GET", "/slow", &[], "").await });
    wait_started.await.unwrap();
    let stopping = tokio::spawn(running.shutdown());
    // Wait for the listener to be gone, so that the request is really served during shutdown.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    assert_eq!(request.await.unwrap().body, "finished");
    stopping.await.unwrap();
    assert!(ended.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_wallet_in_a_browser_may_call_and_read_the_nonce() {
    let router = Router::new().route("/w", post(|| async { "ok" })).layer(wallet_cors());
    let running = Chassis::new(&config(), Arc::new(SystemEntropy))
        .unwrap()
        .public(router)
        .serve(Listeners::loopback().await.unwrap())
        .unwrap();
    let origin = "Origin: https://wallet.example";
    let asked =
        ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: dpop,content-type", origin];
    let answer = send(running.public_addr, "OPTIONS", "/w", &asked, "").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("access-control-allow-headers") && answer.head.contains("dpop"),
        "{}",
        answer.head
    );
    let answer = send(running.public_addr, "POST", "/w", &[origin], "").await;
    assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    assert!(answer.head.contains("dpop-nonce"), "{}", answer.head);
    assert!(!answer.head.contains("allow-credentials"));
    running.shutdown().await;
}
