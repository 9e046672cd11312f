//! DIDs whose key is wanted, as strings and as documents (did:key, did:jwk, DID 1.1).

use enishi_credential::crypto::Signer as _;
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::policy::Policy;

const CHECK: &str = "did-resolution";
const WEB: &str = "did:web:issuer.example";

pub(super) fn family() -> Family {
    let mut family = Family::new(
        "did",
        "DIDs, DID URLs and DID documents that are broken or give no key for the purpose, and sound ones.",
    );
    for relationship in ["assertionMethod", "authentication", "keyAgreement"] {
        family.demand(relationship, Policy::Did { relationship: relationship.to_owned() });
    }
    family.demand(
        "document",
        Policy::DidDocument {
            did: WEB.to_owned(),
            method: format!("{WEB}#key-1"),
            relationship: "assertionMethod".to_owned(),
            now: NOW,
        },
    );
    let (p256, ed25519) = (issuer().public_jwk().clone(), ed25519("issuer").public_jwk().clone());
    family.accept("did-jwk", "assertionMethod", "The did:jwk of a P-256 key.", Did::jwk(&p256).as_str());
    family.accept(
        "did-jwk-url",
        "assertionMethod",
        "The DID URL of its only key.",
        format!("{}#0", Did::jwk(&p256).as_str()),
    );
    family.accept("did-key", "assertionMethod", "The did:key of a P-256 key.", Did::key(&p256).as_str());
    family.accept(
        "did-key-ed25519",
        "assertionMethod",
        "The did:key of an Ed25519 key.",
        Did::key(&ed25519).as_str(),
    );
    family.accept("did-key-url", "assertionMethod", "The DID URL of its only key.", key_url());
    family.accept(
        "did-key-x25519",
        "keyAgreement",
        "The did:key of an X25519 key, for key agreement.",
        x25519(),
    );
    family.accept("did-document", "document", "A document with one key.", text_of(&document()));
    jwk(&mut family);
    key(&mut family);
    syntax(&mut family);
    documents(&mut family);
    family
}

fn key_url() -> String {
    let did = Did::key(issuer().public_jwk());
    did.verification_method().expect("did:key has one").as_str().to_owned()
}

fn x25519() -> String {
    let key = PrivateJwk::generate_x25519(&SeededEntropy::new("corpus/x25519"));
    Did::key(key.public()).as_str().to_owned()
}

fn jwk(family: &mut Family) {
    let did = |jwk: &Value| format!("did:jwk:{}", b64::encode(text_of(jwk)));
    let sound = public(&issuer());
    let with = |name: &str, value: Value| {
        let mut jwk = sound.clone();
        jwk[name] = value;
        did(&jwk)
    };
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("corpus/p256/issuer")).to_secret_value();
    let plain = Did::jwk(issuer().public_jwk()).as_str().to_owned();
    family
        .beside("did-jwk")
        .refuse(
            "did-jwk-private",
            "The JWK in the DID has the private member.",
            did(&private),
            (CHECK, "did_private_key", ""),
        )
        .refuse(
            "did-jwk-symmetric",
            "The JWK in the DID is a symmetric key.",
            did(&json!({"kty": "oct", "k": "c2VjcmV0"})),
            (CHECK, "did_private_key", ""),
        )
        .refuse(
            "did-jwk-rsa",
            "The JWK in the DID is an RSA key.",
            did(&json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
            (CHECK, "did_key_unsupported", ""),
        )
        .refuse(
            "did-jwk-off-curve",
            "The JWK in the DID is not a point of its curve.",
            with("y", sound["x"].clone()),
            (CHECK, "did_key_invalid", ""),
        )
        .refuse(
            "did-jwk-incomplete",
            "The JWK in the DID lacks its curve.",
            did(&json!({"kty": "EC", "x": sound["x"], "y": sound["y"]})),
            (CHECK, "did_key_invalid", ""),
        )
        .refuse(
            "did-jwk-for-encryption",
            "The JWK in the DID is for encryption only, and a key for signatures is wanted.",
            with("use", json!("enc")),
            ("did-relationship", "did_relationship", ""),
        )
        .refuse(
            "did-jwk-padded",
            "The JWK is base64url with padding.",
            format!("{plain}="),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-jwk-not-json",
            "What is encoded is not JSON.",
            format!("did:jwk:{}", b64::encode("key")),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-jwk-member-twice",
            "The JWK in the DID has a member twice.",
            format!("did:jwk:{}", b64::encode(format!(r#"{{"kty":"EC",{}"#, &text_of(&sound)[1..]))),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-jwk-array",
            "What is encoded is an array.",
            format!("did:jwk:{}", b64::encode(format!("[{}]", text_of(&sound)))),
            (CHECK, "did_key_invalid", ""),
        );
    family
        .beside("did-jwk-url")
        .refuse(
            "did-jwk-fragment-1",
            "The fragment is `#1`; the only key is `#0`.",
            format!("{plain}#1"),
            (CHECK, "did_url_unknown", ""),
        )
        .refuse(
            "did-jwk-fragment-kid",
            "The fragment is the `kid` in the JWK, which is not the key's name.",
            format!("{}#k", with("kid", json!("k"))),
            (CHECK, "did_url_unknown", ""),
        )
        .refuse(
            "did-jwk-fragment-empty",
            "The fragment is empty.",
            format!("{plain}#"),
            (CHECK, "did_invalid", ""),
        );
}

fn key(family: &mut Family) {
    let sound = Did::key(issuer().public_jwk()).as_str().to_owned();
    let value = sound.rsplit(':').next().expect("a part").to_owned();
    let bytes = multibase::decode(&value).expect("multibase").1;
    let did = |bytes: &[u8]| format!("did:key:{}", multibase::encode(multibase::Base::Base58Btc, bytes));
    let mut off_curve = bytes.clone();
    // The compressed point's x coordinate becomes one without a point.
    off_curve[3..].fill(0xff);
    let base64 = format!("did:key:{}", multibase::encode(multibase::Base::Base64Url, &bytes));
    let other = Did::key(p256("stranger").public_jwk()).as_str().to_owned();
    let other_value = other.rsplit(':').next().expect("a part");
    family
        .beside("did-key")
        .refuse(
            "did-key-base64",
            "The key is multibase base64url, not base58btc.",
            base64,
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-key-too-short",
            "The key has a byte less than its type has.",
            did(&bytes[..bytes.len() - 1]),
            (CHECK, "did_key_length", ""),
        )
        .refuse(
            "did-key-too-long",
            "The key has a byte more than its type has.",
            did(&[bytes.as_slice(), &[0]].concat()),
            (CHECK, "did_key_length", ""),
        )
        .refuse(
            "did-key-off-curve",
            "The key is not a point of its curve.",
            did(&off_curve),
            (CHECK, "did_key_invalid", ""),
        )
        .refuse(
            "did-key-secp256k1",
            "The key's type is secp256k1.",
            did(&[&[0xe7, 0x01], &bytes[2..]].concat()),
            (CHECK, "did_key_unsupported", ""),
        )
        .refuse(
            "did-key-unknown-type",
            "The key's type is one that nobody knows.",
            did(&[&[0xff, 0x7f], &bytes[2..]].concat()),
            (CHECK, "did_key_unsupported", ""),
        )
        .refuse("did-key-empty", "There is no key after the `z`.", "did:key:z", (CHECK, "did_invalid", ""))
        .refuse(
            "did-key-not-base58",
            "The key has a character that base58btc does not have.",
            format!("did:key:z0{}", &value[2..]),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-key-version-0",
            "The version is 0; versions are positive.",
            format!("did:key:0:{value}"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-key-x25519-for-signing",
            "The key is for key agreement, and one for signatures is wanted.",
            x25519(),
            ("did-relationship", "did_relationship", ""),
        );
    family
        .beside("did-key-url")
        .refuse(
            "did-key-fragment-other",
            "The fragment is another key.",
            format!("{sound}#{other_value}"),
            (CHECK, "did_url_unknown", ""),
        )
        .refuse(
            "did-key-fragment-zero",
            "The fragment is `#0`, as in a did:jwk.",
            format!("{sound}#0"),
            (CHECK, "did_url_unknown", ""),
        );
}

fn syntax(family: &mut Family) {
    let value = Did::key(issuer().public_jwk()).as_str().rsplit(':').next().expect("a part").to_owned();
    family
        .beside("did-key")
        .refuse(
            "did-core-method-upper-case",
            "The method is written in capitals.",
            format!("did:KEY:{value}"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-core-scheme-upper-case",
            "The scheme is written in capitals.",
            format!("DID:key:{value}"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-core-no-method",
            "There is no method.",
            format!("did::{value}"),
            (CHECK, "did_invalid", ""),
        )
        .refuse("did-core-no-id", "There is no identifier.", "did:key:", (CHECK, "did_invalid", ""))
        .refuse(
            "did-core-query",
            "The DID has a query.",
            format!("did:key:{value}?x=1"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-core-path",
            "The DID has a path.",
            format!("did:key:{value}/x"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-core-blank",
            "There is a blank before the DID.",
            format!(" did:key:{value}"),
            (CHECK, "did_invalid", ""),
        )
        .refuse(
            "did-core-method-not-accepted",
            "The DID is of a method that is not accepted here.",
            "did:example:123",
            (CHECK, "did_method_unsupported", ""),
        )
        .refuse(
            "did-peer-not-accepted",
            "The DID is the did:peer of the same key: where did:jwk and did:key are accepted, it is not.",
            did_peer(&["issuer"]),
            (CHECK, "did_method_unsupported", ""),
        )
        .refuse(
            "did-peer-0-not-accepted",
            "The DID is the did:peer that is another name of the did:key.",
            format!("did:peer:0{value}"),
            (CHECK, "did_method_unsupported", ""),
        )
        .refuse(
            "did-webvh-not-accepted",
            "The DID is a did:webvh: where did:jwk and did:key are accepted, it is not.",
            did_webvh("issuer"),
            (CHECK, "did_method_unsupported", ""),
        )
        .refuse(
            "did-web-not-accepted",
            "The DID is a did:web: where did:jwk and did:key are accepted, it is not.",
            WEB,
            (CHECK, "did_method_unsupported", ""),
        );
    family.beside("did-key-url").refuse(
        "did-peer-url-not-accepted",
        "The DID URL is of the did:peer of the same key.",
        format!("{}#key-1", did_peer(&["issuer"])),
        (CHECK, "did_method_unsupported", ""),
    );
    family.beside("did-key-url").refuse(
        "did-core-fragment-alone",
        "There is a fragment without a DID.",
        format!("#{value}"),
        (CHECK, "did_invalid", ""),
    );
}

fn document() -> Value {
    let method = format!("{WEB}#key-1");
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": WEB,
        "verificationMethod": [{"id": method, "type": "JsonWebKey", "controller": WEB, "publicKeyJwk": public(&issuer())}],
        "assertionMethod": [method],
    })
}

fn documents(family: &mut Family) {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        text_of(&document)
    };
    let method = |name: &'static str, value: Value| {
        with(&|document| document["verificationMethod"][0][name] = value.clone())
    };
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("corpus/p256/issuer")).to_secret_value();
    let twice = format!(r#"{{"id":"{WEB}",{}"#, &text_of(&document())[1..]);
    family
        .beside("did-document")
        .refuse(
            "did-web-id-other",
            "The document is of another DID.",
            with(&|document| document["id"] = json!("did:web:other.example")),
            (CHECK, "did_document_id", "/id"),
        )
        .refuse(
            "did-web-id-path",
            "The document is of a DID below this one.",
            with(&|document| document["id"] = json!(format!("{WEB}:x"))),
            (CHECK, "did_document_id", "/id"),
        )
        .refuse(
            "did-web-id-missing",
            "The document has no `id`.",
            with(&|document| drop(document.as_object_mut().expect("an object").remove("id"))),
            (CHECK, "did_document_id", "/id"),
        )
        .refuse(
            "did-core-member-twice",
            "The document has `id` twice.",
            twice,
            (CHECK, "did_document_invalid", ""),
        )
        .refuse(
            "did-core-not-json",
            "The document is not JSON.",
            "<html></html>",
            (CHECK, "did_document_invalid", ""),
        )
        .refuse(
            "did-core-relationship",
            "The key is for authentication only.",
            with(&|document| {
                let methods = document["assertionMethod"].take();
                document.as_object_mut().expect("an object").remove("assertionMethod");
                document["authentication"] = methods;
            }),
            ("did-relationship", "did_relationship", ""),
        )
        .refuse(
            "did-core-controller-other",
            "The key's controller is another DID.",
            method("controller", json!("did:web:other.example")),
            (CHECK, "did_method_unusable", "/verificationMethod/0"),
        )
        .refuse(
            "did-core-method-missing",
            "The document has no key of this name.",
            with(&|document| document["verificationMethod"][0]["id"] = json!(format!("{WEB}#key-2"))),
            (CHECK, "did_url_unknown", ""),
        )
        .refuse(
            "did-core-private",
            "The key in the document has the private member.",
            method("publicKeyJwk", private),
            (CHECK, "did_private_key", "/verificationMethod/0"),
        )
        .refuse(
            "did-core-type-unknown",
            "The key's type is one that nobody knows.",
            method("type", json!("Key2099")),
            (CHECK, "did_method_unusable", "/verificationMethod/0"),
        );
}
