//! Every public endpoint with everything that does not belong there: a precise 4xx, never a 5xx, and nothing happens
//! without authorization (threat 21).

use super::wallet::Wallet;
use super::world::{PORTAL, world};

const PATHS: [&str; 11] = [
    "/par",
    "/token",
    "/nonce",
    "/credential",
    "/notification",
    "/authorize",
    "/callback",
    "/link",
    "/offers/x",
    "/jwks",
    "/assets/issuer.css",
];

#[tokio::test]
async fn nothing_that_is_sent_breaks_an_endpoint() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL], false).await).await;
    let token = token.access_token.expose();
    let deep = "[".repeat(5000);
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"null",
        b"\xff\xfe\x00",
        b"a=%ff&%00=&=",
        b"grant_type=authorization_code&code=%00&client_id=test-wallet&code_verifier=%ff",
        br#"{"credential_identifier":"\ud800","proofs":{"jwt":["..",null]}}"#,
        br#"{"credential_identifier":"https://portal.example","proofs":{"jwt":["e30.e30.e30"]}}"#,
        b"client_id=test-wallet&response_type=code&code_challenge=&redirect_uri=%0d%0aX:",
        deep.as_bytes(),
    ];
    let queries = [
        "",
        "?",
        "?%ff=%00&a=a&a=a",
        "?client_id=test-wallet&request_uri=urn:ietf:params:oauth:request_uri:%00",
    ];
    for path in PATHS {
        for query in queries {
            let url = world.url(&format!("{path}{query}"));
            let answer =
                world.send(world.http.get(&url).header("cookie", "enishi-issuer=x; =; enishi-issuer")).await;
            assert!(answer.status < 500, "GET {path}{query}: {}", answer.status);
        }
        for body in bodies {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain", "x"] {
                let proof = wallet.dpop_header(path, Some(token)).await.unwrap();
                let request = world
                    .http
                    .post(world.url(path))
                    .header("content-type", content_type)
                    .header("authorization", format!("DPoP {token}"))
                    .header("dpop", proof)
                    .header("cookie", "enishi-issuer=x")
                    .body(body.to_vec());
                let answer = world.send(request).await;
                assert!(answer.status < 500, "POST {path} {content_type}: {} {}", answer.status, answer.body);
                let free = ["/nonce"];
                assert!(answer.status >= 400 || free.contains(&path), "POST {path}: {}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn threat_21_without_authorization_nothing_is_had() {
    let world = world().await;
    for (path, status) in
        [("/credential", 401), ("/notification", 401), ("/token", 415), ("/par", 415), ("/link", 400)]
    {
        let answer = world.send(world.http.post(world.url(path))).await;
        assert_eq!(answer.status, status, "{path}");
    }
    for path in ["/link", "/callback", "/authorize"] {
        assert_eq!(world.get(path).await.status, 400, "{path}");
    }
    for path in ["/metrics", "/health/live", "/admin", "/offers"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}
