//! `POST /nonce`: a challenge for key proofs (OpenID4VCI 1.0 §7). Anybody may ask; nothing is stored.

use axum::extract::State;
use axum::response::Response;
use enishi_protocol::vci::NonceResponse;
use http::StatusCode;

use super::answer::json;
use crate::app::Shared;

/// What the nonces of key proofs are derived and remembered under.
pub(super) const PURPOSE: &str = "c_nonce";

pub(super) async fn nonce(State(app): State<Shared>) -> Response {
    let until = app.clock.now().plus(i64::from(app.config.lifetimes.nonce));
    let answer = NonceResponse { c_nonce: app.keys.k_state.issue_nonce(PURPOSE, until, &*app.entropy) };
    json(StatusCode::OK, serde_json::to_string(&answer).unwrap_or_default())
}
