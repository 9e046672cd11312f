//! The servers beside the verifier: an issuer, and a party that takes notices.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use enishi_credential::crypto::Signer as _;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_credential::time::FixedClock;
use enishi_protocol::issuer_keys;
use http::StatusCode;
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
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}")
}

/// The issuer's server: metadata and a status list.
pub(super) async fn issuer(others: Arc<Others>, clock: Arc<FixedClock>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let id = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let signer = enishi_protocol::fixture::signer("issuer-1");
    let keys = JwkSet { keys: vec![signer.public_jwk().clone()] };
    let metadata = issuer_keys::metadata(&id, &keys);
    let uri = format!("{id}/status/1");
    let list = move || {
        let (others, uri, signer, now) =
            (Arc::clone(&others), uri.clone(), signer.clone(), enishi_credential::time::Clock::now(&*clock));
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
        .route("/status/1", get(list));
    tokio::spawn(async move { axum::serve(listener, router).await });
    id
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
