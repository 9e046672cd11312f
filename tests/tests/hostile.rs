//! A town among strangers: what no client should ever send, to every endpoint that anybody can reach.

use std::time::{Duration, Instant};

use enishi_credential::entropy::{self, SeededEntropy};
use enishi_demo::Service;
use enishi_demo::rehearsal::{Rehearsal, Who};
use enishi_tests::{net, town};
use reqwest::{Method, Response, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What takes a body from anybody.
const PUBLIC_POSTS: &[(Service, &[&str])] = &[
    (Service::Issuer, &["/par", "/token", "/nonce", "/credential", "/notification", "/link"]),
    (Service::Verifier, &["/requests/x", "/responses/x", "/link-requests", "/links", "/release-reports"]),
    (Service::HealthVerifier, &["/requests/x", "/responses/x"]),
    (Service::HealthGateway, &["/enishi/notices", "/checkups"]),
];

/// What only the operator or a party's own backend may call.
const INTERNAL: &[(Service, &str, &str)] = &[
    (Service::Issuer, "POST", "/offers"),
    (Service::Verifier, "POST", "/admin/grants/x/revoke"),
    (Service::HealthVerifier, "POST", "/presentations"),
    (Service::HealthVerifier, "GET", "/presentations/x"),
];

/// What a party, a holder or a wallet has to show something for.
const PROTECTED: &[(Service, &str, &str)] = &[
    (Service::Issuer, "POST", "/credential"),
    (Service::Issuer, "POST", "/notification"),
    (Service::Verifier, "POST", "/link-requests"),
    (Service::Verifier, "GET", "/link-requests/x"),
    (Service::Verifier, "POST", "/links"),
    (Service::Verifier, "POST", "/release-reports"),
    (Service::Verifier, "GET", "/evidence/x"),
    (Service::Verifier, "GET", "/grants/x"),
    (Service::Verifier, "GET", "/grants/x/events"),
    (Service::Verifier, "DELETE", "/grants/x"),
    (Service::HealthGateway, "GET", "/checkups"),
];

/// The servers that anybody can reach, one of each kind.
const SERVERS: [Service; 4] =
    [Service::Issuer, Service::Verifier, Service::HealthVerifier, Service::HealthGateway];

async fn all_alive(town: &Rehearsal) {
    for service in Service::ALL {
        assert!(town.is_alive(service).await, "{service:?} has ended");
        let ready = format!("{}/health/ready", town.internal_url(service));
        assert!(net::client().get(ready).send().await.unwrap().status().is_success(), "{service:?}");
    }
}

async fn call(method: &str, url: &str, authorization: Option<&str>) -> Response {
    let request = net::client().request(method.parse::<Method>().unwrap(), url);
    let request = match authorization {
        Some(value) => request.header(header::AUTHORIZATION, value),
        None => request,
    };
    request.header(header::CONTENT_TYPE, "application/json").body("{}").send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_21_every_route_refuses_strangers() {
    let town = town::found(town::processes()).await;
    let wrong = [
        "Bearer ",
        "Bearer wrong",
        "Basic d3Jvbmc6d3Jvbmc=",
        "DPoP wrong",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ];
    let strangers = || std::iter::once(None).chain(wrong.into_iter().map(Some));
    for (service, method, path) in INTERNAL {
        for authorization in strangers() {
            let url = format!("{}{path}", town.internal_url(*service));
            let answer = call(method, &url, authorization).await;
            assert_eq!(answer.status(), 401, "{method} {url} {authorization:?}");
            assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE), "{method} {url}");
        }
        // The right secret opens it: it is the secret that is asked for.
        let right = format!("Bearer {}", town.internal_token());
        let url = format!("{}{path}", town.internal_url(*service));
        assert_ne!(call(method, &url, Some(&right)).await.status(), 401, "{method} {url}");
        // And not on the public port, not even with the right secret.
        let url = format!("{}{path}", town.url(*service));
        let answer = call(method, &url, Some(&right)).await.status();
        assert!(matches!(answer.as_u16(), 404 | 405), "{method} {url}: {answer}");
    }
    for (service, method, path) in PROTECTED {
        for authorization in strangers() {
            let url = format!("{}{path}", town.url(*service));
            let answer = call(method, &url, authorization).await;
            assert_eq!(answer.status(), 401, "{method} {url} {authorization:?}");
        }
    }
    for service in SERVERS {
        for path in ["/metrics", "/health/live", "/health/ready", "/admin", "/debug", "/.env"] {
            let url = format!("{}{path}", town.url(service));
            let answer = call("GET", &url, None).await.status();
            assert_eq!(answer, 404, "{url}");
        }
    }
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_too_much_is_said_as_a_problem() {
    let town = town::found(town::processes()).await;
    for service in SERVERS {
        let base = town.url(service);
        let is_problem = |answer: &Response| {
            answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json")
        };
        for path in ["/no-such-route", "/..%2f..%2fetc/passwd", "/%00", "//", "/a/b/c/d/e/f"] {
            let answer = net::client().get(format!("{base}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{base}{path}");
            assert!(is_problem(&answer), "{base}{path}");
        }
        let (_, posts) = PUBLIC_POSTS.iter().find(|(of, _)| *of == service).unwrap();
        let path = posts[0];
        let answer = call("PATCH", &format!("{base}{path}"), None).await;
        assert_eq!(answer.status(), 405, "{base}{path}");
        assert!(is_problem(&answer) && answer.headers().contains_key(header::ALLOW), "{base}{path}");
        // One byte over the limit, with a length and without one.
        let big = vec![b'a'; 64 * 1024 + 1];
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            let request = net::client().post(format!("{base}{path}")).header(header::CONTENT_TYPE, kind);
            let answer = request.body(big.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 413, "{base}{path} as {kind}");
        }
    }
    all_alive(&town).await;
    town.stop().await;
}

/// Sends `first`, and then one byte of `rest` in every pause, until the server has had enough; gives what it said and
/// how long it was patient.
async fn drip(base: &str, first: &str, rest: &[u8]) -> (String, Duration) {
    let started = Instant::now();
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    let mut rest = rest.iter();
    loop {
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut buffer)).await;
        match read {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(read)) => said.extend(&buffer[..read]),
            // Nothing said yet: the next byte, if there is one. A closed connection is seen when reading.
            Err(_) => {
                if let Some(byte) = rest.next() {
                    let _ = stream.write_all(&[*byte]).await;
                }
            }
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{base} waits for ever");
    }
    (String::from_utf8_lossy(&said).into_owned(), started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_its_time_does_not_keep_the_server_waiting() {
    let town = town::found(town::processes()).await;
    let slow = |service: Service, path: &str| {
        let base = town.url(service);
        let path = path.to_owned();
        async move {
            let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n");
            let body = format!(
                "{head}content-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\na="
            );
            let dripped = vec![b'x'; 10_000];
            let header = format!("{head}x-slow: ");
            let (header, body) = tokio::join!(drip(&base, &header, &dripped), drip(&base, &body, &[]));
            for (what, (said, patience)) in [("header", header), ("body", body)] {
                assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{base} {what}: {said}");
                // Ten seconds for the header, fifteen for the whole request, and some for a busy machine.
                assert!(patience < Duration::from_secs(30), "{base} {what}: {patience:?}");
            }
        }
    };
    tokio::join!(
        slow(Service::Issuer, "/token"),
        slow(Service::Verifier, "/responses/x"),
        slow(Service::HealthVerifier, "/responses/x"),
        slow(Service::HealthGateway, "/enishi/notices"),
    );
    all_alive(&town).await;
    town.stop().await;
}

/// Bodies that break parsers.
fn bodies() -> Vec<Vec<u8>> {
    let entropy = SeededEntropy::new("hostile bodies");
    let text = |text: &str| text.as_bytes().to_vec();
    let mut bodies = vec![
        Vec::new(),
        text("null"),
        text("[]"),
        text("\"text\""),
        text("{"),
        text("{}}"),
        text("{\"proofs\":{\"jwt\":[\"a\"],\"jwt\":[\"b\"]},\"proofs\":{}}"),
        text("{\"grant_id\":\"a\",\"grant_id\":\"b\"}"),
        text("{\"grant_id\":1e999999,\"txn\":-0.0,\"released_at\":99999999999999999999999999999999}"),
        text("{\"\\ud800\":\"\\udfff\",\"\\u0000\":\"\\u0000\"}"),
        text("grant_type=authorization_code&grant_type=authorization_code&code=a&code=b"),
        text("response=%&response=%zz&state=%ff%fe%00"),
        text("response=eyJhbGciOiJFQ0RILUVTIn0..AAAA.AAAA.AAAA"),
        text("response=....&wallet_nonce=\u{0}"),
        text(
            "client_id=x&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax&authorization_details=%5B%5B",
        ),
        text("eyJhbGciOiJub25lIn0.e30."),
        text("eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjFlOTk5OX0.AAAA"),
        b"\xff\xfe\xfd{\"a\":\"\xc3\x28\"}".to_vec(),
        "[".repeat(30_000).into_bytes(),
        "{\"a\":".repeat(10_000).into_bytes(),
        format!("{{\"a\":{}}}", "9".repeat(60_000)).into_bytes(),
        "a=b&".repeat(15_000).into_bytes(),
    ];
    for _ in 0..8 {
        bodies.push(entropy::bytes::<512>(&entropy).to_vec());
        bodies.push(entropy::token(&entropy).into_bytes());
    }
    bodies
}

const KINDS: [Option<&str>; 6] = [
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("application/jwt"),
    Some("application/json; charset=\u{fd}"),
    Some("multipart/form-data"),
];

/// Sends a request until it is answered, five times at most: a server closes a connection on which it refused to read a
/// body, and the next request can meet that on its way.
async fn insist(request: &reqwest::RequestBuilder) -> reqwest::Result<Response> {
    let again = || request.try_clone().expect("bodies in memory can be sent again").send();
    let mut answer = again().await;
    for _ in 1..5 {
        if answer.is_ok() {
            break;
        }
        answer = again().await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_brings_a_server_down() {
    let town = town::found(town::processes()).await;
    let client = net::client();
    let right = format!("Bearer {}", town.internal_token());
    let mut places: Vec<(Service, String, Option<&str>)> = Vec::new();
    for (service, paths) in PUBLIC_POSTS {
        places.extend(paths.iter().map(|path| (*service, format!("{}{path}", town.url(*service)), None)));
    }
    // Behind the secret the bodies are really parsed.
    for (service, method, path) in INTERNAL {
        if *method == "POST" {
            places.push((*service, format!("{}{path}", town.internal_url(*service)), Some(&right)));
        }
    }
    let bodies = bodies();
    let mut answered = 0;
    for (service, url, authorization) in &places {
        for kind in KINDS {
            for body in &bodies {
                let mut request = client.post(url).body(body.clone());
                if let Some(kind) = kind.and_then(|kind| header::HeaderValue::from_str(kind).ok()) {
                    request = request.header(header::CONTENT_TYPE, kind);
                }
                if let Some(authorization) = authorization {
                    request = request.header(header::AUTHORIZATION, *authorization);
                }
                let answer = insist(&request).await;
                let start = String::from_utf8_lossy(&body[..body.len().min(60)]);
                let answer = match answer {
                    Ok(answer) => answer,
                    // A server may hang up on much that it does not want to read; what it said is then lost on the way.
                    Err(_) if body.len() > 16 * 1024 => continue,
                    Err(error) => panic!("{url} {kind:?} {start}: {error}"),
                };
                answered += 1;
                assert!(answer.status().as_u16() < 500, "{url} {kind:?} {start}: {}", answer.status());
            }
        }
        assert!(town.is_alive(*service).await, "{url}");
    }
    assert!(answered > places.len() * KINDS.len() * (bodies.len() - 5), "{answered} answers");
    all_alive(&town).await;
    // And business goes on.
    let a = town.resident(Who::A).await.unwrap();
    let grant = a.consent().await.unwrap();
    assert_eq!(a.fetch(&grant).await.unwrap()["fetches"][0]["outcome"], "fetched");
    for service in Service::ALL {
        let log = std::fs::read_to_string(town.log(service)).unwrap();
        assert!(!log.contains("\"panic\""), "{service:?} panicked");
    }
    town.stop().await;
}
