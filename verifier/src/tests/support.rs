//! The world of these tests: `enishi_protocol`'s town on loopback ports, and a verifier under test.

pub(super) mod certificate;
mod others;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{JwkSet, PrivateJwk};
use enishi_credential::sealed::{Binding, SealedSubject};
use enishi_credential::status::StatusReference;
use enishi_credential::time::{DAY, FixedClock, UnixTime};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::declaration::{PurposeApproval, sha256, sign_approval, sign_purpose};
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::fixture::{Ids, TestCredential, TestParty, Town, key};
use enishi_protocol::grant::access::{Access, Period};
use enishi_protocol::grant::messages::{
    DeclarationRef, LinkRequest, LinkRequestCreated, LinkRequestStatus, MintedLink,
};
use enishi_protocol::linking::present_linked;
use enishi_protocol::party;
use enishi_protocol::vp::{
    DirectPost, RequestTrust, RequestUri, TrustedVerifier, VerifiedRequest, verify_request,
};
use enishi_protocol::web::UrlPolicy;
use enishi_service::SystemEntropy;
use enishi_service::client::{ClientConfig, GuardedClient};
use enishi_service::config::Development;
use enishi_service::http::{Listeners, Running};
use enishi_service::keys::{KeyFile, KeyPlan, KeyType};
use enishi_service::store::{Store, testing};
use http::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::others::{Others, issuer, party_server};
use crate::Config;

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);
pub(super) const TOKEN: &str = "internal-token-of-the-tests";
pub(super) const RESIDENT: &str = "resident-1";

pub(super) struct World {
    pub(super) town: Town,
    pub(super) clock: Arc<FixedClock>,
    pub(super) others: Arc<Others>,
    issuer_origin: String,
    pub(super) base: String,
    pub(super) internal: String,
    pub(super) store: Store,
    pub(super) database: std::path::PathBuf,
    client: GuardedClient,
    config: Config,
    running: Option<Running>,
    _folder: tempfile::TempDir,
}

/// An answer of the verifier.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Status and `code` of a problem.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// A wallet's answer, ready to be posted.
pub(super) struct Presented {
    pub(super) request: VerifiedRequest,
    pub(super) presentations: [String; 2],
    pub(super) post: DirectPost,
    pub(super) grant_key: SoftwareSigner,
}

/// A grant that was given.
pub(super) struct Granted {
    pub(super) id: String,
    pub(super) grant_key: SoftwareSigner,
    pub(super) presented: Presented,
    pub(super) status: LinkRequestStatus,
}

/// What is particular to a world.
struct Setup {
    mode: fn(&Ids) -> Value,
    purpose_lifetime: Option<i64>,
    url: Option<String>,
    now: UnixTime,
    /// Whether the issuer is known by a `did:web`, and otherwise by its metadata.
    by_did: bool,
}

const LINKING: Setup =
    Setup { mode: |_| json!({"linking": {}}), purpose_lifetime: None, url: None, now: NOW, by_did: false };

const FIRST_PARTY: Setup =
    Setup { mode: |ids| json!({"first_party": {"rp": ids.sp, "acr_values": ["substantial"]}}), ..LINKING };

impl World {
    /// A linking verifier.
    pub(super) async fn linking() -> Self {
        Self::start(LINKING).await
    }

    /// A linking verifier that trusts an issuer by its `did:web`.
    pub(super) async fn linking_by_did() -> Self {
        Self::start(Setup { by_did: true, ..LINKING }).await
    }

    /// A linking verifier on every database at hand.
    pub(super) async fn linking_on_each(name: &str) -> Vec<Self> {
        let mut worlds = vec![Self::linking().await];
        if let Some(postgres) = testing::postgres(name).await {
            worlds.push(Self::start(Setup { url: Some(postgres.url.clone()), ..LINKING }).await);
        }
        worlds
    }

    /// A linking verifier that looks every second for what time alone changes, with a purpose that is declared for
    /// this many seconds.
    pub(super) async fn sweeping(purpose_lifetime: i64) -> Self {
        let mode = |_: &Ids| json!({"linking": {"sweep_interval_seconds": 1}});
        Self::start(Setup { mode, purpose_lifetime: Some(purpose_lifetime), ..LINKING }).await
    }

    /// A first-party verifier of the SP.
    pub(super) async fn first_party() -> Self {
        Self::start(FIRST_PARTY).await
    }

    /// The same at the machine's own time, for programs that look at it.
    pub(super) async fn first_party_today() -> Self {
        let now = enishi_credential::time::Clock::now(&enishi_service::clock::SystemClock);
        Self::start(Setup { now, ..FIRST_PARTY }).await
    }

    async fn start(setup: Setup) -> Self {
        let others = Arc::new(Others::default());
        let clock = Arc::new(FixedClock::at(setup.now));
        let folder = tempfile::tempdir().unwrap();
        let listeners = Listeners::loopback().await.unwrap();
        let port = listeners.public.local_addr().unwrap().port();
        let issuer = issuer(Arc::clone(&others), Arc::clone(&clock), setup.by_did).await;
        let trusted = if setup.by_did { json!({"id": issuer.id, "keys": "did"}) } else { json!(issuer.id) };
        let ids = Ids {
            issuer: issuer.id,
            verifier: format!("http://localhost:{port}"),
            sp: party_server(Arc::clone(&others)).await,
            dp: party_server(Arc::clone(&others)).await,
        };
        let mut town = Town::new(ids.clone(), setup.now).await;
        town.issuer = issuer.signer;
        if let Some(lifetime) = setup.purpose_lifetime {
            shorten_purpose(&mut town, lifetime).await;
        }
        let database = folder.path().join("verifier.sqlite");
        let url = setup.url.unwrap_or_else(|| format!("sqlite://{}", database.display()));
        let mut value = json!({
            "development": true,
            "server": {
                "public_listen": "127.0.0.1:0",
                "internal_listen": "127.0.0.1:0",
                "public_url": ids.verifier,
                "internal_token": TOKEN,
                "shutdown_grace_seconds": 1,
            },
            "store": {"url": url},
            "keys": {"file": folder.path().join("keys.json")},
            "wallet": {"client_id_prefix": "decentralized_identifier"},
            "trust": {"issuers": [trusted]},
        });
        value.as_object_mut().unwrap().extend((setup.mode)(&ids).as_object().unwrap().clone());
        if let Some(linking) = value.get_mut("linking") {
            for (at, text) in town.declarations.iter().enumerate() {
                std::fs::write(folder.path().join(format!("{at}.jwt")), text).unwrap();
            }
            let pinned = town.trust.pinned.iter();
            let pinned: Vec<_> =
                pinned.map(|party| json!({"id": party.id, "did": party.did.as_str()})).collect();
            linking["declarations"] = json!([folder.path()]);
            linking["pinned_parties"] = json!(pinned);
            if linking.get("sweep_interval_seconds").is_none() {
                linking["sweep_interval_seconds"] = json!(3600);
            }
        }
        let plan = KeyPlan { keys: &[KeyType::Es256], secrets: &["k_store"] };
        let mut keys = KeyFile::generate(&plan, &SystemEntropy);
        keys.keys[0].x5c = certificate::chain(&keys.keys[0].key);
        keys.create(&folder.path().join("keys.json")).unwrap();

        let config: Config = serde_json::from_value(value).unwrap();
        let shared: Arc<dyn enishi_credential::time::Clock> = Arc::clone(&clock) as _;
        let running =
            crate::run_on(config.clone(), listeners, shared, Arc::new(SystemEntropy)).await.unwrap();
        Self {
            town,
            clock,
            others,
            issuer_origin: issuer.origin,
            base: ids.verifier,
            internal: format!("http://localhost:{}", running.internal_addr.port()),
            store: Store::connect(&url).await.unwrap(),
            database,
            client: GuardedClient::new(&ClientConfig::default(), Development(true)).unwrap(),
            config,
            running: Some(running),
            _folder: folder,
        }
    }

    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Stops the verifier and starts it again, on the same port and the same database.
    pub(super) async fn restart(&mut self) {
        self.stop().await;
        let port: u16 = self.base.rsplit(':').next().unwrap().parse().unwrap();
        let listeners = Listeners {
            public: TcpListener::bind(("127.0.0.1", port)).await.unwrap(),
            internal: TcpListener::bind(("127.0.0.1", 0)).await.unwrap(),
        };
        let clock: Arc<dyn enishi_credential::time::Clock> = Arc::clone(&self.clock) as _;
        let running =
            crate::run_on(self.config.clone(), listeners, clock, Arc::new(SystemEntropy)).await.unwrap();
        self.internal = format!("http://localhost:{}", running.internal_addr.port());
        self.client = GuardedClient::new(&ClientConfig::default(), Development(true)).unwrap();
        self.running = Some(running);
    }

    pub(super) fn now(&self) -> UnixTime {
        enishi_credential::time::Clock::now(&*self.clock)
    }

    /// One call, to any URL.
    pub(super) async fn call(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.unwrap_or_default()).unwrap();
        let (parts, body) = self.client.execute(request).await.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn assertion(&self, party: &TestParty) -> String {
        let assertion =
            party::create(&party.signer, &party.id, &self.base, self.now(), &SystemEntropy).await.unwrap();
        format!("Bearer {assertion}")
    }

    /// A call by a party, with a fresh client assertion.
    pub(super) async fn as_party(
        &self,
        party: &TestParty,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let assertion = self.assertion(party).await;
        let mut headers = vec![("authorization", assertion.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        self.call(method, &format!("{}{path}", self.base), &headers, body).await
    }

    pub(super) async fn proof(&self, signer: &SoftwareSigner, method: &str, path: &str) -> String {
        let url = format!("{}{path}", self.base);
        let request = ProofRequest { method, url: &url, access_token: None, nonce: None };
        dpop::create(signer, request, self.now(), &SystemEntropy).await.unwrap()
    }

    /// A call by a holder, with a fresh proof of this key.
    pub(super) async fn as_holder(&self, signer: &SoftwareSigner, method: &str, path: &str) -> Answer {
        let proof = self.proof(signer, method, path).await;
        self.call(method, &format!("{}{path}", self.base), &[("dpop", &proof)], None).await
    }

    pub(super) fn dpop_key() -> SoftwareSigner {
        SoftwareSigner::new(key("sp-dpop")).unwrap()
    }

    pub(super) fn wish() -> LinkRequest {
        let named = |id: &str| DeclarationRef { id: id.to_owned(), version: "1".to_owned() };
        LinkRequest {
            service: named("checkup"),
            purpose: named("advice"),
            items: vec!["blood_pressure".to_owned(), "weight".to_owned()],
            access: Access::periodic(1, Period::Day),
            not_after: None,
            sp_session: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU".to_owned(),
            redirect_uri: None,
            dpop_jkt: key("sp-dpop").public().thumbprint(),
        }
    }

    pub(super) async fn ask(&self, wish: &LinkRequest) -> LinkRequestCreated {
        let body = serde_json::to_value(wish).unwrap();
        let answer = self.as_party(&self.town.sp, "POST", "/link-requests", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.read()
    }

    /// Fetches and verifies the request object as a wallet does.
    pub(super) async fn fetch(&self, wallet_uri: &str) -> VerifiedRequest {
        let uri = RequestUri::parse(wallet_uri, UrlPolicy::LoopbackHttpToo).unwrap();
        let answer = self.call("GET", uri.request_uri.as_str(), &[], None).await;
        assert_eq!(answer.headers["content-type"], "application/oauth-authz-req+jwt");
        self.verify_request(&answer.text(), &uri, None)
    }

    pub(super) fn verify_request(
        &self,
        compact: &str,
        uri: &RequestUri,
        wallet_nonce: Option<&str>,
    ) -> VerifiedRequest {
        let verifiers = [TrustedVerifier {
            client_id: uri.client_id.to_string(),
            response_host: Some("localhost".to_owned()),
        }];
        let trust = RequestTrust {
            anchors: &TrustAnchors::from_der([certificate::anchor()]).unwrap(),
            verifiers: Some(&verifiers),
            urls: UrlPolicy::LoopbackHttpToo,
            signatures: &RustCryptoVerifier,
            now: self.now(),
        };
        verify_request(compact, uri, wallet_nonce, &trust).unwrap()
    }

    pub(super) async fn credentials(&self, account: &str) -> [TestCredential; 2] {
        self.credentials_with(account, account, None).await
    }

    pub(super) async fn credentials_with(
        &self,
        sp_account: &str,
        dp_account: &str,
        status: Option<StatusReference>,
    ) -> [TestCredential; 2] {
        [
            self.town.credential(sp_account, &self.town.sp, status.clone()).await,
            self.town.credential(dp_account, &self.town.dp, status).await,
        ]
    }

    /// Answers a request with these credentials; nothing is posted yet.
    pub(super) async fn present(
        &self,
        request: VerifiedRequest,
        [sp, dp]: &[TestCredential; 2],
    ) -> Presented {
        let pair = request.consent().unwrap();
        let grant_key = PrivateJwk::generate_p256(&SystemEntropy);
        let jkt = grant_key.public().thumbprint();
        let now = self.now();
        let presentations =
            present_linked(&request, &pair, sp.part(), dp.part(), &jkt, now, &SystemEntropy).await.unwrap();
        let post = Self::answer(&request, &presentations);
        Presented { request, presentations, post, grant_key: SoftwareSigner::new(grant_key).unwrap() }
    }

    pub(super) fn answer(request: &VerifiedRequest, [sp, dp]: &[String; 2]) -> DirectPost {
        let token = BTreeMap::from([
            ("sp_link".to_owned(), vec![sp.clone()]),
            ("dp_link".to_owned(), vec![dp.clone()]),
        ]);
        request.answer(&token, &RustCryptoJwe, &SystemEntropy).unwrap()
    }

    pub(super) async fn post(&self, post: &DirectPost) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.call("POST", post.uri.as_str(), &headers, Some(post.body.clone().into_bytes())).await
    }

    pub(super) async fn status(&self, created: &LinkRequestCreated) -> LinkRequestStatus {
        let path = format!("/link-requests/{}", created.link_request_id);
        self.as_party(&self.town.sp, "GET", &path, None).await.read()
    }

    /// The whole way from the SP's wish to a grant.
    pub(super) async fn grant(&self, wish: &LinkRequest) -> Granted {
        let created = self.ask(wish).await;
        let request = self.fetch(&created.wallet_uri).await;
        let presented = self.present(request, &self.credentials(RESIDENT).await).await;
        let answer = self.post(&presented.post).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let status = self.status(&created).await;
        let id = status.grant_id.clone().expect("granted");
        Granted { id, grant_key: presented.grant_key.clone(), presented, status }
    }

    /// `POST /links` by the SP with its registered key.
    pub(super) async fn mint(&self, grant_id: &str) -> Answer {
        self.mint_with(grant_id, &Self::dpop_key()).await
    }

    pub(super) async fn mint_with(&self, grant_id: &str, signer: &SoftwareSigner) -> Answer {
        let assertion = self.assertion(&self.town.sp).await;
        let proof = self.proof(signer, "POST", "/links").await;
        let headers =
            [("authorization", assertion.as_str()), ("dpop", &proof), ("content-type", "application/json")];
        let body = json!({"grant_id": grant_id}).to_string().into_bytes();
        self.call("POST", &format!("{}/links", self.base), &headers, Some(body)).await
    }

    pub(super) async fn minted(&self, grant_id: &str) -> MintedLink {
        self.mint(grant_id).await.read()
    }

    /// A call to the internal listener with its token.
    pub(super) async fn as_operator(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let mut headers = vec![("authorization", token.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string().into_bytes());
        self.call(method, &format!("{}{path}", self.internal), &headers, body).await
    }

    /// The verifier's published keys.
    pub(super) async fn jwks(&self) -> JwkSet {
        self.call("GET", &format!("{}/jwks", self.base), &[], None).await.read()
    }

    /// Waits until `count` notices have come.
    pub(super) async fn notices(&self, count: usize) -> Vec<(String, String)> {
        until("the notices", || {
            let notices = self.others.notices.lock().unwrap();
            (notices.len() >= count).then(|| notices.clone())
        })
        .await
    }

    /// Waits until the grant or request is in this state.
    pub(super) async fn becomes(&self, id: &str, wanted: &str) {
        for _ in 0..1000 {
            let state: String = sqlx::query_scalar("SELECT state FROM grants WHERE id = $1")
                .bind(id)
                .fetch_one(self.store.pool())
                .await
                .unwrap();
            if state == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} did not become {wanted}");
    }

    /// How many rows of `grants` are in each state: what a refused answer must not change.
    pub(super) async fn grant_states(&self) -> Vec<(String, i64)> {
        sqlx::query_as("SELECT state, COUNT(*) FROM grants GROUP BY state ORDER BY state")
            .fetch_all(self.store.pool())
            .await
            .unwrap()
    }

    pub(super) fn status_reference(&self) -> StatusReference {
        StatusReference { idx: 7, uri: format!("{}/status/1", self.issuer_origin) }
    }
}

/// Declares the purpose, and its approval, for this many seconds only.
async fn shorten_purpose(town: &mut Town, lifetime: i64) {
    let mut purpose = town.purpose();
    purpose.exp = NOW.plus(lifetime);
    let purpose = sign_purpose(&town.sp.signer, &purpose).await.unwrap();
    let approval = PurposeApproval {
        iss: town.dp.id.clone(),
        purpose_sha256: sha256(&purpose),
        iat: NOW,
        exp: NOW.plus(365 * DAY),
    };
    let approval = sign_approval(&town.dp.signer, &approval).await.unwrap();
    town.declarations.truncate(3);
    town.declarations.extend([purpose, approval]);
}

/// Waits for a condition, and fails loudly when it does not come true.
pub(super) async fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = check() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}

/// What a party finds in an identifier that was sealed to it.
pub(super) fn unsealed(
    world: &World,
    party: &TestParty,
    credential: &TestCredential,
    sealed: &str,
) -> SealedSubject {
    let iss = world.town.ids.issuer.clone();
    let binding = Binding { iss, rp: party.id.clone(), jkt: credential.held.view().jkt };
    enishi_credential::sealed::open(&RustCryptoJwe, std::slice::from_ref(&party.enc), sealed, &binding)
        .unwrap()
}

/// The pairwise DID in a credential, for looking whether it turns up where it must not.
pub(super) fn did_of(credential: &TestCredential) -> String {
    Did::jwk(credential.signer.public_jwk()).as_str().to_owned()
}
