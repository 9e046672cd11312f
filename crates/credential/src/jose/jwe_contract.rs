//! What every [`JweBackend`] must do, for the tests of the crate that has one: `jwe_contract!(MyBackend::new());` makes
//! them tests there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this module is compiled for tests only; a failure there is a panic"
)]

use serde_json::{Map, Value, json};

use crate::encoding::{b64, json};
use crate::entropy::SeededEntropy;
use crate::jose::jwe::{
    Accepted, ContentEncryption, JweBackend, JweError, JweHeader, KeyManagement, UnopenedJwe,
};
use crate::jose::jwk::{Jwk, PrivateJwk, PublicKey};

/// Makes a test of every function of [`jwe_contract`](crate::jose::jwe_contract) for the backend that the expression gives.
#[macro_export]
macro_rules! jwe_contract {
    ($backend:expr) => {
        $crate::jwe_contract! { $backend =>
            every_combination_round_trips_with_an_authenticated_header
            jwe_another_key_and_another_curve_do_not_open
            jwe_keys_that_are_not_for_this_agreement_are_refused
            jwe_a_key_with_an_algorithm_is_used_with_no_other
            jwe_n_hostile_ephemeral_keys_are_refused
            jwe_n_x25519_points_of_low_order_are_refused
            jwe_n_parts_of_another_length_are_refused
            jwe_n_padding_and_other_alphabets_are_refused
            jwe_n_missing_and_trailing_parts_are_refused
            jwe_n_other_algorithms_are_refused
            jwe_n_zip_crit_and_b64_are_refused
            jwe_n_duplicate_header_members_are_refused
            jwe_n_ill_typed_header_members_are_refused
            jwe_n_any_changed_part_is_refused
            threat_6_two_texts_to_one_key_share_nothing
        }
    };
    ($backend:expr => $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::jose::jwe_contract::$name(&$backend);
            }
        )*
    };
}

/// Everything that a reader can take, in every combination.
fn combinations() -> impl Iterator<Item = (KeyManagement, ContentEncryption)> {
    KeyManagement::ALL
        .into_iter()
        .flat_map(|alg| ContentEncryption::ALL.into_iter().map(move |enc| (alg, enc)))
}

/// A P-256 and an X25519 key without further members.
pub fn keys() -> [PrivateJwk; 2] {
    let entropy = SeededEntropy::new("keys");
    [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_x25519(&entropy)]
}

fn header(algorithm: KeyManagement, encryption: ContentEncryption) -> JweHeader {
    JweHeader::new(encryption)
        .algorithm(algorithm)
        .kid(Some("k1".to_owned()))
        .member("rp", "https://rp.example")
        .member("apu", "QWxpY2U")
        .member("apv", "bm9uY2U")
}

/// `plaintext` sealed to `key`.
fn sealed(backend: &dyn JweBackend, key: &PrivateJwk, header: &JweHeader, plaintext: &[u8]) -> String {
    backend.seal(key.public(), header, plaintext, &SeededEntropy::new("seal")).unwrap()
}

/// Opens as a reader does that takes everything.
fn open(backend: &dyn JweBackend, key: &PrivateJwk, compact: &str) -> Result<Vec<u8>, JweError> {
    let jwe = UnopenedJwe::parse(compact, &Accepted::ALL)?;
    backend.open(key, &jwe).map(|opened| opened.plaintext.to_vec())
}

/// The text with its protected header changed; the rest is as it was.
fn with_header(compact: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let (header64, rest) = compact.split_once('.').unwrap();
    let Value::Object(mut header) = json::parse(&b64::decode(header64).unwrap()).unwrap() else { panic!() };
    change(&mut header);
    format!("{}.{rest}", b64::encode(Value::Object(header).to_string()))
}

fn with_member(compact: &str, name: &str, value: Value) -> String {
    with_header(compact, |header| drop(header.insert(name.to_owned(), value)))
}

fn with_part(compact: &str, at: usize, part: &str) -> String {
    let mut parts: Vec<&str> = compact.split('.').collect();
    parts[at] = part;
    parts.join(".")
}

/// Every backend opens what every other one sealed, in every combination, with all header members.
pub fn open_each_others(backends: &[&dyn JweBackend]) {
    let mut opened = 0;
    for key in keys() {
        for (algorithm, encryption) in combinations() {
            let header = header(algorithm, encryption);
            for sealer in backends {
                let text = sealed(*sealer, &key, &header, "平文".as_bytes());
                let jwe = UnopenedJwe::parse(&text, &Accepted::ALL).unwrap();
                for opener in backends {
                    let it = opener.open(&key, &jwe).unwrap();
                    assert_eq!((it.header, it.plaintext.as_slice()), (header.clone(), "平文".as_bytes()));
                    opened += 1;
                }
            }
        }
    }
    assert_eq!(opened, 12 * backends.len() * backends.len());
}

/// Both curves, all algorithms; header members cannot be changed afterwards.
pub fn every_combination_round_trips_with_an_authenticated_header(backend: &dyn JweBackend) {
    for key in keys() {
        for (algorithm, encryption) in combinations() {
            let header = header(algorithm, encryption);
            for plaintext in [b"".as_slice(), b"x", &[7; 2000]] {
                let text = sealed(backend, &key, &header, plaintext);
                let jwe = UnopenedJwe::parse(&text, &Accepted::ALL).unwrap();
                assert_eq!(jwe.header(), &header);
                assert_eq!(jwe.plaintext_length(), plaintext.len());
                let opened = backend.open(&key, &jwe).unwrap();
                assert_eq!((&opened.header, opened.plaintext.as_slice()), (&header, plaintext));
            }
            let text = sealed(backend, &key, &header, b"plain");
            for (name, value) in [("rp", json!("https://other.example")), ("kid", json!("k2"))] {
                let changed = with_member(&text, name, value);
                assert_eq!(open(backend, &key, &changed), Err(JweError::NotForThisKey), "{name}");
            }
            // What goes into the derived key changes that key, too.
            for name in ["apu", "apv"] {
                let changed = with_member(&text, name, json!("Qm9i"));
                assert_eq!(open(backend, &key, &changed), Err(JweError::NotForThisKey), "{name}");
            }
        }
    }
}

/// Another key of the curve, and a key of the other curve.
pub fn jwe_another_key_and_another_curve_do_not_open(backend: &dyn JweBackend) {
    let [p256, x25519] = keys();
    let other = SeededEntropy::new("other");
    for (algorithm, encryption) in combinations() {
        for (key, same, different) in [
            (&p256, PrivateJwk::generate_p256(&other), &x25519),
            (&x25519, PrivateJwk::generate_x25519(&other), &p256),
        ] {
            let text = sealed(backend, key, &header(algorithm, encryption), b"x");
            assert_eq!(open(backend, &same, &text), Err(JweError::NotForThisKey));
            assert_eq!(open(backend, different, &text), Err(JweError::WrongKey));
        }
    }
}

/// Keys of other types, and keys that are published for signatures.
pub fn jwe_keys_that_are_not_for_this_agreement_are_refused(backend: &dyn JweBackend) {
    let entropy = SeededEntropy::new("wrong");
    let header = JweHeader::new(ContentEncryption::A256Gcm);
    let signing = PrivateJwk::generate_p256(&entropy).map_public(Jwk::for_signature);
    let ed25519 = PrivateJwk::generate_ed25519(&entropy);
    let p384 = Jwk::from_value(&json!({"kty": "EC", "crv": "P-384",
        "x": "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
        "y": "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg"}))
    .unwrap();
    for key in [signing.public(), ed25519.public(), &p384] {
        assert_eq!(backend.seal(key, &header, b"x", &entropy), Err(JweError::WrongKey), "{key:?}");
    }
    let bare = signing.clone().map_public(|key| Jwk::new(key.key));
    let text = sealed(backend, &bare, &header, b"x");
    assert!(open(backend, &bare, &text).is_ok());
    assert_eq!(open(backend, &signing, &text), Err(JweError::WrongKey));
    assert_eq!(open(backend, &ed25519, &text), Err(JweError::WrongKey));
}

/// A key's `alg` is the only algorithm that is used with it.
pub fn jwe_a_key_with_an_algorithm_is_used_with_no_other(backend: &dyn JweBackend) {
    for key in keys() {
        for of_key in KeyManagement::ALL {
            let named = key.clone().map_public(|it| Jwk { alg: Some(of_key.as_str().to_owned()), ..it });
            for algorithm in KeyManagement::ALL {
                let header = header(algorithm, ContentEncryption::A256Gcm);
                let text = sealed(backend, &key, &header, b"x");
                let entropy = SeededEntropy::new("named");
                let to_named = backend.seal(named.public(), &header, b"x", &entropy);
                if algorithm == of_key {
                    assert!(open(backend, &named, &text).is_ok() && to_named.is_ok());
                } else {
                    assert_eq!(open(backend, &named, &text), Err(JweError::WrongKey));
                    assert_eq!(to_named, Err(JweError::WrongKey));
                }
            }
        }
    }
}

/// No `epk`, one that is no key, off its curve, private, of another curve, for signatures.
pub fn jwe_n_hostile_ephemeral_keys_are_refused(backend: &dyn JweBackend) {
    let [p256, x25519] = keys();
    for algorithm in KeyManagement::ALL {
        let header = header(algorithm, ContentEncryption::A256Gcm);
        let text = sealed(backend, &p256, &header, b"x");
        let with = |epk: Value| open(backend, &p256, &with_member(&text, "epk", epk));
        let good = p256.public().to_value();
        let change = |name: &str, value: Value| {
            let mut epk = good.clone();
            epk[name] = value;
            epk
        };
        for epk in [
            json!(null),
            json!("x"),
            json!({}),
            json!([good.clone()]),
            change("y", json!(b64::encode([0; 32]))),
            change("x", json!(b64::encode([1; 31]))),
            change("x", json!(b64::encode([1; 33]))),
            change("crv", json!("P-521")),
            change("kty", json!("oct")),
            change("use", json!("sig")),
            p256.to_secret_value(),
            PrivateJwk::generate_ed25519(&SeededEntropy::new("ed")).public().to_value(),
        ] {
            // A key for signatures is well-formed; it is refused by its use at the latest.
            let outcome = with(epk.clone());
            if epk["use"] == "sig" {
                assert!(outcome.is_err(), "{epk}");
            } else {
                assert_eq!(outcome, Err(JweError::Malformed), "{epk}");
            }
        }
        assert_eq!(with(x25519.public().to_value()), Err(JweError::WrongKey));
        let none = with_header(&text, |header| drop(header.remove("epk")));
        assert_eq!(open(backend, &p256, &none), Err(JweError::Malformed));
    }
}

/// Points of small order, with which the shared secret is zero whatever the private key (RFC 7748 §7).
pub fn jwe_n_x25519_points_of_low_order_are_refused(backend: &dyn JweBackend) {
    let [_, key] = keys();
    let low_order = [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA",
        "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc",
        "7P_______________________________________38",
        "7f_______________________________________38",
        "7v_______________________________________38",
    ];
    for text in low_order {
        let x: [u8; 32] = b64::decode_array(text).unwrap();
        let recipient = Jwk::new(PublicKey::X25519(x));
        for algorithm in KeyManagement::ALL {
            let header = header(algorithm, ContentEncryption::A128Gcm);
            let to_it = backend.seal(&recipient, &header, b"x", &SeededEntropy::new("low"));
            assert_eq!(to_it, Err(JweError::WrongKey), "{text}");
            let good = sealed(backend, &key, &header, b"x");
            let from_it = with_member(&good, "epk", recipient.to_value());
            let outcome = open(backend, &key, &from_it);
            assert!(matches!(outcome, Err(JweError::WrongKey | JweError::NotForThisKey)), "{text}");
        }
    }
}

/// Encrypted key, initialization vector and tag have exactly the lengths of their algorithms.
pub fn jwe_n_parts_of_another_length_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        for (algorithm, encryption) in combinations() {
            let text = sealed(backend, &key, &header(algorithm, encryption), b"plain");
            let wrapped = if algorithm == KeyManagement::EcdhEs { 0 } else { encryption.key_length() + 8 };
            for (at, right) in [(1, wrapped), (2, 12), (4, 16)] {
                for length in [0, 8, 11, 12, 13, 15, 16, 17, 23, 24, 25, 32, 39, 40, 41, 48] {
                    let outcome = open(backend, &key, &with_part(&text, at, &b64::encode(vec![7; length])));
                    let expected =
                        if length == right { JweError::NotForThisKey } else { JweError::Malformed };
                    if (at, length) != (1, 0) || right != 0 {
                        assert_eq!(outcome, Err(expected), "part {at} of {length} bytes");
                    }
                }
            }
            let empty = with_part(&text, 3, "");
            assert_eq!(open(backend, &key, &empty), Err(JweError::NotForThisKey));
        }
    }
}

/// base64url is strict in every part.
pub fn jwe_n_padding_and_other_alphabets_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        let text =
            sealed(backend, &key, &header(KeyManagement::EcdhEsA128Kw, ContentEncryption::A128Gcm), b"pl");
        for (at, part) in text.split('.').enumerate() {
            for bad in [format!("{part}="), format!("{part}=="), format!("{part}+"), format!(" {part}")] {
                assert_eq!(
                    open(backend, &key, &with_part(&text, at, &bad)),
                    Err(JweError::Malformed),
                    "{at}"
                );
            }
        }
        // Two bytes leave four bits over, which must be zero.
        let ciphertext = text.split('.').nth(3).unwrap();
        let stray = format!("{}_", &ciphertext[..2]);
        assert_eq!(open(backend, &key, &with_part(&text, 3, &stray)), Err(JweError::Malformed));
        assert_eq!(open(backend, &key, &with_part(&text, 1, "a/b")), Err(JweError::Malformed));
    }
}

/// Five parts, no more and no less, and not too long.
pub fn jwe_n_missing_and_trailing_parts_are_refused(backend: &dyn JweBackend) {
    let [key, _] = keys();
    let text = sealed(backend, &key, &header(KeyManagement::EcdhEs, ContentEncryption::A256Gcm), b"plain");
    let parts: Vec<&str> = text.split('.').collect();
    for bad in [
        String::new(),
        ".".to_owned(),
        "....".to_owned(),
        format!("{text}."),
        format!("{text}.AA"),
        format!(".{text}"),
        parts[..4].join("."),
        parts[1..].join("."),
        [parts[0], parts[2], parts[3], parts[4]].join("."),
        with_part(&text, 0, ""),
        with_part(&text, 0, &b64::encode("[]")),
        with_part(&text, 0, &b64::encode("{")),
        "A".repeat(crate::jose::jwe::MAX_LENGTH + 1),
    ] {
        assert_eq!(open(backend, &key, &bad), Err(JweError::Malformed), "{}", bad.len());
    }
}

/// An `alg` or `enc` that is unknown, not accepted by this reader, or exchanged for another one.
pub fn jwe_n_other_algorithms_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        let text = sealed(backend, &key, &header(KeyManagement::EcdhEs, ContentEncryption::A256Gcm), b"x");
        for alg in [
            "dir",
            "RSA1_5",
            "RSA-OAEP",
            "RSA-OAEP-256",
            "A128KW",
            "A256KW",
            "A128GCMKW",
            "PBES2-HS256+A128KW",
            "PBES2-HS512+A256KW",
            "ECDH-ES+A192KW",
            "ecdh-es",
            "none",
            "",
        ] {
            let changed = with_member(&text, "alg", json!(alg));
            assert_eq!(open(backend, &key, &changed), Err(JweError::NotAllowed), "{alg}");
        }
        for enc in ["A128CBC-HS256", "A256CBC-HS512", "A192GCM", "C20P", "a256gcm", ""] {
            let changed = with_member(&text, "enc", json!(enc));
            assert_eq!(open(backend, &key, &changed), Err(JweError::NotAllowed), "{enc}");
        }
        for name in ["alg", "enc"] {
            for value in [json!(null), json!(1), json!(["ECDH-ES"])] {
                assert_eq!(open(backend, &key, &with_member(&text, name, value)), Err(JweError::NotAllowed));
            }
            let without = with_header(&text, |header| drop(header.remove(name)));
            assert_eq!(open(backend, &key, &without), Err(JweError::NotAllowed));
        }
        let weaker = with_member(&text, "enc", json!("A128GCM"));
        assert_eq!(open(backend, &key, &weaker), Err(JweError::NotForThisKey));
        // An encrypted key is missing then.
        let wrapped = with_member(&text, "alg", json!("ECDH-ES+A256KW"));
        assert_eq!(open(backend, &key, &wrapped), Err(JweError::Malformed));
    }
    let [key, _] = keys();
    for (algorithm, encryption) in combinations() {
        let text = sealed(backend, &key, &header(algorithm, encryption), b"x");
        let outcome = |accepted: &Accepted<'_>| UnopenedJwe::parse(&text, accepted).err();
        let refused = Some(JweError::NotAllowed);
        let direct = algorithm == KeyManagement::EcdhEs;
        let sealed_id = direct && encryption == ContentEncryption::A256Gcm;
        assert_eq!(outcome(&Accepted::ALL), None);
        assert_eq!(outcome(&Accepted::DIRECT), if direct { None } else { refused });
        assert_eq!(outcome(&Accepted::SEALED), if sealed_id { None } else { refused });
        assert_eq!(outcome(&Accepted { algorithms: &[], ..Accepted::ALL }), refused);
        assert_eq!(outcome(&Accepted { encryptions: &[], ..Accepted::ALL }), refused);
    }
}

/// Compression, critical extensions and unencoded payloads, whatever they say.
pub fn jwe_n_zip_crit_and_b64_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        let text = sealed(backend, &key, &header(KeyManagement::EcdhEs, ContentEncryption::A128Gcm), b"x");
        for (name, value) in [
            ("zip", json!("DEF")),
            ("zip", json!(null)),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("b64", json!(true)),
        ] {
            assert_eq!(
                open(backend, &key, &with_member(&text, name, value)),
                Err(JweError::NotAllowed),
                "{name}"
            );
        }
    }
}

/// A member name occurs once in an object, also within `epk`.
pub fn jwe_n_duplicate_header_members_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        let text = sealed(backend, &key, &header(KeyManagement::EcdhEs, ContentEncryption::A128Gcm), b"x");
        let header = String::from_utf8(b64::decode(text.split('.').next().unwrap()).unwrap()).unwrap();
        for (find, with) in [
            ("{", r#"{"enc":"A128GCM","#),
            ("{", r#"{"alg":"ECDH-ES","#),
            ("{", r#"{"rp":"https://other.example","#),
            (r#""epk":{"#, r#""epk":{"kty":"EC","#),
        ] {
            assert!(header.contains(find));
            let doubled = b64::encode(header.replacen(find, with, 1));
            assert_eq!(
                open(backend, &key, &with_part(&text, 0, &doubled)),
                Err(JweError::Malformed),
                "{with}"
            );
        }
    }
}

/// Members with a type that their definition does not allow.
pub fn jwe_n_ill_typed_header_members_are_refused(backend: &dyn JweBackend) {
    for key in keys() {
        let text = sealed(backend, &key, &header(KeyManagement::EcdhEs, ContentEncryption::A128Gcm), b"x");
        for (name, value) in [
            ("kid", json!(7)),
            ("kid", json!(null)),
            ("typ", json!(["JWT"])),
            ("cty", json!({})),
            ("apu", json!(1)),
            ("apv", json!("a+b")),
            ("apv", json!("YQ==")),
        ] {
            assert_eq!(
                open(backend, &key, &with_member(&text, name, value)),
                Err(JweError::Malformed),
                "{name}"
            );
        }
    }
}

/// One bit of any part, and parts taken from another text to the same key.
pub fn jwe_n_any_changed_part_is_refused(backend: &dyn JweBackend) {
    for key in keys() {
        for (algorithm, encryption) in combinations() {
            let header = header(algorithm, encryption);
            let text = sealed(backend, &key, &header, b"some plaintext");
            let entropy = SeededEntropy::new("another");
            let other = backend.seal(key.public(), &header, b"other content!", &entropy).unwrap();
            for (at, (part, others)) in text.split('.').zip(other.split('.')).enumerate() {
                if part.is_empty() {
                    continue;
                }
                let grafted = with_part(&text, at, others);
                assert_eq!(
                    open(backend, &key, &grafted),
                    Err(JweError::NotForThisKey),
                    "part {at} of another"
                );
                let mut bytes = b64::decode(part).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                let flipped = with_part(&text, at, &b64::encode(bytes));
                assert!(open(backend, &key, &flipped).is_err(), "part {at}");
            }
        }
    }
}

/// The ephemeral key, the initialization vector and therefore the ciphertext are fresh.
pub fn threat_6_two_texts_to_one_key_share_nothing(backend: &dyn JweBackend) {
    let entropy = SeededEntropy::new("twice");
    for key in keys() {
        for algorithm in KeyManagement::ALL {
            let header = header(algorithm, ContentEncryption::A256Gcm);
            let draw = || backend.seal(key.public(), &header, b"same", &entropy).unwrap();
            let (one, two) = (draw(), draw());
            let different = one.split('.').zip(two.split('.')).filter(|(one, two)| one != two).count();
            assert_eq!(different, if algorithm == KeyManagement::EcdhEs { 4 } else { 5 });
        }
    }
}
