//! What the issuer says about itself: as credential issuer, as authorization server, as signer of SD-JWT VCs, as
//! did:web. All of it from one set of keys and one configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use enishi_credential::time::DAY;
use enishi_protocol::oauth::{
    AuthorizationServerMetadata, CREDENTIAL_DETAIL, GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED,
};
use enishi_protocol::vci::{BatchIssuance, Display, IssuerMetadata, LINKAGE_SD_JWT, linkage_configuration};
use enishi_schemas::messages::{Lang, text};
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::json as answer;
use crate::app::{App, Shared};

/// The documents, each under its well-known path.
pub(super) fn routes(app: &Shared) -> Router {
    let url = &app.url;
    let documents = [
        (url.well_known_path(IssuerMetadata::WELL_KNOWN), json!(issuer_metadata(app))),
        (url.well_known_path(AuthorizationServerMetadata::WELL_KNOWN), json!(server_metadata(app))),
        (url.well_known_path("jwt-vc-issuer"), json!({"issuer": url.as_str(), "jwks": app.keys.jwks})),
        (did_document_path(app), did_document(app)),
    ];
    documents.into_iter().fold(Router::new(), |router, (path, document)| {
        let body: Arc<str> = document.to_string().into();
        router.route(&path, get(move || async move { answer(StatusCode::OK, body.to_string()) }))
    })
}

/// `GET /jwks`: the keys that credentials are, were or will be signed with.
pub(super) async fn jwks(State(app): State<Shared>) -> Response {
    answer(StatusCode::OK, json!(app.keys.jwks).to_string())
}

/// OpenID4VCI 1.0 §12.2.
pub(crate) fn issuer_metadata(app: &App) -> IssuerMetadata {
    let issuance = &app.config.issuance;
    let name = |lang| text(lang, "issuer-credential-name", &[]);
    let mut linkage =
        linkage_configuration(&issuance.scope, &[("ja", &name(Lang::Ja)), ("en", &name(Lang::En))]);
    // One presentation per instance; the wallet fetches new ones in time (linkage protocol §5, ETSI TS 119 472-3 §4.2.4.2).
    if let Some(Value::Object(metadata)) = &mut linkage.credential_metadata {
        metadata.insert(
            "credential_reuse_policy".to_owned(),
            json!({"id": "arf_annex_ii", "options": [{
                "details": ["once_only"],
                "batch_size": issuance.batch_size,
                "reissue_trigger_unused": issuance.batch_size.div_ceil(4),
                "reissue_trigger_lifetime_left": DAY,
            }]}),
        );
    }
    IssuerMetadata {
        credential_issuer: app.url.as_str().to_owned(),
        authorization_servers: None,
        credential_endpoint: app.url.join("/credential"),
        nonce_endpoint: Some(app.url.join("/nonce")),
        deferred_credential_endpoint: None,
        notification_endpoint: Some(app.url.join("/notification")),
        credential_response_encryption: None,
        batch_credential_issuance: Some(BatchIssuance {
            batch_size: u32::try_from(issuance.batch_size).unwrap_or(u32::MAX),
        }),
        display: vec![
            Display { name: issuance.names.ja.clone(), locale: Some("ja".to_owned()) },
            Display { name: issuance.names.en.clone(), locale: Some("en".to_owned()) },
        ],
        credential_configurations_supported: BTreeMap::from([(LINKAGE_SD_JWT.to_owned(), linkage)]),
    }
}

/// RFC 8414 with the extensions that are used.
pub(crate) fn server_metadata(app: &App) -> AuthorizationServerMetadata {
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    AuthorizationServerMetadata {
        issuer: app.url.as_str().to_owned(),
        authorization_endpoint: Some(app.url.join("/authorize")),
        token_endpoint: Some(app.url.join("/token")),
        pushed_authorization_request_endpoint: Some(app.url.join("/par")),
        require_pushed_authorization_requests: true,
        jwks_uri: Some(app.url.join("/jwks")),
        scopes_supported: vec![app.config.issuance.scope.clone()],
        response_types_supported: list(&["code"]),
        grant_types_supported: Some(list(&[GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED])),
        token_endpoint_auth_methods_supported: Some(list(&["none"])),
        code_challenge_methods_supported: list(&["S256"]),
        dpop_signing_alg_values_supported: list(&enishi_protocol::dpop::ALGORITHMS),
        authorization_details_types_supported: list(&[CREDENTIAL_DETAIL]),
        authorization_response_iss_parameter_supported: true,
        pre_authorized_grant_anonymous_access_supported: app.config.issuance.anonymous_pre_authorized,
    }
}

/// The did:web of the issuer's identifier: the port's colon escaped, the path's slashes as colons (did:web §3.2).
fn did_web(app: &App) -> String {
    let host = app.url.origin().split_once("://").map_or("", |(_, authority)| authority);
    format!("did:web:{}{}", host.replace(':', "%3A"), app.url.path().replace('/', ":"))
}

fn did_document_path(app: &App) -> String {
    let path = app.url.path();
    if path.is_empty() { "/.well-known/did.json".to_owned() } else { format!("{path}/did.json") }
}

fn did_document(app: &App) -> Value {
    let did = did_web(app);
    let id = |kid: &Option<String>| format!("{did}#{}", kid.as_deref().unwrap_or("key"));
    let methods: Vec<Value> = app
        .keys
        .jwks
        .keys
        .iter()
        .map(|key| json!({"id": id(&key.kid), "type": "JsonWebKey", "controller": did, "publicKeyJwk": key}))
        .collect();
    let ids: Vec<String> = app.keys.jwks.keys.iter().map(|key| id(&key.kid)).collect();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": ids,
    })
}
