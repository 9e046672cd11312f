//! Decentralized identifiers (DID 1.1): the identifiers, their documents, and the keys in them.
//!
//! The string is the identity: a DID that was received is never written anew, because the same key in another
//! serialisation is another DID. Nothing is fetched here. `did:jwk`, `did:key` and `did:peer` (2 and 4) carry their
//! document ([`resolve`]); for `did:web` this module says where it is ([`Location`]) and reads what was fetched
//! ([`DidDocument::read`]), and so does [`webvh`] for `did:webvh`. Which methods are accepted is the caller's policy: [`resolve_key`], which wallets' proofs and
//! verifiers' client ids go through, knows `did:jwk` and `did:key` and no other.
//!
//! | code | DID resolution error | meaning |
//! |---|---|---|
//! | `did_invalid` | `invalidDid` | not a DID, or not the form that its method prescribes |
//! | `did_method_unsupported` | `methodNotSupported` | a method that is not known here or not accepted |
//! | `did_not_found` | `notFound` | nothing is published there, or the long form is not known |
//! | `did_document_id` | `invalidDid` | the document is the one of another DID |
//! | `did_document_invalid` | `invalidDidDocument` | too large, not JSON, a member or an id twice, or of another shape |
//! | `did_private_key` | `invalidDidDocument` | the DID or the document holds private or symmetric key material |
//! | `did_key_unsupported` | `unsupportedPublicKeyType` | a key type that is not P-256, P-384, Ed25519 or X25519 |
//! | `did_key_length` | `invalidPublicKeyLength` | key bytes of another length than their type has |
//! | `did_key_invalid` | `invalidPublicKey` | not a point of the curve, or a JWK that is broken |
//! | `did_method_unusable` | `invalidVerificationMethod` | a verification method of another type or controller, or with no single key |
//! | `did_method_expired` | `invalidVerificationMethod` | the verification method has expired or was revoked |
//! | `did_url_unknown` | `notFound` | the fragment names no verification method of the DID |
//! | `did_relationship` | `invalidRelationshipForVerificationMethod` | the key may not be used for this purpose |

mod document;
mod jcs;
mod jwk_method;
mod key_method;
mod location;
mod multihash;
mod multikey;
mod peer;
mod reference;
mod timestamp;
mod varint;
pub mod webvh;

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod peer_tests;
#[cfg(test)]
mod tests;

pub use document::{DidDocument, MAX_DOCUMENT};
pub use location::Location;
pub use reference::DidReference;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};

use crate::jose::jwk::{Jwk, PublicKey};
use crate::verdict::{Failure, Verdict};

/// The longest DID that is read: a `did:jwk` of any key in use here has fewer than 400 characters, a `did:peer:4` with a
/// few keys and a service about 1300.
const MAX_LENGTH: usize = 2048;

/// A decentralized identifier (DID 1.1 §3.1): `did:<method>:<method-specific-id>`, without path, query or fragment.
///
/// A pairwise DID identifies a person to one RP, so a `Did` has no `Display` and does not show in `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Did(String);

/// A DID with the fragment that names one of its verification methods, as in the `kid` of a proof.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DidUrl(String);

/// What a key of a DID may be used for (Controlled Identifiers 1.0 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// Proving control of the DID: proofs at issuance, Key Binding.
    Authentication,
    /// Making claims: credentials, declarations.
    AssertionMethod,
    /// Agreeing on keys for encryption.
    KeyAgreement,
    /// Invoking a capability.
    CapabilityInvocation,
    /// Delegating a capability.
    CapabilityDelegation,
}

impl Relationship {
    /// Every relationship, in the order in which documents list them.
    const ALL: [Self; 5] = [
        Self::Authentication,
        Self::AssertionMethod,
        Self::CapabilityInvocation,
        Self::CapabilityDelegation,
        Self::KeyAgreement,
    ];

    /// The member of a DID document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::AssertionMethod => "assertionMethod",
            Self::KeyAgreement => "keyAgreement",
            Self::CapabilityInvocation => "capabilityInvocation",
            Self::CapabilityDelegation => "capabilityDelegation",
        }
    }
}

/// What a DID resolves to: the one key that both methods have, its name and its purposes.
struct Resolved {
    key: Jwk,
    /// `publicKeyJwk` as the document shows it.
    shown: Value,
    method_type: &'static str,
    relationships: Vec<Relationship>,
}

fn fault(code: &'static str, detail: impl Into<String>) -> Failure {
    Failure::new("did-resolution", code, detail)
        .remedy("use did:jwk or did:key with a P-256, P-384, Ed25519 or X25519 public key")
}

impl Did {
    /// Reads a DID of any method; whether it resolves is another question.
    ///
    /// # Errors
    /// `did_invalid` for another syntax than DID 1.1 §3.1, and for a DID URL with path, query or fragment.
    pub fn parse(text: &str) -> Verdict<Self> {
        let invalid = |detail: &str| {
            fault("did_invalid", detail)
                .remedy("write a DID as its method prescribes, such as did:web:issuer.example")
        };
        if text.len() > MAX_LENGTH {
            return Err(invalid("the DID is too long"));
        }
        let (method, id) = text
            .strip_prefix("did:")
            .and_then(|rest| rest.split_once(':'))
            .ok_or_else(|| invalid("a DID is `did:`, a method and an identifier"))?;
        let method_fits =
            !method.is_empty() && method.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !method_fits {
            return Err(invalid("a method name has lower-case letters and digits only"));
        }
        if id.is_empty() || id.ends_with(':') || !is_method_specific_id(id) {
            return Err(invalid("the identifier has characters that a DID may not have"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The `did:jwk` of a public key (did:jwk, "Create"). Only the members that make up the key, and `use` where it
    /// is set, are written, in lexicographic order; so the same key gives the same DID again after a restore.
    pub fn jwk(key: &Jwk) -> Self {
        Self(jwk_method::create(key))
    }

    /// The `did:key` of a public key (did:key §3.1.1).
    pub fn key(key: &Jwk) -> Self {
        Self(key_method::create(key))
    }

    /// The DID as text. Every call is a place to look at in a review: a pairwise DID identifies a person.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The method name, e.g. `jwk`.
    pub fn method(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The DID URL of the verification method: `#0` for did:jwk, `#<multibase value>` for did:key.
    ///
    /// # Errors
    /// `did_method_unsupported` for other methods.
    pub fn verification_method(&self) -> Verdict<DidUrl> {
        Ok(DidUrl(format!("{}#{}", self.0, self.method_fragment()?)))
    }

    /// What comes after `did:<method>:`.
    fn method_specific_id(&self) -> &str {
        self.0.splitn(3, ':').nth(2).unwrap_or_default()
    }

    fn method_fragment(&self) -> Verdict<&str> {
        match self.method() {
            "jwk" => Ok("0"),
            "key" => Ok(self.0.rsplit(':').next().unwrap_or_default()),
            _ => Err(fault("did_method_unsupported", "only did:jwk and did:key carry their own key")),
        }
    }

    fn resolve(&self) -> Verdict<Resolved> {
        match self.method() {
            "jwk" => jwk_method::resolve(self.method_specific_id()),
            "key" => key_method::resolve(self.method_specific_id()),
            _ => Err(fault("did_method_unsupported", "only did:jwk and did:key are resolved")),
        }
    }

    /// The key of this DID for one purpose.
    ///
    /// # Errors
    /// As [`resolve_key`].
    pub fn resolve_key(&self, relationship: Relationship) -> Verdict<Jwk> {
        let resolved = self.resolve()?;
        if !resolved.relationships.contains(&relationship) {
            return Err(relationship_fault(relationship));
        }
        Ok(resolved.key)
    }
}

fn relationship_fault(relationship: Relationship) -> Failure {
    Failure::new(
        "did-relationship",
        "did_relationship",
        format!("the key is not listed under `{}`, or is not of a type for it", relationship.as_str()),
    )
    .remedy("use a key of a type, and with a `use`, that fits the purpose")
}

/// RFC 3986-like characters of a method-specific id (DID 1.1 §3.1): `ALPHA DIGIT . - _ :` and percent-encodings.
fn is_method_specific_id(id: &str) -> bool {
    let mut bytes = id.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|b| b.is_some_and(|b| b.is_ascii_hexdigit())),
            b'.' | b'-' | b'_' | b':' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
    }
    true
}

impl DidUrl {
    /// Reads `<DID>#<fragment>`. A fragment alone, a path and a query are refused.
    ///
    /// # Errors
    /// `did_invalid`.
    pub fn parse(text: &str) -> Verdict<Self> {
        let (did, fragment) = text
            .split_once('#')
            .ok_or_else(|| fault("did_invalid", "a DID URL names its verification method after `#`"))?;
        Did::parse(did)?;
        if fragment.is_empty() || !is_method_specific_id(fragment) {
            return Err(fault("did_invalid", "the fragment of the DID URL is empty or malformed"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The DID without the fragment.
    pub fn did(&self) -> Did {
        Did(self.0.split('#').next().unwrap_or_default().to_owned())
    }

    /// The part after `#`.
    pub fn fragment(&self) -> &str {
        self.0.split_once('#').map_or("", |(_, fragment)| fragment)
    }

    /// The DID URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key that a DID URL names, if it may be used for `relationship`.
///
/// # Errors
/// A code of the table in the [module docs](self); `did_url_unknown` when the fragment is not the one that the
/// method prescribes, `did_relationship` when the key may not be used for this.
pub fn resolve_key(url: &DidUrl, relationship: Relationship) -> Verdict<Jwk> {
    let did = url.did();
    if did.method_fragment()? != url.fragment() {
        return Err(fault("did_url_unknown", "the fragment names no verification method of this DID"));
    }
    did.resolve_key(relationship)
}

/// The document of a DID that carries it: `did:jwk`, `did:key`, `did:peer` with numalgo 0, 2 or 4. A `did:peer:4` in its
/// short form is looked for among the long forms in `known`, which may be empty.
///
/// # Errors
/// `did_method_unsupported` for other methods, `did_not_found` for a short form whose long form is not known, and
/// what else the [module docs](self) list.
pub fn resolve(did: &Did, known: &[Did]) -> Verdict<DidDocument> {
    match did.method() {
        "peer" => peer::resolve(did, known),
        _ => DidDocument::from_value(did_document_value(did)?, did),
    }
}

/// The short form of a `did:peer:4` in its long form; of nothing else.
pub fn peer_short_form(did: &Did) -> Option<Did> {
    peer::short_form(did)
}

/// The DID document of a `did:jwk` or `did:key` (DID 1.1 §5), for people to look at.
///
/// # Errors
/// As [`resolve_key`].
pub fn did_document_value(did: &Did) -> Verdict<Value> {
    Ok(single_key_document(did, did.method_fragment()?, &did.resolve()?))
}

fn single_key_document(did: &Did, fragment: &str, resolved: &Resolved) -> Value {
    let method = format!("{}#{fragment}", did.as_str());
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": did.as_str(),
        "verificationMethod": [{
            "id": method,
            "type": resolved.method_type,
            "controller": did.as_str(),
            "publicKeyJwk": resolved.shown,
        }],
    });
    if let Some(object) = document.as_object_mut() {
        for relationship in &resolved.relationships {
            object.insert(relationship.as_str().to_owned(), json!([method]));
        }
    }
    document
}

/// The error of DID Resolution that a failure of this module is, for whoever speaks that vocabulary to others.
pub fn resolution_error(failure: &Failure) -> &'static str {
    match failure.code {
        "did_invalid" | "did_document_id" | "did_log_entry" | "did_log_version" | "did_log_hash"
        | "did_log_scid" | "did_log_time" | "did_log_did" | "did_log_witness" => "invalidDid",
        "did_log_parameters" => "invalidParameters",
        "did_log_proof" => "invalidProof",
        "did_deactivated" => "deactivated",
        "did_method_unsupported" => "methodNotSupported",
        "did_not_found" | "did_url_unknown" => "notFound",
        "did_document_invalid" | "did_private_key" => "invalidDidDocument",
        "did_key_unsupported" => "unsupportedPublicKeyType",
        "did_key_length" => "invalidPublicKeyLength",
        "did_key_invalid" => "invalidPublicKey",
        "did_method_unusable" | "did_method_expired" => "invalidVerificationMethod",
        "did_relationship" => "invalidRelationshipForVerificationMethod",
        _ => "internalError",
    }
}

/// Whether a key of this type can make signatures.
const fn can_sign(key: &PublicKey) -> bool {
    matches!(key, PublicKey::P256 { .. } | PublicKey::P384 { .. } | PublicKey::Ed25519(_))
}

/// Whether a key of this type is used for key agreement here.
const fn can_agree(key: &PublicKey) -> bool {
    matches!(key, PublicKey::P256 { .. } | PublicKey::X25519(_))
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Did({}:…)", self.method())
    }
}

impl fmt::Debug for DidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DidUrl(…)")
    }
}

impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for DidUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
