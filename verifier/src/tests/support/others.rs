//! The servers beside the verifier: an issuer, and a party that takes notices.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_credential::time::FixedClock;
use enishi_protocol::issuer_keys;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the other servers have seen, and how they behave.
#[derive(Default)]
pub(in crate::tests) struct Others {
    /// Notices: the party and the compact JWS.
    pub(in crate::tests) notices: Mutex<Vec<(String, String)>>,
    /// The answer to the next notices; 200 when empty.
    pub(in crate::tests) refuse_notices: Mutex<Vec<u16>>,
    /// The value of every place in the issuer's status list.
    pub(in crate::tests) credential_status: Mutex<u8>,
    /// Whether the issuer's status list is there at all.
    pub(in crate::tests) status_missing: Mutex<bool>,
    /// How often it was asked for.
    pub(in crate::tests) status_fetches: Mutex<u32>,
    /// The document of the issuer that is known by its DID; null when its host cannot answer.
    pub(in crate::tests) did_document: Mutex<Value>,
    /// How often it was asked for.
    pub(in crate::tests) did_fetches: Mutex<u32>,
}

/// Who the issuer is, by what it signs, and where its server is.
pub(super) struct IssuerServer {
    pub(super) id: String,
    pub(super) signer: SoftwareSigner,
    pub(super) origin: String,
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}")
}

/// The issuer's server: a status list, and metadata or a DID document.
pub(super) async fn issuer(others: Arc<Others>, clock: Arc<FixedClock>, by_did: bool) -> IssuerServer {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = format!("http://localhost:{port}");
    let id = if by_did { format!("did:web:localhost%3A{port}") } else { origin.clone() };
    let kid = if by_did { format!("{id}#issuer-1") } else { "issuer-1".to_owned() };
    let key = enishi_protocol::fixture::key("issuer-1").map_public(|public| public.with_kid(kid.as_str()));
    let signer = SoftwareSigner::new(key).unwrap();
    let keys = JwkSet { keys: vec![signer.public_jwk().clone()] };
    *others.did_document.lock().unwrap() = json!({
        "id": id,
        "verificationMethod": [
            {"id": kid, "type": "JsonWebKey", "controller": id, "publicKeyJwk": signer.public_jwk()},
        ],
        "assertionMethod": [kid],
    });
    let metadata = issuer_keys::metadata(&id, &keys);
    let uri = format!("{origin}/status/1");
    let published = Arc::clone(&others);
    let document = async move || {
        *published.did_fetches.lock().unwrap() += 1;
        let document = published.did_document.lock().unwrap().clone();
        if document.is_null() { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(Json(document)) }
    };
    let list_signer = signer.clone();
    let list = move || {
        let signer = list_signer.clone();
        let (others, uri, now) =
            (Arc::clone(&others), uri.clone(), enishi_credential::time::Clock::now(&*clock));
        async move {
            *others.status_fetches.lock().unwrap() += 1;
            if *others.status_missing.lock().unwrap() {
                return Err(StatusCode::NOT_FOUND);
            }
            let mut list = StatusList::new(StatusBits::Two, 64).unwrap();
            let value = *others.credential_status.lock().unwrap();
            for idx in 0..64 {
                list.set(idx, Status::from_value(value)).unwrap();
            }
            let token = StatusListToken {
                uri: &uri,
                issuer: None,
                issued_at: now,
                expires_at: None,
                ttl: Some(1),
                aggregation_uri: None,
                list: &list,
            };
            let token = token.sign(&signer, &[]).await.unwrap();
            Ok(([("content-type", "application/statuslist+jwt")], token))
        }
    };
    let router = Router::new()
        .route("/.well-known/jwt-vc-issuer", get(move || async move { Json(metadata) }))
        .route("/.well-known/did.json", get(document))
        .route("/status/1", get(list));
    tokio::spawn(async move { axum::serve(listener, router).await });
    IssuerServer { id, signer, origin }
}

/// A party's server: it takes notices.
pub(super) async fn party_server(others: Arc<Others>) -> String {
    async fn notice(
        State((others, name)): State<(Arc<Others>, Arc<Mutex<String>>)>,
        body: String,
    ) -> StatusCode {
        let refusal = others.refuse_notices.lock().unwrap().pop();
        if let Some(status) = refusal {
            return StatusCode::from_u16(status).unwrap();
        }
        let name = name.lock().unwrap().clone();
        others.notices.lock().unwrap().push((name, body));
        StatusCode::NO_CONTENT
    }
    let name = Arc::new(Mutex::new(String::new()));
    let router = Router::new().route("/enishi/notices", post(notice)).with_state((others, Arc::clone(&name)));
    let id = serve(router).await;
    name.lock().unwrap().clone_from(&id);
    id
}
