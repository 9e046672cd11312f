//! DIDs, DID URLs, DID documents and JWKs.
//!
//! An input is a DID, a DID URL, or the JSON of a JWK. After a DID and a line break may stand its document.

use std::net::IpAddr;

use enishi_credential::did::{
    Did, DidDocument, DidReference, DidUrl, Location, Relationship, did_document_value, peer_short_form,
    resolve, resolve_key,
};
use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use serde_json::Value;

use super::Reached;
use super::sd_jwt::NOW;

const RELATIONSHIPS: [Relationship; 5] = [
    Relationship::Authentication,
    Relationship::AssertionMethod,
    Relationship::KeyAgreement,
    Relationship::CapabilityInvocation,
    Relationship::CapabilityDelegation,
];

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let Some(Ok(text)) = lines.next().map(std::str::from_utf8) else {
        return Reached::Refused;
    };
    if let Ok(value) = json::parse(text.as_bytes()) {
        return jwk(&value);
    }
    let reference = DidReference::parse(text);
    if let Ok(reference) = &reference {
        assert!(text.starts_with(reference.did.as_str()), "no other DID than the one that is written");
        assert!(reference.method.as_ref().is_none_or(|method| method.did() == reference.did));
    }
    match (Did::parse(text), DidUrl::parse(text)) {
        (Ok(did), Err(_)) => match lines.next() {
            Some(document) => self::document(&did, document),
            None => self::did(&did, text),
        },
        (Err(_), Ok(url)) => self::url(&url, text),
        // A DID URL with a query is a reference only.
        (Err(_), Err(_)) => reference.map_or(Reached::Refused, |_| Reached::Accepted),
        (Ok(_), Ok(_)) => panic!("a text is not both a DID and a DID URL"),
    }
}

fn did(did: &Did, text: &str) -> Reached {
    assert_eq!(did.as_str(), text);
    assert_eq!(serde_json::from_value::<Did>(text.into()).ok().as_ref(), Some(did));
    match did.method() {
        "web" | "webvh" => published(did),
        "peer" => peer(did),
        _ => single_key(did, text),
    }
}

/// What is fetched is an absolute https URL of a named host, and its path stays in its folder.
fn published(did: &Did) -> Reached {
    let Ok(location) = Location::of(did) else { return Reached::Refused };
    assert!(!location.host().is_empty() && location.host().parse::<IpAddr>().is_err());
    let url = location.url("https", "did.json");
    let rest = url.strip_prefix("https://").and_then(|rest| rest.strip_prefix(location.host()));
    let (port, path) = rest.and_then(|rest| rest.split_once('/')).expect("the host, and then a path");
    let port = port.strip_prefix(':').unwrap_or("443");
    assert!(port.parse::<u16>().is_ok(), "{url}");
    let plain = |segment: &str| {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        !matches!(decoded.as_str(), "" | "." | "..") && !decoded.contains("%2f") && !decoded.contains("%5c")
    };
    assert!(path.split('/').all(plain), "{url}");
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\@".contains(&byte)), "{url}");
    Reached::Accepted
}

fn peer(did: &Did) -> Reached {
    let Ok(document) = resolve(did, &[]) else { return Reached::Refused };
    keys_agree(&document);
    if let Some(short) = peer_short_form(did) {
        assert!(resolve(&short, &[]).is_err(), "the short form alone says nothing");
        let from_short = resolve(&short, std::slice::from_ref(did)).expect("its long form is known");
        assert_eq!(from_short.did(), &short);
        for relationship in RELATIONSHIPS {
            let count = |document: &DidDocument| document.usable(relationship, NOW).len();
            assert_eq!(count(&from_short), count(&document));
        }
    }
    Reached::Accepted
}

fn document(did: &Did, bytes: &[u8]) -> Reached {
    let Ok(document) = DidDocument::read(bytes, did) else { return Reached::Refused };
    assert_eq!(document.did(), did);
    keys_agree(&document);
    let other = Did::parse("did:example:another").expect("a DID");
    assert!(did == &other || DidDocument::read(bytes, &other).is_err(), "the document of another DID");
    Reached::Accepted
}

/// Keys are given for what they are listed under and for nothing else, and reading again gives the same.
fn keys_agree(document: &DidDocument) {
    let again =
        DidDocument::from_value(document.as_value().clone(), document.did()).expect("it was read before");
    for relationship in RELATIONSHIPS {
        let usable = document.usable(relationship, NOW);
        assert_eq!(usable, again.usable(relationship, NOW));
        for url in usable {
            assert_eq!(&url.did(), document.did());
            let key = document.key(&url, relationship, NOW).expect("it is usable");
            assert_eq!(Jwk::from_value(&key.to_value()).as_ref(), Ok(&key));
            let signs = relationship != Relationship::KeyAgreement;
            assert!(!signs || key.algorithm().is_some(), "what signs has an algorithm");
        }
    }
}

fn single_key(did: &Did, text: &str) -> Reached {
    let Ok(document) = did_document_value(did) else {
        assert!(RELATIONSHIPS.iter().all(|it| did.resolve_key(*it).is_err()), "no document, no key");
        return Reached::Refused;
    };
    assert_eq!(document["id"], text);
    keys_agree(&resolve(did, &[]).expect("it has a document"));
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
        assert!(did.method() != "key" || Did::key(&key).as_str() == text, "another spelling of the same key");
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
