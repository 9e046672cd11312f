use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::entropy::SeededEntropy;
use crate::test_vectors;

fn seal(recipient: &Jwk, header: &JweHeader, plaintext: &[u8]) -> Result<String, JweError> {
    RustCryptoJwe.seal(recipient, header, plaintext, &SeededEntropy::new("seal"))
}

fn keys() -> [PrivateJwk; 2] {
    let entropy = SeededEntropy::new("keys");
    [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_x25519(&entropy)]
}

/// The text with its protected header changed; the rest is as it was.
fn with_header(compact: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let (header64, rest) = compact.split_once('.').unwrap();
    let Value::Object(mut header) = json::parse(&b64::decode(header64).unwrap()).unwrap() else { panic!() };
    change(&mut header);
    format!("{}.{rest}", b64::encode(Value::Object(header).to_string()))
}

fn opening(key: &PrivateJwk, compact: &str) -> Result<Vec<u8>, JweError> {
    RustCryptoJwe.open(key, compact).map(|opened| opened.plaintext.to_vec())
}

#[test]
fn rfc7518_appendix_c_derives_the_printed_key() {
    let alice = PrivateJwk::from_value(&json!({"kty": "EC", "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}))
    .unwrap();
    let bob = PrivateJwk::from_value(&json!({"kty": "EC", "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}))
    .unwrap();
    let shared = agree(&alice, &bob.public().key).unwrap();
    assert_eq!(shared, agree(&bob, &alice.public().key).unwrap());
    let header = JweHeader::new(ContentEncryption::A128Gcm).member("apu", "QWxpY2U").member("apv", "Qm9i");
    assert_eq!(b64::encode(&*derive_key(&shared, &header).unwrap()), "VqqN6vgjbSBcIijNcacQGg");
}

#[test]
fn rfc8037_a6_agrees_on_the_printed_secret() {
    let bob = PrivateJwk::from_value(&json!({"kty": "OKP", "crv": "X25519",
        "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        "d": "XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os"}))
    .unwrap();
    let ephemeral = b64::decode_array("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo").unwrap();
    let shared = agree(&bob, &PublicKey::X25519(ephemeral)).unwrap();
    assert_eq!(b64::encode(*shared), "Sl2dW6TOLeFyjjv0gDUPJeB-IclH0Z4zdvCbPB4WF0I");
}

#[test]
fn the_cookbook_example_for_x25519_opens() {
    let Some(vector) = test_vectors::document("jose-cookbook-rfc7520/curve25519/ecdh-es.json") else {
        return;
    };
    let key = PrivateJwk::from_value(&vector["input"]["key"]).unwrap();
    let opened = opening(&key, vector["output"]["compact"].as_str().unwrap()).unwrap();
    assert_eq!(std::str::from_utf8(&opened).unwrap(), vector["input"]["plaintext"]);
}

#[test]
fn openid4vp_8_3_example_opens() {
    let Some(vector) = test_vectors::document("openid4vp/encrypted_response_8_3.json") else { return };
    let key = PrivateJwk::from_value(&vector["private_jwk"]).unwrap();
    let opened = RustCryptoJwe.open(&key, vector["jwe"].as_str().unwrap()).unwrap();
    assert_eq!(opened.header.kid.as_deref(), Some("ac"));
    assert_eq!(std::str::from_utf8(&opened.plaintext).unwrap(), vector["plaintext_recovered"]);
}

#[test]
fn rfc7520_5_4_and_5_5_use_algorithms_that_are_refused() {
    for file in [
        "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json",
        "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json",
    ] {
        let Some(vector) = test_vectors::document(&format!("jose-cookbook-rfc7520/jwe/{file}")) else {
            return;
        };
        let compact = vector["output"]["compact"].as_str().unwrap();
        assert_eq!(opening(&keys()[0], compact), Err(JweError::NotAllowed), "{file}");
    }
}

#[test]
fn wycheproof_ecdh_es_texts_open_exactly_when_they_may() {
    let Some(vectors) = test_vectors::document("wycheproof/json_web_encryption_test.json") else { return };
    let (mut opened, mut refused) = (0, 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        let Ok(key) = PrivateJwk::from_value(&group["private"]) else { continue };
        for test in group["tests"].as_array().unwrap() {
            let Some(compact) = test["jwe"].as_str() else { continue };
            let used_here = JweHeader::peek(compact).is_ok() && group["private"]["alg"] == "ECDH-ES";
            let result = opening(&key, compact);
            if test["result"] == "valid" && used_here {
                let plain: String =
                    result.unwrap().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                assert_eq!(plain, test["pt"], "{}", test["comment"]);
                opened += 1;
            } else {
                assert!(result.is_err(), "{} {}", test["tcId"], test["comment"]);
                refused += 1;
            }
        }
    }
    assert!(opened >= 2 && refused >= 20, "{opened} opened, {refused} refused");
}

#[test]
fn both_curves_and_both_algorithms_round_trip_with_an_authenticated_header() {
    for key in keys() {
        for encryption in [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm] {
            let header = JweHeader::new(encryption)
                .kid(Some("k1".to_owned()))
                .member("rp", "https://rp.example")
                .member("apu", "QWxpY2U");
            let compact = seal(key.public(), &header, b"plain").unwrap();
            let opened = RustCryptoJwe.open(&key, &compact).unwrap();
            assert_eq!((opened.header, opened.plaintext.as_slice()), (header, b"plain".as_slice()));
            let changed = with_header(&compact, |header| {
                header.insert("rp".to_owned(), json!("https://other.example"));
            });
            assert_eq!(opening(&key, &changed), Err(JweError::NotForThisKey));
            let other_party = with_header(&compact, |header| {
                header.insert("apu".to_owned(), json!("Qm9i"));
            });
            assert_eq!(opening(&key, &other_party), Err(JweError::NotForThisKey));
        }
    }
}

#[test]
fn threat_6_two_texts_to_one_key_share_neither_ephemeral_key_nor_ciphertext() {
    let [key, _] = keys();
    let entropy = SeededEntropy::new("twice");
    let draw = || {
        let header = JweHeader::new(ContentEncryption::A256Gcm);
        let compact = RustCryptoJwe.seal(key.public(), &header, b"same", &entropy).unwrap();
        compact.split('.').map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, two) = (draw(), draw());
    assert!([0, 2, 3, 4].iter().all(|at| one[*at] != two[*at]));
}

#[test]
fn another_key_of_the_same_curve_and_a_key_of_the_other_curve_do_not_open() {
    let [p256, x25519] = keys();
    let header = JweHeader::new(ContentEncryption::A256Gcm);
    let other = SeededEntropy::new("other");
    for (key, same, different) in [
        (&p256, PrivateJwk::generate_p256(&other), &x25519),
        (&x25519, PrivateJwk::generate_x25519(&other), &p256),
    ] {
        let compact = seal(key.public(), &header, b"x").unwrap();
        assert_eq!(opening(&same, &compact), Err(JweError::NotForThisKey));
        assert_eq!(opening(different, &compact), Err(JweError::WrongKey));
    }
}

#[test]
fn keys_that_are_not_for_agreement_are_refused() {
    let entropy = SeededEntropy::new("wrong");
    let header = JweHeader::new(ContentEncryption::A256Gcm);
    let signing = PrivateJwk::generate_p256(&entropy).public().clone().for_signature();
    let ed25519 = PrivateJwk::generate_ed25519(&entropy).public().clone();
    // Points of small order, with which the shared secret is zero whatever the private key (RFC 7748 §7).
    let low = |text: &str| Jwk::new(PublicKey::X25519(b64::decode_array(text).unwrap()));
    let zero = low("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let one = low("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let eight = low("4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA");
    for key in [signing, ed25519, zero, one, eight] {
        assert_eq!(seal(&key, &header, b"x"), Err(JweError::WrongKey), "{key:?}");
    }
}

#[test]
fn a_hostile_ephemeral_key_is_refused() {
    let [p256, x25519] = keys();
    let header = JweHeader::new(ContentEncryption::A256Gcm);
    let to_p256 = seal(p256.public(), &header, b"x").unwrap();
    let to_x25519 = seal(x25519.public(), &header, b"x").unwrap();
    let with = |key: &PrivateJwk, compact: &str, epk: Value| {
        opening(key, &with_header(compact, |header| drop(header.insert("epk".to_owned(), epk))))
    };
    let zeros = b64::encode([0; 32]);
    let good = keys()[0].public().to_value();
    let mut off_curve = good.clone();
    off_curve["y"] = json!(zeros);
    for epk in [json!(null), json!("x"), json!({}), off_curve, keys()[0].to_secret_value()] {
        assert_eq!(with(&p256, &to_p256, epk.clone()), Err(JweError::Malformed), "{epk}");
    }
    assert_eq!(with(&p256, &to_p256, keys()[1].public().to_value()), Err(JweError::WrongKey));
    let low_order = json!({"kty": "OKP", "crv": "X25519", "x": zeros});
    assert_eq!(with(&x25519, &to_x25519, low_order), Err(JweError::WrongKey));
    let none = with_header(&to_p256, |header| drop(header.remove("epk")));
    assert_eq!(opening(&p256, &none), Err(JweError::Malformed));
}

#[test]
fn parts_of_another_length_and_other_algorithms_are_refused() {
    let [key, _] = keys();
    let compact = seal(key.public(), &JweHeader::new(ContentEncryption::A256Gcm), b"plain").unwrap();
    let parts: Vec<&str> = compact.split('.').collect();
    let with = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        opening(&key, &parts.join("."))
    };
    let (short_iv, long_iv) = (b64::encode([0; 11]), b64::encode([0; 16]));
    let (short_tag, long_tag) = (b64::encode([0; 15]), b64::encode([0; 17]));
    for (at, part) in [
        (1, "AAAA"),
        (2, short_iv.as_str()),
        (2, long_iv.as_str()),
        (3, "a+b"),
        (4, short_tag.as_str()),
        (4, long_tag.as_str()),
        (4, ""),
    ] {
        assert_eq!(with(at, part), Err(JweError::Malformed), "part {at}");
    }
    assert_eq!(with(4, &b64::encode([0; 16])), Err(JweError::NotForThisKey));
    assert_eq!(opening(&key, &format!("{compact}.AA")), Err(JweError::Malformed));
    assert_eq!(opening(&key, &parts[..4].join(".")), Err(JweError::Malformed));
    assert_eq!(opening(&key, &"A".repeat(MAX_LENGTH + 1)), Err(JweError::Malformed));
    for (name, value) in [
        ("alg", json!("ECDH-ES+A128KW")),
        ("alg", json!("dir")),
        ("enc", json!("A128CBC-HS256")),
        ("zip", json!("DEF")),
        ("crit", json!(["exp"])),
    ] {
        let changed = with_header(&compact, |header| drop(header.insert(name.to_owned(), value)));
        assert_eq!(opening(&key, &changed), Err(JweError::NotAllowed), "{name}");
    }
    let swapped = with_header(&compact, |header| drop(header.insert("enc".to_owned(), json!("A128GCM"))));
    assert_eq!(opening(&key, &swapped), Err(JweError::NotForThisKey));
    let bad_apu = with_header(&compact, |header| drop(header.insert("apu".to_owned(), json!("a+b"))));
    assert_eq!(opening(&key, &bad_apu), Err(JweError::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn opening_never_panics(text: String, header: Vec<u8>, parts: [Vec<u8>; 3]) {
        let [key, _] = keys();
        let _ = opening(&key, &text);
        let [iv, ciphertext, tag] = parts.map(b64::encode);
        let _ = opening(&key, &format!("{}..{iv}.{ciphertext}.{tag}", b64::encode(&header)));
        let good = seal(key.public(), &JweHeader::new(ContentEncryption::A256Gcm), b"x").unwrap();
        let header64 = good.split('.').next().unwrap();
        let grafted = format!("{header64}..{iv}.{ciphertext}.{tag}");
        prop_assert!(opening(&key, &grafted).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(at: proptest::sample::Index, with in "[A-Za-z0-9_-]") {
        let [_, key] = keys();
        let good = seal(key.public(), &JweHeader::new(ContentEncryption::A256Gcm), b"plaintext").unwrap();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, &with);
        prop_assume!(changed != good);
        prop_assert!(opening(&key, &changed).is_err());
    }
}
