use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwe::{Accepted, ContentEncryption, JweBackend as _, JweHeader, UnopenedJwe};
use crate::jose::jwe_compact::derive_key;
use crate::jose::jwe_contract::{keys, open_each_others};
use crate::jwe_contract;

jwe_contract!(RustCryptoJwe);

#[test]
fn it_opens_its_own_texts_in_every_combination() {
    open_each_others(&[&RustCryptoJwe]);
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
    let shared = RustCryptoJwe.agree(&alice, &bob.public().key).unwrap();
    assert_eq!(shared, RustCryptoJwe.agree(&bob, &alice.public().key).unwrap());
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
    let shared = RustCryptoJwe.agree(&bob, &PublicKey::X25519(ephemeral)).unwrap();
    assert_eq!(b64::encode(*shared), "Sl2dW6TOLeFyjjv0gDUPJeB-IclH0Z4zdvCbPB4WF0I");
}

#[test]
fn rfc3394_4_1_and_4_6_wrap_as_printed() {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    for (kek, key, wrapped) in [
        (
            "000102030405060708090a0b0c0d0e0f",
            "00112233445566778899aabbccddeeff",
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
        ),
        (
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
        ),
    ] {
        assert_eq!(RustCryptoJwe.wrap(&hex(kek), &hex(key)), Ok(hex(wrapped)));
        assert_eq!(RustCryptoJwe.unwrap(&hex(kek), &hex(wrapped)).unwrap().to_vec(), hex(key));
        let mut changed = hex(wrapped);
        changed[9] ^= 1;
        assert_eq!(RustCryptoJwe.unwrap(&hex(kek), &changed).err(), Some(JweError::NotForThisKey));
    }
    assert_eq!(RustCryptoJwe.wrap(&[0; 24], &[0; 16]), Err(JweError::WrongKey));
    assert!(RustCryptoJwe.unwrap(&[0; 16], &[0; 7]).is_err());
}

/// A text for nobody, with this header and so many characters of ciphertext.
fn unsealed(more: &serde_json::Value, ciphertext: usize) -> String {
    let [key, _] = keys();
    let mut header = json!({"alg": "ECDH-ES", "enc": "A128GCM", "epk": key.public().to_value()});
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (iv, tag) = (b64::encode([0; 12]), b64::encode([0; 16]));
    format!("{}..{iv}.{}.{tag}", b64::encode(header.to_string()), "A".repeat(ciphertext))
}

/// What is wrong with the header alone is refused before there is a key.
#[test]
fn jwe_n_party_information_is_base64url_and_a_text_has_a_longest_length() {
    let parse = |text: &str| UnopenedJwe::parse(text, &Accepted::ALL).map(drop);
    for name in ["apu", "apv"] {
        assert_eq!(parse(&unsealed(&json!({name: "YQ"}), 0)), Ok(()));
        for bad in [json!(1), json!("YQ=="), json!("YR"), json!(null)] {
            assert_eq!(parse(&unsealed(&json!({name: bad}), 0)), Err(JweError::Malformed), "{name} {bad}");
        }
    }
    let room =
        |kid: usize| crate::jose::jwe::MAX_LENGTH - unsealed(&json!({"kid": "k".repeat(kid)}), 0).len();
    let kid = (0..9).find(|kid| room(*kid) % 4 == 0).unwrap();
    let text = |more: usize| unsealed(&json!({"kid": "k".repeat(kid)}), room(kid) + more);
    assert_eq!((parse(&text(0)), parse(&text(4))), (Ok(()), Err(JweError::Malformed)));
}

#[test]
fn jwe_a_sender_does_not_choose_what_the_sealing_writes() {
    use crate::jose::jwe::RESERVED;
    let header = JweHeader::new(ContentEncryption::A128Gcm);
    for name in RESERVED {
        assert_eq!(header.clone().member(name, "x"), header, "{name}");
    }
    assert_eq!(header.member("rp", "x").extra.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn opening_never_panics(text: String, header: Vec<u8>, parts: [Vec<u8>; 4]) {
        let [key, _] = keys();
        let opening = |text: &str| -> Result<(), JweError> {
            let jwe = UnopenedJwe::parse(text, &Accepted::ALL)?;
            RustCryptoJwe.open(&key, &jwe).map(drop)
        };
        let _ = opening(&text);
        let rest = parts.map(b64::encode).join(".");
        let _ = opening(&format!("{}.{rest}", b64::encode(&header)));
        let entropy = SeededEntropy::new("seal");
        let good = JweHeader::new(ContentEncryption::A256Gcm);
        let good = RustCryptoJwe.seal(key.public(), &good, b"x", &entropy).unwrap();
        let header64 = good.split('.').next().unwrap();
        let grafted = format!("{header64}.{rest}");
        prop_assert!(opening(&grafted).is_err());
    }

    #[test]
    fn any_changed_character_is_refused(at: proptest::sample::Index, with in "[A-Za-z0-9_-]") {
        let [_, key] = keys();
        let header = JweHeader::new(ContentEncryption::A256Gcm);
        let good = RustCryptoJwe.seal(key.public(), &header, b"plaintext", &SeededEntropy::new("seal")).unwrap();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, &with);
        prop_assume!(changed != good);
        let jwe = UnopenedJwe::parse(&changed, &Accepted::ALL);
        prop_assert!(jwe.and_then(|jwe| RustCryptoJwe.open(&key, &jwe)).is_err());
    }
}
