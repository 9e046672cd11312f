//! A DID document, read strictly (DID 1.1 §5, Controlled Identifiers 1.0 §2).
//!
//! The document as a whole is refused when it is not the DID's own, is ambiguous (a member or an id twice) or holds a
//! private key. A single verification method that cannot be used (a type that is not supported, a foreign controller)
//! does not hide the others: it stays in the document, and whoever asks for its key hears why there is none. `@context`
//! is not expanded: the terms are those of the specification, whatever a context says.

use std::collections::BTreeSet;
use std::iter;

use serde_json::{Map, Value};

use super::multikey::{self, MultikeyError};
use super::timestamp::Timestamp;
use super::{Did, DidUrl, Relationship, can_agree, can_sign, fault, jwk_method, relationship_fault};
use crate::encoding::json;
use crate::jose::jwk::{Jwk, PublicKey};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// The most entries of any list in a document.
const MAX_ENTRIES: usize = 64;
/// Members of a verification method that would hold a private key.
const PRIVATE_MEMBERS: [&str; 7] = [
    "privateKeyJwk",
    "secretKeyJwk",
    "privateKeyMultibase",
    "secretKeyMultibase",
    "privateKeyBase58",
    "privateKeyHex",
    "privateKeyPem",
];
/// Members of a verification method that hold a public key.
const KEY_MEMBERS: [&str; 6] = [
    "publicKeyJwk",
    "publicKeyMultibase",
    "publicKeyBase58",
    "publicKeyHex",
    "publicKeyPem",
    "blockchainAccountId",
];

/// The document of a DID, whose keys are given only for what they are listed under.
#[derive(Clone)]
pub struct DidDocument {
    did: Did,
    value: Value,
    methods: Vec<Method>,
}

/// One verification method of the DID itself.
#[derive(Clone)]
struct Method {
    fragment: String,
    key: Verdict<Jwk>,
    /// When it ends (`expires`, `revoked`), if it says so.
    until: Option<Timestamp>,
    listed: Vec<Relationship>,
}

impl DidDocument {
    /// Reads the JSON text of the document of `did`.
    ///
    /// # Errors
    /// `did_document_invalid` (too large, not JSON, a member or an id twice, a member of another shape),
    /// `did_document_id` (the document of another DID), `did_private_key`.
    pub fn read(bytes: &[u8], did: &Did) -> Verdict<Self> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(invalid("", "the document has more than 64 KiB"));
        }
        let value = json::parse(bytes)
            .map_err(|_| invalid("", "the document is not JSON, or a member occurs twice in it"))?;
        Self::from_value(value, did)
    }

    /// Reads a document that was parsed without duplicate members.
    ///
    /// # Errors
    /// As [`DidDocument::read`].
    pub fn from_value(value: Value, did: &Did) -> Verdict<Self> {
        let Some(object) = value.as_object() else {
            return Err(invalid("", "the document is not a JSON object"));
        };
        if object.get("id").and_then(Value::as_str) != Some(did.as_str()) {
            return Err(fault("did_document_id", "the document is not the one of this DID")
                .at("/id")
                .remedy("publish a document whose `id` is the DID, character for character"));
        }
        check_shape(object)?;
        let mut reader = Reader { did, ids: BTreeSet::new(), methods: Vec::new() };
        reader.verification_methods(object)?;
        for relationship in Relationship::ALL {
            reader.relationship(object, relationship)?;
        }
        reader.services(object)?;
        let methods = reader.methods;
        Ok(Self { did: did.clone(), value, methods })
    }

    /// The DID whose document this is.
    pub const fn did(&self) -> &Did {
        &self.did
    }

    /// The document, for people to look at and for services; no key is taken from here.
    pub const fn as_value(&self) -> &Value {
        &self.value
    }

    /// The key that `url` names, if it may be used for `relationship` at the time `now`.
    ///
    /// # Errors
    /// `did_url_unknown` (no such method, or a method of another DID), `did_relationship`, `did_method_expired`,
    /// `did_method_unusable` (type, controller, encoding), `did_key_*`.
    pub fn key(&self, url: &DidUrl, relationship: Relationship, now: UnixTime) -> Verdict<Jwk> {
        if url.did() != self.did {
            return Err(fault("did_url_unknown", "the DID URL is one of another DID"));
        }
        let method = self.methods.iter().find(|method| method.fragment == url.fragment());
        let method = method.ok_or_else(unknown_method)?;
        if !method.listed.contains(&relationship) {
            return Err(relationship_fault(relationship));
        }
        let key = method.key.clone()?;
        if !may(&key, relationship) {
            return Err(relationship_fault(relationship));
        }
        if method.until.is_some_and(|until| !until.is_after(now)) {
            return Err(fault("did_method_expired", "the verification method has expired or was revoked"));
        }
        Ok(key)
    }

    /// The verification method that `url` names, as it is written here: for people to look at, usable or not. A key is taken
    /// with [`DidDocument::key`].
    ///
    /// # Errors
    /// `did_url_unknown` (no such method, or a method of another DID).
    pub fn method(&self, url: &DidUrl) -> Verdict<&Value> {
        let is_it = |id: &str| id == url.as_str() || id.strip_prefix('#') == Some(url.fragment());
        let lists = iter::once("verificationMethod").chain(Relationship::ALL.map(Relationship::as_str));
        let mut methods = lists.filter_map(|name| self.value.get(name)?.as_array()).flatten();
        let found = methods.find(|method| method.get("id").and_then(Value::as_str).is_some_and(is_it));
        found.filter(|_| self.names(url)).ok_or_else(unknown_method)
    }

    /// Whether `url` is that of a verification method in here, usable or not.
    pub fn names(&self, url: &DidUrl) -> bool {
        url.did() == self.did && self.methods.iter().any(|method| method.fragment == url.fragment())
    }

    /// The DID URLs of the methods whose keys may be used for `relationship` at the time `now`.
    pub fn usable(&self, relationship: Relationship, now: UnixTime) -> Vec<DidUrl> {
        let urls =
            self.methods.iter().map(|method| DidUrl(format!("{}#{}", self.did.as_str(), method.fragment)));
        urls.filter(|url| self.key(url, relationship, now).is_ok()).collect()
    }
}

impl std::fmt::Debug for DidDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DidDocument({:?}, {} methods)", self.did, self.methods.len())
    }
}

/// Whether a key's type, and the `use` that a JWK says, fit the relationship.
fn may(key: &Jwk, relationship: Relationship) -> bool {
    let agrees = relationship == Relationship::KeyAgreement;
    match key.key_use.as_deref() {
        Some("sig") if agrees => return false,
        Some("enc") if !agrees => return false,
        None | Some("sig" | "enc") => {}
        Some(_) => return false,
    }
    if agrees { can_agree(&key.key) } else { can_sign(&key.key) }
}

fn unknown_method() -> Failure {
    fault("did_url_unknown", "the document has no verification method of this name")
        .remedy("name a method that the document has, by the fragment of its `id`")
}

fn invalid(pointer: &str, detail: &str) -> Failure {
    fault("did_document_invalid", detail).at(pointer).remedy("publish a document as DID 1.1 §5 says")
}

/// The members that are not keys: their shapes only.
fn check_shape(object: &Map<String, Value>) -> Verdict<()> {
    let context = match object.get("@context") {
        None | Some(Value::String(_)) => true,
        Some(Value::Array(all)) => {
            all.len() <= MAX_ENTRIES
                && !all.is_empty()
                && all.iter().all(|one| one.is_string() || one.is_object())
        }
        Some(_) => false,
    };
    if !context {
        return Err(invalid("/@context", "`@context` is not a list of contexts"));
    }
    if let Some(controller) = object.get("controller") {
        let dids = match controller {
            Value::Array(all) if all.len() <= MAX_ENTRIES => all.as_slice(),
            Value::Array(_) => &[],
            one => std::slice::from_ref(one),
        };
        let are_dids = dids.iter().all(|did| did.as_str().is_some_and(|did| Did::parse(did).is_ok()));
        if dids.is_empty() || !are_dids {
            return Err(invalid("/controller", "`controller` is not a DID or a list of DIDs"));
        }
    }
    for other_name in list(object, "alsoKnownAs")? {
        if !other_name.is_string() {
            return Err(invalid("/alsoKnownAs", "`alsoKnownAs` is not a list of URIs"));
        }
    }
    Ok(())
}

/// The list `name`, empty where it is absent.
fn list<'a>(object: &'a Map<String, Value>, name: &str) -> Verdict<&'a [Value]> {
    match object.get(name) {
        None => Ok(&[]),
        Some(Value::Array(all)) if all.len() <= MAX_ENTRIES => Ok(all),
        Some(Value::Array(_)) => Err(invalid(&format!("/{name}"), "the list has more than 64 entries")),
        Some(_) => Err(invalid(&format!("/{name}"), "the member is not a list")),
    }
}

struct Reader<'a> {
    did: &'a Did,
    /// Ids of methods and services, absolute: one id names one thing.
    ids: BTreeSet<String>,
    methods: Vec<Method>,
}

impl Reader<'_> {
    fn verification_methods(&mut self, object: &Map<String, Value>) -> Verdict<()> {
        for (at, value) in list(object, "verificationMethod")?.iter().enumerate() {
            self.method(value, &format!("/verificationMethod/{at}"), None)?;
        }
        Ok(())
    }

    fn relationship(&mut self, object: &Map<String, Value>, relationship: Relationship) -> Verdict<()> {
        let name = relationship.as_str();
        let mut referred = BTreeSet::new();
        for (at, value) in list(object, name)?.iter().enumerate() {
            let pointer = format!("/{name}/{at}");
            let Some(reference) = value.as_str() else {
                self.method(value, &pointer, Some(relationship))?;
                continue;
            };
            let url = self.absolute(reference, &pointer)?;
            if !referred.insert(url.as_str().to_owned()) {
                return Err(invalid(&pointer, "a method is listed twice"));
            }
            if url.did() != *self.did {
                // A method in the document of somebody else gives no key here.
                continue;
            }
            if let Some(method) = self.methods.iter_mut().find(|method| method.fragment == url.fragment()) {
                method.listed.push(relationship);
            }
        }
        Ok(())
    }

    fn services(&mut self, object: &Map<String, Value>) -> Verdict<()> {
        for (at, value) in list(object, "service")?.iter().enumerate() {
            let pointer = format!("/service/{at}");
            let id = value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
            let typed = matches!(value.get("type"), Some(Value::String(_) | Value::Array(_)));
            let ends = matches!(
                value.get("serviceEndpoint"),
                Some(Value::String(_) | Value::Object(_) | Value::Array(_))
            );
            let Some(id) = id.filter(|_| typed && ends) else {
                return Err(invalid(&pointer, "a service needs `id`, `type` and `serviceEndpoint`"));
            };
            let absolute =
                if id.starts_with('#') { format!("{}{id}", self.did.as_str()) } else { id.to_owned() };
            self.take(absolute, &pointer)?;
        }
        Ok(())
    }

    /// Reads one method; `embedded` when it stands in a relationship, for which alone it then counts.
    fn method(&mut self, value: &Value, pointer: &str, embedded: Option<Relationship>) -> Verdict<()> {
        let Some(object) = value.as_object() else {
            return Err(invalid(pointer, "a verification method is not a JSON object"));
        };
        if PRIVATE_MEMBERS.iter().any(|name| object.contains_key(*name)) {
            return Err(private(pointer));
        }
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let (Some(id), Some(kind)) = (text("id"), text("type")) else {
            return Err(invalid(pointer, "a verification method needs `id` and `type`"));
        };
        let url = self.absolute(id, &format!("{pointer}/id"))?;
        self.take(url.as_str().to_owned(), pointer)?;
        let key = match self.own_key(object, kind) {
            Err(failure) if failure.code == "did_private_key" => return Err(private(pointer)),
            other => other.map_err(|failure| failure.at(pointer)),
        };
        let until = until(object, pointer)?;
        if url.did() == *self.did {
            let fragment = url.fragment().to_owned();
            self.methods.push(Method { fragment, key, until, listed: embedded.into_iter().collect() });
        }
        Ok(())
    }

    fn own_key(&self, object: &Map<String, Value>, kind: &str) -> Verdict<Jwk> {
        let unusable = |detail: &str| fault("did_method_unusable", detail);
        if object.get("controller").and_then(Value::as_str) != Some(self.did.as_str()) {
            return Err(unusable("the `controller` of the method is not this DID"));
        }
        let held: Vec<_> = KEY_MEMBERS.iter().filter(|name| object.contains_key(**name)).collect();
        let (multibase, wanted) = match kind {
            "Multikey" => (true, None),
            "Ed25519VerificationKey2020" => (true, Some("Ed25519")),
            "X25519KeyAgreementKey2020" => (true, Some("X25519")),
            "JsonWebKey" | "JsonWebKey2020" => (false, None),
            _ => return Err(unusable("the method's type is not Multikey or JsonWebKey")),
        };
        let member = if multibase { "publicKeyMultibase" } else { "publicKeyJwk" };
        if held != [&member] {
            return Err(unusable("the method holds another key member than its type says, or several"));
        }
        let value = object.get(member).unwrap_or(&Value::Null);
        if !multibase {
            let key = Jwk::from_value(value).map_err(jwk_method::key_fault)?;
            return Ok(Jwk { kid: None, ..key });
        }
        let text =
            value.as_str().ok_or_else(|| fault("did_key_invalid", "`publicKeyMultibase` is not text"))?;
        let key = multikey::decode(text).map_err(|error| {
            let code = match error {
                MultikeyError::Text | MultikeyError::Invalid => "did_key_invalid",
                MultikeyError::Length => "did_key_length",
                MultikeyError::Unsupported(_) => "did_key_unsupported",
            };
            fault(code, error.to_string())
        })?;
        let fits = match wanted {
            Some("Ed25519") => matches!(key.key, PublicKey::Ed25519(_)),
            Some(_) => matches!(key.key, PublicKey::X25519(_)),
            None => true,
        };
        if fits { Ok(key) } else { Err(unusable("the key is not of the kind that the method's type says")) }
    }

    /// A DID URL with fragment; `#…` is one of this document's own DID and of no other.
    fn absolute(&self, id: &str, pointer: &str) -> Verdict<DidUrl> {
        let url = if id.starts_with('#') {
            DidUrl::parse(&format!("{}{id}", self.did.as_str()))
        } else {
            DidUrl::parse(id)
        };
        url.map_err(|_| invalid(pointer, "the id of a verification method is not a DID URL with a fragment"))
    }

    fn take(&mut self, id: String, pointer: &str) -> Verdict<()> {
        if self.ids.insert(id) { Ok(()) } else { Err(invalid(pointer, "an id occurs twice in the document")) }
    }
}

fn private(pointer: &str) -> Failure {
    fault("did_private_key", "the document publishes a private key").at(pointer)
}

/// The earlier of `expires` and `revoked` (Controlled Identifiers 1.0 §2.2).
fn until(object: &Map<String, Value>, pointer: &str) -> Verdict<Option<Timestamp>> {
    let mut earliest = None;
    for name in ["expires", "revoked"] {
        let Some(value) = object.get(name) else { continue };
        let time = value.as_str().and_then(Timestamp::parse);
        let time = time.ok_or_else(|| invalid(&format!("{pointer}/{name}"), "not a time in UTC"))?;
        earliest = Some(earliest.map_or(time, |other: Timestamp| other.min(time)));
    }
    Ok(earliest)
}
