//! A relying party recognises its own user.

use std::collections::BTreeMap;

use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_protocol::linking::present_first_party;
use enishi_protocol::vp::{DirectPost, RequestUri, RequestUriMethod, VerifiedRequest, WalletError};
use enishi_protocol::web::UrlPolicy;
use enishi_service::SystemEntropy;
use serde_json::{Value, json};

use super::support::{Answer, RESIDENT, World, did_of};

async fn ask(world: &World, body: Value) -> Value {
    let answer = world.as_operator("POST", "/presentations", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn result(world: &World, asked: &Value, query: &str) -> Answer {
    let id = asked["presentation_id"].as_str().unwrap();
    world.as_operator("GET", &format!("/presentations/{id}{query}"), None).await
}

async fn request(world: &World, asked: &Value) -> VerifiedRequest {
    world.fetch(asked["wallet_uri"].as_str().unwrap()).await
}

async fn post(world: &World, request: &VerifiedRequest, account: &str) -> DirectPost {
    let credential = world.town.credential(account, &world.town.sp, None).await;
    let text = present_first_party(request, &credential.held, &credential.signer, world.now()).await.unwrap();
    let token = BTreeMap::from([("link".to_owned(), vec![text])]);
    request.answer(&token, &RustCryptoJwe, &SystemEntropy).unwrap()
}

#[tokio::test]
async fn the_relying_party_learns_its_own_identifiers_once() {
    let world = World::first_party().await;
    let asked = ask(&world, json!({})).await;
    assert_eq!(result(&world, &asked, "").await.json(), json!({"status": "pending"}));
    let request = request(&world, &asked).await;
    let credential = world.town.credential(RESIDENT, &world.town.sp, None).await;
    let text =
        present_first_party(&request, &credential.held, &credential.signer, world.now()).await.unwrap();
    let token = BTreeMap::from([("link".to_owned(), vec![text])]);
    let answer = request.answer(&token, &RustCryptoJwe, &SystemEntropy).unwrap();
    let reply = world.post(&answer).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({})));
    assert_eq!(world.post(&answer).await.problem(), (404, "request_gone".to_owned()), "VP N16");
    let found = result(&world, &asked, "").await.json();
    assert_eq!(found["status"], "verified");
    assert_eq!(found["ppid"], world.town.ppid(RESIDENT, &world.town.sp.id).expose());
    assert_eq!(found["sub"], did_of(&credential));
    assert_eq!(found["acr"], "substantial");
    assert_eq!(result(&world, &asked, "").await.problem(), (410, "result_read".to_owned()));
}

#[tokio::test]
async fn vp_55_n17_the_result_needs_the_response_code_of_the_browser() {
    let world = World::first_party().await;
    let asked = ask(&world, json!({"redirect_uri": "http://localhost:9/back"})).await;
    let request = request(&world, &asked).await;
    let reply = world.post(&post(&world, &request, RESIDENT).await).await.json();
    let code = reply["redirect_uri"].as_str().unwrap().split("response_code=").nth(1).unwrap().to_owned();
    let refused = (403, "response_code_wrong".to_owned());
    assert_eq!(result(&world, &asked, "").await.problem(), refused);
    assert_eq!(result(&world, &asked, "?response_code=x").await.problem(), refused);
    let found = result(&world, &asked, &format!("?response_code={code}")).await.json();
    assert_eq!(found["status"], "verified");
}

#[tokio::test]
async fn both_client_id_prefixes_and_both_methods_can_be_tried_in_development() {
    let world = World::first_party().await;
    for prefix in ["x509_san_dns", "decentralized_identifier"] {
        let body = json!({"client_id_prefix": prefix, "request_uri_method": "post"});
        let asked = ask(&world, body).await;
        let uri = asked["wallet_uri"].as_str().unwrap();
        let uri = RequestUri::parse(uri, UrlPolicy::LoopbackHttpToo).unwrap();
        assert_eq!(uri.method, RequestUriMethod::Post);
        assert!(uri.client_id.to_string().starts_with(&format!("{prefix}:")));
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let signed =
            world.call("POST", uri.request_uri.as_str(), &form, Some(b"wallet_nonce=n1".to_vec())).await;
        let request = world.verify_request(&signed.text(), &uri, Some("n1"));
        assert_eq!(world.post(&post(&world, &request, RESIDENT).await).await.status, 200);
        assert_eq!(result(&world, &asked, "").await.json()["status"], "verified");
    }
    let bad =
        world.as_operator("POST", "/presentations", Some(json!({"client_id_prefix": "redirect_uri"}))).await;
    assert_eq!(bad.problem(), (400, "body_malformed".to_owned()));
    let bad = world.as_operator("POST", "/presentations", Some(json!({"redirect_uri": "back"}))).await;
    assert_eq!(bad.problem(), (400, "redirect_uri_invalid".to_owned()));
}

#[tokio::test]
async fn a_refusal_a_foreign_credential_and_silence_are_not_verified() {
    let world = World::first_party().await;
    let declined = ask(&world, json!({})).await;
    let request_ = request(&world, &declined).await;
    let no = request_.decline(WalletError::AccessDenied, &RustCryptoJwe, &SystemEntropy).unwrap();
    assert_eq!(world.post(&no).await.status, 200);
    assert_eq!(result(&world, &declined, "").await.json(), json!({"status": "not_verified"}));

    let foreign = ask(&world, json!({})).await;
    let request_ = request(&world, &foreign).await;
    let good = post(&world, &request_, RESIDENT).await;
    let credential = world.town.credential(RESIDENT, &world.town.dp, None).await;
    let claims = enishi_credential::sdjwt::KeyBindingClaims {
        aud: request_.client_id.to_string(),
        nonce: request_.nonce.clone(),
        iat: world.now(),
        extra: serde_json::Map::new(),
    };
    let text = credential.held.present_first_party().unwrap().bind(&credential.signer, claims).await.unwrap();
    let token = BTreeMap::from([("link".to_owned(), vec![text])]);
    let answer = request_.answer(&token, &RustCryptoJwe, &SystemEntropy).unwrap();
    assert_eq!(world.post(&answer).await.problem(), (400, "rp_mismatch".to_owned()));
    assert_eq!(result(&world, &foreign, "").await.json(), json!({"status": "pending"}));
    world.clock.advance(300);
    assert_eq!(world.post(&good).await.problem(), (404, "request_gone".to_owned()));
    assert_eq!(result(&world, &foreign, "").await.json(), json!({"status": "not_verified"}));
    let unknown = world.as_operator("GET", "/presentations/unknown", None).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn threat_21_the_api_is_for_the_relying_party_alone() {
    let world = World::first_party().await;
    let json_type = [("content-type", "application/json")];
    let url = format!("{}/presentations", world.internal);
    assert_eq!(world.call("POST", &url, &json_type, Some(b"{}".to_vec())).await.status, 401);
    let public = format!("{}/presentations", world.base);
    assert_eq!(world.call("POST", &public, &json_type, Some(b"{}".to_vec())).await.status, 404);
    assert_eq!(world.call("POST", &format!("{}/links", world.base), &json_type, None).await.status, 404);
}
