//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §3) and `GET /jwks`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{ACR, Idp};

pub(super) async fn discovery(State(idp): State<Idp>) -> Json<Value> {
    let issuer = &idp.0.config.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": ["openid"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "acr_values_supported": [ACR],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "ui_locales_supported": ["ja", "en"],
    }))
}

pub(super) async fn jwks(State(idp): State<Idp>) -> Json<Value> {
    let key = idp.0.config.signer.public_jwk().clone().for_signature();
    Json(json!({"keys": [key]}))
}
