//! Rows N9 to N12, N14, N15 and N19 of the OpenID4VCI checklist, as far as they need no server.

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::jose::jws;
use enishi_credential::time::UnixTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oauth::{ErrorCode, OAuthError};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://issuer.example";

fn signer(seed: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new(seed))).unwrap()
}

fn check_as(proof: &str, client_id: Option<&str>) -> Result<VerifiedKeyProof, OAuthError> {
    KeyProof::parse(proof)?.verify(&RustCryptoVerifier, &ProofContext::new(ISSUER, NOW, client_id))
}

fn code(result: Result<VerifiedKeyProof, OAuthError>) -> ErrorCode {
    result.unwrap_err().code
}

/// A proof with changed header and claims, rightly signed.
async fn forged(change: impl Fn(&mut Value, &mut Value)) -> String {
    let signer = signer("instance");
    let mut header = json!({"typ": PROOF_TYPE, "jwk": signer.public_jwk().to_value()});
    let mut claims = json!({"aud": ISSUER, "iat": NOW.secs(), "nonce": "n"});
    change(&mut header, &mut claims);
    jws::sign(&signer, header.as_object().unwrap().clone(), &claims).await.unwrap()
}

async fn refused(change: impl Fn(&mut Value, &mut Value)) -> ErrorCode {
    code(check_as(&forged(change).await, None))
}

fn without(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name).expect("a member to leave out");
}

#[tokio::test]
async fn proofs_by_jwk_and_by_did_are_made_and_verified() {
    let signer = signer("instance");
    let bare = create_proof(&signer, &KeyBinding::Jwk, ISSUER, Some("n"), None, NOW).await.unwrap();
    let verified = check_as(&bare, None).unwrap();
    assert_eq!(
        (verified.key, verified.did, verified.nonce.as_deref()),
        (signer.public_jwk().clone(), None, Some("n"))
    );
    for did in [Did::jwk(signer.public_jwk()), Did::key(signer.public_jwk())] {
        let binding = KeyBinding::Did(did.verification_method().unwrap());
        let proof = create_proof(&signer, &binding, ISSUER, Some("n"), Some("wallet"), NOW).await.unwrap();
        let verified = check_as(&proof, Some("wallet")).unwrap();
        assert_eq!((verified.did, verified.key), (Some(did), signer.public_jwk().clone()));
    }
}

#[tokio::test]
async fn vci_n11_wrong_type_algorithm_and_form() {
    assert_eq!(refused(|h, _| h["typ"] = json!("JWT")).await, ErrorCode::InvalidProof);
    assert_eq!(refused(|h, _| without(h, "typ")).await, ErrorCode::InvalidProof);
    for alg in ["none", "HS256", "RS256"] {
        let header =
            json!({"typ": PROOF_TYPE, "alg": alg, "jwk": signer("instance").public_jwk().to_value()});
        let forged = format!("{}.{}.AA", b64::encode(header.to_string()), b64::encode("{}"));
        assert_eq!(code(check_as(&forged, None)), ErrorCode::InvalidProof, "{alg}");
    }
    for text in ["", "a.b", "a.b.c.d"] {
        assert_eq!(code(check_as(text, None)), ErrorCode::InvalidProof);
    }
}

#[tokio::test]
async fn vci_n11_private_jwk_in_proof_is_refused() {
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("instance")).to_secret_value();
    assert_eq!(refused(|h, _| h["jwk"] = private.clone()).await, ErrorCode::InvalidProof);
}

#[tokio::test]
async fn vci_n11_exactly_one_kind_of_key_and_never_x5c() {
    let url = Did::jwk(signer("instance").public_jwk()).verification_method().unwrap();
    assert_eq!(refused(|h, _| h["kid"] = json!(url.as_str())).await, ErrorCode::InvalidProof);
    assert_eq!(refused(|h, _| without(h, "jwk")).await, ErrorCode::InvalidProof);
    let x5c = |h: &mut Value, _: &mut Value| {
        without(h, "jwk");
        h["x5c"] = json!(["AA=="]);
    };
    assert_eq!(refused(x5c).await, ErrorCode::InvalidProof);
    for kid in ["key-1", "did:jwk:e30", "did:web:example.com#0", "#0"] {
        let by_kid = |h: &mut Value, _: &mut Value| {
            without(h, "jwk");
            h["kid"] = json!(kid);
        };
        assert_eq!(refused(by_kid).await, ErrorCode::InvalidProof, "{kid}");
    }
}

#[tokio::test]
async fn vci_n11_signature_by_another_key() {
    let other = signer("other").public_jwk().to_value();
    assert_eq!(refused(|h, _| h["jwk"] = other.clone()).await, ErrorCode::InvalidProof);
}

#[tokio::test]
async fn vci_n11_audience_time_nonce_and_client() {
    assert!(check_as(&forged(|_, _| ()).await, None).is_ok());
    for aud in [json!("https://issuer.example/"), json!("https://issuer.example/credential"), json!([ISSUER])]
    {
        assert_eq!(refused(|_, c| c["aud"] = aud.clone()).await, ErrorCode::InvalidProof);
    }
    for claim in ["aud", "iat", "nonce"] {
        assert_eq!(refused(|_, c| without(c, claim)).await, ErrorCode::InvalidProof, "{claim}");
    }
    for offset in [-301, 61] {
        assert_eq!(refused(|_, c| c["iat"] = json!(NOW.secs() + offset)).await, ErrorCode::InvalidProof);
    }
    let with_iss = forged(|_, c| c["iss"] = json!("wallet")).await;
    assert_eq!(code(check_as(&with_iss, None)), ErrorCode::InvalidProof, "anonymous");
    assert_eq!(code(check_as(&with_iss, Some("other"))), ErrorCode::InvalidProof);
    assert!(check_as(&with_iss, Some("wallet")).is_ok());
    assert!(check_as(&forged(|_, _| ()).await, Some("wallet")).is_ok(), "`iss` is optional");
    assert!(
        check_as(
            &forged(|h, c| {
                h["new"] = json!(1);
                c["new"] = json!(1);
            })
            .await,
            None
        )
        .is_ok(),
        "vci_n19"
    );
}

fn request(body: &Value) -> Result<CredentialRequest, OAuthError> {
    CredentialRequest::parse(body.to_string().as_bytes(), 3)
}

#[test]
fn a_request_is_written_and_read() {
    for target in [RequestTarget::Identifier("i".to_owned()), RequestTarget::Configuration("c".to_owned())] {
        let made = CredentialRequest { target, proofs: vec!["a.b.c".to_owned()] };
        assert_eq!(request(&made.to_value()).unwrap(), made);
    }
}

#[test]
fn vci_n9_exactly_one_target_and_one_proof_type() {
    for bad in [
        json!([]),
        json!({"proofs": {"jwt": ["x"]}}),
        json!({"credential_identifier": "i", "credential_configuration_id": "c"}),
        json!({"credential_identifier": 1}),
        json!({"credential_identifier": "i", "proofs": {"jwt": ["x"], "di_vp": [{}]}}),
        json!({"credential_identifier": "i", "proofs": {"jwt": []}}),
        json!({"credential_identifier": "i", "proofs": {}}),
        json!({"credential_identifier": "i", "proofs": []}),
        json!({"credential_identifier": "i", "proofs": {"jwt": "x"}}),
    ] {
        assert_eq!(request(&bad).unwrap_err().code, ErrorCode::InvalidCredentialRequest, "{bad}");
    }
}

#[test]
fn vci_n9_n10_a_configuration_although_identifiers_were_given() {
    let by_configuration = request(&json!({"credential_configuration_id": "c"})).unwrap();
    let code = |known: bool| by_configuration.identifier(|_| known).unwrap_err().code;
    assert_eq!(code(true), ErrorCode::InvalidCredentialRequest);
    assert_eq!(code(false), ErrorCode::UnknownCredentialConfiguration);
}

#[test]
fn vci_n11_missing_or_unsupported_proofs() {
    let none = request(&json!({"credential_identifier": "i", "proof": {"proof_type": "jwt"}})).unwrap();
    assert_eq!(none.required_proofs().unwrap_err().code, ErrorCode::InvalidProof);
    for bad in [json!({"attestation": ["x"]}), json!({"jwt": [1]})] {
        let body = json!({"credential_identifier": "i", "proofs": bad});
        assert_eq!(request(&body).unwrap_err().code, ErrorCode::InvalidProof);
    }
}

#[test]
fn vci_n14_encryption_parameters_in_the_clear() {
    let body = json!({"credential_identifier": "i", "credential_response_encryption": {"enc": "A256GCM"}});
    assert_eq!(request(&body).unwrap_err().code, ErrorCode::InvalidEncryptionParameters);
}

#[test]
fn vci_n15_more_proofs_than_the_batch_size() {
    let body = |n: usize| json!({"credential_identifier": "i", "proofs": {"jwt": vec!["x"; n]}});
    assert!(request(&body(3)).is_ok());
    assert_eq!(request(&body(4)).unwrap_err().code, ErrorCode::InvalidCredentialRequest);
}

#[test]
fn vci_n19_unknown_members_are_ignored() {
    let body =
        json!({"credential_identifier": "i", "new": {"a": 1}, "format": "x", "proofs": {"jwt": ["x"]}});
    assert!(request(&body).is_ok());
}

/// The example of the specification, where the test vectors are present.
#[test]
fn the_proof_of_appendix_f_1_verifies() {
    let Some(text) = crate::testing::vector("openid4vci/proof_jwt_F_1.json") else { return };
    let vector: Value = serde_json::from_str(&text).unwrap();
    let payload = &vector["payload"];
    let now = UnixTime::from_secs(payload["iat"].as_i64().unwrap());
    let context = ProofContext::new(payload["aud"].as_str().unwrap(), now, None);
    let proof = KeyProof::parse(vector["jwt"].as_str().unwrap()).unwrap();
    let verified = proof.verify(&RustCryptoVerifier, &context).unwrap();
    assert_eq!(verified.nonce.as_deref(), payload["nonce"].as_str());
}

proptest! {
    #[test]
    fn reading_never_panics(proof in "[A-Za-z0-9_.=-]{0,80}", other: String, body: Vec<u8>) {
        let _ = check_as(&proof, None);
        let _ = check_as(&other, None);
        let _ = CredentialRequest::parse(&body, 3);
    }
}
