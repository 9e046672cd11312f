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

#[test]
fn the_sd_jwt_vcld_example_of_openid4vp_verifies() {
    let file = |name: &str| test_vectors::text(&format!("openid4vp/sd_jwt_vcld/{name}"));
    let unwrapped = |name: &str| file(name).map(|text| text.split_whitespace().collect::<String>());
    let (Some(issued), Some(shown)) =
        (unwrapped("01/sd_jwt_issuance.txt"), unwrapped("01/sd_jwt_presentation.txt"))
    else {
        return;
    };
    // The issuer's key in `settings.yml`.
    let issuer_key = json!({"kty": "EC", "crv": "P-256", "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8"});
    let issuer_key = Jwk::from_value(&issuer_key).unwrap();
    let json = |name: &str| serde_json::from_str::<Value>(&file(name).unwrap()).unwrap();
    let (expected, binding) = (json("01/verified_contents.json"), json("01/kb_jwt_payload.json"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let now = UnixTime::from_secs(binding["iat"].as_i64().unwrap());
    let validation = Validation::credential(text(&expected["iss"]), text(&expected["vct"]), now);
    let policy = KeyBindingPolicy::Required {
        aud: text(&binding["aud"]),
        nonce: text(&binding["nonce"]),
        max_age: 0,
        leeway: 0,
    };
    let parsed = UnverifiedSdJwt::parse(&shown).unwrap();
    let verified = parsed.verify(&RustCryptoVerifier, &issuer_key, &validation, &policy).unwrap();
    assert_eq!(Value::Object(verified.claims().clone()), expected);
    assert_eq!(verified.sd_hash(), binding["sd_hash"]);
    let held = HeldSdJwt::receive(&issued, &RustCryptoVerifier, &issuer_key, &validation).unwrap();
    let user = json("01/user_claims.json");
    assert_eq!(held.claims()["ld"], user["ld"]);
}
