//! The published vectors of JOSE: every case of every file. What uses algorithms that are not used here is refused, and
//! with the right code. None of Wycheproof's cases in these files is marked `acceptable`.

use serde_json::{Value, json};

use crate::crypto::{Algorithm, RustCryptoVerifier, SignatureVerifier as _};
use crate::encoding::b64;
use crate::jose::jwe::{Accepted, JweBackend as _, JweError, UnopenedJwe};
use crate::jose::jwe_rustcrypto::RustCryptoJwe;
use crate::jose::jwk::{Jwk, JwkError, JwkSet, PrivateJwk};
use crate::jose::jws::UnverifiedJws;
use crate::test_vectors;

const COOKBOOK: &str = "jose-cookbook-rfc7520";

/// What a reader says to a JWS with a key, apart from `typ` and the claims, which these texts do not have: `Ok`, or the code.
fn signature(text: &str, key: Result<Jwk, JwkError>) -> Result<(), &'static str> {
    let jws = UnverifiedJws::parse(text).map_err(|failure| failure.code)?;
    let algorithm = jws.key_hint().algorithm;
    let key = key.map_err(JwkError::code)?;
    let (input, signature) = text.rsplit_once('.').unwrap();
    let signature = b64::decode(signature).unwrap();
    if key.may_verify(algorithm)
        && RustCryptoVerifier.verify(algorithm, &key, input.as_bytes(), &signature).is_ok()
    {
        Ok(())
    } else {
        Err("signature_invalid")
    }
}

fn opened(text: &str, key: &Value) -> Result<Vec<u8>, &'static str> {
    let jwe = UnopenedJwe::parse(text, &Accepted::ALL).map_err(JweError::code)?;
    let key = PrivateJwk::from_value(key).map_err(JwkError::code)?;
    RustCryptoJwe.open(&key, &jwe).map(|opened| opened.plaintext.to_vec()).map_err(JweError::code)
}

/// The text member `name` of the protected header, read as leniently as can be: to know what a case is about.
fn header_member(text: &str, name: &str) -> Option<String> {
    let header = b64::decode(text.split('.').next()?).ok()?;
    serde_json::from_slice::<Value>(&header).ok()?.get(name)?.as_str().map(str::to_owned)
}

/// The public part of a JWK that may be private.
fn public(key: &Value) -> Result<Jwk, JwkError> {
    let mut key = key.clone();
    key.as_object_mut().unwrap().remove("d");
    Jwk::from_value(&key)
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Every case of a Wycheproof file with its group; checks that none was left out.
fn each_case(file: &str, mut check: impl FnMut(&Value, &Value)) -> bool {
    let Some(vectors) = test_vectors::document(&format!("wycheproof/{file}")) else { return false };
    let mut count = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            assert!(case["result"] == "valid" || case["result"] == "invalid", "{}", case["tcId"]);
            check(group, case);
            count += 1;
        }
    }
    assert_eq!(json!(count), vectors["numberOfTests"]);
    count > 0
}

#[test]
fn cookbook_keys() {
    for (file, as_public, as_private) in [
        ("3_1.ec_public_key", JwkError::Unsupported, JwkError::Unsupported),
        ("3_2.ec_private_key", JwkError::Private, JwkError::Unsupported),
        ("3_3.rsa_public_key", JwkError::Unsupported, JwkError::Unsupported),
        ("3_4.rsa_private_key", JwkError::Private, JwkError::Unsupported),
        ("3_5.symmetric_key_mac_computation", JwkError::Private, JwkError::Unsupported),
        ("3_6.symmetric_key_encryption", JwkError::Private, JwkError::Unsupported),
    ] {
        let Some(key) = test_vectors::document(&format!("{COOKBOOK}/jwk/{file}.json")) else { return };
        assert_eq!(Jwk::from_value(&key), Err(as_public), "{file}");
        assert_eq!(PrivateJwk::from_value(&key).err(), Some(as_private), "{file}");
    }
}

#[test]
fn cookbook_ed25519_signature() {
    let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/curve25519/jws.json")) else { return };
    let key = &vector["input"]["key"];
    let text = vector["output"]["compact"].as_str().unwrap();
    assert_eq!(signature(text, public(key)), Ok(()));
    assert_eq!(
        b64::decode(text.split('.').nth(1).unwrap()).unwrap(),
        vector["input"]["payload"].as_str().unwrap().as_bytes()
    );
    // RFC 8037 A.4: signing is deterministic.
    let signer = crate::crypto::SoftwareSigner::new(PrivateJwk::from_value(key).unwrap()).unwrap();
    let (input, made) = text.rsplit_once('.').unwrap();
    assert_eq!(b64::encode(signer.sign_now(input.as_bytes()).unwrap()), made);
}

#[test]
fn cookbook_signatures() {
    let mut count = 0;
    for file in [
        "jws/4_1.rsa_v15_signature",
        "jws/4_2.rsa-pss_signature",
        "jws/4_3.ecdsa_signature",
        "jws/4_4.hmac-sha2_integrity_protection",
        "jws/4_5.signature_with_detached_content",
        "jws/4_6.protecting_specific_header_fields",
        "jws/4_7.protecting_content_only",
        "jws/4_8.multiple_signatures",
        "rfc7797/4.2.hmac-sha2_b64_false",
        "rfc7797/hmac-sha2_b64_false",
    ] {
        let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/{file}.json")) else { return };
        if let Some(text) = vector["output"]["compact"].as_str() {
            assert_eq!(signature(text, Err(JwkError::Unsupported)), Err("alg_not_allowed"), "{file}");
            count += 1;
        }
        for form in ["json", "json_flat"] {
            let Some(it) = vector["output"].get(form) else { continue };
            let refused = signature(&it.to_string(), Err(JwkError::Unsupported));
            assert_eq!(refused, Err("jws_malformed"), "{file}");
            count += 1;
        }
    }
    assert!(count >= 20, "{count}");
}

#[test]
fn rfc7797_unencoded_payloads_are_refused_with_any_algorithm() {
    let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/rfc7797/hmac-sha2_b64_false.json")) else {
        return;
    };
    let text = vector["output"]["compact"].as_str().unwrap();
    let header64 = text.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&b64::decode(header64).unwrap()).unwrap();
    assert_eq!((&header["b64"], &header["crit"]), (&json!(false), &json!(["b64"])));
    for change in ["crit", "b64", ""] {
        let mut header = header.clone();
        header["alg"] = json!("ES256");
        header.as_object_mut().unwrap().remove(change);
        let text = text.replacen(header64, &b64::encode(header.to_string()), 1);
        assert_eq!(signature(&text, Err(JwkError::Unsupported)), Err("crit_not_supported"), "{change}");
    }
}

#[test]
fn cookbook_other_algorithms_are_refused() {
    let mut count = 0;
    for file in [
        "5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2",
        "5_2.key_encryption_using_rsa-oaep_with_aes-gcm",
        "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2",
        "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2",
        "5_6.direct_encryption_using_aes-gcm",
        "5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2",
        "5_8.key_wrap_using_aes-keywrap_with_aes-gcm",
        "5_9.compressed_content",
        "5_10.including_additional_authentication_data",
        "5_11.protecting_specific_header_fields",
        "5_12.protecting_content_only",
        "5_13.encrypting_to_multiple_recipients",
    ] {
        let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/jwe/{file}.json")) else { return };
        if let Some(text) = vector["output"]["compact"].as_str() {
            let refused = UnopenedJwe::parse(text, &Accepted::ALL).err();
            assert_eq!(refused, Some(JweError::NotAllowed), "{file}");
            count += 1;
        }
        for form in ["json", "json_flat"] {
            let Some(it) = vector["output"].get(form) else { continue };
            let text = it.to_string();
            let refused = UnopenedJwe::parse(&text, &Accepted::ALL).err();
            assert_eq!(refused, Some(JweError::Malformed), "{file}");
            count += 1;
        }
    }
    assert!(count >= 28, "{count}");
}

#[test]
fn rfc7520_5_4_agrees_on_a_curve_that_is_refused() {
    let file = "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json";
    let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/jwe/{file}")) else { return };
    let text = vector["output"]["compact"].as_str().unwrap();
    assert_eq!(header_member(text, "alg").as_deref(), Some("ECDH-ES+A128KW"));
    // The ephemeral key is of P-384, which is for signatures only.
    assert_eq!(UnopenedJwe::parse(text, &Accepted::ALL).err(), Some(JweError::Malformed));
    assert_eq!(PrivateJwk::from_value(&vector["input"]["key"]).err(), Some(JwkError::Unsupported));
}

#[test]
fn the_cookbook_example_for_x25519_opens() {
    let Some(vector) = test_vectors::document(&format!("{COOKBOOK}/curve25519/ecdh-es.json")) else { return };
    let plaintext = opened(vector["output"]["compact"].as_str().unwrap(), &vector["input"]["key"]).unwrap();
    assert_eq!(std::str::from_utf8(&plaintext).unwrap(), vector["input"]["plaintext"]);
}

#[test]
fn openid4vp_8_3_example_opens() {
    let Some(vector) = test_vectors::document("openid4vp/encrypted_response_8_3.json") else { return };
    let text = vector["jwe"].as_str().unwrap();
    let jwe = UnopenedJwe::parse(text, &Accepted::DIRECT).unwrap();
    assert_eq!(jwe.header().kid.as_deref(), Some("ac"));
    let plaintext = opened(text, &vector["private_jwk"]).unwrap();
    assert_eq!(std::str::from_utf8(&plaintext).unwrap(), vector["plaintext_recovered"]);
}

#[test]
fn wycheproof_ecdh_es_texts_open_exactly_when_they_may() {
    let (mut opening, mut refused) = (0, 0);
    let ran = each_case("json_web_encryption_test.json", |group, case| {
        let what = format!("{} {}", case["tcId"], case["comment"]);
        let Some(text) = case["jwe"].as_str() else {
            // The JSON serialization.
            let text = case["jwe"].to_string();
            assert_eq!(opened(&text, &group["private"]), Err("jwe_malformed"), "{what}");
            refused += 1;
            return;
        };
        let outcome = opened(text, &group["private"]);
        let member = |name| header_member(text, name).unwrap_or_default();
        let used_here = ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"].contains(&member("alg").as_str())
            && ["A128GCM", "A256GCM"].contains(&member("enc").as_str());
        let curve = group["private"]["crv"] == "P-256";
        if case["result"] == "valid" && used_here && curve {
            assert_eq!(outcome, Ok(hex(&case["pt"])), "{what}");
            opening += 1;
            return;
        }
        refused += 1;
        let code = outcome.expect_err(&what);
        if case["result"] == "valid" && !used_here {
            assert_eq!(code, "jwe_not_allowed", "{what}");
        } else if case["result"] == "valid" {
            assert_eq!(code, "jwe_malformed", "a P-384 key: {what}");
        }
    });
    assert!(!ran || (opening >= 5 && refused >= 100), "{opening} opened, {refused} refused");
}

#[test]
fn wycheproof_jws() {
    let (mut good, mut bad) = (0, 0);
    let ran = each_case("json_web_signature_test.json", |group, case| {
        check_signature(group, case, &mut good, &mut bad);
    });
    assert!(!ran || (good >= 2 && bad >= 300), "{good} good, {bad} bad");
}

fn check_signature(group: &Value, case: &Value, good: &mut u32, bad: &mut u32) {
    let what = format!("{} {}", case["tcId"], case["comment"]);
    let key = group.get("public").unwrap_or(&group["private"]);
    let Some(text) = case["jws"].as_str() else {
        // The JSON serialization.
        assert_eq!(signature(&case["jws"].to_string(), public(key)), Err("jws_malformed"), "{what}");
        *bad += 1;
        return;
    };
    let outcome = signature(text, public(key));
    let algorithm = header_member(text, "alg").unwrap_or_default();
    let known = Algorithm::from_name(&algorithm);
    match (case["result"] == "valid", known) {
        (true, Some(_)) => {
            assert_eq!(outcome, Ok(()), "{what}");
            *good += 1;
        }
        (true, None) => {
            // Some are valid for a reader that skips strange characters in base64url, which RFC 7515 §2 does not allow.
            let code = if algorithm.is_empty() { "jws_malformed" } else { "alg_not_allowed" };
            assert_eq!(outcome, Err(code), "{what}");
            *bad += 1;
        }
        (false, _) => {
            outcome.expect_err(&what);
            *bad += 1;
        }
    }
}

#[test]
fn wycheproof_jwk() {
    let mut kinds = std::collections::BTreeMap::new();
    let ran = each_case("json_web_key_test.json", |group, case| {
        let what = format!("{} {}", case["tcId"], case["comment"]);
        let text = case["jws"].as_str().unwrap();
        // What is published is read as a set; where there is only a secret set, reading it is the mistake.
        let set = serde_json::from_value::<JwkSet>(group.get("public").unwrap_or(&group["private"]).clone());
        let code = match &set {
            Err(_) => "set",
            Ok(set) => {
                let kid = header_member(text, "kid").unwrap_or_default();
                let key = set.keys.iter().find(|key| key.kid.as_deref() == Some(&kid));
                signature(text, key.cloned().ok_or(JwkError::Unsupported)).expect_err(&what)
            }
        };
        *kinds.entry(code).or_insert(0) += 1;
        // All that are valid are by HMAC or RSA.
        if case["result"] == "valid" {
            assert!(["set", "alg_not_allowed"].contains(&code), "{what}");
        }
    });
    assert!(!ran || (kinds["set"] >= 10 && kinds["alg_not_allowed"] >= 4), "{kinds:?}");
}

#[test]
fn wycheproof_jose() {
    let (mut good, mut bad, mut sealed) = (0, 0, 0);
    let ran = each_case("json_web_crypto_test.json", |group, case| {
        if group["private"].get("keys").is_some() {
            // Sets with secret keys, which are not read at all.
            assert!(serde_json::from_value::<JwkSet>(group["private"].clone()).is_err(), "{}", case["tcId"]);
            bad += 1;
        } else if case.get("jws").is_some() {
            check_signature(group, case, &mut good, &mut bad);
        } else {
            // By AES key wrap alone, or with AES-CBC: nothing opens, valid or not.
            let text = case["jwe"].as_str().map_or_else(|| case["jwe"].to_string(), str::to_owned);
            let code = opened(&text, &group["private"]).expect_err("not used here");
            if case["result"] == "valid" {
                assert_eq!(code, "jwe_not_allowed", "{}", case["tcId"]);
            }
            sealed += 1;
        }
    });
    assert!(!ran || (good >= 1 && bad >= 40 && sealed >= 30), "{good} good, {bad} bad, {sealed} sealed");
}
