//! Rows N5 to N7 of the OpenID4VCI checklist and those of DPoP at the token endpoint.

use enishi_credential::time::Clock as _;
use enishi_protocol::dpop::{self, ProofRequest};
use serde_json::{Value, json};

use super::wallet::{Wallet, key, pre_authorized_code};
use super::world::{Answer, HEALTH, PORTAL, world, world_with};

fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.error(), (status, error.to_owned()), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn vci_42_a_token_names_one_identifier_per_relying_party() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let token = wallet.redeem(&world.offer(&[PORTAL, HEALTH], true).await).await;
    assert_eq!((token.token_type.as_str(), token.expires_in), ("DPoP", 300));
    assert_eq!(token.authorization_details[0].credential_identifiers.len(), 2);
    let bearer = Wallet::bearer(&world).redeem(&world.offer(&[PORTAL], false).await).await;
    assert_eq!(bearer.token_type, "Bearer");
}

#[tokio::test]
async fn vci_n5_tx_code_missing_or_unexpected() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let with = world.offer(&[PORTAL], true).await;
    refused(
        &wallet.post_form("/token", &Wallet::pre_authorized_form(&with, None)).await,
        400,
        "invalid_request",
    );
    let without = world.offer(&[PORTAL], false).await;
    let form = Wallet::pre_authorized_form(&without, Some("123456"));
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_request");
    assert_eq!(wallet.redeem(&with).await.token_type, "DPoP", "a missing code does not count as a try");
}

#[tokio::test]
async fn vci_n6_wrong_tx_codes_are_counted() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let offer = world.offer(&[PORTAL], true).await;
    let right = offer["tx_code"].as_str().unwrap();
    assert!(right.len() == 6 && right.bytes().all(|digit| digit.is_ascii_digit()));
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        let form = Wallet::pre_authorized_form(&offer, Some(wrong));
        refused(&wallet.post_form("/token", &form).await, 400, "invalid_grant");
    }
    let other = world.offer(&[PORTAL], true).await;
    let form = Wallet::pre_authorized_form(&offer, Some(wrong));
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_grant");
    let form = Wallet::pre_authorized_form(&offer, Some(right));
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_grant");
    wallet.redeem(&other).await;
}

#[tokio::test]
async fn vci_n6_unknown_expired_and_reused_codes() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let unknown = "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code=x";
    refused(&wallet.post_form("/token", unknown).await, 400, "invalid_grant");

    let late = world.offer(&[PORTAL], false).await;
    world.clock.advance(600);
    let form = Wallet::pre_authorized_form(&late, None);
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_grant");

    let offer = world.offer(&[PORTAL], false).await;
    let token = wallet.redeem(&offer).await;
    let asked = |answer: Answer| (answer.status, answer.json()["error"].clone());
    let (status, error) = asked(wallet.ask(&token, "no-such", vec![]).await);
    assert_eq!((status, error), (400, json!("unknown_credential_identifier")), "the token is good");
    let form = Wallet::pre_authorized_form(&offer, None);
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_grant");
    let revoked = wallet.ask(&token, "no-such", vec![]).await;
    assert_eq!(revoked.status, 401, "a second use takes the token back");
}

#[tokio::test]
async fn vci_n7_a_name_is_demanded_where_anonymous_access_is_closed() {
    let world = world_with(|config| config.issuance.anonymous_pre_authorized = false).await;
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["pre-authorized_grant_anonymous_access_supported"], json!(false));
    let wallet = Wallet::new(&world);
    let offer = world.offer(&[PORTAL], false).await;
    let form = Wallet::pre_authorized_form(&offer, None);
    refused(&wallet.post_form("/token", &form).await, 401, "invalid_client");
    refused(&wallet.post_form("/token", &format!("{form}&client_id=nobody")).await, 401, "invalid_client");
    let named = wallet.post_form("/token", &format!("{form}&client_id=test-wallet")).await;
    assert_eq!(named.status, 200, "{}", named.body);
}

#[tokio::test]
async fn haip_n3_a_proof_is_demanded_where_bearer_tokens_are_closed() {
    let world = world_with(|config| config.issuance.require_dpop = true).await;
    let offer = world.offer(&[PORTAL], false).await;
    let form = Wallet::pre_authorized_form(&offer, None);
    refused(&Wallet::bearer(&world).post_form("/token", &form).await, 400, "invalid_dpop_proof");
    assert_eq!(Wallet::new(&world).redeem(&offer).await.token_type, "DPoP");
}

#[tokio::test]
async fn malformed_requests_have_their_codes() {
    let world = world().await;
    let wallet = Wallet::bearer(&world);
    for (form, status, error) in [
        ("", 400, "invalid_request"),
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("grant_type=a&grant_type=a", 400, "invalid_request"),
        ("grant_type=authorization_code&code=x", 401, "invalid_client"),
        ("grant_type=authorization_code&code=x&client_id=nobody", 401, "invalid_client"),
        ("grant_type=authorization_code&code=x&client_id=test-wallet", 400, "invalid_grant"),
    ] {
        refused(&wallet.post_form("/token", form).await, status, error);
    }
    let json_body = world.send(world.http.post(world.url("/token")).json(&json!({}))).await;
    refused(&json_body, 415, "invalid_request");
    let code = pre_authorized_code(&world.offer(&[PORTAL], false).await);
    let details = r#"[{"type":"openid_credential","credential_configuration_id":"other"}]"#;
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code={code}&authorization_details={details}"
    );
    refused(&wallet.post_form("/token", &form).await, 400, "invalid_authorization_details");
}

#[tokio::test]
async fn dpop_n1_n3_n4_proofs_at_the_token_endpoint() {
    let world = world().await;
    let offer = world.offer(&[PORTAL], false).await;
    let form = Wallet::pre_authorized_form(&offer, None);
    let send = async |proofs: &[&str]| {
        let mut request = world
            .http
            .post(world.url("/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.clone());
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        world.send(request).await
    };
    let signer = key(&world);
    let make = async |method: &'static str, path: &str, offset: i64| {
        let url = world.url(path);
        let request = ProofRequest { method, url: &url, access_token: None, nonce: None };
        dpop::create(&signer, request, world.clock.now().plus(offset), &*world.entropy).await.unwrap()
    };
    let good = make("POST", "/token", 0).await;
    for bad in [
        vec!["not-a-jwt"],
        vec![good.as_str(), good.as_str()],
        vec![&make("GET", "/token", 0).await],
        vec![&make("POST", "/par", 0).await],
        vec![&make("POST", "/token", -600).await],
        vec![&make("POST", "/token", 600).await],
    ] {
        refused(&send(&bad).await, 400, "invalid_dpop_proof");
    }
    let answer = send(&[&good]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    refused(&send(&[&good]).await, 400, "invalid_dpop_proof");
}

/// RFC 9449 §4.3: the comparison ignores query and fragment of the request.
#[tokio::test]
async fn dpop_n2_a_query_does_not_matter() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let offer = world.offer(&[PORTAL], false).await;
    let proof = wallet.dpop_header("/token?x=y", None).await.unwrap();
    let request = world
        .http
        .post(world.url("/token?a=b"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("dpop", proof)
        .body(Wallet::pre_authorized_form(&offer, None));
    let answer = world.send(request).await;
    let token: Value = answer.json();
    assert_eq!((answer.status, &token["token_type"]), (200, &json!("DPoP")), "{}", answer.body);
}
