//! A browser with one cookie, and the steps of the authorization code flow.

use enishi_credential::secret::Secret;
use enishi_protocol::oauth::{
    AuthorizationCodeGrant, AuthorizationRequest, AuthorizationResponseCheck, CredentialDetail, PkceVerifier,
    PushedRequest, PushedResponse, TokenRequest,
};
use enishi_protocol::vci::LINKAGE_SD_JWT;
use url::Url;

use super::wallet::Wallet;
use super::world::{Answer, CLIENT, REDIRECT, World};

/// A browser that remembers the issuer's cookie.
pub(crate) struct Browser<'a> {
    pub(crate) world: &'a World,
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, cookie: None }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let request = self.world.http.get(url).header("accept-language", "en");
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, url: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = self.world.http.post(url).form(&pairs).header("accept-language", "en");
        self.send(request).await
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let answer = self.world.send(request).await;
        for value in answer.headers.get_all("set-cookie") {
            let text = value.to_str().unwrap();
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "{text}");
            let pair = text.split(';').next().unwrap();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    /// Follows redirects until a page or a URL that is neither the issuer's nor the provider's.
    pub(crate) async fn open(&mut self, url: &str) -> Result<Answer, Url> {
        let mut url = Url::parse(url).unwrap();
        for _ in 0..10 {
            let ours = [&self.world.issuer, &self.world.provider.issuer];
            if !ours.iter().any(|base| url.as_str().starts_with(&format!("{base}/"))) {
                return Err(url);
            }
            let answer = self.get(url.as_str()).await;
            if !(300..400).contains(&answer.status) {
                return Ok(answer);
            }
            url = url.join(answer.header("location")).unwrap();
        }
        panic!("too many redirects")
    }
}

/// What a wallet keeps during an authorization.
pub(crate) struct Authorization {
    pub(crate) pushed: PushedRequest,
    pub(crate) verifier: PkceVerifier,
}

impl Authorization {
    /// A request of the registered wallet for linkage credentials.
    pub(crate) fn new(world: &World) -> Self {
        let verifier = PkceVerifier::generate(&*world.entropy);
        let pushed = PushedRequest {
            client_id: CLIENT.to_owned(),
            redirect_uri: REDIRECT.to_owned(),
            code_challenge: verifier.challenge(),
            state: Some("the-state".to_owned()),
            scope: Vec::new(),
            authorization_details: vec![CredentialDetail::new(LINKAGE_SD_JWT)],
            issuer_state: None,
            dpop_jkt: None,
        };
        Self { pushed, verifier }
    }

    /// Pushes it and gives the URL to open.
    pub(crate) async fn push(&self, wallet: &Wallet<'_>) -> String {
        let answer = wallet.post_form("/par", &self.pushed.to_form()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let response = PushedResponse::parse(answer.body.as_bytes()).unwrap();
        let request =
            AuthorizationRequest { client_id: CLIENT.to_owned(), request_uri: response.request_uri };
        wallet.world.url(&format!("/authorize?{}", request.to_query()))
    }

    /// Logs in and comes to the linking page.
    pub(crate) async fn linking_page<'a>(&self, wallet: &Wallet<'a>) -> (Browser<'a>, Answer) {
        let mut browser = Browser::new(wallet.world);
        let page = browser.open(&self.push(wallet).await).await.expect("the linking page");
        assert_eq!(page.status, 200, "{}", page.body);
        (browser, page)
    }

    /// Goes the whole way: the code for these relying parties.
    pub(crate) async fn code(&self, wallet: &Wallet<'_>, rps: &[&str]) -> String {
        let (mut browser, page) = self.linking_page(wallet).await;
        let answer = decide(&mut browser, &page, "agree", rps).await;
        code_of(wallet.world, &answer).unwrap()
    }

    pub(crate) fn grant(&self, code: &str) -> AuthorizationCodeGrant {
        AuthorizationCodeGrant {
            code: Secret::new(code.to_owned()),
            redirect_uri: Some(REDIRECT.to_owned()),
            code_verifier: Some(self.verifier.expose().to_owned()),
            client_id: CLIENT.to_owned(),
            authorization_details: Vec::new(),
        }
    }

    pub(crate) fn token_request(&self, code: &str) -> TokenRequest {
        TokenRequest::AuthorizationCode(self.grant(code))
    }
}

/// The code of an authorization response, or the error.
pub(crate) fn code_of(world: &World, answer: &Answer) -> Result<String, String> {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let url = Url::parse(answer.header("location")).unwrap();
    assert!(url.as_str().starts_with(REDIRECT), "{url}");
    let check = AuthorizationResponseCheck { state: "the-state", issuer: &world.issuer, iss_required: true };
    check.code(&url).map_err(|failure| format!("{}: {}", failure.code, failure.detail))
}

/// The hidden token of the linking page.
pub(crate) fn form_token(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"form_token\" value=\"").expect("a form token");
    rest.split('"').next().unwrap().to_owned()
}

/// Presses a button of the linking page with these parties ticked.
pub(crate) async fn decide(browser: &mut Browser<'_>, page: &Answer, answer: &str, rps: &[&str]) -> Answer {
    let token = form_token(page);
    let mut pairs = vec![("form_token", token.as_str()), ("answer", answer)];
    pairs.extend(rps.iter().map(|rp| ("rp", *rp)));
    let url = browser.world.url("/link");
    browser.post(&url, &pairs).await
}
