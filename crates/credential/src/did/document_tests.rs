//! What a DID document must not be.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;
use crate::time::UnixTime;

const DID: &str = "did:web:issuer.example";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn did() -> Did {
    Did::parse(DID).unwrap()
}

fn p256() -> Jwk {
    PrivateJwk::generate_p256(&SeededEntropy::new("document")).public().clone()
}

fn multikey() -> String {
    let key = PrivateJwk::generate_ed25519(&SeededEntropy::new("document"));
    super::multikey::encode(&key.public().key)
}

/// A P-256 key as JWK for assertions, an Ed25519 key as Multikey for authentication.
fn document() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "verificationMethod": [
            {"id": "#sign", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": p256()},
            {"id": format!("{DID}#login"), "type": "Multikey", "controller": DID, "publicKeyMultibase": multikey()},
        ],
        "assertionMethod": [format!("{DID}#sign")],
        "authentication": ["#login"],
    })
}

fn read(document: &Value) -> Verdict<DidDocument> {
    DidDocument::read(document.to_string().as_bytes(), &did())
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = document();
    change(&mut document);
    document
}

fn refused(change: impl FnOnce(&mut Value)) -> &'static str {
    read(&changed(change)).unwrap_err().code
}

fn key(document: &Value, url: &str, relationship: Relationship) -> Result<Jwk, &'static str> {
    let url = DidUrl::parse(url).unwrap();
    read(document).unwrap().key(&url, relationship, NOW).map_err(|failure| failure.code)
}

fn sign_key(change: impl FnOnce(&mut Value)) -> Result<Jwk, &'static str> {
    key(&changed(change), &format!("{DID}#sign"), Relationship::AssertionMethod)
}

#[test]
fn keys_are_had_for_what_they_are_listed_under() {
    assert_eq!(sign_key(|_| ()), Ok(p256()));
    let document = read(&document()).unwrap();
    let named = |relationship| -> Vec<String> {
        document.usable(relationship, NOW).iter().map(|url| url.as_str().to_owned()).collect()
    };
    assert_eq!(named(Relationship::AssertionMethod), [format!("{DID}#sign")]);
    assert_eq!(named(Relationship::Authentication), [format!("{DID}#login")]);
    assert!(named(Relationship::KeyAgreement).is_empty());
    assert_eq!(document.did(), &did());
}

#[test]
fn did_all_a_method_is_not_used_for_a_relationship_that_it_is_not_in() {
    let document = document();
    let sign = format!("{DID}#sign");
    assert_eq!(key(&document, &sign, Relationship::Authentication), Err("did_relationship"));
    assert_eq!(key(&document, &sign, Relationship::KeyAgreement), Err("did_relationship"));
    let only_embedded = changed(|document| {
        document["keyAgreement"] =
            json!([{"id": "#agree", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": p256()}]);
    });
    let agree = format!("{DID}#agree");
    assert_eq!(key(&only_embedded, &agree, Relationship::KeyAgreement), Ok(p256()));
    assert_eq!(key(&only_embedded, &agree, Relationship::AssertionMethod), Err("did_relationship"));
    // Embedded means for this alone, also when another relationship refers to it.
    let referred = changed(|document| {
        document["assertionMethod"] = json!(["#agree"]);
        document["keyAgreement"] = only_embedded["keyAgreement"].clone();
    });
    assert_eq!(key(&referred, &agree, Relationship::AssertionMethod), Err("did_relationship"));
}

#[test]
fn did_all_a_method_of_another_controller_gives_no_key() {
    for controller in [json!("did:web:other.example"), json!(format!("{DID}:x")), json!([DID]), Value::Null] {
        let result =
            sign_key(|document| document["verificationMethod"][0]["controller"] = controller.clone());
        assert_eq!(result, Err("did_method_unusable"), "{controller}");
    }
    let absent = sign_key(|document| {
        document["verificationMethod"][0].as_object_mut().unwrap().remove("controller");
    });
    assert_eq!(absent, Err("did_method_unusable"));
}

#[test]
fn did_all_a_fragment_is_resolved_against_its_own_did_only() {
    let document = document();
    for url in ["did:web:other.example#sign", "did:web:issuer.example:a#sign", "did:web:issuer.example#Sign"]
    {
        assert_eq!(key(&document, url, Relationship::AssertionMethod), Err("did_url_unknown"), "{url}");
    }
    // A method that bears the name of another DID is not one of this document.
    let foreign = changed(|document| {
        document["verificationMethod"][0]["id"] = json!("did:web:other.example#sign");
        document["assertionMethod"] = json!(["did:web:other.example#sign"]);
    });
    for url in ["did:web:other.example#sign", "did:web:issuer.example#sign"] {
        assert_eq!(key(&foreign, url, Relationship::AssertionMethod), Err("did_url_unknown"), "{url}");
    }
}

#[test]
fn did_web_the_document_of_another_did_is_refused() {
    for id in [
        json!("did:web:other.example"),
        json!("did:web:issuer.example:"),
        json!("DID:web:issuer.example"),
        json!(1),
    ] {
        assert_eq!(refused(|document| document["id"] = id), "did_document_id");
    }
    assert_eq!(refused(|document| drop(document.as_object_mut().unwrap().remove("id"))), "did_document_id");
}

#[test]
fn did_all_what_is_written_twice_is_refused() {
    let text = document().to_string().replacen("\"id\"", "\"id\":\"did:web:a\",\"id\"", 1);
    assert_eq!(DidDocument::read(text.as_bytes(), &did()).unwrap_err().code, "did_document_invalid");
    // `#sign` and the absolute URL are one id.
    assert_eq!(
        refused(|document| document["verificationMethod"][1]["id"] = json!(format!("{DID}#sign"))),
        "did_document_invalid"
    );
    assert_eq!(
        refused(|document| document["service"] =
            json!([{"id": "#sign", "type": "x", "serviceEndpoint": "https://a"}])),
        "did_document_invalid"
    );
    assert_eq!(
        refused(|document| document["assertionMethod"] = json!(["#sign", format!("{DID}#sign")])),
        "did_document_invalid"
    );
    let embedded = json!([{"id": "#sign", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": p256()}]);
    assert_eq!(refused(|document| document["keyAgreement"] = embedded), "did_document_invalid");
}

#[test]
fn did_all_private_keys_in_a_document_are_refused() {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("document"));
    assert_eq!(
        refused(|document| document["verificationMethod"][0]["publicKeyJwk"] = key.to_secret_value()),
        "did_private_key"
    );
    for member in ["privateKeyJwk", "secretKeyMultibase", "privateKeyBase58"] {
        assert_eq!(
            refused(|document| document["verificationMethod"][1][member] = json!("x")),
            "did_private_key",
            "{member}"
        );
    }
}

#[test]
fn other_shapes_and_long_lists_are_refused() {
    type Change = fn(&mut Value);
    let changes: [Change; 16] = [
        |document| document["verificationMethod"] = json!({}),
        |document| document["verificationMethod"][0] = json!("#sign"),
        |document| document["verificationMethod"][0]["id"] = json!("sign"),
        |document| document["verificationMethod"][0]["id"] = json!("#"),
        |document| document["verificationMethod"][0]["id"] = json!("?a#sign"),
        |document| document["verificationMethod"][0]["type"] = json!(1),
        |document| document["verificationMethod"][0]["expires"] = json!("tomorrow"),
        |document| document["assertionMethod"] = json!("#sign"),
        |document| document["assertionMethod"] = json!([1]),
        |document| document["assertionMethod"] = json!(["sign"]),
        |document| document["assertionMethod"] = json!(vec!["#a"; 65]),
        |document| document["@context"] = json!(1),
        |document| document["@context"] = json!([1]),
        |document| document["controller"] = json!(["x"]),
        |document| document["alsoKnownAs"] = json!([1]),
        |document| document["service"] = json!([{"id": "#x"}]),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        assert_eq!(refused(change), "did_document_invalid", "change {at}");
    }
    for text in ["", "[]", "1", "{", &format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DOCUMENT))] {
        assert_eq!(DidDocument::read(text.as_bytes(), &did()).unwrap_err().code, "did_document_invalid");
    }
}

#[test]
fn a_method_that_cannot_be_used_does_not_hide_the_others() {
    let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    let cases: [(Value, &str); 7] = [
        (json!({"type": "EcdsaSecp256k1VerificationKey2019", "publicKeyJwk": p256()}), "did_method_unusable"),
        (
            json!({"type": "JsonWebKey", "publicKeyJwk": p256(), "publicKeyMultibase": multikey()}),
            "did_method_unusable",
        ),
        (json!({"type": "Multikey", "publicKeyJwk": p256()}), "did_method_unusable"),
        (
            json!({"type": "X25519KeyAgreementKey2020", "publicKeyMultibase": multikey()}),
            "did_method_unusable",
        ),
        (json!({"type": "JsonWebKey2020", "publicKeyJwk": rsa}), "did_key_unsupported"),
        (json!({"type": "Multikey", "publicKeyMultibase": "u7QEB"}), "did_key_invalid"),
        (
            json!({"type": "Multikey", "publicKeyMultibase": "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"}),
            "did_key_unsupported",
        ),
    ];
    for (mut method, code) in cases {
        method["id"] = json!("#sign");
        method["controller"] = json!(DID);
        let document = changed(|document| document["verificationMethod"][0] = method.clone());
        assert_eq!(
            key(&document, &format!("{DID}#sign"), Relationship::AssertionMethod),
            Err(code),
            "{method}"
        );
        assert!(key(&document, &format!("{DID}#login"), Relationship::Authentication).is_ok());
    }
}

#[test]
fn a_key_does_only_what_its_type_and_its_use_allow() {
    let x25519 = PrivateJwk::generate_x25519(&SeededEntropy::new("x")).public().clone();
    assert_eq!(
        sign_key(|document| document["verificationMethod"][0]["publicKeyJwk"] = x25519.to_value()),
        Err("did_relationship")
    );
    assert_eq!(
        sign_key(
            |document| document["verificationMethod"][0]["publicKeyJwk"] = p256().for_encryption().to_value()
        ),
        Err("did_relationship")
    );
    assert_eq!(
        sign_key(|document| document["verificationMethod"][0]["publicKeyJwk"]["use"] = json!("other")),
        Err("did_relationship")
    );
    let agree = changed(|document| document["keyAgreement"] = json!(["#login"]));
    assert_eq!(key(&agree, &format!("{DID}#login"), Relationship::KeyAgreement), Err("did_relationship"));
}

#[test]
fn a_method_ends_when_it_expires_or_was_revoked() {
    for (member, time, usable) in [
        ("expires", "2027-01-15T08:00:01Z", true),
        ("expires", "2027-01-15T08:00:00Z", false),
        ("revoked", "2020-01-01T00:00:00Z", false),
        ("revoked", "2030-01-01T00:00:00Z", true),
    ] {
        let result = sign_key(|document| document["verificationMethod"][0][member] = json!(time));
        assert_eq!(result.is_ok(), usable, "{member} {time}");
        assert!(usable || result == Err("did_method_expired"));
    }
}

#[test]
fn the_older_2020_types_are_read_for_the_key_that_they_name() {
    let ed25519 = key(
        &changed(|document| document["verificationMethod"][1]["type"] = json!("Ed25519VerificationKey2020")),
        &format!("{DID}#login"),
        Relationship::Authentication,
    );
    assert!(matches!(ed25519.unwrap().key, PublicKey::Ed25519(_)));
}

#[test]
fn self_contained_dids_resolve_to_documents_with_their_key() {
    let entropy = SeededEntropy::new("of");
    for key in [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)] {
        for did in [Did::jwk(key.public()), Did::key(key.public())] {
            let url = did.verification_method().unwrap();
            let found = resolve(&did, &[]).unwrap().key(&url, Relationship::AssertionMethod, NOW).unwrap();
            assert_eq!(found, *key.public());
        }
    }
    assert_eq!(resolve(&did(), &[]).unwrap_err().code, "did_method_unsupported");
}

#[test]
fn threat_22_a_document_does_not_print() {
    assert_eq!(format!("{:?}", read(&document()).unwrap()), "DidDocument(Did(web:…), 2 methods)");
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "#[a-z]{0,2}",
        "[a-z]{0,4}",
        Just(DID.to_owned()),
        Just(format!("{DID}#a")),
        Just("Multikey".to_owned())
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), text.prop_map(Value::from)];
    let name = prop_oneof![
        Just("id"),
        Just("verificationMethod"),
        Just("authentication"),
        Just("service"),
        Just("type"),
        Just("controller"),
        Just("publicKeyMultibase"),
        Just("publicKeyJwk"),
        Just("kty"),
        Just("expires"),
        Just("@context"),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

#[test]
fn a_method_is_shown_as_it_is_written_wherever_it_stands() {
    let value = changed(|document| {
        document["verificationMethod"][1]["type"] = json!("Unknown");
        document["keyAgreement"] = json!([{"id": "#agree", "type": "Multikey", "controller": DID, "publicKeyMultibase": multikey()}]);
        let other = json!({"id": "did:web:other.example#sign", "type": "Multikey", "controller": DID});
        document["verificationMethod"].as_array_mut().unwrap().insert(0, other);
    });
    let document = read(&value).unwrap();
    let shown = |url: &str| document.method(&DidUrl::parse(url).unwrap()).map_err(|failure| failure.code);
    assert_eq!(shown(&format!("{DID}#sign")), Ok(&value["verificationMethod"][1]), "with a relative id");
    assert_eq!(shown(&format!("{DID}#login")), Ok(&value["verificationMethod"][2]), "usable or not");
    assert_eq!(shown(&format!("{DID}#agree")), Ok(&value["keyAgreement"][0]), "embedded");
    assert_eq!(shown(&format!("{DID}#other")), Err("did_url_unknown"));
    assert_eq!(shown("did:web:other.example#sign"), Err("did_url_unknown"), "of another DID");
    assert_eq!(shown("did:web:other.example#login"), Err("did_url_unknown"));
}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>) {
        let _ = DidDocument::read(&bytes, &did());
    }

    #[test]
    fn whatever_is_read_gives_keys_only_where_it_lists_them(value in any_json(), listed in any_json()) {
        let mut value = if value.is_object() { value } else { json!({}) };
        value["id"] = json!(DID);
        value["authentication"] = listed;
        if let Ok(document) = DidDocument::from_value(value.clone(), &did()) {
            for relationship in Relationship::ALL {
                let usable = document.usable(relationship, NOW);
                prop_assert!(usable.is_empty() || value.get(relationship.as_str()).is_some());
            }
        }
    }
}
