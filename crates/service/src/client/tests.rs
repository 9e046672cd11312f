//! The guarded client against servers on this machine.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};

use super::*;
use crate::config::{Development, UrlRefusal};

async fn serve(router: Router) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn client(development: bool) -> GuardedClient {
    GuardedClient::new(&ClientConfig::default(), Development(development)).unwrap()
}

#[tokio::test]
async fn answers_are_read() {
    let router = Router::new()
        .route("/json", get(|| async { axum::Json(serde_json::json!({"a": 1})) }))
        .route("/text", get(|| async { ([(header::CONTENT_TYPE, "application/jwt")], "a.b.c") }))
        .route("/twice", get(|| async { ([(header::CONTENT_TYPE, "application/json")], r#"{"a":1,"a":2}"#) }))
        .route("/form", post(|body: String| async move { body }))
        .route("/gone", get(|| async { (StatusCode::GONE, "gone") }));
    let port = serve(router).await;
    let (client, at) = (client(true), |path: &str| format!("http://localhost:{port}{path}"));
    let value: serde_json::Value = client.get_json(&at("/json")).await.unwrap();
    assert_eq!(value["a"], 1);
    assert_eq!(client.get_text(&at("/text"), "application/jwt").await.unwrap(), "a.b.c");
    let answer =
        client.post_form(&at("/form"), &[("a", "1 &"), ("b", "町")], HeaderMap::new()).await.unwrap();
    assert_eq!(answer.text().unwrap(), "a=1+%26&b=%E7%94%BA");
    let request = http::Request::post(at("/form")).body(b"raw".to_vec()).unwrap();
    assert_eq!(client.execute(request).await.unwrap().body(), b"raw");

    let refused = |result: Result<serde_json::Value, ClientError>| result.unwrap_err();
    assert_eq!(refused(client.get_json(&at("/gone")).await), ClientError::Status(410));
    assert_eq!(
        refused(client.get_json(&at("/text")).await),
        ClientError::ContentType("application/json".into())
    );
    assert!(matches!(refused(client.get_json(&at("/twice")).await), ClientError::Malformed(_)));
}

#[tokio::test]
async fn sd_n13_a_redirect_is_not_followed() {
    let hits = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&hits);
    let router = Router::new()
        .route("/from", get(|| async { axum::response::Redirect::temporary("/to") }))
        .route("/to", get(move || async move { seen.fetch_add(1, Ordering::SeqCst).to_string() }));
    let port = serve(router).await;
    let error = client(true).get(&format!("http://localhost:{port}/from"), "*/*").await.unwrap_err();
    assert_eq!(error, ClientError::Redirect);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_oversized_answer_is_refused_announced_or_not() {
    let router = Router::new()
        .route("/announced", get(|| async { vec![b'x'; 64 * 1024 + 1] }))
        .route("/fits", get(|| async { vec![b'x'; 64 * 1024] }))
        .route(
            "/streamed",
            get(|| async {
                let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 4096]));
                axum::body::Body::from_stream(chunks).into_response()
            }),
        );
    let port = serve(router).await;
    let (client, at) = (client(true), |path: &str| format!("http://localhost:{port}{path}"));
    for path in ["/announced", "/streamed"] {
        assert_eq!(client.get(&at(path), "*/*").await.unwrap_err(), ClientError::TooLarge, "{path}");
    }
    assert_eq!(client.get(&at("/fits"), "*/*").await.unwrap().body.len(), 64 * 1024);
    let small = client.with_limits(10, Duration::from_secs(3));
    assert_eq!(small.get(&at("/fits"), "*/*").await.unwrap_err(), ClientError::TooLarge);
}

#[tokio::test]
async fn a_host_that_does_not_answer_costs_a_limited_time() {
    let router = Router::new().route("/", get(|| async { std::future::pending::<()>().await }));
    let port = serve(router).await;
    let client = client(true);
    let impatient = client.clone().with_limits(1000, Duration::from_millis(50));
    let error = impatient.get(&format!("http://localhost:{port}/"), "*/*").await.unwrap_err();
    assert_eq!(error, ClientError::Timeout);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client.get(&format!("http://localhost:{unused}/"), "*/*").await.unwrap_err();
    assert_eq!(error, ClientError::Unreachable);
}

#[tokio::test]
async fn threat_10_private_addresses_and_plain_http_are_refused() {
    let refused = async |development, url: &str| client(development).get(url, "*/*").await.unwrap_err();
    for url in [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://localhost/",
    ] {
        assert_eq!(refused(false, url).await, ClientError::NotPublic, "{url}");
    }
    assert_eq!(refused(true, "https://10.0.0.1/").await, ClientError::NotPublic);
    assert_eq!(refused(true, "http://1.1.1.1/").await, UrlRefusal::PlainHttp.into());
    assert_eq!(refused(false, "http://localhost/").await, UrlRefusal::PlainHttpOutsideDevelopment.into());
    assert_eq!(refused(true, "file:///etc/passwd").await, UrlRefusal::NotAUrl.into());
    assert_eq!(refused(true, "ftp://a.example/").await, UrlRefusal::Scheme.into());
    assert_eq!(refused(true, "https://u:p@a.example/").await, UrlRefusal::Credentials.into());
    assert_eq!(refused(true, "nonsense").await, UrlRefusal::NotAUrl.into());
}

#[tokio::test]
async fn threat_10_a_name_is_judged_by_its_addresses() {
    let lookup = |addresses: &'static [&'static str]| {
        let lookup: super::guarded::Lookup = Arc::new(move |_| {
            Box::pin(async move { Ok(addresses.iter().map(|a| a.parse::<IpAddr>().unwrap()).collect()) })
        });
        GuardedClient::with_lookup(&ClientConfig::default(), Development(false), lookup).unwrap()
    };
    let refused =
        async |addresses| lookup(addresses).get("https://issuer.example/", "*/*").await.unwrap_err();
    assert_eq!(refused(&["10.0.0.1", "fd00::1"]).await, ClientError::NotPublic);
    assert_eq!(refused(&[]).await, ClientError::Unreachable);

    // A network that the configuration allows is called: here it gets as far as "nobody listens".
    let config =
        ClientConfig { allowed_networks: vec!["127.0.0.0/8".parse().unwrap()], ..ClientConfig::default() };
    let client = GuardedClient::new(&config, Development(false)).unwrap();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client.get(&format!("https://127.0.0.1:{unused}/"), "*/*").await.unwrap_err();
    assert_eq!(error, ClientError::Unreachable);
}
