//! `POST /enishi/notices`: a verifier says that a grant was withdrawn, suspended, resumed, or has expired
//! (linkage protocol §10). It takes effect before it is acknowledged.

use std::sync::Arc;

use axum::extract::{Request, State};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::notice::{MEDIA_TYPE, Notice, UnverifiedNotice};
use enishi_service::http::{BodyError, Problem, read_body};
use enishi_service::store::{AuditEntry, AuditLog as _, SqlAuditLog, StoreError};
use http::StatusCode;
use serde_json::json;

use crate::context::Gateway;

/// Why a notice was not taken.
#[derive(Debug)]
pub(crate) enum NoticeError {
    /// The body is not a notice by its form.
    Body(BodyError),
    /// A check did not hold.
    Refused(Failure),
    /// The database failed; the verifier repeats the notice.
    Store(StoreError),
}

impl From<NoticeError> for Problem {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::Body(error) => error.into(),
            NoticeError::Refused(failure) => {
                let status = match failure.code {
                    "keys_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
                    "verifier_untrusted" | "signature_invalid" | "key_unknown" => StatusCode::UNAUTHORIZED,
                    _ => StatusCode::BAD_REQUEST,
                };
                Self::from_failure(status, &failure)
            }
            NoticeError::Store(error) => {
                tracing::error!(%error, "a notice could not be kept");
                Self::internal()
            }
        }
    }
}

pub(crate) async fn receive(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    Ok(take(&gateway, request).await?)
}

async fn take(gateway: &Gateway, request: Request) -> Result<StatusCode, NoticeError> {
    let body = read_body(request, MEDIA_TYPE).await.map_err(NoticeError::Body)?;
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let notice = verify(gateway, text).await.map_err(NoticeError::Refused)?;
    gateway.grants.apply(&notice).await.map_err(NoticeError::Store)?;
    let entry = AuditEntry {
        kind: notice.event.as_str().to_owned(),
        reference: notice.grant_id.clone(),
        at: gateway.now(),
        detail: json!({"notice": notice.jti, "said_at": notice.iat}),
    };
    SqlAuditLog::new(&gateway.store).append(&entry).await.map_err(NoticeError::Store)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn verify(gateway: &Gateway, text: &str) -> Verdict<Notice> {
    let notice = UnverifiedNotice::parse(text.trim())?;
    let untrusted = || {
        Failure::new("notice", "verifier_untrusted", "the notice is not of a trusted verifier")
            .at("/iss")
            .remedy("have the verifier added to the gateway's configuration")
    };
    let issuer = notice.claimed_issuer().ok_or_else(untrusted)?;
    let verifier = gateway.verifiers.find(&issuer).ok_or_else(untrusted)?;
    let key = gateway.verifiers.key(&issuer, &notice.key_hint()).await?;
    notice.verify(&*gateway.signatures, &key, verifier.as_str(), &gateway.party, gateway.now())
}
