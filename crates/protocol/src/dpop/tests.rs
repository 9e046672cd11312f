//! The rows D-1 to D-12 and N1 to N6 of the DPoP checklist.

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::{PrivateJwk, Thumbprint};
use enishi_credential::jose::jws;
use enishi_credential::time::UnixTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oauth::ErrorCode;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const URL: &str = "https://server.example/token";

fn signer(seed: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new(seed))).unwrap()
}

fn request() -> ProofRequest<'static> {
    ProofRequest { method: "POST", url: URL, access_token: None, nonce: None }
}

async fn proof(request: ProofRequest<'_>) -> String {
    create(&signer("dpop"), request, NOW, &SeededEntropy::new("jti")).await.unwrap()
}

/// A proof with changed header and claims, rightly signed.
async fn forged(change: impl Fn(&mut Value, &mut Value)) -> String {
    let signer = signer("dpop");
    let mut header = json!({"typ": "dpop+jwt", "jwk": signer.public_jwk().to_value()});
    let mut claims = json!({"jti": "abcdefgh", "htm": "POST", "htu": URL, "iat": NOW.secs()});
    change(&mut header, &mut claims);
    jws::sign(&signer, header.as_object().unwrap().clone(), &claims).await.unwrap()
}

fn check(headers: &[&str]) -> Result<VerifiedProof, DpopError> {
    verify(headers, &RustCryptoVerifier, &Expected::new("POST", URL, NOW))
}

fn failed_check(result: Result<VerifiedProof, DpopError>) -> &'static str {
    match result {
        Err(DpopError::Invalid(failure)) => failure.check,
        other => panic!("not an invalid proof: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_proof_names_its_key_and_its_replay_key_is_its_own() {
    let (one, two) = (proof(request()).await, forged(|_, _| ()).await);
    let verified = check(&[&one]).unwrap();
    assert_eq!(verified.jkt, signer("dpop").public_jwk().thumbprint());
    assert_eq!((verified.iat, &verified.nonce), (NOW, &None));
    assert_eq!(verified.replay_key(), check(&[&one]).unwrap().replay_key());
    assert_ne!(verified.replay_key(), check(&[&two]).unwrap().replay_key());
}

#[tokio::test]
async fn dpop_n1_form_type_key_and_claims() {
    let good = proof(request()).await;
    assert_eq!(check(&[]), Err(DpopError::Missing));
    assert_eq!(failed_check(check(&[&good, &good])), "dpop-form");
    assert_eq!(failed_check(check(&[&"a".repeat(5000)])), "dpop-form");
    assert_eq!(failed_check(check(&[&format!("{good}.x")])), "jws-form");
    assert_eq!(failed_check(check(&[&forged(|h, _| h["typ"] = json!("JWT")).await])), "jws-type");
    let hmac = format!("{}.{}.AA", b64::encode(r#"{"typ":"dpop+jwt","alg":"HS256"}"#), b64::encode("{}"));
    assert_eq!(failed_check(check(&[&hmac])), "jws-algorithm");
    assert_eq!(failed_check(check(&[&forged(|h, _| h["jwk"]["d"] = json!("AA")).await])), "jws-key");
    assert_eq!(failed_check(check(&[&forged(|h, _| h["jwk"] = Value::Null).await])), "jws-key");
    let no_jwk = forged(|h, _| drop(h.as_object_mut().unwrap().remove("jwk"))).await;
    assert_eq!(failed_check(check(&[&no_jwk])), "dpop-key");
    let other_key = forged(|h, _| h["jwk"] = signer("other").public_jwk().to_value()).await;
    assert_eq!(failed_check(check(&[&other_key])), "jws-signature");
    for claim in ["jti", "htm", "htu", "iat"] {
        let lacking = forged(|_, c| drop(c.as_object_mut().unwrap().remove(claim))).await;
        assert_eq!(failed_check(check(&[&lacking])), "jws-claims", "{claim}");
    }
    assert_eq!(failed_check(check(&[&forged(|_, c| c["jti"] = json!("")).await])), "dpop-claims");
}

#[tokio::test]
async fn dpop_n2_method_and_target() {
    for (claim, value, check_name) in [
        ("htm", "GET", "dpop-method"),
        ("htm", "post", "dpop-method"),
        ("htu", "https://other.example/token", "dpop-target"),
        ("htu", "https://server.example/token/", "dpop-target"),
        ("htu", "/token", "dpop-target"),
    ] {
        let wrong = forged(|_, c| c[claim] = json!(value)).await;
        assert_eq!(failed_check(check(&[&wrong])), check_name, "{value}");
    }
    for same in ["https://SERVER.example:443/token", "https://server.example/token?a=b#c"] {
        assert!(check(&[&forged(|_, c| c["htu"] = json!(same)).await]).is_ok(), "{same}");
    }
    let with_query = proof(ProofRequest { url: "https://server.example/token?a=b", ..request() }).await;
    assert!(check(&[&with_query]).is_ok());
}

#[tokio::test]
async fn dpop_n3_time() {
    for (offset, good) in
        [(0, true), (-300, true), (-301, false), (-600, false), (60, true), (61, false), (600, false)]
    {
        let at = forged(|_, c| c["iat"] = json!(NOW.secs() + offset)).await;
        assert_eq!(check(&[&at]).is_ok(), good, "{offset}");
    }
    for odd in [json!("1800000000"), json!(1e300), json!(-1)] {
        assert!(check(&[&forged(|_, c| c["iat"] = odd.clone()).await]).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn dpop_n5_nonce() {
    let current = |nonce: &str| nonce == "new";
    let expected = Expected::new("POST", URL, NOW).with_nonce(&current);
    let with = async |nonce| {
        let header = proof(ProofRequest { nonce, ..request() }).await;
        verify(&[&header], &RustCryptoVerifier, &expected)
    };
    assert_eq!(with(Some("new")).await.unwrap().nonce.as_deref(), Some("new"));
    for wrong in [None, Some("old")] {
        let error = with(wrong).await.unwrap_err();
        assert_eq!(error, DpopError::NonceWanted);
        let at_server = error.as_token_error();
        assert_eq!((at_server.code, at_server.status()), (ErrorCode::UseDpopNonce, 400));
        assert!(error.challenge().starts_with("DPoP error=\"use_dpop_nonce\""));
    }
}

#[tokio::test]
async fn dpop_n6_the_token_is_bound_to_the_key() {
    let bound = |jkt: Thumbprint| Expected::new("POST", URL, NOW).with_token("token", jkt);
    let own = signer("dpop").public_jwk().thumbprint();
    let good = proof(ProofRequest { access_token: Some("token"), ..request() }).await;
    assert!(verify(&[&good], &RustCryptoVerifier, &bound(own)).is_ok());
    let other = signer("other").public_jwk().thumbprint();
    let error = verify(&[&good], &RustCryptoVerifier, &bound(other)).unwrap_err();
    assert_eq!(error, DpopError::WrongKey);
    assert!(error.challenge().contains("error=\"invalid_token\""));
    assert!(error.challenge().contains("algs=\"ES256 EdDSA\""));
    for token in [None, Some("other")] {
        let wrong = proof(ProofRequest { access_token: token, ..request() }).await;
        let result = verify(&[&wrong], &RustCryptoVerifier, &bound(own));
        assert_eq!(failed_check(result), "dpop-token");
    }
}

/// The examples of the specification, where the test vectors are present.
#[test]
fn vectors_of_the_specification_verify() {
    let Some(text) = crate::testing::vector("dpop/examples.json") else { return };
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let token = vectors["access_token_used_for_ath"].as_str().unwrap();
    assert_eq!(access_token_hash(token), vectors["ath"].as_str().unwrap());
    let jkt = Thumbprint::parse(vectors["expected_cnf_jkt"].as_str().unwrap()).unwrap();
    let mut seen = 0;
    for example in vectors["jwts"].as_array().unwrap() {
        let payload = &example["payload"];
        if example["header"]["typ"] != "dpop+jwt" || example["signature_valid"] != true {
            continue;
        }
        let method = payload["htm"].as_str().unwrap();
        let url = payload["htu"].as_str().unwrap();
        let mut expected = Expected::new(method, url, UnixTime::from_secs(payload["iat"].as_i64().unwrap()));
        if payload.get("ath").is_some() {
            expected = expected.with_token(token, jkt);
        }
        let verified = verify(&[example["jwt"].as_str().unwrap()], &RustCryptoVerifier, &expected).unwrap();
        assert_eq!(verified.jkt, jkt);
        seen += 1;
    }
    assert!(seen >= 3, "{seen} proofs in the vectors");
}

proptest! {
    #[test]
    fn verifying_never_panics(header in "[A-Za-z0-9_.=-]{0,80}", other: String) {
        let _ = check(&[&header]);
        let _ = check(&[&other]);
    }
}
