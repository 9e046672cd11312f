//! Whatever anybody scans, clicks or answers: an error, never a panic, and never something kept.

use enishi_holder_sdk::HttpResponse;
use enishi_holder_sdk::testing::{LinkAsk, World};
use proptest::prelude::*;

/// Texts that get further than random ones do.
fn any_uri() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("openid4vp://".to_owned()),
        Just("openid-credential-offer://".to_owned()),
        Just("?".to_owned()),
        Just("&".to_owned()),
        Just("client_id=".to_owned()),
        Just("decentralized_identifier:did:jwk:e30".to_owned()),
        Just("x509_san_dns:verifier.example".to_owned()),
        Just("request_uri=https%3A%2F%2Fverifier.example%2Frequests%2F0".to_owned()),
        Just("credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fid.example%22".to_owned()),
        Just("credential_offer_uri=https%3A%2F%2Fid.example%2Foffers%2F1".to_owned()),
        ".{0,20}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}:,\"a-z0-9.~_-]{0,60}".prop_map(String::into_bytes),
        Just(br#"{"credential_issuer":"https://id.example"}"#.to_vec()),
        Just(b"e30.e30.e30".to_vec()),
    ]
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_can_be_scanned(uri in any_uri(), extra in any_uri()) {
        block_on(async {
            let world = World::new().await;
            let wallet = world.wallet();
            let asked = world.verifier.ask(&LinkAsk::new("grant-1"));
            for uri in [uri.clone(), format!("{asked}&{extra}"), format!("{}{extra}", world.issuer.offer("r", &["x"]))] {
                let _ = wallet.read_offer(&uri).await;
                let _ = wallet.read_request(&uri).await;
            }
            assert!(wallet.credentials().is_empty() && wallet.grants().is_empty());
        });
    }

    #[test]
    fn any_answer_can_come_from_any_endpoint(
        body in any_body(),
        status in prop::sample::select(vec![200u16, 201, 202, 302, 400, 401, 500]),
        media in prop::sample::select(vec!["application/json", "application/oauth-authz-req+jwt", "text/html"]),
        at in prop::sample::select(vec![
            "openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer", "/nonce", "/token", "/credential",
            "/requests/",
        ]),
    ) {
        block_on(async {
            let world = World::new().await;
            let wallet = world.wallet();
            let headers = vec![("content-type".to_owned(), media.to_owned())];
            world.network.answer_instead(at, HttpResponse { status, headers, body: body.clone() });
            let outcome = async {
                let uri = world.issuer.offer("resident-1", &[&world.town.ids.sp]);
                let offer = wallet.read_offer(&uri).await?;
                wallet.redeem(&offer, None, 1).await?;
                wallet.read_request(&world.verifier.ask(&LinkAsk::new("grant-1"))).await
            };
            assert!(outcome.await.is_err());
        });
    }
}
