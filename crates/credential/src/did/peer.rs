//! `did:peer` (numalgo 0, 2 and 4): the document is in the DID.
//!
//! Numalgo 1 needs a document that was handed over otherwise, numalgo 3 a long form: both are refused. Numalgo 4 has a
//! short form, which resolves only for whoever knows the long one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::document::DidDocument;
use super::{Did, Relationship, fault, key_method, multihash, multikey, varint};
use crate::encoding::{b64, json as strict_json};
use crate::verdict::{Failure, Verdict};

/// Multicodec `json`.
const JSON: u64 = 0x0200;
/// The longest encoded document: as long as a DID may be.
const MAX_ENCODED: usize = super::MAX_LENGTH;
/// The most elements of a numalgo 2.
const MAX_ELEMENTS: usize = 64;

/// The document of a `did:peer`; a short form is looked for among the long forms in `known`.
pub(super) fn resolve(did: &Did, known: &[Did]) -> Verdict<DidDocument> {
    let id = did.method_specific_id();
    let mut rest = id.chars();
    match rest.next() {
        Some('0') => numalgo_0(did, rest.as_str()),
        Some('2') => numalgo_2(did, rest.as_str()),
        Some('4') => match rest.as_str().split_once(':') {
            Some((hash, encoded)) => numalgo_4(did, hash, encoded, short_form(did).as_ref()),
            None => from_long_form(did, rest.as_str(), known),
        },
        Some('1' | '3') => Err(fault(
            "did_method_unsupported",
            "did:peer 1 and 3 are hashes of something that is not in the DID",
        )
        .remedy("use did:peer 2, or did:peer 4 in its long form")),
        _ => Err(fault("did_invalid", "a did:peer begins with the number of its algorithm")),
    }
}

/// The short form of a `did:peer:4`; of nothing else.
pub(super) fn short_form(did: &Did) -> Option<Did> {
    let text = did.as_str();
    let rest = text.strip_prefix("did:peer:4")?;
    let (hash, _) = rest.split_once(':')?;
    text.get(..text.len() - rest.len() + hash.len()).map(|short| Did(short.to_owned()))
}

fn invalid(detail: &str) -> Failure {
    fault("did_invalid", detail)
}

fn numalgo_0(did: &Did, key: &str) -> Verdict<DidDocument> {
    let resolved = key_method::resolve(key)?;
    DidDocument::from_value(super::single_key_document(did, key, &resolved), did)
}

fn numalgo_2(did: &Did, elements: &str) -> Verdict<DidDocument> {
    let elements =
        elements.strip_prefix('.').ok_or_else(|| invalid("a did:peer:2 has elements after points"))?;
    let (mut methods, mut services) = (Vec::new(), Vec::new());
    let mut listed: Map<String, Value> = Map::new();
    let mut unnamed = 0;
    for (at, element) in elements.split('.').enumerate() {
        let mut value = element.chars();
        let relationship = match value.next() {
            Some('A') => Relationship::AssertionMethod,
            Some('E') => Relationship::KeyAgreement,
            Some('V') => Relationship::Authentication,
            Some('I') => Relationship::CapabilityInvocation,
            Some('D') => Relationship::CapabilityDelegation,
            Some('S') => {
                services.push(service(value.as_str(), &mut unnamed)?);
                continue;
            }
            _ => return Err(invalid("an element of the did:peer:2 has an unknown purpose")),
        };
        if at >= MAX_ELEMENTS || !services.is_empty() {
            return Err(invalid("the did:peer:2 has too many elements, or a key after a service"));
        }
        // A key that is not supported is refused when it is asked for; a text that is no key at all is no DID.
        if multikey::decode(value.as_str()) == Err(multikey::MultikeyError::Text) {
            return Err(invalid("a key of the did:peer:2 is not a base58btc multibase value"));
        }
        let id = format!("#key-{}", at + 1);
        let references = listed.entry(relationship.as_str()).or_insert_with(|| json!([]));
        if let Some(references) = references.as_array_mut() {
            references.push(json!(id));
        }
        methods.push(json!({
            "id": id,
            "type": "Multikey",
            "controller": did.as_str(),
            "publicKeyMultibase": value.as_str(),
        }));
    }
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did.as_str(),
        "verificationMethod": methods,
        "alsoKnownAs": [format!("did:peer:3{}", multihash::multibase(format!(".{elements}")))],
    });
    if let Some(object) = document.as_object_mut() {
        object.extend(listed);
        if !services.is_empty() {
            object.insert("service".to_owned(), Value::Array(services));
        }
    }
    DidDocument::from_value(document, did)
}

/// A service of a numalgo 2, its abbreviations written out.
fn service(text: &str, unnamed: &mut usize) -> Verdict<Value> {
    let bytes = b64::decode(text).map_err(|_| invalid("a service of the did:peer:2 is not base64url"))?;
    let service =
        strict_json::parse(&bytes).map_err(|_| invalid("a service of the did:peer:2 is not JSON"))?;
    let Value::Object(mut service) = expand(service)? else {
        return Err(invalid("a service of the did:peer:2 is not one JSON object"));
    };
    match service.get("id") {
        None => {
            let id = if *unnamed == 0 { "#service".to_owned() } else { format!("#service-{unnamed}") };
            service.insert("id".to_owned(), Value::String(id));
            *unnamed += 1;
        }
        Some(Value::String(id)) if id.starts_with('#') => {}
        Some(_) => return Err(invalid("the id of a service of the did:peer:2 is not relative")),
    }
    Ok(Value::Object(service))
}

/// Writes out the abbreviations of member names at any depth, and of the value of `type`.
fn expand(value: Value) -> Verdict<Value> {
    match value {
        Value::Array(all) => all.into_iter().map(expand).collect::<Verdict<_>>().map(Value::Array),
        Value::Object(object) => {
            let mut out = Map::new();
            for (name, value) in object {
                let name = match name.as_str() {
                    "t" => "type",
                    "s" => "serviceEndpoint",
                    "r" => "routingKeys",
                    "a" => "accept",
                    other => other,
                };
                let value = match value {
                    Value::String(text) if name == "type" && text == "dm" => json!("DIDCommMessaging"),
                    other => expand(other)?,
                };
                if out.insert(name.to_owned(), value).is_some() {
                    return Err(invalid(
                        "a service of the did:peer:2 has a member both short and written out",
                    ));
                }
            }
            Ok(Value::Object(out))
        }
        other => Ok(other),
    }
}

/// The document of a numalgo 4 for the DID `id`: the long form itself, or its short form.
fn numalgo_4(id: &Did, hash: &str, encoded: &str, other: Option<&Did>) -> Verdict<DidDocument> {
    if multihash::multibase(encoded) != hash {
        return Err(invalid("the did:peer:4 does not begin with the hash of its document"));
    }
    let bytes = multikey::base58btc(encoded, MAX_ENCODED)
        .ok_or_else(|| invalid("the document of the did:peer:4 is not base58btc"))?;
    let Some((JSON, text)) = varint::read(&bytes) else {
        return Err(invalid("the document of the did:peer:4 is not marked as JSON"));
    };
    let Ok(Value::Object(mut document)) = strict_json::parse(text) else {
        return Err(invalid(
            "the document of the did:peer:4 is not a JSON object, or a member occurs twice in it",
        ));
    };
    if document.contains_key("id") {
        return Err(invalid("the document of the did:peer:4 has an `id` of its own"));
    }
    contextualize(&mut document, id)?;
    document.insert("id".to_owned(), json!(id.as_str()));
    let known_as = document.entry("alsoKnownAs").or_insert_with(|| json!([]));
    if let (Some(known_as), Some(other)) = (known_as.as_array_mut(), other) {
        known_as.push(json!(other.as_str()));
    }
    DidDocument::from_value(Value::Object(document), id)
}

/// Says whose the methods are; all of them, and what refers to them, must be relative.
fn contextualize(document: &mut Map<String, Value>, did: &Did) -> Verdict<()> {
    let relative = |text: &str| {
        if text.starts_with('#') {
            Ok(())
        } else {
            Err(invalid("the did:peer:4 has ids that are not relative"))
        }
    };
    let names: BTreeSet<_> = Relationship::ALL.into_iter().map(Relationship::as_str).collect();
    for name in names.into_iter().chain(["verificationMethod", "service"]) {
        let Some(entries) = document.get_mut(name).and_then(Value::as_array_mut) else { continue };
        for entry in entries {
            match entry {
                Value::String(reference) => relative(reference)?,
                Value::Object(object) => {
                    relative(object.get("id").and_then(Value::as_str).unwrap_or_default())?;
                    if name != "service" && !object.contains_key("controller") {
                        object.insert("controller".to_owned(), json!(did.as_str()));
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn from_long_form(did: &Did, hash: &str, known: &[Did]) -> Verdict<DidDocument> {
    let long = known.iter().find(|long| short_form(long).as_ref() == Some(did));
    let encoded = long.and_then(|long| long.method_specific_id().split_once(':').map(|(_, encoded)| encoded));
    match encoded {
        Some(encoded) => numalgo_4(did, hash, encoded, long),
        None => Err(fault("did_not_found", "the long form of this did:peer:4 is not known")
            .remedy("send the long form first")),
    }
}
