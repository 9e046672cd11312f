//! The published vectors against aws-lc-rs and josekit, and RustCrypto beside them. They are not part of this repository.

use std::path::PathBuf;

use enishi_credential::crypto::{Algorithm, RustCryptoVerifier, SignatureVerifier};
use enishi_credential::jose::jwe::{Accepted, JweBackend, JweError, UnopenedJwe};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk, PublicKey};
use serde_json::Value;

use super::{AwsJwe, AwsVerifier, JoseJwe};

/// The JSON document `path` of the folder of vectors: `$ENISHI_VECTORS`, or the nearest `shared/vectors` above this crate.
fn document(path: &str) -> Option<Value> {
    let folder = std::env::var_os("ENISHI_VECTORS").map(PathBuf::from).or_else(|| {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().map(|above| above.join("shared/vectors")).find(|folder| folder.is_dir())
    });
    let Some(folder) = folder else {
        println!(
            "skipped: no folder `shared/vectors` above this crate and no $ENISHI_VECTORS, wanted {path}"
        );
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(folder.join(path)).unwrap()).unwrap())
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Runs a Wycheproof signature file through both backends; gives the number of valid and of invalid signatures.
fn signatures(file: &str, algorithm: Algorithm, key: impl Fn(&Value) -> Jwk) -> Option<(u32, u32)> {
    let vectors = document(file)?;
    let (mut valid, mut invalid) = (0, 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = key(&group["publicKey"]);
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
            let verdict = AwsVerifier.verify(algorithm, &key, &message, &signature);
            assert_eq!(verdict.is_ok(), test["result"] == "valid", "{} {}", test["tcId"], test["comment"]);
            assert_eq!(
                verdict,
                RustCryptoVerifier.verify(algorithm, &key, &message, &signature),
                "{}",
                test["tcId"]
            );
            *(if verdict.is_ok() { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert_eq!(Value::from(valid + invalid), vectors["numberOfTests"]);
    Some((valid, invalid))
}

#[test]
fn wycheproof_es256() {
    let key = |public: &Value| {
        let point = hex(&public["uncompressed"]);
        let (x, y) = (point[1..33].try_into().unwrap(), point[33..].try_into().unwrap());
        Jwk::new(PublicKey::P256 { x, y })
    };
    let counts = signatures("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", Algorithm::Es256, key);
    assert!(counts.is_none_or(|(valid, invalid)| valid > 50 && invalid > 50), "{counts:?}");
}

#[test]
fn wycheproof_ed25519() {
    let key = |public: &Value| Jwk::new(PublicKey::Ed25519(hex(&public["pk"]).try_into().unwrap()));
    let counts = signatures("wycheproof/ed25519_test.json", Algorithm::EdDsa, key);
    assert!(counts.is_none_or(|(valid, invalid)| valid > 50 && invalid > 30), "{counts:?}");
}

/// Opens `compact` with every backend of the servers and with RustCrypto, which must agree.
fn opened(compact: &str, key: &PrivateJwk) -> Result<Vec<u8>, JweError> {
    let jwe = UnopenedJwe::parse(compact, &Accepted::ALL)?;
    let open = |backend: &dyn JweBackend| backend.open(key, &jwe).map(|opened| opened.plaintext.to_vec());
    let by_rustcrypto = open(&RustCryptoJwe);
    for backend in [&JoseJwe::new() as &dyn JweBackend, &AwsJwe::new()] {
        assert_eq!(open(backend).ok(), by_rustcrypto.clone().ok());
    }
    by_rustcrypto
}

#[test]
fn wycheproof_jwe_opens_exactly_when_it_may_and_as_in_rustcrypto() {
    let Some(vectors) = document("wycheproof/json_web_encryption_test.json") else { return };
    let (mut opening, mut refused) = (0, 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        // Keys of other types are refused before any backend sees them, which is tested beside them.
        let Ok(key) = PrivateJwk::from_value(&group["private"]) else { continue };
        for test in group["tests"].as_array().unwrap() {
            let Some(compact) = test["jwe"].as_str() else { continue };
            match opened(compact, &key) {
                Ok(plaintext) => {
                    assert_eq!(test["result"], "valid", "{} {}", test["tcId"], test["comment"]);
                    assert_eq!(plaintext, hex(&test["pt"]), "{}", test["tcId"]);
                    opening += 1;
                }
                Err(error) => {
                    let known = test["result"] == "invalid" || error == JweError::NotAllowed;
                    assert!(known, "{} {}", test["tcId"], test["comment"]);
                    refused += 1;
                }
            }
        }
    }
    assert!(opening >= 5 && refused >= 25, "{opening} opened, {refused} refused");
}

#[test]
fn the_cookbook_example_for_x25519_opens() {
    let Some(vector) = document("jose-cookbook-rfc7520/curve25519/ecdh-es.json") else { return };
    let key = PrivateJwk::from_value(&vector["input"]["key"]).unwrap();
    let plaintext = opened(vector["output"]["compact"].as_str().unwrap(), &key).unwrap();
    assert_eq!(std::str::from_utf8(&plaintext).unwrap(), vector["input"]["plaintext"]);
}

#[test]
fn openid4vp_8_3_example_opens() {
    let Some(vector) = document("openid4vp/encrypted_response_8_3.json") else { return };
    let key = PrivateJwk::from_value(&vector["private_jwk"]).unwrap();
    let plaintext = opened(vector["jwe"].as_str().unwrap(), &key).unwrap();
    assert_eq!(std::str::from_utf8(&plaintext).unwrap(), vector["plaintext_recovered"]);
}
