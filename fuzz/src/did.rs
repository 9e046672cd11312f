//! DIDs, DID URLs, DID documents and JWKs.
//!
//! An input is a DID, a DID URL, or the JSON of a JWK; lines after the first are ignored.

use enishi_credential::did::{Did, DidUrl, Relationship, did_document_value, resolve_key};
use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use serde_json::Value;

use super::Reached;

const RELATIONSHIPS: [Relationship; 5] = [
    Relationship::Authentication,
    Relationship::AssertionMethod,
    Relationship::KeyAgreement,
    Relationship::CapabilityInvocation,
    Relationship::CapabilityDelegation,
];

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let Some(Ok(text)) = input.split(|byte| *byte == b'\n').next().map(std::str::from_utf8) else {
        return Reached::Refused;
    };
    if let Ok(value) = json::parse(text.as_bytes()) {
        return jwk(&value);
    }
    match (Did::parse(text), DidUrl::parse(text)) {
        (Ok(did), Err(_)) => self::did(&did, text),
        (Err(_), Ok(url)) => self::url(&url, text),
        (Err(_), Err(_)) => Reached::Refused,
        (Ok(_), Ok(_)) => panic!("a text is not both a DID and a DID URL"),
    }
}

fn did(did: &Did, text: &str) -> Reached {
    assert_eq!(did.as_str(), text);
    assert_eq!(serde_json::from_value::<Did>(text.into()).ok().as_ref(), Some(did));
    let Ok(document) = did_document_value(did) else {
        assert!(RELATIONSHIPS.iter().all(|it| did.resolve_key(*it).is_err()), "no document, no key");
        return Reached::Refused;
    };
    assert_eq!(document["id"], text);
    let url = did.verification_method().expect("what resolves has a method");
    assert_eq!(&url.did(), did);
    let mut keys = 0;
    for relationship in RELATIONSHIPS {
        let listed = document[relationship.as_str()].is_array();
        let found = resolve_key(&url, relationship);
        assert_eq!(found.is_ok(), listed, "the document and the key agree");
        let Ok(key) = found else { continue };
        keys += 1;
        assert_eq!(did.resolve_key(relationship).as_ref(), Ok(&key));
        assert_eq!(Jwk::from_value(&key.to_value()).as_ref(), Ok(&key));
        if did.method() == "key" {
            // did:key has one spelling for each key, but for the X25519 key that an Ed25519 key implies.
            let derived = document["verificationMethod"].as_array().is_some_and(|list| list.len() > 1);
            assert!(derived || Did::key(&key).as_str() == text, "another spelling of the same key");
        }
        assert!(Did::jwk(&key).resolve_key(relationship).is_ok_and(|again| again.key == key.key));
    }
    if keys > 0 { Reached::Accepted } else { Reached::Refused }
}

fn url(url: &DidUrl, text: &str) -> Reached {
    assert_eq!(url.as_str(), text);
    assert_eq!(format!("{}#{}", url.did().as_str(), url.fragment()), text);
    let found = RELATIONSHIPS.iter().filter(|it| resolve_key(url, **it).is_ok()).count();
    if found > 0 { Reached::Accepted } else { Reached::Refused }
}

fn jwk(value: &Value) -> Reached {
    if let Ok(key) = PrivateJwk::from_value(value) {
        assert!(Jwk::from_value(value).is_err(), "a private key is not taken for a public one");
        let again = PrivateJwk::from_value(&key.to_secret_value()).expect("what was written reads the same");
        assert_eq!(again.public(), key.public());
    }
    let Ok(key) = Jwk::from_value(value) else { return Reached::Refused };
    assert_eq!(Jwk::from_value(&key.to_value()).as_ref(), Ok(&key));
    assert_eq!(Jwk::new(key.key.clone()).thumbprint(), key.thumbprint(), "a name is not part of the key");
    for did in [Did::jwk(&key), Did::key(&key)] {
        assert_eq!(Did::parse(did.as_str()).as_ref(), Ok(&did));
        let found = RELATIONSHIPS.iter().find_map(|it| did.resolve_key(*it).ok());
        // A `use` that forbids everything its type can do leaves no purpose.
        assert!(found.is_none_or(|found| found.key == key.key));
    }
    Reached::Accepted
}
