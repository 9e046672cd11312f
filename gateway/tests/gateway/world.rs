//! A gateway in this process, between a fake verifier with an issuer and a fake upstream, with keys of our own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as UrlPath, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{JwkSet, PrivateJwk};
use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_credential::time::{Clock as _, FixedClock, UnixTime};
use enishi_gateway::{Config, KeysConfig, PinnedPartyConfig, ResourceConfig, TrustConfig, run_on};
use enishi_protocol::datalink::{
    self, Confirmation, ConsentReference, DETAIL_TYPE, DataLinkClaims, LinkStatus, ReadDetail,
    StatusReference,
};
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::evidence::{Evidence, seal, sha256};
use enishi_protocol::fixture::{Ids, Town, key};
use enishi_protocol::linking::VerifiedLink;
use enishi_protocol::notice::{self, MEDIA_TYPE, Notice, NoticeEvent};
use enishi_protocol::party::UnverifiedAssertion;
use enishi_service::client::{ClientConfig, ClientResponse, GuardedClient};
use enishi_service::config::{
    ConfiguredUrl, Development, LogConfig, SecretSource, ServerConfig, StoreConfig,
};
use enishi_service::http::{Listeners, Running};
use enishi_service::keys::{KeyEntry, KeyFile, KeyState, KeyUse};
use enishi_service::trust::{IssuerConfig, TrustProfile};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);

/// What the fake verifier serves and receives.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) status: Mutex<Option<Status>>,
    pub(crate) status_fetches: Mutex<u32>,
    pub(crate) evidence: Mutex<HashMap<String, String>>,
    pub(crate) evidence_fetches: Mutex<u32>,
    pub(crate) reports: Mutex<Vec<Value>>,
    pub(crate) reported: tokio::sync::Notify,
    pub(crate) upstream: Mutex<Option<UpstreamAnswer>>,
    pub(crate) upstream_saw: Mutex<Vec<HeaderMap>>,
}

/// What the upstream answers instead of the person's data.
#[derive(Clone)]
pub(crate) struct UpstreamAnswer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

pub(crate) struct World {
    pub(crate) town: Arc<Town>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) gateway: Running,
    pub(crate) verified: VerifiedLink,
    pub(crate) evidence: Evidence,
    pub evidence_sha256: String,
    pub(crate) sp_key: PrivateJwk,
    pub(crate) client: GuardedClient,
    pub(crate) folder: tempfile::TempDir,
}

#[derive(Clone)]
struct Serving {
    town: Arc<Town>,
    fake: Arc<Fake>,
    clock: Arc<FixedClock>,
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

impl World {
    pub(crate) async fn new() -> Self {
        let (issuer_at, issuer) = listen().await;
        let (verifier_at, verifier) = listen().await;
        let (upstream_at, upstream) = listen().await;
        let listeners = Listeners::loopback().await.unwrap();
        let dp = format!("http://{}", listeners.public.local_addr().unwrap());
        let ids = Ids { issuer, verifier, sp: "http://127.0.0.1:1".to_owned(), dp };
        let town = Arc::new(Town::new(ids, NOW).await);
        let fake = Arc::new(Fake::default());
        *fake.status.lock().unwrap() = Some(Status::Valid);
        let clock = Arc::new(FixedClock::at(NOW));
        let serving = Serving { town: Arc::clone(&town), fake: Arc::clone(&fake), clock: Arc::clone(&clock) };
        serve(
            issuer_at,
            Router::new()
                .route("/.well-known/jwt-vc-issuer", get(issuer_metadata))
                .with_state(serving.clone()),
        );
        serve(verifier_at, verifier_routes(serving.clone()));
        serve(upstream_at, Router::new().fallback(upstream_answer).with_state(serving));

        let consent = town.request(town.terms("grant-1"));
        let sp = town.credential("resident-1", &town.sp, None).await;
        let dp = town.credential("resident-1", &town.dp, None).await;
        let answered = town.answer(&consent, &sp, &dp).await;
        let verified = town.verify(&consent, &answered.presentations).unwrap();
        let evidence = town.evidence(&consent, &answered.presentations, &verified);

        let folder = tempfile::tempdir().unwrap();
        let config = config(&town, folder.path(), &upstream);
        let entropy = Arc::new(SeededEntropy::new("gateway"));
        let gateway = run_on(config, listeners, Arc::clone(&clock) as _, entropy).await.unwrap();
        let client = GuardedClient::new(&ClientConfig::default(), Development(true)).unwrap();
        let mut world = Self {
            town,
            fake,
            clock,
            gateway,
            verified,
            evidence_sha256: String::new(),
            evidence: evidence.clone(),
            sp_key: key("sp-dpop"),
            client,
            folder,
        };
        world.evidence_sha256 = world.serve_evidence(&evidence).await;
        world
    }

    /// Lets the verifier serve this evidence; gives its name.
    pub(crate) async fn serve_evidence(&self, evidence: &Evidence) -> String {
        let compact = self.town.sign_evidence(evidence).await;
        let name = sha256(&compact);
        let sealed = seal(&compact, self.town.dp.enc.public(), &RustCryptoJwe, &self.town.entropy).unwrap();
        self.fake.evidence.lock().unwrap().insert(name.clone(), sealed);
        name
    }

    /// The claims of a link as an honest verifier mints it.
    pub(crate) fn link(&self, jti: &str) -> DataLinkClaims {
        let (town, now) = (&self.town, self.clock.now());
        let resource = town.service().resource;
        DataLinkClaims {
            iss: town.ids.verifier.clone(),
            aud: resource.clone(),
            client_id: town.sp.id.clone(),
            sub: format!("sub-{jti}"),
            jti: jti.to_owned(),
            iat: now,
            nbf: now,
            exp: now.plus(300),
            txn: format!("txn-{jti}"),
            cnf: Confirmation { jkt: self.sp_key.public().thumbprint(), xroad_client: None },
            authorization_details: [ReadDetail {
                detail_type: DETAIL_TYPE.to_owned(),
                locations: vec![resource],
                actions: vec!["read".to_owned()],
                datatypes: vec!["blood_pressure".to_owned()],
                purpose: "advice@1".to_owned(),
                max_uses: 1,
            }],
            sealed_sub: self.verified.sealed_sub_dp.clone(),
            acr: self.verified.acr.clone(),
            status: LinkStatus {
                status_list: StatusReference { idx: 3, uri: format!("{}/status-lists/1", town.ids.verifier) },
            },
            consent: ConsentReference {
                grant_id: "grant-1".to_owned(),
                terms_sha256: self.verified.terms_sha256.clone(),
                evidence_sha256: self.evidence_sha256.clone(),
                evidence: None,
                given_at: self.verified.given_at,
            },
        }
    }

    /// Fetches with this link, rightly signed and with a rightful proof.
    pub(crate) async fn fetch(&self, claims: &DataLinkClaims) -> ClientResponse {
        let token = datalink::mint(&self.town.verifier, claims).await.unwrap();
        let url = self.town.service().resource;
        let headers = self.headers(&token, &self.sp_key, "GET", &url).await;
        self.send("GET", &url, headers).await
    }

    /// The headers of a request with `token`, proved with `key`.
    pub(crate) async fn headers(&self, token: &str, key: &PrivateJwk, method: &str, url: &str) -> HeaderMap {
        let signer = SoftwareSigner::new(key.clone()).unwrap();
        let request = ProofRequest { method, url, access_token: Some(token), nonce: None };
        let proof = dpop::create(&signer, request, self.clock.now(), &self.town.entropy).await.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("DPoP {token}").parse().unwrap());
        headers.insert("dpop", proof.parse().unwrap());
        headers
    }

    pub(crate) async fn send(&self, method: &str, url: &str, headers: HeaderMap) -> ClientResponse {
        let mut request = http::Request::builder().method(method).uri(url);
        *request.headers_mut().unwrap() = headers;
        let answer = self.client.execute(request.body(Vec::new()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        ClientResponse { status: parts.status, headers: parts.headers, body: body.into() }
    }

    /// Sends a notice; gives the status of the acknowledgement.
    pub(crate) async fn notify(&self, event: NoticeEvent, grant_id: &str, jti: &str) -> StatusCode {
        let notice = Notice {
            iss: self.town.ids.verifier.clone(),
            aud: self.town.dp.id.clone(),
            jti: jti.to_owned(),
            iat: self.clock.now(),
            event,
            grant_id: grant_id.to_owned(),
        };
        let text = notice::create(&self.town.verifier, &notice).await.unwrap();
        self.post_notice(&text, MEDIA_TYPE).await.status
    }

    pub(crate) async fn post_notice(&self, text: &str, kind: &str) -> ClientResponse {
        let url = format!("{}/enishi/notices", self.town.dp.id);
        self.client.post_body(&url, kind, text.as_bytes().to_vec(), HeaderMap::new()).await.unwrap()
    }
}

fn config(town: &Town, folder: &Path, upstream: &str) -> Config {
    let url = |text: &str| ConfiguredUrl::new(text);
    let entry = |key: &PrivateJwk, key_use| KeyEntry {
        key: key.clone(),
        key_use,
        state: KeyState::Active,
        x5c: Vec::new(),
    };
    let keys = KeyFile {
        keys: vec![entry(&town.dp.signing_key, KeyUse::Signature), entry(&town.dp.enc, KeyUse::Encryption)],
        secrets: std::collections::BTreeMap::new(),
    };
    keys.create(&folder.join("keys.json")).unwrap();
    for (index, text) in town.declarations.iter().enumerate() {
        std::fs::write(folder.join(format!("{index}.jwt")), text).unwrap();
    }
    Config {
        development: Development(true),
        party: url(&town.dp.id),
        server: ServerConfig::loopback(town.dp.id.clone()),
        store: StoreConfig {
            url: SecretSource::Value(format!("sqlite://{}", folder.join("gateway.sqlite").display())),
        },
        keys: KeysConfig { file: folder.join("keys.json") },
        resource: ResourceConfig {
            uri: url(&town.service().resource),
            upstream: url(&format!("{upstream}/api")),
            body_limit: 4096,
            timeout_ms: 2000,
        },
        trust: TrustConfig {
            verifiers: vec![url(&town.ids.verifier)],
            profile: TrustProfile::Any,
            issuers: vec![IssuerConfig::metadata(&town.ids.issuer)],
            declarations: vec![folder.to_owned()],
            anchors: Vec::new(),
            pinned_parties: [&town.sp, &town.dp]
                .map(|party| PinnedPartyConfig { id: party.id.clone(), did: party.did().as_str().to_owned() })
                .to_vec(),
        },
        client: ClientConfig::default(),
        log: LogConfig::default(),
    }
}

async fn issuer_metadata(State(serving): State<Serving>) -> Json<Value> {
    let keys = JwkSet { keys: vec![serving.town.issuer.public_jwk().clone()] };
    Json(json!({"issuer": serving.town.ids.issuer, "jwks": keys}))
}

fn verifier_routes(serving: Serving) -> Router {
    Router::new()
        .route("/.well-known/enishi-verifier", get(verifier_metadata))
        .route("/jwks", get(verifier_keys))
        .route("/status-lists/{n}", get(status_list))
        .route("/evidence/{name}", get(evidence))
        .route("/release-reports", post(report))
        .with_state(serving)
}

async fn verifier_metadata(State(serving): State<Serving>) -> Json<Value> {
    let issuer = &serving.town.ids.verifier;
    Json(json!({"issuer": issuer, "jwks_uri": format!("{issuer}/jwks"), "other": 1}))
}

async fn verifier_keys(State(serving): State<Serving>) -> Json<Value> {
    Json(json!({"keys": [serving.town.verifier.public_jwk()]}))
}

async fn status_list(State(serving): State<Serving>, UrlPath(n): UrlPath<u32>) -> Response {
    *serving.fake.status_fetches.lock().unwrap() += 1;
    let Some(status) = *serving.fake.status.lock().unwrap() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut list = StatusList::new(StatusBits::Two, 64).unwrap();
    list.set(3, status).unwrap();
    let now = serving.clock.now();
    let uri = format!("{}/status-lists/{n}", serving.town.ids.verifier);
    let token = StatusListToken {
        uri: &uri,
        issuer: Some(&serving.town.ids.verifier),
        issued_at: now,
        expires_at: Some(now.plus(3_600)),
        // Longer than a gateway may believe.
        ttl: Some(3_600),
        aggregation_uri: None,
        list: &list,
    };
    let text = token.sign(&serving.town.verifier, &[]).await.unwrap();
    ([("content-type", "application/statuslist+jwt")], text).into_response()
}

/// Whether a request is by the data provider.
fn is_dp(serving: &Serving, headers: &HeaderMap) -> bool {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some(assertion) = text.and_then(|text| text.strip_prefix("Bearer ")) else { return false };
    let jwks = JwkSet { keys: vec![serving.town.dp.signing_key.public().clone()] };
    let verified = UnverifiedAssertion::parse(assertion).and_then(|assertion| {
        assertion.verify(&RustCryptoVerifier, &jwks, &serving.town.ids.verifier, serving.clock.now())
    });
    verified.is_ok_and(|party| party.id == serving.town.dp.id)
}

async fn evidence(
    State(serving): State<Serving>,
    UrlPath(name): UrlPath<String>,
    headers: HeaderMap,
) -> Response {
    *serving.fake.evidence_fetches.lock().unwrap() += 1;
    if !is_dp(&serving, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match serving.fake.evidence.lock().unwrap().get(&name) {
        Some(sealed) => ([("content-type", "application/jose")], sealed.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn report(State(serving): State<Serving>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    if !is_dp(&serving, &headers) {
        return StatusCode::UNAUTHORIZED;
    }
    serving.fake.reports.lock().unwrap().push(body);
    serving.fake.reported.notify_one();
    StatusCode::ACCEPTED
}

async fn upstream_answer(State(serving): State<Serving>, request: Request) -> Response {
    serving.fake.upstream_saw.lock().unwrap().push(request.headers().clone());
    if let Some(answer) = serving.fake.upstream.lock().unwrap().clone() {
        return (answer.status, [("content-type", answer.content_type)], answer.body).into_response();
    }
    let ppid = serving.town.ppid("resident-1", &serving.town.dp.id);
    let subject = request.headers().get("enishi-subject").and_then(|value| value.to_str().ok());
    if request.uri().path() != "/api" || subject != Some(ppid.expose()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({"name": "resident", "address": "…", "medication": ["a"], "checkups": [
        {"date": "2026-04-01", "blood_pressure": "120/80", "weight": 60, "note": "…"}]}))
    .into_response()
}
