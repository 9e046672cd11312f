//! What the issuer says about itself, as a wallet reads it.

use enishi_protocol::oauth::AuthorizationServerMetadata;
use enishi_protocol::vci::IssuerMetadata;
use enishi_protocol::web::UrlPolicy;
use enishi_service::config::ConfiguredUrl;
use serde_json::json;

use super::world::{world, world_with};

const POLICY: UrlPolicy = UrlPolicy::LoopbackHttpToo;

#[tokio::test]
async fn all_documents_say_the_same() {
    let world = world().await;
    let issuer = world.get("/.well-known/openid-credential-issuer").await;
    assert_eq!(issuer.header("content-type"), "application/json");
    assert_eq!(issuer.header("access-control-allow-origin"), "*");
    let issuer = IssuerMetadata::parse(issuer.body.as_bytes(), &world.issuer, POLICY).unwrap();
    assert_eq!(issuer.batch_size(), 10);
    assert_eq!(issuer.authorization_server(None).unwrap(), world.issuer);
    let server = world.get("/.well-known/oauth-authorization-server").await;
    let server = AuthorizationServerMetadata::parse(server.body.as_bytes(), &world.issuer, POLICY).unwrap();
    assert!(server.authorization_response_iss_parameter_supported);
    assert!(server.supports_grant("authorization_code"));
    assert!(server.supports_grant("urn:ietf:params:oauth:grant-type:pre-authorized_code"));

    let jwks = world.get("/jwks").await.json();
    assert_eq!(
        world.get("/.well-known/jwt-vc-issuer").await.json(),
        json!({"issuer": world.issuer, "jwks": jwks})
    );
    assert!(jwks["keys"][0].get("d").is_none());
    let did = world.get("/.well-known/did.json").await.json();
    let port = world.issuer.rsplit(':').next().unwrap();
    assert_eq!(did["id"], format!("did:web:localhost%3A{port}"));
    assert_eq!(did["verificationMethod"][0]["publicKeyJwk"], jwks["keys"][0]);
}

#[tokio::test]
async fn vci_2_below_a_path_the_well_known_part_is_inserted() {
    let world = world_with(|config| {
        let public_url = config.server.public_url.permit(config.development).unwrap();
        config.server.public_url = ConfiguredUrl::new(format!("{public_url}/tenant"));
    })
    .await;
    let id = format!("{}/tenant", world.issuer);
    let answer = world.get("/.well-known/openid-credential-issuer/tenant").await;
    let metadata = IssuerMetadata::parse(answer.body.as_bytes(), &id, POLICY).unwrap();
    let nonce = world.send(world.http.post(metadata.nonce_endpoint.unwrap())).await;
    assert_eq!(nonce.status, 200);
    assert_eq!(world.get("/tenant/did.json").await.status, 200);
    assert_eq!(world.get("/.well-known/jwt-vc-issuer/tenant").await.json()["issuer"], json!(id));
    assert_eq!(world.get("/.well-known/openid-credential-issuer").await.status, 404);
}

#[tokio::test]
async fn health_is_on_the_internal_listener_only() {
    let world = world().await;
    let ready = world.send(world.http.get(format!("{}/health/ready", world.internal))).await;
    assert_eq!(ready.status, 204);
    assert_eq!(world.get("/health/ready").await.status, 404);
}
