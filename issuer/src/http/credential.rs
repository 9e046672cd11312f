//! `POST /credential`: linkage credentials for one relying party, one per key proof (OpenID4VCI 1.0 §8).

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::time::UnixTime;
use enishi_protocol::oauth::{ErrorCode, OAuthError};
use enishi_protocol::vci::{
    BatchPlan, CredentialRequest, CredentialResponse, KeyProof, LINKAGE_SD_JWT, ProofContext,
};
use enishi_service::http::read_body;
use enishi_service::store::{Seen, remember};
use http::{HeaderMap, StatusCode, header};

use super::answer::{Refusal, json};
use super::dpop::{self, ProofError};
use super::nonce::PURPOSE;
use super::notification;
use crate::app::{App, Shared};
use crate::issue::{NotIssued, issue};
use crate::store::AccessToken;

/// | error | status and code |
/// |---|---|
/// | no, unknown, expired or revoked access token; bound token without its proof | 401 and a challenge |
/// | malformed request, a configuration although identifiers were given, more than `batch_size` proofs | 400 `invalid_credential_request` |
/// | unknown configuration, unknown identifier | 400 `unknown_credential_configuration`, `unknown_credential_identifier` |
/// | proof missing or invalid | 400 `invalid_proof` |
/// | nonce foreign, expired or used | 400 `invalid_nonce` |
/// | encryption asked for | 400 `invalid_encryption_parameters` |
/// | login too weak for the relying party | 400 `credential_request_denied` |
/// | the relying party's key cannot be had | 503 `temporarily_unavailable` |
pub(super) async fn credential(State(app): State<Shared>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(response) => json(StatusCode::OK, response.to_json().expose().clone()),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(app: &App, request: Request) -> Result<CredentialResponse, Refusal> {
    let headers = request.headers().clone();
    let (token, secret) = authorize(app, &headers, "/credential").await?;
    let body = read_body(request, "application/json")
        .await
        .map_err(|error| Refusal::body(ErrorCode::InvalidCredentialRequest, &error))?;
    let request = CredentialRequest::parse(&body, app.config.issuance.batch_size)?;
    // A credential identifier is the party id itself: a wallet has to know for whom it makes a pairwise DID before it
    // asks. Wallets that make none may treat it as opaque.
    let identifier = request.identifier(|id| id == LINKAGE_SD_JWT)?;
    let party = token
        .rps
        .iter()
        .find(|granted| *granted == identifier)
        .and_then(|rp| app.parties.get(rp))
        .ok_or_else(|| {
            OAuthError::new(
                ErrorCode::UnknownCredentialIdentifier,
                "the token response did not give this credential identifier",
            )
        })?;
    let subject = token.subject.expose();
    if app.level(&subject.acr) < party.min_level {
        return Err(OAuthError::new(
            ErrorCode::CredentialRequestDenied,
            "the login is too weak for this relying party: log in again with the level that it demands",
        )
        .into());
    }
    let plan = check_proofs(app, request.required_proofs()?, token.client_id.as_deref())?;
    spend_nonces(app, &plan).await?;
    let credentials = issue(app, subject, party, &plan).await.map_err(|error| match error {
        NotIssued::Refused(error) => error.into(),
        NotIssued::Party(_) => Refusal::Unavailable,
        NotIssued::Signer => {
            tracing::error!("the signer failed");
            Refusal::Internal
        }
    })?;
    tracing::info!(rp = %party.id, count = credentials.len(), "credentials issued");
    let notification_id = Some(notification::new_id(app, &secret));
    Ok(CredentialResponse::Issued { credentials, notification_id })
}

/// The access token of a request to a protected endpoint, and its text.
pub(super) async fn authorize(
    app: &App,
    headers: &HeaderMap,
    path: &str,
) -> Result<(AccessToken, String), Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::challenge("DPoP", None)) };
    if values.next().is_some() {
        return Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "there is more than one Authorization header",
        )
        .into());
    }
    let (scheme, secret) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| Refusal::challenge("DPoP", None))?;
    let is_dpop = scheme.eq_ignore_ascii_case("DPoP");
    if !is_dpop && !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Refusal::challenge("DPoP", None));
    }
    let scheme = if is_dpop { "DPoP" } else { "Bearer" };
    let invalid =
        |text: &str| Refusal::challenge(scheme, Some(OAuthError::new(ErrorCode::InvalidToken, text)));
    let token = app.tokens.find(secret, app.clock.now()).await?;
    let token = token.ok_or_else(|| invalid("the access token is unknown, expired or revoked"))?;
    match (is_dpop, token.jkt) {
        (true, Some(jkt)) => match dpop::check(app, headers, path, Some((secret, jkt))).await {
            Ok(_) => Ok((token, secret.to_owned())),
            Err(ProofError::Dpop(error)) => Err(Refusal::dpop_challenge(&error)),
            Err(ProofError::Other(refusal)) => Err(refusal),
        },
        (false, None) => Ok((token, secret.to_owned())),
        (false, Some(_)) => Err(invalid("the access token is bound to a key: use the DPoP scheme")),
        (true, None) => Err(invalid("the access token is a bearer token")),
    }
}

/// All proofs of a request hold, or none counts.
fn check_proofs(app: &App, proofs: &[String], client_id: Option<&str>) -> Result<BatchPlan, OAuthError> {
    let context = ProofContext::new(app.url.as_str(), app.clock.now(), client_id);
    let verified: Result<Vec<_>, _> =
        proofs.iter().map(|proof| KeyProof::parse(proof)?.verify(&*app.verifier, &context)).collect();
    BatchPlan::new(verified?)
}

/// Uses the nonces up, all or none. They are ours and in time, and nobody has used them before.
async fn spend_nonces(app: &App, plan: &BatchPlan) -> Result<(), Refusal> {
    let now = app.clock.now();
    let refuse = || {
        OAuthError::new(
            ErrorCode::InvalidNonce,
            "the nonce is not of this issuer, expired or used: ask the nonce endpoint for a new one",
        )
    };
    let ends: Option<Vec<(&String, UnixTime)>> = plan
        .nonces
        .iter()
        .map(|nonce| Some((nonce, app.keys.k_state.check_nonce(PURPOSE, nonce, now)?)))
        .collect();
    let ends = ends.ok_or_else(refuse)?;
    let mut tx = app.store.begin().await?;
    for (nonce, end) in ends {
        if remember(&mut tx, PURPOSE, nonce, end, now).await? == Seen::Before {
            return Err(refuse().into());
        }
    }
    tx.commit().await.map_err(enishi_service::store::StoreError::from)?;
    Ok(())
}
