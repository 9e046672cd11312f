//! Rows N8 to N10 of the DPoP and PAR checklist, and N1 of HAIP.

use enishi_credential::crypto::Signer as _;
use enishi_protocol::oauth::CredentialDetail;

use super::browser::{Authorization, Browser};
use super::wallet::{Wallet, key};
use super::world::{CLIENT, world};

#[tokio::test]
async fn dpop_n8_faults_of_a_pushed_request() {
    let world = world().await;
    let wallet = Wallet::bearer(&world);
    let form = Authorization::new(&world).pushed.to_form();
    for (form, status, error) in [
        (format!("{form}&request_uri=urn:x"), 400, "invalid_request"),
        (form.replace("client_id=test-wallet", "client_id=nobody"), 401, "invalid_client"),
        (form.replace("client_id=test-wallet&", ""), 400, "invalid_request"),
        (form.replace("%2Fcb", "%2Fother"), 400, "invalid_request"),
        (form.replace("S256", "plain"), 400, "invalid_request"),
        (form.replace("code_challenge=", "x="), 400, "invalid_request"),
        (form.replace("response_type=code", "response_type=token"), 400, "unsupported_response_type"),
        (form.replace("linkage_sd_jwt", "other"), 400, "invalid_authorization_details"),
        (form.replace("authorization_details=", "x="), 400, "invalid_scope"),
        (format!("{form}&issuer_state=unknown"), 400, "invalid_request"),
        (format!("{form}&state=again"), 400, "invalid_request"),
    ] {
        let answer = wallet.post_form("/par", &form).await;
        assert_eq!(answer.error(), (status, error.to_owned()), "{form}");
    }
    let good = wallet.post_form("/par", &form).await;
    assert_eq!((good.status, good.header("cache-control")), (201, "no-store"));
    let by_scope = form.replace("authorization_details=", "x=") + "&scope=openid+linkage";
    assert_eq!(wallet.post_form("/par", &by_scope).await.status, 201, "vci_33: unknown scopes are ignored");
}

#[tokio::test]
async fn dpop_n9_a_request_uri_is_used_once_in_time_and_by_its_client() {
    let world = world().await;
    let wallet = Wallet::bearer(&world);
    let mut browser = Browser::new(&world);
    let url = Authorization::new(&world).push(&wallet).await;
    let foreign = url.replace(CLIENT, "harness-wallet");
    assert_eq!(browser.get(&foreign).await.status, 400, "foreign");
    assert_eq!(browser.get(&url).await.status, 303);
    assert_eq!(browser.get(&url).await.status, 400, "used");
    let late = Authorization::new(&world).push(&wallet).await;
    world.clock.advance(60);
    assert_eq!(browser.get(&late).await.status, 400, "expired");
    let odd = world.url("/authorize?client_id=test-wallet&request_uri=https://evil.example/x");
    assert_eq!(browser.get(&odd).await.status, 400);
}

#[tokio::test]
async fn haip_n1_a_request_that_was_not_pushed_is_refused() {
    let world = world().await;
    let plain = world.url(&format!("/authorize?{}", Authorization::new(&world).pushed.to_form()));
    let answer = Browser::new(&world).get(&plain).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, "text/html; charset=utf-8"));
    assert_eq!(
        world.get("/.well-known/oauth-authorization-server").await.json()["require_pushed_authorization_requests"],
        true
    );
}

#[tokio::test]
async fn dpop_n10_dpop_jkt_and_the_header_must_agree() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let mut authorization = Authorization::new(&world);
    authorization.pushed.dpop_jkt = Some(key(&world).public_jwk().thumbprint());
    let answer = wallet.post_form("/par", &authorization.pushed.to_form()).await;
    assert_eq!(answer.error(), (400, "invalid_dpop_proof".to_owned()));
    authorization.pushed.dpop_jkt = Some(wallet.dpop.as_ref().unwrap().public_jwk().thumbprint());
    assert_eq!(wallet.post_form("/par", &authorization.pushed.to_form()).await.status, 201);
    authorization.pushed.authorization_details =
        vec![CredentialDetail::new("linkage_sd_jwt").at(&world.issuer)];
    assert_eq!(wallet.post_form("/par", &authorization.pushed.to_form()).await.status, 201);
}
