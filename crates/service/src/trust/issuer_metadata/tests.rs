//! N13 of the checklist, with a server that misbehaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use enishi_credential::entropy::SeededEntropy;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::client::ClientConfig;
use crate::config::Development;
use crate::keys::KeyType;

const ON: Development = Development(true);

fn keys(seed: &str) -> JwkSet {
    JwkSet { keys: vec![KeyType::Es256.generate(&SeededEntropy::new(seed)).public().clone()] }
}

fn fetcher() -> MetadataFetcher {
    let client = GuardedClient::new(&ClientConfig::default(), ON).unwrap();
    MetadataFetcher::new(issuer_keys::WELL_KNOWN, ON.url_policy(), client)
}

/// What a server answers that knows its own id.
type Answer = fn(&str) -> Response;

struct Server {
    id: String,
    /// Requests to anything but the metadata.
    elsewhere: Arc<AtomicU32>,
}

async fn server(metadata: Answer) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let (me, elsewhere) = (id.clone(), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&elsewhere);
    let router = Router::new()
        .route("/.well-known/jwt-vc-issuer", get(move || async move { metadata(&me) }))
        .route(
            "/keys",
            get(|| async {
                ([("content-type", "application/jwk-set+json")], json!(keys("far")).to_string())
            }),
        )
        .fallback(move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { axum::Json(json!({ "keys": [] })) }
        });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Server { id, elsewhere }
}

fn good(id: &str) -> Value {
    json!({"issuer": id, "jwks": keys("near")})
}

async fn code(metadata: Answer) -> &'static str {
    fetcher().fetch(&server(metadata).await.id).await.unwrap_err().code
}

#[tokio::test]
async fn keys_are_in_the_metadata_or_at_a_uri_of_their_own() {
    let near = server(|id| axum::Json(good(id)).into_response()).await;
    assert_eq!(fetcher().fetch(&near.id).await, Ok(Published { keys: keys("near"), fresh_for: None }));
    let far =
        server(|id| axum::Json(json!({"issuer": id, "jwks_uri": format!("{id}/keys")})).into_response())
            .await;
    assert_eq!(fetcher().fetch(&far.id).await.map(|published| published.keys), Ok(keys("far")));
}

#[tokio::test]
async fn sd_n13_metadata_of_another_issuer_and_two_key_sources_are_refused() {
    let cases: [Answer; 5] = [
        |id| axum::Json(good(&format!("{id}/"))).into_response(),
        |_| axum::Json(good("https://other.example")).into_response(),
        |id| {
            axum::Json(json!({"issuer": id, "jwks": keys("a"), "jwks_uri": format!("{id}/keys")}))
                .into_response()
        },
        |id| axum::Json(json!({ "issuer": id })).into_response(),
        |id| {
            axum::Json(json!({"issuer": id, "jwks": {"keys": [keys("a").keys[0], keys("a").keys[0]]}}))
                .into_response()
        },
    ];
    for case in cases {
        assert_eq!(code(case).await, "issuer_metadata_unusable");
    }
}

#[tokio::test]
async fn sd_n13_plain_http_is_not_called() {
    assert_eq!(fetcher().fetch("http://issuer.example").await.unwrap_err().code, "url_not_https");
    let production = GuardedClient::new(&ClientConfig::default(), Development(false)).unwrap();
    let production = MetadataFetcher::new(issuer_keys::WELL_KNOWN, UrlPolicy::HttpsOnly, production);
    let here = server(|id| axum::Json(good(id)).into_response()).await;
    assert_eq!(production.fetch(&here.id).await.unwrap_err().code, "url_not_https");
    let elsewhere: Answer =
        |id| axum::Json(json!({"issuer": id, "jwks_uri": "http://keys.example/jwks"})).into_response();
    assert_eq!(code(elsewhere).await, "url_not_https");
}

#[tokio::test]
async fn sd_n13_private_addresses_are_not_called() {
    for id in ["https://10.0.0.1", "https://[fd00::1]", "https://169.254.169.254"] {
        assert_eq!(fetcher().fetch(id).await.unwrap_err().code, "metadata_unreachable", "{id}");
    }
    let inside: Answer =
        |id| axum::Json(json!({"issuer": id, "jwks_uri": "https://192.168.0.1/jwks"})).into_response();
    assert_eq!(code(inside).await, "metadata_unreachable");
}

#[tokio::test]
async fn sd_n13_a_redirect_is_not_followed_wherever_it_leads() {
    let cases: [Answer; 4] = [
        |id| Redirect::temporary(&format!("{id}/elsewhere")).into_response(),
        |_| Redirect::permanent("http://issuer.example/").into_response(),
        |_| Redirect::to("https://10.0.0.1/").into_response(),
        |_| Redirect::to("https://issuer.example/.well-known/jwt-vc-issuer").into_response(),
    ];
    for case in cases {
        assert_eq!(code(case).await, "metadata_redirect");
    }
    let here = server(|id| Redirect::temporary(&format!("{id}/elsewhere")).into_response()).await;
    fetcher().fetch(&here.id).await.unwrap_err();
    assert_eq!(here.elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn sd_n13_the_body_of_an_error_and_other_content_are_not_read() {
    let errors: [Answer; 3] = [
        |id| (StatusCode::NOT_FOUND, axum::Json(good(id))).into_response(),
        |id| (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(good(id))).into_response(),
        |id| (StatusCode::CREATED, axum::Json(good(id))).into_response(),
    ];
    for error in errors {
        assert_eq!(code(error).await, "metadata_status");
    }
    let others: [Answer; 3] = [
        |id| good(id).to_string().into_response(),
        |id| ([("content-type", "text/html")], good(id).to_string()).into_response(),
        |id| ([("content-type", "application/jwk-set+json")], good(id).to_string()).into_response(),
    ];
    for other in others {
        assert_eq!(code(other).await, "metadata_type");
    }
    let with_charset: Answer =
        |id| ([("content-type", "application/json; charset=utf-8")], good(id).to_string()).into_response();
    assert!(fetcher().fetch(&server(with_charset).await.id).await.is_ok());
}

#[tokio::test]
async fn sd_n13_what_is_too_large_is_not_read_whatever_the_client_is_configured_to() {
    let client = ClientConfig { body_limit: 1 << 20, ..ClientConfig::default() };
    let client = GuardedClient::new(&client, ON).unwrap();
    let generous = MetadataFetcher::new(issuer_keys::WELL_KNOWN, ON.url_policy(), client);
    let padded: Answer = |id| {
        let mut all = good(id);
        all["pad"] = "x".repeat(MAX_DOCUMENT).into();
        axum::Json(all).into_response()
    };
    let here = server(padded).await;
    assert_eq!(generous.fetch(&here.id).await.unwrap_err().code, "metadata_too_large");
}

#[tokio::test]
async fn the_issuers_freshness_is_read() {
    let fresh = async |metadata: Answer| fetcher().fetch(&server(metadata).await.id).await.unwrap().fresh_for;
    assert_eq!(fresh(|id| axum::Json(good(id)).into_response()).await, None);
    assert_eq!(
        fresh(|id| ([("cache-control", "public, Max-Age=60")], axum::Json(good(id))).into_response()).await,
        Some(60)
    );
    assert_eq!(
        fresh(|id| ([("cache-control", "max-age=60, no-cache")], axum::Json(good(id))).into_response()).await,
        Some(0)
    );
    assert_eq!(
        fresh(|id| ([("cache-control", "max-age=many")], axum::Json(good(id))).into_response()).await,
        Some(0)
    );
    let two: Answer = |id| {
        let metadata = json!({"issuer": id, "jwks_uri": format!("{id}/keys")});
        ([("cache-control", "max-age=3600")], axum::Json(metadata)).into_response()
    };
    assert_eq!(fresh(two).await, Some(3600));
}
