use std::net::SocketAddr;
use std::sync::Arc;

use enishi_credential::crypto::{ES256_OR_EDDSA, RustCryptoVerifier, SoftwareSigner};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::jose::jws::{Expected, UnverifiedJws};
use enishi_credential::time::{FixedClock, UnixTime};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::resident::browser::{Browser, BrowserError};
use crate::web::Served;

const CALLBACK: &str = "http://localhost:9/callback";
const VERIFIER: &str = "a-code-verifier-of-at-least-forty-three-characters";

struct Op {
    issuer: String,
    clock: Arc<FixedClock>,
    browser: Browser,
    _served: Served,
}

async fn op() -> Op {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    drop(listener);
    let issuer = format!("http://localhost:{}", address.port());
    let entropy = Arc::new(SeededEntropy::new("idp"));
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
    let key = PrivateJwk::generate_p256(&*entropy).map_public(|key| key.with_kid("idp-1"));
    let client = |id: &str| Client {
        id: id.to_owned(),
        secret: "s3cret".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
    };
    let idp = Idp::new(IdpConfig {
        issuer: issuer.clone(),
        clients: vec![client("issuer"), client("other")],
        accounts: vec![
            Account::new(&issuer, "resident-a", "1111"),
            Account::new(&issuer, "resident-b", "2222"),
        ],
        signer: Arc::new(SoftwareSigner::new(key).unwrap()),
        clock: clock.clone(),
        entropy,
    });
    let served = Served::start(address, idp.routes()).await.unwrap();
    Op { issuer, clock, browser: Browser::new(&[CALLBACK]).unwrap(), _served: served }
}

fn challenge() -> String {
    b64::encode(Sha256::digest(VERIFIER))
}

impl Op {
    fn request(&self, change: &[(&str, Option<&str>)]) -> String {
        let challenge = challenge();
        let mut pairs = vec![
            ("client_id", "issuer"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "st"),
            ("nonce", "no"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.extend(value.map(|value| (*name, value)));
        }
        Url::parse_with_params(&format!("{}/authorize", self.issuer), pairs).unwrap().into()
    }

    async fn log_in(&self, login: &str, pin: &str) -> Result<Url, BrowserError> {
        let page = self.browser.page(&self.request(&[])).await?;
        let mut form = page.form_with("pin").unwrap();
        form.fill("name", login).unwrap();
        form.fill("pin", pin).unwrap();
        self.browser.send(&form).await?.app()
    }

    async fn code(&self) -> String {
        parameter(&self.log_in("resident-a", "1111").await.unwrap(), "code").unwrap()
    }

    async fn token(&self, change: &[(&str, Option<&str>)], code: &str) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", "issuer"),
            ("client_secret", "s3cret"),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.extend(value.map(|value| (*name, value)));
        }
        self.browser.post_form(&format!("{}/token", self.issuer), &pairs).await.unwrap()
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_resident_logs_in_and_the_client_gets_a_signed_id_token() {
    let op = op().await;
    let answer = op.log_in("resident-a", "1111").await.unwrap();
    assert_eq!(parameter(&answer, "state").as_deref(), Some("st"));
    assert_eq!(parameter(&answer, "iss").as_deref(), Some(op.issuer.as_str()));
    let (status, tokens) = op.token(&[], &parameter(&answer, "code").unwrap()).await;
    assert_eq!(status, 200, "{tokens}");
    let jwks = op.browser.json(&format!("{}/jwks", op.issuer)).await.unwrap();
    let key = Jwk::from_value(&jwks["keys"][0]).unwrap();
    let id_token = UnverifiedJws::parse(tokens["id_token"].as_str().unwrap()).unwrap();
    let id_token = id_token.verify(&RustCryptoVerifier, &key, &Expected::new("JWT", ES256_OR_EDDSA)).unwrap();
    let claims = id_token.claims();
    assert_eq!(claims["iss"], json!(op.issuer));
    assert_eq!(claims["aud"], json!("issuer"));
    assert_eq!(claims["nonce"], json!("no"));
    assert_eq!(claims["acr"], json!(ACR));
    assert_eq!(claims["sub"], json!(Account::new(&op.issuer, "resident-a", "").sub()));
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
    let discovery =
        op.browser.json(&format!("{}/.well-known/openid-configuration", op.issuer)).await.unwrap();
    assert_eq!(discovery["issuer"], json!(op.issuer));
}

#[tokio::test]
async fn an_unknown_client_or_redirect_uri_is_redirected_nowhere() {
    let op = op().await;
    for change in [
        ("client_id", Some("stranger")),
        ("client_id", None),
        ("redirect_uri", Some("http://localhost:9/elsewhere")),
        ("redirect_uri", Some("http://localhost:9/callback?x=1")),
        ("redirect_uri", None),
    ] {
        let refused = op.browser.open(&op.request(&[change])).await;
        assert!(matches!(refused, Err(BrowserError::Status { status: 400, .. })), "{change:?}: {refused:?}");
    }
    let twice = format!("{}&client_id=issuer", op.request(&[]));
    assert!(matches!(op.browser.open(&twice).await, Err(BrowserError::Status { status: 400, .. })));
}

#[tokio::test]
async fn a_request_without_pkce_or_of_another_kind_is_refused_by_redirect() {
    let op = op().await;
    for (change, error) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge", Some("short")), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("response_type", Some("token")), "unsupported_response_type"),
        (("scope", Some("profile")), "invalid_scope"),
        (("prompt", Some("none")), "login_required"),
        (("response_mode", Some("fragment")), "invalid_request"),
        (("request", Some("e30.e30.")), "request_not_supported"),
        (("request_uri", Some("http://localhost:9/x")), "request_uri_not_supported"),
    ] {
        let answer = op.browser.open(&op.request(&[change])).await.unwrap().app().unwrap();
        assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(&answer, "state").as_deref(), Some("st"));
        assert_eq!(parameter(&answer, "code"), None);
    }
}

#[tokio::test]
async fn a_wrong_pin_gives_no_code_and_a_form_serves_once() {
    let op = op().await;
    let wrong = op.log_in("resident-a", "2222").await;
    assert!(matches!(wrong, Err(BrowserError::Status { status: 401, .. })), "{wrong:?}");
    let unknown = op.log_in("resident-c", "1111").await;
    assert!(matches!(unknown, Err(BrowserError::Status { status: 401, .. })), "{unknown:?}");

    let page = op.browser.page(&op.request(&[])).await.unwrap();
    let mut form = page.form_with("pin").unwrap();
    form.fill("name", "resident-a").unwrap();
    form.fill("pin", "1111").unwrap();
    let stranger = Browser::new(&[CALLBACK]).unwrap().send(&form).await;
    assert!(
        matches!(stranger, Err(BrowserError::Status { status: 400, .. })),
        "another browser: {stranger:?}"
    );
    let again = op.browser.send(&form).await;
    assert!(matches!(again, Err(BrowserError::Status { status: 400, .. })), "used form: {again:?}");
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_uri_and_verifier() {
    let op = op().await;
    for change in [
        ("code_verifier", None),
        ("code_verifier", Some("another-verifier-of-at-least-forty-three-characters")),
        ("code_verifier", Some("short")),
        ("redirect_uri", Some("http://localhost:9/elsewhere")),
        ("redirect_uri", None),
        ("client_id", Some("other")),
        ("code", Some("unknown")),
        ("code", None),
    ] {
        let (status, body) = op.token(&[change], &op.code().await).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{change:?}");
    }
    let code = op.code().await;
    assert_eq!(op.token(&[], &code).await.0, 200);
    let (status, body) = op.token(&[], &code).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "twice");

    let code = op.code().await;
    op.clock.advance(CODE_LIFE);
    assert_eq!(op.token(&[], &code).await.0, 400, "too late");
}

#[tokio::test]
async fn a_client_authenticates_with_its_secret() {
    let op = op().await;
    for change in [("client_secret", Some("wrong")), ("client_secret", None), ("client_id", Some("stranger"))]
    {
        let (status, body) = op.token(&[change], "any").await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{change:?}");
    }
    let (status, body) = op.token(&[("grant_type", Some("password"))], "any").await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
}
