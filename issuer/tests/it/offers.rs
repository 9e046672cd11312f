//! Offers: made on the internal listener, shown by reference.

use enishi_protocol::vci::{CredentialOffer, IssuerMetadata, OfferSource};
use enishi_protocol::web::UrlPolicy;
use serde_json::{Value, json};

use super::wallet::{Wallet, offer_of};
use super::world::{BANK, PORTAL, WEAK, world};

const POLICY: UrlPolicy = UrlPolicy::LoopbackHttpToo;

#[tokio::test]
async fn an_offer_by_reference_is_the_offer_by_value() {
    let world = world().await;
    let offer = world.offer(&[PORTAL], true).await;
    let uri = offer["offer_uri_by_reference"].as_str().unwrap();
    let OfferSource::Reference(url) = OfferSource::parse(uri, POLICY).unwrap() else { panic!("by value") };
    let fetched = world.send(world.http.get(url.clone())).await;
    assert_eq!(fetched.header("cache-control"), "no-store");
    let read =
        CredentialOffer::parse_fetched(fetched.header("content-type"), fetched.body.as_bytes(), POLICY)
            .unwrap();
    assert_eq!(read, offer_of(&offer));
    let metadata = world.get("/.well-known/openid-credential-issuer").await;
    let metadata = IssuerMetadata::parse(metadata.body.as_bytes(), &world.issuer, POLICY).unwrap();
    read.check(&metadata).unwrap();

    Wallet::new(&world).redeem(&offer).await;
    assert_eq!(world.send(world.http.get(url)).await.status, 404, "used");
    assert_eq!(world.get("/offers/unknown").await.status, 404);
    let late = world.offer(&[PORTAL], false).await;
    let OfferSource::Reference(url) =
        OfferSource::parse(late["offer_uri_by_reference"].as_str().unwrap(), POLICY).unwrap()
    else {
        panic!("by value")
    };
    world.clock.advance(600);
    assert_eq!(world.send(world.http.get(url)).await.status, 404, "over");
}

#[tokio::test]
async fn threat_21_making_offers_is_for_the_provider() {
    let world = world().await;
    let url = format!("{}/offers", world.internal);
    let body = json!({"account": {"sub": "resident-1"}, "rps": [PORTAL]});
    assert_eq!(world.send(world.http.post(&url).json(&body)).await.status, 401);
    assert_eq!(world.send(world.http.post(&url).bearer_auth("wrong").json(&body)).await.status, 401);
    let public = world.send(world.http.post(world.url("/offers")).json(&body)).await;
    assert_eq!(public.status, 404, "not on the public listener");
}

#[tokio::test]
async fn the_provider_may_choose_the_transaction_code() {
    let world = world().await;
    let body = json!({"account": {"sub": "resident-1", "acr": WEAK}, "rps": [PORTAL], "tx_code": "1234"});
    let offer = world.admin_offer(&body).await.json();
    assert_eq!(offer["tx_code"], "1234");
    let wallet = Wallet::new(&world);
    let wrong = wallet.post_form("/token", &Wallet::pre_authorized_form(&offer, Some("1235"))).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wallet.redeem(&offer).await.token_type, "DPoP");
}

#[tokio::test]
async fn offers_that_cannot_be_made() {
    let world = world().await;
    let account = json!({"sub": "resident-1", "acr": WEAK});
    for (body, code) in [
        (json!({"account": account, "rps": []}), "unknown_rp"),
        (json!({"account": account, "rps": [PORTAL, PORTAL]}), "unknown_rp"),
        (json!({"account": account, "rps": ["https://unknown.example"]}), "unknown_rp"),
        (json!({"account": account, "rps": [BANK]}), "insufficient_user_authentication"),
        (json!({"account": account, "rps": [PORTAL], "tx_code": "123"}), "tx_code_invalid"),
        (json!({"account": account, "rps": [PORTAL], "tx_code": "12a4"}), "tx_code_invalid"),
        (json!({"account": {"sub": "a", "acr": "x"}, "rps": [PORTAL]}), "unknown_acr"),
        (json!({"rps": [PORTAL], "grant_types": ["password"]}), "grant_type_invalid"),
        (
            json!({"rps": [PORTAL], "grant_types": ["urn:ietf:params:oauth:grant-type:pre-authorized_code"]}),
            "grant_type_invalid",
        ),
        (json!({"account": account, "rps": [PORTAL], "new": 1}), "body_malformed"),
    ] {
        let answer = world.admin_offer(&body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some(code)), "{body}");
        let problem: Value = answer.json();
        assert!(problem["remedy"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn an_offer_can_have_both_grants() {
    let world = world().await;
    let body = json!({"account": {"sub": "resident-1"}, "rps": [PORTAL], "grant_types":
        ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"]});
    let offer = offer_of(&world.admin_offer(&body).await.json());
    assert!(offer.grants.pre_authorized.is_some());
    assert!(offer.grants.authorization_code.unwrap().issuer_state.is_some());
}
