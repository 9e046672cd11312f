//! `GET /evidence/{sha256}`: the consent proof, sealed to the DP that it is for (linkage protocol §7).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::jose::jwe::{ContentEncryption, JweHeader};
use enishi_service::http::Problem;
use http::{HeaderMap, StatusCode, header};

use crate::errors::Internal;
use crate::linking::auth::AuthError;
use crate::linking::{Linking, evidence_place, store};

#[derive(Debug, thiserror::Error)]
pub(super) enum EvidenceError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Not there, or another DP's: one answer.
    #[error("there is no such evidence for this party")]
    Unknown,
    #[error("the party has declared no encryption key")]
    NoKey,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for EvidenceError {
    fn into_response(self) -> Response {
        match self {
            Self::Auth(error) => error.into(),
            Self::Unknown => Problem::not_found(),
            Self::NoKey => Problem::new(
                StatusCode::CONFLICT,
                "encryption_key_missing",
                "There is no key to seal the evidence to",
            )
            .remedy("declare a key with `use: enc` in the `jwks` of your party declaration"),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn evidence(
    State(linking): State<Arc<Linking>>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, EvidenceError> {
    let party = linking.party(&headers).await?;
    let context = &linking.context;
    let found = {
        let mut connection = context.store.pool().acquire().await.map_err(Internal::from)?;
        store::find_evidence(&mut connection, &sha256).await.map_err(Internal::from)?
    };
    let found = found.ok_or(EvidenceError::Unknown)?;
    let row = linking.find_grant(&found.grant_id).await?;
    row.filter(|row| row.provider == party).ok_or(EvidenceError::Unknown)?;
    let declared = linking.declarations.party_by_id(&party, context.now());
    let key = declared.and_then(|party| party.body.encryption_keys().next()).ok_or(EvidenceError::NoKey)?;
    let bundle =
        context.store_key.open(&evidence_place(&found.grant_id), &found.sealed).map_err(Internal::from)?;
    let jwe_header =
        JweHeader::new(ContentEncryption::A256Gcm).kid(key.kid.clone()).member("cty", "enishi-evidence+jwt");
    let sealed =
        context.jwe.seal(key, &jwe_header, &bundle, &*context.entropy).map_err(|_| EvidenceError::NoKey)?;
    Ok(([(header::CONTENT_TYPE, "application/jose"), (header::CACHE_CONTROL, "no-store")], sealed))
}
