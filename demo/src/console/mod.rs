//! The town console, which exists only with `--serve`: offers and requests for independent wallets, and somebody who logs
//! in for them. It hands out what residents and relying parties could get for themselves.
//!
//! | endpoint | answer |
//! |---|---|
//! | `GET /` | where everything is, JSON |
//! | `GET /offers` | `{pre, preTx, code, byReference}`; the transaction code is 1234 |
//! | `GET /session?client=x509_san_dns\|did&post=1&td=1` | `{id, uri}`: what a wallet opens |
//! | `GET /result/{id}` | what the portal learned from that session, once |
//! | `GET /authorize?url=…` | logs a resident in and picks the portal; the redirect URL as text |

mod authorize;
mod hints;
mod offers;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use enishi_credential::secret::Secret;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::DemoError;
use crate::net::Net;
use crate::rp::portal::Portal;
use crate::sample::Place;
use crate::town::Town;
use crate::web::Served;

pub(crate) use self::hints::{hints, places};

/// The console. Cloning shares it.
#[derive(Clone)]
struct Console(Arc<Inner>);

struct Inner {
    net: Net,
    portal: Portal,
    portal_id: String,
    idp: String,
    issuer: String,
    offers_api: String,
    token: Secret<String>,
    places: Value,
}

/// Starts the console of `town`.
///
/// # Errors
/// If its port is taken.
pub(crate) async fn start(town: &Town) -> Result<Served, DemoError> {
    let console = Console(Arc::new(Inner {
        net: town.world.net.clone(),
        portal: town.portal.clone(),
        portal_id: town.party(Place::Portal),
        idp: town.plan.idp.url(),
        issuer: town.plan.issuer.public.url(),
        offers_api: format!("{}/offers", town.plan.issuer.internal.url()),
        token: Secret::new(town.internal_token.clone()),
        places: hints::places(town),
    }));
    let routes = Router::new()
        .route("/", get(hints::index))
        .route("/offers", get(offers::offers))
        .route("/session", get(session::session))
        .route("/result/{id}", get(session::result))
        .route("/authorize", get(authorize::authorize))
        .with_state(console);
    Ok(Served::start(town.plan.console.address(), routes).await?)
}

/// What the console could not do, for whoever tries.
struct Trouble(StatusCode, String);

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let body = json!({"error": "console", "error_description": self.1}).to_string();
        (self.0, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(StatusCode::BAD_GATEWAY, error.to_string())
    }
}
