//! A stand-in for the identity provider: whoever comes is logged in at once, as whom the test says.

use std::sync::{Arc, Mutex};

use axum::extract::{Query, RawForm, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::jose::jws;
use enishi_credential::time::{Clock as _, FixedClock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How the provider behaves; a test changes it on the way.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) sub: &'static str,
    pub(crate) acr: Option<&'static str>,
    /// `error` instead of a code.
    pub(crate) error: Option<&'static str>,
    /// Changes to the claims of the ID token.
    pub(crate) claims: Value,
    /// The `acr_values` that were last asked for.
    pub(crate) asked_acr: Option<String>,
}

struct Inner {
    issuer: String,
    redirect_uri: String,
    clock: Arc<FixedClock>,
    signer: SoftwareSigner,
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<(String, Value)>>,
}

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    inner: Arc<Inner>,
}

impl Provider {
    pub(crate) async fn start(clock: Arc<FixedClock>, redirect_uri: &str, portal_key: &Jwk) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("provider"));
        let key = key.map_public(|public| public.for_signature().with_kid("op-1"));
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            redirect_uri: redirect_uri.to_owned(),
            clock,
            signer: SoftwareSigner::new(key).unwrap(),
            behaviour: Mutex::new(Behaviour {
                sub: "resident-1",
                acr: Some(super::world::WEAK),
                error: None,
                claims: json!({}),
                asked_acr: None,
            }),
            requests: Mutex::new(Vec::new()),
        });
        let portal_jwks = json!({"keys": [portal_key]});
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/portal-jwks", get(move || async move { Json(portal_jwks) }))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, inner }
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.inner.behaviour.lock().unwrap());
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        self.inner.behaviour.lock().unwrap().clone()
    }
}

type Shared = Arc<Inner>;

async fn discovery(State(op): State<Shared>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", op.issuer);
    Json(json!({
        "issuer": op.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn jwks(State(op): State<Shared>) -> Json<Value> {
    Json(json!({"keys": [op.signer.public_jwk()]}))
}

async fn authorize(State(op): State<Shared>, Query(query): Query<Value>) -> Response {
    assert_eq!(query["client_id"], "enishi-issuer");
    assert_eq!(query["redirect_uri"], op.redirect_uri);
    assert_eq!(query["scope"], "openid", "nothing but the login is asked for");
    assert_eq!(query["code_challenge_method"], "S256");
    let mut behaviour = op.behaviour.lock().unwrap();
    behaviour.asked_acr = query["acr_values"].as_str().map(str::to_owned);
    let state = query["state"].as_str().unwrap().to_owned();
    let mut url = url::Url::parse(&op.redirect_uri).unwrap();
    if let Some(error) = behaviour.error {
        url.query_pairs_mut().append_pair("error", error);
    } else {
        let code = format!("op-code-{}", op.requests.lock().unwrap().len());
        op.requests.lock().unwrap().push((code.clone(), query));
        url.query_pairs_mut().append_pair("code", &code);
    }
    url.query_pairs_mut().append_pair("state", &state).append_pair("iss", &op.issuer);
    (http::StatusCode::FOUND, [("location", url.to_string())]).into_response()
}

async fn token(State(op): State<Shared>, headers: http::HeaderMap, RawForm(body): RawForm) -> Response {
    assert!(headers[http::header::AUTHORIZATION].to_str().unwrap().starts_with("Basic "));
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(&body).into_owned().collect();
    let request = op.requests.lock().unwrap().iter().find(|(code, _)| *code == form["code"]).cloned();
    let Some((_, request)) = request else { return http::StatusCode::BAD_REQUEST.into_response() };
    assert_eq!(
        b64::encode(Sha256::digest(&form["code_verifier"])),
        request["code_challenge"].as_str().unwrap()
    );
    let behaviour = op.behaviour.lock().unwrap().clone();
    let now = op.clock.now();
    let mut claims = json!({
        "iss": op.issuer, "sub": behaviour.sub, "aud": "enishi-issuer", "iat": now, "exp": now.plus(300),
        "nonce": request["nonce"],
    });
    if let Some(acr) = behaviour.acr {
        claims["acr"] = json!(acr);
    }
    for (name, value) in behaviour.claims.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let id_token = jws::sign(&op.signer, jws::header("JWT", &op.signer), &claims).await.unwrap();
    Json(json!({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}))
        .into_response()
}
