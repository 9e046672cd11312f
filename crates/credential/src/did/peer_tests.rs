//! `did:peer`: the specification's examples, what must be refused, and documents that come back as they were written.

use multibase::Base;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;
use crate::test_vectors;
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn parse(text: &str) -> Did {
    Did::parse(text).unwrap()
}

fn refused(text: &str) -> &'static str {
    resolve(&parse(text), &[]).unwrap_err().code
}

fn ed25519(seed: &str) -> Jwk {
    PrivateJwk::generate_ed25519(&SeededEntropy::new(seed)).public().clone()
}

fn mb(key: &Jwk) -> String {
    super::multikey::encode(&key.key)
}

/// The long form for an input document, as the specification says to create it.
fn create_4(document: &str) -> String {
    let bytes = [super::varint::write(0x0200), document.as_bytes().to_vec()].concat();
    let encoded = multibase::encode(Base::Base58Btc, bytes);
    format!("did:peer:4{}:{encoded}", super::multihash::multibase(&encoded))
}

#[test]
fn did_peer_2_examples_of_the_specification_resolve_to_their_documents() {
    let Some(examples) = test_vectors::document("did-peer/spec_examples.json") else { return };
    let dids = examples["peer2_dids"].as_array().unwrap();
    assert_eq!(dids.len(), 2);
    for example in dids {
        let document = resolve(&parse(example["did"].as_str().unwrap()), &[]).unwrap();
        assert_eq!(document.as_value()["alsoKnownAs"], json!([example["did_peer_3"]]));
    }
    let printed = &examples["peer2_document"];
    let document = resolve(&parse(printed["id"].as_str().unwrap()), &[]).unwrap();
    assert_eq!(document.as_value(), printed);
}

#[test]
fn did_peer_4_example_of_the_specification_resolves_in_both_forms() {
    let Some(examples) = test_vectors::document("did-peer/spec_examples.json") else { return };
    let example = &examples["peer4"];
    let (long, short) = (parse(example["long"].as_str().unwrap()), parse(example["short"].as_str().unwrap()));
    assert_eq!(peer_short_form(&long).as_ref(), Some(&short));
    for (did, other) in [(&long, &short), (&short, &long)] {
        let document = resolve(did, std::slice::from_ref(&long)).unwrap();
        let mut expected = example["decoded_input_document"].clone();
        expected["id"] = json!(did.as_str());
        expected["alsoKnownAs"] = json!([other.as_str()]);
        for method in expected["verificationMethod"].as_array_mut().unwrap() {
            method["controller"] = json!(did.as_str());
        }
        assert_eq!(document.as_value(), &expected);
        let url = |fragment: &str| DidUrl::parse(&format!("{}#{fragment}", did.as_str())).unwrap();
        assert!(document.key(&url("6MkrCD1c"), Relationship::Authentication, NOW).is_ok());
        assert!(document.key(&url("6LSqPZfn"), Relationship::KeyAgreement, NOW).is_ok());
        assert!(document.key(&url("6LSqPZfn"), Relationship::Authentication, NOW).is_err());
    }
    assert_eq!(resolve(&short, &[]).unwrap_err().code, "did_not_found");
}

/// The obsolete grammar of these files is not ours (`did:peer:11-…`): none of them resolves, none panics.
#[test]
fn did_peer_level_1_files_of_the_obsolete_grammar_are_refused() {
    for file in [
        "bad-did-abbreviated",
        "bad-did-dot-before-hex",
        "bad-did-prefix-not-lower",
        "bad-did-quoted",
        "bad-did-too-short",
        "bad-did-unsupported-encalgo",
        "bad-did-unsupported-numalgo",
        "compare-equal",
        "compare-lt",
        "good-did-all-caps",
        "good-did-all-fs",
        "good-did-all-ones",
        "good-did",
    ] {
        let Some(text) = test_vectors::text(&format!("did-peer/level-1/{file}.txt")) else { return };
        for line in text.lines().filter(|line| !line.is_empty()) {
            assert!(Did::parse(line).and_then(|did| resolve(&did, &[])).is_err(), "{file}: {line}");
        }
    }
}

#[test]
fn did_peer_0_is_a_did_key_by_another_name() {
    let key = ed25519("peer");
    let did = parse(&format!("did:peer:0{}", mb(&key)));
    let url = DidUrl::parse(&format!("{}#{}", did.as_str(), mb(&key))).unwrap();
    let document = resolve(&did, &[]).unwrap();
    assert_eq!(document.key(&url, Relationship::Authentication, NOW), Ok(key));
    assert_eq!(document.key(&url, Relationship::KeyAgreement, NOW).unwrap_err().code, "did_relationship");
}

#[test]
fn did_peer_1_and_3_are_refused_and_say_so() {
    let hash = super::multihash::multibase("x");
    for numalgo in [1, 3] {
        assert_eq!(refused(&format!("did:peer:{numalgo}{hash}")), "did_method_unsupported");
    }
    for text in ["did:peer:5z", "did:peer:z", "did:peer:2", "did:peer:02"] {
        assert_eq!(refused(text), "did_invalid", "{text}");
    }
}

#[test]
fn did_peer_2_unknown_purposes_bad_keys_and_wrong_order_are_refused() {
    let key = mb(&ed25519("peer"));
    let service = b64::encode(r#"{"t":"dm","s":"https://a.example"}"#);
    assert!(resolve(&parse(&format!("did:peer:2.V{key}.S{service}")), &[]).is_ok());
    for elements in [
        format!(".X{key}"),
        format!(".v{key}"),
        format!("V{key}"),
        format!(".V{key}."),
        format!("..V{key}"),
        ".V".to_owned(),
        format!(".Vu{}", &key[1..]),
        ".Vz0OIl".to_owned(),
        format!(".S{service}.V{key}"),
        format!(".V{key}").repeat(65),
    ] {
        let did = format!("did:peer:2{elements}");
        let failure = Did::parse(&did).and_then(|did| resolve(&did, &[])).unwrap_err();
        assert_eq!(failure.code, "did_invalid", "{did}");
    }
}

#[test]
fn did_peer_2_has_at_most_64_elements() {
    // The shortest keys that there are: of a type that nobody knows.
    let of = |elements: usize| resolve(&parse(&format!("did:peer:2{}", ".Vz2".repeat(elements))), &[]);
    assert!(of(64).is_ok());
    assert_eq!(of(65).unwrap_err().code, "did_invalid");
}

#[test]
fn did_peer_2_services_are_one_json_object_each() {
    let key = mb(&ed25519("peer"));
    let with = |service: &str| format!("did:peer:2.V{key}.S{}", b64::encode(service));
    for service in [
        r#"[{"t":"dm","s":"https://a.example"}]"#,
        r#""https://a.example""#,
        r#"{"t":"dm","s":"https://a.example""#,
        r#"{"t":"dm","t":"dm","s":"https://a.example"}"#,
        r#"{"t":"dm","type":"x","s":"https://a.example"}"#,
        r#"{"t":"dm","s":"https://a.example","id":"did:peer:2.x#service"}"#,
        r#"{"t":"dm","s":"https://a.example","id":1}"#,
    ] {
        assert_eq!(refused(&with(service)), "did_invalid", "{service}");
    }
    // Not base64url, or with stray bits.
    for text in ["S", "SA", "Se30.Se31", "SeyJ0Ijoi%20"] {
        assert!(resolve(&parse(&format!("did:peer:2.V{key}.{text}")), &[]).is_err(), "{text}");
    }
    // A service without an endpoint, and two with one id, make a document that is refused.
    assert_eq!(refused(&with(r#"{"t":"dm"}"#)), "did_document_invalid");
    let twice = with(r##"{"t":"dm","s":"https://a.example","id":"#key-1"}"##);
    assert_eq!(refused(&twice), "did_document_invalid");
}

#[test]
fn did_peer_4_hash_mismatch_root_id_and_absolute_ids_are_refused() {
    let key = mb(&ed25519("peer"));
    let method = json!({"id": "#a", "type": "Multikey", "publicKeyMultibase": key});
    let good = json!({"verificationMethod": [method], "authentication": ["#a"]});
    let long = create_4(&good.to_string());
    assert!(resolve(&parse(&long), &[]).is_ok());
    let other = create_4(&json!({}).to_string());
    let (hash, _) = other.split_at("did:peer:4".len() + 47);
    let (_, encoded) = long.split_at("did:peer:4".len() + 47);
    assert_eq!(refused(&format!("{hash}{encoded}")), "did_invalid");

    let mut with_id = good.clone();
    with_id["id"] = json!("did:peer:4x");
    let mut absolute = good.clone();
    absolute["verificationMethod"][0]["id"] = json!("did:example:a#a");
    let mut reference = good.clone();
    reference["authentication"] = json!(["did:example:a#a"]);
    for document in
        [with_id.to_string(), absolute.to_string(), reference.to_string(), "[]".to_owned(), "{".to_owned()]
    {
        assert_eq!(refused(&create_4(&document)), "did_invalid", "{document}");
    }
    // A document that is not marked as JSON, and one in another base.
    let raw = multibase::encode(Base::Base58Btc, good.to_string());
    assert_eq!(refused(&format!("did:peer:4{}:{raw}", super::multihash::multibase(&raw))), "did_invalid");
    let hex = multibase::encode(Base::Base16Lower, [super::varint::write(0x0200), b"{}".to_vec()].concat());
    assert_eq!(refused(&format!("did:peer:4{}:{hex}", super::multihash::multibase(&hex))), "did_invalid");
    // Somebody else's method stays somebody else's.
    let mut foreign = good;
    foreign["verificationMethod"][0]["controller"] = json!("did:example:other");
    let did = parse(&create_4(&foreign.to_string()));
    let url = DidUrl::parse(&format!("{}#a", did.as_str())).unwrap();
    let failure = resolve(&did, &[]).unwrap().key(&url, Relationship::Authentication, NOW).unwrap_err();
    assert_eq!(failure.code, "did_method_unusable");
}

#[test]
fn did_peer_4_an_unknown_short_form_is_not_found() {
    let long = parse(&create_4("{}"));
    let short = peer_short_form(&long).unwrap();
    let stranger = parse(&create_4(r#"{"service":[]}"#));
    assert!(resolve(&short, std::slice::from_ref(&long)).is_ok());
    assert_eq!(resolve(&short, &[stranger, short.clone()]).unwrap_err().code, "did_not_found");
    assert_eq!(peer_short_form(&short), None);
    assert_eq!(resolution_error(&resolve(&short, &[]).unwrap_err()), "notFound");
}

proptest! {
    #[test]
    fn resolving_never_panics(numalgo in "[0-9]", id in "[.:zA-Za-z0-9_-]{0,120}") {
        if let Ok(did) = Did::parse(&format!("did:peer:{numalgo}{id}")) {
            let _ = resolve(&did, &[]);
        }
    }

    /// What is put in comes out: keys in order for their purposes, and the input document of a numalgo 4.
    #[test]
    fn create_and_resolve_are_the_identity(seeds in prop::collection::vec("[a-z]{1,8}", 1..5), purposes in "[AVID]{5}") {
        let keys: Vec<_> = seeds.iter().enumerate().map(|(at, seed)| ed25519(&format!("{seed}{at}"))).collect();
        let elements: Vec<_> =
            keys.iter().zip(purposes.chars()).map(|(key, purpose)| format!("{purpose}{}", mb(key))).collect();
        let elements = elements.join(".");
        let did = parse(&format!("did:peer:2.{elements}"));
        let document = resolve(&did, &[]).unwrap();
        for (at, (key, purpose)) in keys.iter().zip(purposes.chars()).enumerate() {
            let url = DidUrl::parse(&format!("{}#key-{}", did.as_str(), at + 1)).unwrap();
            for (code, relationship) in [
                ('A', Relationship::AssertionMethod),
                ('V', Relationship::Authentication),
                ('I', Relationship::CapabilityInvocation),
                ('D', Relationship::CapabilityDelegation),
            ] {
                let found = document.key(&url, relationship, NOW).ok();
                prop_assert_eq!(found.as_ref(), (code == purpose).then_some(key));
            }
        }
        let methods: Vec<_> = keys.iter().enumerate().map(|(at, key)| {
            json!({"id": format!("#k{at}"), "type": "JsonWebKey", "publicKeyJwk": key})
        }).collect();
        let input = json!({"verificationMethod": methods, "authentication": ["#k0"]});
        let did = parse(&create_4(&input.to_string()));
        let mut back: Value = resolve(&did, &[]).unwrap().as_value().clone();
        for method in back["verificationMethod"].as_array_mut().unwrap() {
            method.as_object_mut().unwrap().remove("controller");
        }
        let object = back.as_object_mut().unwrap();
        object.remove("id");
        object.remove("alsoKnownAs");
        prop_assert_eq!(back, input);
    }
}
