//! The examples of the method specifications.

use serde_json::Value;

use super::*;
use crate::encoding::b64;
use crate::test_vectors;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn did_key_identifiers_of_the_specification_decode_or_are_unsupported() {
    let Some(document) = test_vectors::document("did-key/identifiers_from_did-key-spec.json") else { return };
    let mut read = 0;
    for example in document["identifiers"].as_array().unwrap() {
        let did = Did::parse(example["did"].as_str().unwrap()).unwrap();
        let result = did.resolve_key(Relationship::Authentication);
        match example["multicodec"].as_str().unwrap() {
            "0xed" | "0x1200" | "0x1201" => {
                let key = result.unwrap();
                let raw = hex(example["public_key_hex"].as_str().unwrap());
                // A compressed point has one byte before x, and an odd number of bytes.
                let point = raw.len() % 2;
                assert_eq!(key.key.to_bytes()[point..][..raw.len() - point], raw[point..]);
                assert_eq!(Did::key(&key), did);
                read += 1;
            }
            _ => assert_eq!(result.unwrap_err().code, "did_key_unsupported"),
        }
    }
    assert_eq!(read, 4);
}

/// Every identifier of every file is decoded to the published key, or recognised and refused as unsupported.
#[test]
fn did_key_test_vectors_resolve_to_the_published_keys() {
    for (file, expected, unsupported) in [
        ("nist-curves", 5, 2),
        ("ed25519-x25519", 5, 0),
        ("secp256k1", 0, 6),
        ("bls12381", 0, 6),
        ("rsa", 0, 2),
    ] {
        let Some(document) = test_vectors::document(&format!("did-key/{file}.json")) else { return };
        let (mut read, mut refused) = (0, 0);
        for (text, example) in document.as_object().unwrap() {
            let did = Did::parse(text).unwrap();
            let key = match did.resolve_key(Relationship::AssertionMethod) {
                Ok(key) => key,
                Err(failure) => {
                    assert_eq!(failure.code, "did_key_unsupported", "{file}");
                    refused += 1;
                    continue;
                }
            };
            read += 1;
            let method = &example["didDocument"]["verificationMethod"][0];
            assert_eq!(did.verification_method().unwrap().as_str(), method["id"].as_str().unwrap());
            if let Some(jwk) = method.get("publicKeyJwk") {
                assert_eq!(key.to_value(), *jwk);
            }
            assert_eq!(Did::key(&key), did);
        }
        assert_eq!((read, refused), (expected, unsupported), "{file}");
    }
}

#[test]
fn did_key_x25519_vectors_agree_on_keys_and_do_not_sign() {
    let Some(document) = test_vectors::document("did-key/x25519.json") else { return };
    for (text, _) in document["didDocument"].as_object().unwrap() {
        let did = Did::parse(text).unwrap();
        assert_eq!(Did::key(&did.resolve_key(Relationship::KeyAgreement).unwrap()), did);
        assert_eq!(did.resolve_key(Relationship::AssertionMethod).unwrap_err().code, "did_relationship");
    }
}

#[test]
fn did_jwk_examples_of_the_specification_resolve_to_their_documents() {
    let Some(examples) = test_vectors::document("did-jwk/examples.json") else { return };
    for example in examples["examples"].as_array().unwrap() {
        let did = Did::parse(example["did"].as_str().unwrap()).unwrap();
        let mut printed = example["did_document"].clone();
        if example["name"] == "P-256" {
            // The specification prints a stray `$` here.
            printed["authentication"] = printed["assertionMethod"].clone();
        }
        assert_eq!(did_document_value(&did).unwrap(), printed);
    }
}

#[test]
fn did_all_a_did_has_a_longest_length() {
    let long = |length: usize| Did::parse(&format!("did:web:{}", "a".repeat(length - "did:web:".len())));
    assert!(long(MAX_LENGTH).is_ok());
    assert_eq!(long(MAX_LENGTH + 1).unwrap_err().code, "did_invalid");
}

#[test]
fn did_key_signature_keys_do_not_agree_and_long_texts_are_not_decoded() {
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::PrivateJwk;

    let entropy = SeededEntropy::new("did:key");
    for key in [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)] {
        let did = Did::key(key.public());
        assert!(did.resolve_key(Relationship::AssertionMethod).is_ok());
        assert_eq!(did.resolve_key(Relationship::KeyAgreement).unwrap_err().code, "did_relationship");
    }
    // Zeros: a type of key that nobody knows, as long as they are decoded at all.
    let zeros = |length: usize| {
        let did = Did::parse(&format!("did:key:z{}", "1".repeat(length - 1))).unwrap();
        did.resolve_key(Relationship::Authentication).unwrap_err().code
    };
    assert_eq!((zeros(768), zeros(769)), ("did_key_unsupported", "did_invalid"));
}

#[test]
fn did_jwk_an_unknown_use_is_refused_and_the_kid_is_not_the_keys_name() {
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::PrivateJwk;

    let key = PrivateJwk::generate_p256(&SeededEntropy::new("did:jwk")).public().clone();
    let with = |name: &str, value: &str| {
        let mut jwk = key.to_value();
        jwk[name] = value.into();
        let did = Did::parse(&format!("did:jwk:{}", b64::encode(jwk.to_string()))).unwrap();
        did.resolve_key(Relationship::Authentication).map_err(|failure| failure.code)
    };
    assert_eq!(with("kid", "a name"), Ok(key.clone()));
    assert_eq!(with("use", "other"), Err("did_key_invalid"));
}

#[test]
fn did_urls_need_a_did_and_a_fragment() {
    for bad in [
        "#0",
        "did:jwk:AA",
        "did:jwk:AA#",
        "did:jwk:AA?x#0",
        "did:jwk:AA/p#0",
        "did:jwk:AA#0#1",
        "https://a#0",
    ] {
        assert_eq!(DidUrl::parse(bad).unwrap_err().code, "did_invalid", "{bad}");
    }
    let url = DidUrl::parse("did:jwk:AA#0").unwrap();
    assert_eq!((url.did().as_str(), url.fragment()), ("did:jwk:AA", "0"));
    assert_eq!(
        resolve_key(&DidUrl::parse("did:web:a.example#0").unwrap(), Relationship::Authentication)
            .unwrap_err()
            .code,
        "did_method_unsupported"
    );
}

#[test]
fn threat_22_dids_do_not_print() {
    let did = Did::jwk(
        &crate::jose::jwk::PrivateJwk::generate_p256(&crate::entropy::SeededEntropy::new("d"))
            .public()
            .clone(),
    );
    let url = did.verification_method().unwrap();
    let shown = format!("{did:?} {url:?}");
    assert_eq!(shown, "Did(jwk:…) DidUrl(…)");
    let member: Value = serde_json::to_value(&did).unwrap();
    assert_eq!(serde_json::from_value::<Did>(member).unwrap(), did);
    assert!(b64::decode(did.as_str().rsplit(':').next().unwrap()).is_ok());
}
