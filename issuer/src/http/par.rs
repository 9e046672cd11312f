//! `POST /par`: pushed authorization requests (RFC 9126).

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::entropy;
use enishi_protocol::oauth::{ErrorCode, OAuthError, Params, PushedRequest, PushedResponse};
use enishi_protocol::vci::LINKAGE_SD_JWT;
use enishi_service::http::read_body;
use http::StatusCode;

use super::answer::{Refusal, json};
use super::dpop;
use crate::app::{App, Shared};
use crate::store::StoredRequest;

/// | error | status and code |
/// |---|---|
/// | unknown client | 401 `invalid_client` |
/// | redirect URI, PKCE, `request_uri`, missing or repeated parameter, unknown `issuer_state` | 400 `invalid_request` |
/// | nothing asked for that can be had | 400 `invalid_scope` or `invalid_authorization_details` |
/// | DPoP proof, or another key than `dpop_jkt` | 400 `invalid_dpop_proof` |
pub(super) async fn par(State(app): State<Shared>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(response) => json(StatusCode::CREATED, serde_json::to_string(&response).unwrap_or_default()),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(app: &App, request: Request) -> Result<PushedResponse, Refusal> {
    let headers = request.headers().clone();
    let body = read_body(request, "application/x-www-form-urlencoded")
        .await
        .map_err(|error| Refusal::body(ErrorCode::InvalidRequest, &error))?;
    let mut pushed = PushedRequest::from_params(Params::parse(&body)?)?;
    let wallet = app
        .wallet(&pushed.client_id)
        .ok_or_else(|| OAuthError::new(ErrorCode::InvalidClient, "the client is not registered"))?;
    pushed.check_redirect_uri(&wallet.redirect_uris)?;
    check_what_is_asked_for(app, &pushed)?;
    if let Some(proof) = dpop::check_optional(app, &headers, "/par").await? {
        pushed.bind_to_proof(proof.jkt)?;
    }
    let fixed_rps = match &pushed.issuer_state {
        None => None,
        Some(issuer_state) => {
            let offer = app.offers.by_issuer_state(issuer_state, app.clock.now()).await?;
            let offer = offer.filter(|offer| offer.authorization_code).ok_or_else(|| {
                OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "`issuer_state` is of no open offer: get a new offer",
                )
            })?;
            Some(offer.rps)
        }
    };
    let reference = entropy::token(&*app.entropy);
    let lifetime = app.config.lifetimes.pushed_request;
    let stored = StoredRequest {
        client_id: pushed.client_id,
        redirect_uri: pushed.redirect_uri,
        code_challenge: pushed.code_challenge.as_str().to_owned(),
        state: pushed.state,
        fixed_rps,
        dpop_jkt: pushed.dpop_jkt,
    };
    app.pushed.insert(&reference, &stored, app.clock.now().plus(i64::from(lifetime))).await?;
    Ok(PushedResponse { request_uri: PushedResponse::request_uri(&reference), expires_in: lifetime.into() })
}

/// Linkage credentials are all there is: by their scope, or by authorization details, which win (OpenID4VCI 1.0 §5.1).
fn check_what_is_asked_for(app: &App, pushed: &PushedRequest) -> Result<(), OAuthError> {
    if !pushed.authorization_details.is_empty() {
        let known = |id: &str| id == LINKAGE_SD_JWT;
        if pushed.authorization_details.iter().all(|detail| known(&detail.credential_configuration_id)) {
            return Ok(());
        }
        return Err(OAuthError::new(
            ErrorCode::InvalidAuthorizationDetails,
            "there is no such credential configuration",
        ));
    }
    if pushed.scope.contains(&app.config.issuance.scope) {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::InvalidScope,
        "no credential is asked for: send authorization_details or the scope of a credential configuration",
    ))
}
