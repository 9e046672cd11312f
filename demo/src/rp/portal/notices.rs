//! `POST /enishi/notices`: what the verifier tells the portal about a grant (linkage protocol §10).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::verdict::Failure;
use enishi_protocol::notice::{Notice, UnverifiedNotice};
use http::StatusCode;
use serde_json::json;

use super::Portal;

pub(super) async fn receive(State(portal): State<Portal>, body: String) -> Response {
    let notice = match verify(&portal, &body) {
        Ok(notice) => notice,
        Err(failure) => {
            let problem = json!({"code": failure.code, "check": failure.check, "detail": failure.detail});
            let content_type = [(http::header::CONTENT_TYPE, "application/problem+json")];
            return (StatusCode::BAD_REQUEST, content_type, problem.to_string()).into_response();
        }
    };
    let now = portal.0.rp.0.clock.now();
    let taken = portal.0.store.take_notice(&notice.jti, &notice.grant_id, notice.event.as_str(), now).await;
    match taken {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a notice could not be taken in");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn verify(portal: &Portal, body: &str) -> Result<Notice, Failure> {
    let (config, rp) = (&portal.0.config, &portal.0.rp);
    UnverifiedNotice::parse(body.trim())?.verify(
        &RustCryptoVerifier,
        &config.verifier_key,
        &config.verifier,
        &rp.0.profile.id,
        rp.0.clock.now(),
    )
}
