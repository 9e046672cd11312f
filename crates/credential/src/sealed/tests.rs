use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwe_rustcrypto::RustCryptoJwe;

fn binding() -> Binding {
    Binding {
        iss: "https://issuer.example".to_owned(),
        rp: "https://health.example".to_owned(),
        jkt: Thumbprint::parse(&b64::encode([7; 32])).unwrap(),
    }
}

fn subject(sub: &str) -> SealedSubject {
    SealedSubject {
        binding: binding(),
        ppid: Ppid::parse("_HWS8aL219YkYVRKmFkDTzRuFbbnh1aen1X9H3rEsn8").unwrap(),
        sub: Personal::new(sub.to_owned()),
    }
}

fn key(name: &str) -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(name)).map_public(|key| key.with_kid(name).for_encryption())
}

fn sealed(to: &PrivateJwk, subject: &SealedSubject) -> String {
    seal(&RustCryptoJwe, to.public(), subject, &SeededEntropy::new("seal")).unwrap()
}

fn code<T>(result: Verdict<T>) -> &'static str {
    result.err().expect("refused").code
}

/// Seals any header and plaintext, as a hostile or careless issuer might.
fn hand_made(header: JweHeader, plaintext: &[u8]) -> String {
    RustCryptoJwe.seal(key("k").public(), &header, plaintext, &SeededEntropy::new("hand")).unwrap()
}

fn header() -> JweHeader {
    JweHeader::new(ContentEncryption::A256Gcm)
        .member("typ", TYP)
        .member("iss", "https://issuer.example")
        .member("rp", "https://health.example")
        .member("jkt", b64::encode([7; 32]))
}

#[test]
fn only_the_relying_party_opens_it() {
    let (ours, other) = (key("k"), key("other"));
    let compact = sealed(&ours, &subject("did:jwk:abc"));
    assert_eq!(peek(&compact), Ok(binding()));
    assert_eq!(open(&RustCryptoJwe, &[ours], &compact, &binding()), Ok(subject("did:jwk:abc")));
    assert_eq!(code(open(&RustCryptoJwe, &[other], &compact, &binding())), "sealed_sub_not_for_us");
    assert_eq!(code(open(&RustCryptoJwe, &[], &compact, &binding())), "sealed_sub_not_for_us");
}

#[test]
fn threat_5_sealed_sub_cut_and_paste() {
    let ours = key("k");
    let compact = sealed(&ours, &subject("did:jwk:abc"));
    // The text of one credential, presented within another one: every part of the binding is looked at.
    for change in [
        |it: &mut Binding| it.iss = "https://other.example".to_owned(),
        |it: &mut Binding| it.rp = "https://bank.example".to_owned(),
        |it: &mut Binding| it.jkt = Thumbprint::parse(&b64::encode([8; 32])).unwrap(),
    ] {
        let mut expected = binding();
        change(&mut expected);
        assert_eq!(code(check_claimed_binding(&compact, &expected)), "sealed_sub_binding");
        assert_eq!(
            code(open(&RustCryptoJwe, std::slice::from_ref(&ours), &compact, &expected)),
            "sealed_sub_binding"
        );
    }
    // A header that is rewritten to fit no longer opens.
    let (header64, rest) = compact.split_once('.').unwrap();
    let mut header = json::parse(&b64::decode(header64).unwrap()).unwrap();
    header["rp"] = json!("https://bank.example");
    let rewritten = format!("{}.{rest}", b64::encode(header.to_string()));
    let mut expected = binding();
    expected.rp = "https://bank.example".to_owned();
    assert_eq!(check_claimed_binding(&rewritten, &expected), Ok(()));
    assert_eq!(code(open(&RustCryptoJwe, &[ours], &rewritten, &expected)), "sealed_sub_not_for_us");
}

#[test]
fn threat_5_a_header_that_contradicts_the_plaintext_is_refused() {
    let mut inner = subject("did:jwk:abc");
    inner.binding.rp = "https://bank.example".to_owned();
    let compact = hand_made(header(), &padded(&inner).unwrap());
    assert_eq!(check_claimed_binding(&compact, &binding()), Ok(()));
    assert_eq!(code(open(&RustCryptoJwe, &[key("k")], &compact, &binding())), "sealed_sub_binding");
}

#[test]
fn threat_20_texts_sealed_before_a_rotation_still_open() {
    let (old, new) = (key("old"), key("new"));
    let x25519 = PrivateJwk::generate_x25519(&SeededEntropy::new("x"));
    let compact = sealed(&old, &subject("did:jwk:abc"));
    let keys = [x25519, new.clone(), old.clone()];
    assert!(open(&RustCryptoJwe, &keys, &compact, &binding()).is_ok());
    // Also when the key was renamed, and when two keys have one name.
    let renamed = old.clone().map_public(|key| key.with_kid("archive"));
    let impostor = new.map_public(|key| key.with_kid("old"));
    assert!(open(&RustCryptoJwe, &[impostor, renamed], &compact, &binding()).is_ok());
}

#[test]
fn threat_6_all_sealed_texts_of_one_party_have_one_length_and_nothing_else_in_common() {
    let entropy = SeededEntropy::new("fresh");
    let texts: Vec<String> = ["did:jwk:a", "did:jwk:a", &format!("did:jwk:{}", "a".repeat(500))]
        .map(|sub| seal(&RustCryptoJwe, key("k").public(), &subject(sub), &entropy).unwrap())
        .to_vec();
    assert!(texts.iter().all(|text| text.len() == texts[0].len()));
    assert_ne!(texts[0], texts[1]);
    let long = subject(&format!("did:jwk:{}", "a".repeat(1000)));
    assert_eq!(code(seal(&RustCryptoJwe, key("k").public(), &long, &entropy)), "sealed_sub_too_long");
}

#[test]
fn other_types_lengths_and_members_are_refused() {
    let good = padded(&subject("did:jwk:abc")).unwrap();
    let opening = |compact: &str| code(open(&RustCryptoJwe, &[key("k")], compact, &binding()));
    for bad in [
        header().member("typ", "JWT"),
        header().member("jkt", "short"),
        header().member("iss", 7),
        JweHeader { encryption: ContentEncryption::A128Gcm, ..header() },
        JweHeader::new(ContentEncryption::A256Gcm),
    ] {
        assert_eq!(opening(&hand_made(bad, &good)), "sealed_sub_malformed");
    }
    assert_eq!(opening(&hand_made(header(), &good[1..])), "sealed_sub_malformed");
    let mut extra = serde_json::to_value(serde_json::from_slice::<Value>(&good).unwrap()).unwrap();
    let pad = extra["pad"].as_str().unwrap();
    extra["pad"] = json!(&pad[..pad.len() - r#","name":"x""#.len()]);
    extra["name"] = json!("x");
    assert_eq!(extra.to_string().len(), PLAINTEXT_LENGTH);
    assert_eq!(opening(&hand_made(header(), extra.to_string().as_bytes())), "sealed_sub_malformed");
    assert_eq!(opening("a.b.c"), "sealed_sub_malformed");
    let signing = key("k").public().clone().for_signature();
    assert_eq!(
        code(seal(&RustCryptoJwe, &signing, &subject("x"), &SeededEntropy::new("s"))),
        "sealing_key_unusable"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_identifier_round_trips_and_strangers_learn_only_the_binding(sub: String) {
        let it = subject(&sub);
        let result = seal(&RustCryptoJwe, key("k").public(), &it, &SeededEntropy::new("s"));
        match result {
            Ok(compact) => {
                prop_assert_eq!(open(&RustCryptoJwe, &[key("k")], &compact, &binding()), Ok(it));
            }
            Err(failure) => prop_assert_eq!(failure.code, "sealed_sub_too_long"),
        }
    }

    #[test]
    fn reading_never_panics(text: String, parts: [Vec<u8>; 5]) {
        let _ = peek(&text);
        let text = parts.map(b64::encode).join(".");
        prop_assert!(open(&RustCryptoJwe, &[key("k")], &text, &binding()).is_err());
    }
}
