//! The authorization code flow from the pushed request to the credential, and its second uses.

use enishi_protocol::oauth::{PkceVerifier, TokenRequest};
use enishi_protocol::vci::CredentialOffer;
use enishi_service::config::SecretSource;
use serde_json::json;

use super::browser::{Authorization, code_of, decide};
use super::wallet::{Wallet, key, offer_of};
use super::world::{BANK, CLIENT, HEALTH, PORTAL, STRONG, WEAK, world, world_with};

#[tokio::test]
async fn from_login_to_credential() {
    let world = world().await;
    let mut wallet = Wallet::new(&world);
    wallet.client_id = Some(CLIENT.to_owned());
    let authorization = Authorization::new(&world);
    let code = authorization.code(&wallet, &[PORTAL, HEALTH]).await;
    let token = wallet.token_of(&wallet.token(&authorization.token_request(&code)).await);
    assert_eq!(token.authorization_details[0].credential_identifiers.len(), 2);
    let issued = wallet.batch(&token, PORTAL, &key(&world), 1).await;
    let held = wallet.receive(&issued[1]).await;
    assert_eq!((held.view().rp.as_str(), held.view().acr.as_str()), (PORTAL, WEAK));
}

/// The same on PostgreSQL, where one is at hand.
#[tokio::test]
async fn from_login_to_credential_on_postgres() {
    let Some(database) = enishi_service::store::testing::postgres("issuer_flow").await else { return };
    let url = database.url.clone();
    let world = world_with(|config| config.store.url = SecretSource::Value(url)).await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let code = authorization.code(&wallet, &[HEALTH]).await;
    let token = wallet.token_of(&wallet.token(&authorization.token_request(&code)).await);
    wallet.receive(&wallet.batch(&token, HEALTH, &key(&world), 2).await[2]).await;
    let offer = world.offer(&[PORTAL], true).await;
    let token = wallet.redeem(&offer).await;
    wallet.batch(&token, PORTAL, &key(&world), 1).await;
}

#[tokio::test]
async fn threat_4_a_code_is_good_once_and_its_second_use_revokes() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let request = authorization.token_request(&authorization.code(&wallet, &[PORTAL]).await);
    let token = wallet.token_of(&wallet.token(&request).await);
    assert_eq!(wallet.ask(&token, "x", vec![]).await.status, 400);
    assert_eq!(wallet.token(&request).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(wallet.ask(&token, "x", vec![]).await.status, 401);
}

#[tokio::test]
async fn dpop_n12_pkce_redirect_uri_client_and_key_of_a_code() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let code = authorization.code(&wallet, &[PORTAL]).await;
    let good = authorization.grant(&code);
    let with = |change: &dyn Fn(&mut enishi_protocol::oauth::AuthorizationCodeGrant)| {
        let mut grant = good.clone();
        change(&mut grant);
        TokenRequest::AuthorizationCode(grant)
    };
    let other = PkceVerifier::generate(&*world.entropy).expose().to_owned();
    for (request, error) in [
        (with(&|grant| grant.code_verifier = None), "invalid_grant"),
        (with(&|grant| grant.code_verifier = Some(other.clone())), "invalid_grant"),
        (with(&|grant| grant.redirect_uri = Some("http://localhost:9/other".to_owned())), "invalid_grant"),
        (with(&|grant| grant.client_id = "harness-wallet".to_owned()), "invalid_grant"),
    ] {
        assert_eq!(wallet.token(&request).await.error(), (400, error.to_owned()));
    }
    let request = TokenRequest::AuthorizationCode(good);
    for thief in [Wallet::new(&world), Wallet::bearer(&world)] {
        let answer = thief.token(&request).await;
        assert_eq!(
            answer.error(),
            (400, "invalid_dpop_proof".to_owned()),
            "the code is bound to the pushing key"
        );
    }
    assert_eq!(wallet.token(&request).await.status, 200, "none of these used the code up");
}

#[tokio::test]
async fn a_code_expires() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let code = authorization.code(&wallet, &[PORTAL]).await;
    world.clock.advance(60);
    let answer = wallet.token(&authorization.token_request(&code)).await;
    assert_eq!(answer.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn the_offers_issuer_state_fixes_the_party_and_its_assurance() {
    let world = world().await;
    world.provider.behave(|op| op.acr = Some(STRONG));
    let wallet = Wallet::new(&world);
    let answer = world.admin_offer(&json!({"rps": [BANK]})).await;
    let offer: CredentialOffer = offer_of(&answer.json());
    assert!(offer.grants.pre_authorized.is_none());
    let mut authorization = Authorization::new(&world);
    authorization.pushed.issuer_state = offer.grants.authorization_code.unwrap().issuer_state;
    let (mut browser, page) = authorization.linking_page(&wallet).await;
    assert_eq!(world.provider.behaviour().asked_acr.as_deref(), Some(STRONG));
    assert!(page.body.contains("Name of bank") && !page.body.contains("Name of portal"));
    let foreign = decide(&mut browser, &page, "agree", &[PORTAL]).await;
    assert_eq!(foreign.status, 400, "only the fixed party");
    let answer = decide(&mut browser, &page, "agree", &[BANK]).await;
    let code = code_of(&world, &answer).unwrap();
    let token = wallet.token_of(&wallet.token(&authorization.token_request(&code)).await);
    assert_eq!(token.authorization_details[0].credential_identifiers, [BANK]);
}

#[tokio::test]
async fn a_login_too_weak_for_the_fixed_party_goes_back_to_the_wallet() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let offer = offer_of(&world.admin_offer(&json!({"rps": [BANK]})).await.json());
    let mut authorization = Authorization::new(&world);
    authorization.pushed.issuer_state = offer.grants.authorization_code.unwrap().issuer_state;
    let mut browser = super::browser::Browser::new(&world);
    let back = browser.open(&authorization.push(&wallet).await).await.unwrap_err();
    assert!(back.query().unwrap().contains("error=insufficient_user_authentication"), "{back}");
}
