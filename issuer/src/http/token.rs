//! `POST /token`: both grants (OpenID4VCI 1.0 §6), DPoP-bound as soon as the wallet uses DPoP.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use enishi_credential::entropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::secret::Secret;
use enishi_protocol::dpop::DpopError;
use enishi_protocol::oauth::{
    AuthorizationCodeGrant, CredentialDetail, ErrorCode, GrantedDetail, OAuthError, Params, PkceChallenge,
    PreAuthorizedGrant, TokenRequest, TokenResponse,
};
use enishi_protocol::vci::LINKAGE_SD_JWT;
use enishi_service::http::read_body;
use http::StatusCode;
use subtle::ConstantTimeEq as _;

use super::answer::{Refusal, json};
use super::dpop;
use crate::app::{App, Shared};
use crate::offer::{TX_TRIES, tx_code_mac};
use crate::store::{AccessToken, NewToken};

/// | error | status and code |
/// |---|---|
/// | missing or repeated parameter; `tx_code` missing or not expected | 400 `invalid_request` |
/// | code unknown, used, over or another client's; wrong redirect URI, PKCE verifier or `tx_code` | 400 `invalid_grant` |
/// | unknown client, or none where one is needed | 401 `invalid_client` |
/// | DPoP proof invalid, missing though required or the code is bound, or by another key | 400 `invalid_dpop_proof` |
pub(super) async fn token(State(app): State<Shared>, request: Request) -> Response {
    match answer(&app, request).await {
        Ok(response) => json(StatusCode::OK, response.to_json().expose().clone()),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(app: &App, request: Request) -> Result<TokenResponse, Refusal> {
    let headers = request.headers().clone();
    let body = read_body(request, "application/x-www-form-urlencoded")
        .await
        .map_err(|error| Refusal::body(ErrorCode::InvalidRequest, &error))?;
    let request = TokenRequest::from_params(Params::parse(&body)?)?;
    let key = dpop::check_optional(app, &headers, "/token").await?.map(|proof| proof.jkt);
    if key.is_none() && app.config.issuance.require_dpop {
        return Err(DpopError::Missing.as_token_error().into());
    }
    match request {
        TokenRequest::AuthorizationCode(grant) => authorization_code(app, grant, key).await,
        TokenRequest::PreAuthorized(grant) => pre_authorized(app, grant, key).await,
    }
}

fn invalid_grant(text: &str) -> Refusal {
    OAuthError::new(ErrorCode::InvalidGrant, text).into()
}

const NO_CODE: &str = "the code is unknown, used or expired";

async fn authorization_code(
    app: &App,
    grant: AuthorizationCodeGrant,
    key: Option<Thumbprint>,
) -> Result<TokenResponse, Refusal> {
    let now = app.clock.now();
    if app.wallet(&grant.client_id).is_none() {
        return Err(OAuthError::new(ErrorCode::InvalidClient, "the client is not registered").into());
    }
    check_details(&grant.authorization_details)?;
    let code = grant.code.expose();
    let issued = app.codes.look_up(code, now).await?.ok_or_else(|| invalid_grant(NO_CODE))?;
    if issued.request.client_id != grant.client_id {
        return Err(invalid_grant(NO_CODE));
    }
    if grant.redirect_uri.as_ref().is_some_and(|uri| *uri != issued.request.redirect_uri) {
        return Err(invalid_grant("`redirect_uri` is not the one of the authorization request"));
    }
    PkceChallenge::from_stored(issued.request.code_challenge).verify(grant.code_verifier)?;
    check_binding(issued.request.dpop_jkt, key)?;
    let content =
        AccessToken { subject: issued.subject, rps: issued.rps, client_id: Some(grant.client_id), jkt: key };
    let token = entropy::token(&*app.entropy);
    let expires_at = now.plus(i64::from(app.config.lifetimes.access_token));
    if !app.codes.redeem(code, NewToken { token: &token, content: &content, expires_at }, now).await? {
        return Err(invalid_grant(NO_CODE));
    }
    Ok(response(app, token, &content))
}

async fn pre_authorized(
    app: &App,
    grant: PreAuthorizedGrant,
    key: Option<Thumbprint>,
) -> Result<TokenResponse, Refusal> {
    let now = app.clock.now();
    let registered = grant.client_id.as_deref().is_some_and(|id| app.wallet(id).is_some());
    // Where anonymous access is open, a name that nobody registered is no more and no less than none.
    if !app.config.issuance.anonymous_pre_authorized && !registered {
        return Err(OAuthError::new(
            ErrorCode::InvalidClient,
            "name a registered client: anonymous access is not supported",
        )
        .into());
    }
    check_details(&grant.authorization_details)?;
    let code = grant.code.expose();
    let offer = app.offers.by_code(code, now).await?.ok_or_else(|| invalid_grant(NO_CODE))?;
    let subject = offer.subject.filter(|_| offer.pre_authorized).ok_or_else(|| invalid_grant(NO_CODE))?;
    check_tx_code(app, code, offer.tx_code_length.is_some(), grant.tx_code.as_ref()).await?;
    let content = AccessToken { subject, rps: offer.rps, client_id: grant.client_id, jkt: key };
    let token = entropy::token(&*app.entropy);
    let expires_at = now.plus(i64::from(app.config.lifetimes.access_token));
    if !app.offers.redeem(code, NewToken { token: &token, content: &content, expires_at }, now).await? {
        return Err(invalid_grant(NO_CODE));
    }
    Ok(response(app, token, &content))
}

async fn check_tx_code(
    app: &App,
    code: &str,
    expected: bool,
    given: Option<&Secret<String>>,
) -> Result<(), Refusal> {
    let invalid_request = |text: &str| Refusal::from(OAuthError::new(ErrorCode::InvalidRequest, text));
    let tx_code = match (expected, given) {
        (false, None) => return Ok(()),
        (false, Some(_)) => return Err(invalid_request("`tx_code` is not expected for this offer")),
        (true, None) => return Err(invalid_request("`tx_code` is missing: the offer asks for one")),
        (true, Some(tx_code)) => tx_code,
    };
    let kept = app.offers.count_try(code, TX_TRIES, app.clock.now()).await?;
    let kept = kept.ok_or_else(|| invalid_grant("too many wrong transaction codes: get a new offer"))?;
    let found = tx_code_mac(app, code, tx_code.expose());
    if bool::from(found.as_bytes().ct_eq(kept.as_bytes())) {
        return Ok(());
    }
    Err(invalid_grant("the transaction code is wrong"))
}

/// Linkage credentials are all there is, and all of them that were chosen are granted.
fn check_details(details: &[CredentialDetail]) -> Result<(), OAuthError> {
    if details.iter().all(|detail| detail.credential_configuration_id == LINKAGE_SD_JWT) {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, "there is no such credential configuration"))
}

/// A code that was asked for with a key is redeemed with that key (RFC 9449 §10).
fn check_binding(bound_to: Option<Thumbprint>, key: Option<Thumbprint>) -> Result<(), OAuthError> {
    match (bound_to, key) {
        (Some(bound_to), Some(key)) if bound_to == key => Ok(()),
        (Some(_), _) => Err(OAuthError::new(
            ErrorCode::InvalidDpopProof,
            "the code is bound to a DPoP key: send a proof by that key",
        )),
        (None, _) => Ok(()),
    }
}

fn response(app: &App, token: String, content: &AccessToken) -> TokenResponse {
    TokenResponse {
        access_token: Secret::new(token),
        token_type: if content.jkt.is_some() { "DPoP" } else { "Bearer" }.to_owned(),
        expires_in: app.config.lifetimes.access_token.into(),
        authorization_details: vec![GrantedDetail::new(LINKAGE_SD_JWT, content.rps.clone())],
    }
}
