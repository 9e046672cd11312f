//! The page where the person chooses, and everything that can go wrong around the login.

use serde_json::json;

use super::browser::{Authorization, Browser, code_of, decide, form_token};
use super::wallet::Wallet;
use super::world::{BANK, HEALTH, PORTAL, world};

#[tokio::test]
async fn the_page_lets_the_person_choose() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let (_, page) = Authorization::new(&world).linking_page(&wallet).await;
    assert!(!page.body.contains("checked"), "nothing is ticked beforehand");
    assert_eq!(page.body.matches("<label for=\"rp-").count(), 3, "each box has a label");
    assert_eq!(
        page.body.matches("<button type=\"submit\"").count(),
        2,
        "agree and decline are of equal weight"
    );
    assert!(page.body.contains("<html lang=\"en\">") && page.body.contains("Name of portal"));
    let disabled = page.body.split("<input").find(|input| input.contains(BANK)).unwrap();
    assert!(disabled.contains("disabled"), "the login was too weak for the bank");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://localhost:9;"), "{policy}");
    assert!(!page.body.contains("<script") && !page.body.contains("style=\""));
    let style = world.get("/assets/issuer.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
}

#[tokio::test]
async fn japanese_comes_first() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let (browser, _) = Authorization::new(&world).linking_page(&wallet).await;
    let request = world.http.get(world.url("/link")).header("cookie", browser.cookie.unwrap());
    let page = world.send(request).await;
    assert!(page.body.contains("<html lang=\"ja\">") && page.body.contains("発行しない"), "{}", page.body);
}

#[tokio::test]
async fn declining_and_choosing_nothing() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let (mut browser, page) = authorization.linking_page(&wallet).await;
    let again = decide(&mut browser, &page, "agree", &[]).await;
    assert_eq!(again.status, 422);
    assert!(again.body.contains("role=\"alert\""));
    let answer = decide(&mut browser, &again, "decline", &[PORTAL]).await;
    let refused = code_of(&world, &answer).unwrap_err();
    assert_eq!(refused, "authorization_refused: access_denied");
    assert!(browser.cookie.is_none(), "the session is over");
}

#[tokio::test]
async fn threat_4_a_decision_is_taken_once() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let (mut browser, page) = Authorization::new(&world).linking_page(&wallet).await;
    let cookie = browser.cookie.clone();
    assert_eq!(decide(&mut browser, &page, "agree", &[PORTAL]).await.status, 303);
    browser.cookie = cookie;
    assert_eq!(decide(&mut browser, &page, "agree", &[PORTAL]).await.status, 400);
}

#[tokio::test]
async fn forms_that_the_page_did_not_make_are_refused() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let (mut browser, page) = Authorization::new(&world).linking_page(&wallet).await;
    let token = form_token(&page);
    let url = world.url("/link");
    let (_, other) = Authorization::new(&world).linking_page(&wallet).await;
    let foreign = form_token(&other);
    for pairs in [
        vec![("answer", "agree"), ("rp", PORTAL)],
        vec![("form_token", foreign.as_str()), ("answer", "agree"), ("rp", PORTAL)],
        vec![("form_token", "x"), ("answer", "agree"), ("rp", PORTAL)],
        vec![("form_token", &token), ("answer", "maybe"), ("rp", PORTAL)],
        vec![("form_token", &token), ("rp", PORTAL)],
        vec![("form_token", &token), ("answer", "agree"), ("answer", "agree"), ("rp", PORTAL)],
        vec![("form_token", &token), ("answer", "agree"), ("rp", PORTAL), ("rp", PORTAL)],
        vec![("form_token", &token), ("answer", "agree"), ("rp", "https://unknown.example")],
        vec![("form_token", &token), ("answer", "agree"), ("rp", BANK)],
    ] {
        assert_eq!(browser.post(&url, &pairs).await.status, 400, "{pairs:?}");
    }
    let mut stranger = Browser::new(&world);
    assert_eq!(decide(&mut stranger, &page, "agree", &[PORTAL]).await.status, 400);
    assert_eq!(stranger.get(&url).await.status, 400);
    let good = decide(&mut browser, &page, "agree", &[PORTAL, HEALTH]).await;
    assert_eq!(good.status, 303, "none of these ended the session");
}

#[tokio::test]
async fn the_session_id_changes_with_the_login() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let mut browser = Browser::new(&world);
    let started = browser.get(&Authorization::new(&world).push(&wallet).await).await;
    let planted = browser.cookie.clone().unwrap();
    let back = browser.get(started.header("location")).await;
    assert_eq!(browser.get(back.header("location")).await.status, 303);
    assert_ne!(browser.cookie.as_deref(), Some(planted.as_str()));
    let mut attacker = Browser { world: &world, cookie: Some(planted) };
    assert_eq!(attacker.get(&world.url("/link")).await.status, 400, "who planted the cookie gains nothing");
}

#[tokio::test]
async fn answers_of_the_provider_that_do_not_hold() {
    let world = world().await;
    let wallet = Wallet::new(&world);
    let authorization = Authorization::new(&world);
    let login = async || {
        let mut browser = Browser::new(&world);
        browser
            .open(&authorization.push(&wallet).await)
            .await
            .unwrap_err()
            .query()
            .unwrap_or_default()
            .to_owned()
    };
    world.provider.behave(|op| op.error = Some("access_denied"));
    assert!(login().await.contains("error=access_denied"));
    world.provider.behave(|op| op.error = None);
    for claims in [
        json!({"nonce": "other"}),
        json!({"aud": "other"}),
        json!({"iss": "https://other.example"}),
        json!({"exp": 1}),
    ] {
        world.provider.behave(|op| op.claims = claims.clone());
        assert!(login().await.contains("error=server_error"), "{claims}");
    }
    world.provider.behave(|op| op.claims = json!({}));
    // A forged answer: another state, another browser, a second time.
    let mut browser = Browser::new(&world);
    let started = browser.get(&authorization.push(&wallet).await).await;
    let back = browser.get(started.header("location")).await.header("location").to_owned();
    assert_eq!(browser.get(&world.url("/callback?code=x&state=forged")).await.status, 400);
    assert_eq!(Browser::new(&world).get(&back).await.status, 400);
    let mix_up = back.replace("&iss=", "&iss=https%3A%2F%2Fother.example&x=");
    let mixed = browser.get(&mix_up).await;
    assert!(mixed.header("location").contains("error=access_denied"), "RFC 9207");
    assert_eq!(browser.get(&back).await.status, 400);
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_the_wallet() {
    let world = super::world::world_with(|config| {
        config.upstream.issuer = enishi_service::config::ConfiguredUrl::new("http://localhost:9/away");
    })
    .await;
    let wallet = Wallet::new(&world);
    let url = Authorization::new(&world).push(&wallet).await;
    let back = Browser::new(&world).open(&url).await.unwrap_err();
    assert!(back.query().unwrap().contains("error=temporarily_unavailable"), "{back}");
}

#[tokio::test]
async fn a_person_who_comes_alone_gets_an_offer() {
    let world = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&world.url("/start")).await.unwrap();
    let answer = decide(&mut browser, &page, "agree", &[PORTAL]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("href=\"openid-credential-offer://").unwrap();
    let uri = format!("openid-credential-offer://{}", rest.split('"').next().unwrap());
    let uri = uri.replace("&#38;", "&").replace("&amp;", "&");
    let (_, code) = answer.body.split_once("id=\"tx-code\">").unwrap();
    let code = code.split('<').next().unwrap();
    let reference = url::Url::parse(&uri).unwrap();
    let reference = reference.query_pairs().next().unwrap().1.into_owned();
    let offer = world.send(world.http.get(reference)).await.json();
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code={}&tx_code={code}",
        offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]["pre-authorized_code"]
            .as_str()
            .unwrap()
    );
    assert_eq!(Wallet::new(&world).post_form("/token", &form).await.status, 200);
}
