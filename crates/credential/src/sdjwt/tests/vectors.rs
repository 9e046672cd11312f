//! The examples of RFC 9901 and SD-JWT VC: everything signed with ES256 verifies, with the printed claims.

use super::*;
use crate::jose::jwk::Jwk;
use crate::test_vectors;

/// Verifies every example of a file and compares its processed claims; returns how many there were.
fn check(file: &str) -> Option<usize> {
    let document = test_vectors::document(file)?;
    let issuer_key = Jwk::from_value(&document["issuer_public_jwk"]).unwrap();
    let examples = document["examples"].as_array().unwrap();
    for example in examples {
        let what = format!("{file}: {} ({})", example["section"], example["kind"]);
        let text = example.get("sd_jwt").unwrap_or(&example["equivalent_compact"]).as_str().unwrap();
        let claims = &example["processed"];
        let key_binding = &example["kb_jwt"]["payload"];
        let policy = match key_binding.as_object() {
            None => KeyBindingPolicy::NotRequired,
            Some(_) => KeyBindingPolicy::Required {
                aud: key_binding["aud"].as_str().unwrap().to_owned(),
                nonce: key_binding["nonce"].as_str().unwrap().to_owned(),
                max_age: 60,
                leeway: 0,
            },
        };
        let now = key_binding["iat"].as_i64().unwrap_or(1_748_537_243);
        let mut validation = Validation::credential("", "", UnixTime::from_secs(now));
        validation.issuer = claims["iss"].as_str().map(str::to_owned);
        example["header"]["typ"].as_str().unwrap().clone_into(&mut validation.typ);
        validation.vct = match claims["vct"].as_str() {
            Some(vct) => ExpectedVct::OneOf(vec![vct.to_owned()]),
            None => ExpectedVct::NotACredential,
        };
        let unverified = UnverifiedSdJwt::parse(text).unwrap_or_else(|error| panic!("{what}: {error}"));
        let verified = unverified
            .verify(&RustCryptoVerifier, &issuer_key, &validation, &policy)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(Value::Object(verified.claims().clone()), *claims, "{what}");
        if let Some(printed) = example.get("spec_processed_payload") {
            assert_eq!(Value::Object(verified.claims().clone()), *printed, "{what}");
        }
        if let Some(key_binding) = verified.key_binding() {
            assert_eq!(key_binding.claims["sd_hash"], verified.sd_hash(), "{what}");
        } else {
            HeldSdJwt::receive(text, &RustCryptoVerifier, &issuer_key, &validation).unwrap();
        }
    }
    Some(examples.len())
}

#[test]
fn sd_jwt_examples_of_rfc_9901_verify() {
    if let Some(count) = check("ietf-sd-jwt/examples.json") {
        assert_eq!(count, 11);
    }
}

#[test]
fn sd_jwt_vc_examples_verify() {
    if let Some(count) = check("ietf-sd-jwt-vc/examples.json") {
        assert_eq!(count, 5);
    }
}
