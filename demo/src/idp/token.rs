//! `POST /token` (OpenID Connect Core 1.0 §3.1.3): an authorization code against an ID token.

use axum::Json;
use axum::extract::{RawForm, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::encoding::b64;
use enishi_credential::entropy;
use enishi_credential::jose::jws;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{ACR, Authorized, Client, Idp};

#[derive(Deserialize)]
struct Request {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Why there is no token (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum TokenError {
    #[error("the request is not a form whose parameters occur once")]
    Form,
    #[error("the client did not authenticate with its secret")]
    Client,
    #[error("`grant_type` must be `authorization_code`")]
    GrantType,
    #[error("the code is unknown, used, too old, or another client's")]
    Code,
    #[error("`redirect_uri` is not the one of the authorization request")]
    RedirectUri,
    #[error("`code_verifier` is missing or does not belong to `code_challenge` (RFC 7636 §4.6)")]
    Pkce,
    #[error("the token could not be signed")]
    Internal,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Form => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Client => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Code | Self::RedirectUri | Self::Pkce => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let body = Json(json!({"error": error, "error_description": self.to_string()}));
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if self == Self::Client {
            let challenge = header::HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

pub(super) async fn token(State(idp): State<Idp>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    match answer(&idp, &headers, &body).await {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn answer(idp: &Idp, headers: &HeaderMap, body: &[u8]) -> Result<Value, TokenError> {
    let request: Request = serde_urlencoded::from_bytes(body).map_err(|_| TokenError::Form)?;
    let client = authenticate(idp, headers, &request).ok_or(TokenError::Client)?;
    if request.grant_type.as_deref() != Some("authorization_code") {
        return Err(TokenError::GrantType);
    }
    let config = &idp.0.config;
    let code = request.code.as_deref().ok_or(TokenError::Code)?;
    let authorized = idp.0.codes.take(code, &*config.clock).ok_or(TokenError::Code)?;
    if authorized.request.client_id != client.id {
        return Err(TokenError::Code);
    }
    if request.redirect_uri.as_ref() != Some(&authorized.request.redirect_uri) {
        return Err(TokenError::RedirectUri);
    }
    let verifier = request.code_verifier.filter(|text| (43..=128).contains(&text.len()));
    let verifier = verifier.ok_or(TokenError::Pkce)?;
    if b64::encode(Sha256::digest(verifier)) != authorized.request.code_challenge {
        return Err(TokenError::Pkce);
    }
    let claims = id_token(idp, client, &authorized);
    let header = jws::header("JWT", &*config.signer);
    let id_token = jws::sign(&*config.signer, header, &claims).await.map_err(|_| TokenError::Internal)?;
    Ok(json!({
        "access_token": entropy::token(&*config.entropy),
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "openid",
        "id_token": id_token,
    }))
}

fn id_token(idp: &Idp, client: &Client, authorized: &Authorized) -> Value {
    let now = idp.0.config.clock.now();
    let mut claims = json!({
        "iss": idp.0.config.issuer,
        "sub": authorized.sub,
        "aud": client.id,
        "iat": now,
        "exp": now.plus(300),
        "auth_time": authorized.auth_time,
        "acr": ACR,
        "amr": ["pin"],
    });
    if let (Some(nonce), Some(claims)) = (&authorized.request.nonce, claims.as_object_mut()) {
        claims.insert("nonce".to_owned(), Value::String(nonce.clone()));
    }
    claims
}

/// `client_secret_basic` or `client_secret_post`, never both (RFC 6749 §2.3).
fn authenticate<'a>(idp: &'a Idp, headers: &HeaderMap, request: &Request) -> Option<&'a Client> {
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            if request.client_secret.is_some() {
                return None;
            }
            let encoded = value.to_str().ok()?.strip_prefix("Basic ")?;
            let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            let decode = |part: &str| {
                let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("v={part}")).ok()?;
                pairs.into_iter().next().map(|(_, value)| value)
            };
            (decode(id)?, decode(secret)?)
        }
        None => (request.client_id.clone()?, request.client_secret.clone()?),
    };
    if request.client_id.as_ref().is_some_and(|named| *named != id) {
        return None;
    }
    idp.client(&id).filter(|client| Sha256::digest(&client.secret) == Sha256::digest(&secret))
}
