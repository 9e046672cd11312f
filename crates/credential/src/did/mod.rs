//! Decentralized identifiers that carry their own key: `did:jwk` and `did:key` (DID 1.1, did:jwk, did:key v0.9).
//!
//! The string is the identity: a DID that was received is never written anew, because the same key in another
//! serialisation is another DID. Nothing is fetched: both methods resolve from the string alone.
//!
//! | code | meaning |
//! |---|---|
//! | `did_invalid` | not a DID, or not the form that its method prescribes |
//! | `did_method_unsupported` | a method other than `jwk` and `key` |
//! | `did_key_unsupported` | a key type that is not P-256, Ed25519 or X25519 |
//! | `did_key_length` | key bytes of another length than their type has |
//! | `did_key_invalid` | not a point of the curve, or a JWK that is broken |
//! | `did_private_key` | the DID contains private or symmetric key material |
//! | `did_url_unknown` | the fragment names no verification method of the DID |
//! | `did_relationship` | the key may not be used for this purpose |

mod jwk_method;
mod key_method;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};

use crate::jose::jwk::{Jwk, PublicKey};
use crate::verdict::{Failure, Verdict};

/// The longest DID that is read: a `did:jwk` of any key in use here has fewer than 400 characters.
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
        .remedy("use did:jwk or did:key with a P-256, Ed25519 or X25519 public key")
}

impl Did {
    /// Reads a DID of any method; whether it resolves is another question.
    ///
    /// # Errors
    /// `did_invalid` for another syntax than DID 1.1 §3.1, and for a DID URL with path, query or fragment.
    pub fn parse(text: &str) -> Verdict<Self> {
        let invalid = |detail: &str| fault("did_invalid", detail);
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

    fn method_fragment(&self) -> Verdict<&str> {
        match self.method() {
            "jwk" => Ok("0"),
            "key" => Ok(self.0.rsplit(':').next().unwrap_or_default()),
            _ => Err(fault("did_method_unsupported", "only did:jwk and did:key carry their own key")),
        }
    }

    fn resolve(&self) -> Verdict<Resolved> {
        match self.method() {
            "jwk" => jwk_method::resolve(self.0.strip_prefix("did:jwk:").unwrap_or_default()),
            "key" => key_method::resolve(self.0.strip_prefix("did:key:").unwrap_or_default()),
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
            return Err(Failure::new(
                "did-relationship",
                "did_relationship",
                format!("the key is not listed under `{}`", relationship.as_str()),
            )
            .remedy("use a key of a type, and with a `use`, that fits the purpose"));
        }
        Ok(resolved.key)
    }
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

/// The DID document (DID 1.1 §5), for tests and for people to look at; nothing here decides by it.
///
/// # Errors
/// As [`resolve_key`].
pub fn did_document_value(did: &Did) -> Verdict<Value> {
    let resolved = did.resolve()?;
    let method = did.verification_method()?;
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": did.as_str(),
        "verificationMethod": [{
            "id": method.as_str(),
            "type": resolved.method_type,
            "controller": did.as_str(),
            "publicKeyJwk": resolved.shown,
        }],
    });
    if let Some(object) = document.as_object_mut() {
        for relationship in Relationship::ALL {
            if resolved.relationships.contains(&relationship) {
                object.insert(relationship.as_str().to_owned(), json!([method.as_str()]));
            }
        }
    }
    Ok(document)
}

/// Whether a key of this type can make signatures.
const fn can_sign(key: &PublicKey) -> bool {
    matches!(key, PublicKey::P256 { .. } | PublicKey::P384 { .. } | PublicKey::Ed25519(_))
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
