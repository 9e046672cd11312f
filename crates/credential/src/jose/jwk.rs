//! JSON Web Keys (RFC 7517, RFC 8037): public and private keys are different types, and nothing else is kept.
//!
//! A key that contradicts itself is refused: `use`, `key_ops` and `alg` must agree with each other and with the type of
//! the key. What `key_ops` says is kept as `use`.

mod private;
#[cfg(test)]
mod tests;

use std::fmt;

use p256::elliptic_curve::sec1::FromSec1Point as _;
use serde::de::DeserializeSeed as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::crypto::Algorithm;
use crate::encoding::{b64, json};
use crate::jose::jwe::KeyManagement;

pub use private::PrivateJwk;

/// A public key as numbers, checked to be a point of its curve.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// A point of P-256 (`kty: EC`).
    P256 {
        /// Big-endian x coordinate.
        x: [u8; 32],
        /// Big-endian y coordinate.
        y: [u8; 32],
    },
    /// A point of P-384 (`kty: EC`): for checking signatures only.
    P384 {
        /// Big-endian x coordinate.
        x: [u8; 48],
        /// Big-endian y coordinate.
        y: [u8; 48],
    },
    /// An Ed25519 verification key (`kty: OKP`).
    Ed25519([u8; 32]),
    /// An X25519 key agreement key (`kty: OKP`).
    X25519([u8; 32]),
}

impl PublicKey {
    /// The uncompressed SEC1 encoding of a P-256 or P-384 key (65 or 97 bytes), or the raw key of the others.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::P256 { x, y } => [&[4], x.as_slice(), y.as_slice()].concat(),
            Self::P384 { x, y } => [&[4], x.as_slice(), y.as_slice()].concat(),
            Self::Ed25519(key) | Self::X25519(key) => key.to_vec(),
        }
    }

    /// Whether keys can be agreed on with a key of this type. P-384 is for signatures only here.
    pub const fn can_agree(&self) -> bool {
        matches!(self, Self::P256 { .. } | Self::X25519(_))
    }
}

/// Why a JWK was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not a JSON object with the members that its type requires.
    #[error("the JWK lacks a member, or a member has another type than RFC 7517 says")]
    Malformed,
    /// A private or symmetric member where a public key is wanted.
    #[error("the JWK holds private key material")]
    Private,
    /// A key type, curve or `alg` that is not used here.
    #[error("the key type, curve or `alg` is not supported: use EC P-256 or P-384, OKP Ed25519 or X25519")]
    Unsupported,
    /// Coordinates that are not a point of the curve.
    #[error("the coordinates are not a point of the curve")]
    NotOnCurve,
    /// `alg`, `use` and `key_ops` contradict each other or the key type, or a private key its public members.
    #[error("`alg`, `use`, `key_ops`, the key type and the private key do not fit together")]
    Contradiction,
}

impl JwkError {
    /// A stable code, where a failure needs one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "jwk_malformed",
            Self::Private => "jwk_private",
            Self::Unsupported => "jwk_unsupported",
            Self::NotOnCurve => "jwk_not_on_curve",
            Self::Contradiction => "jwk_contradiction",
        }
    }
}

/// A public JWK. Only `kty`, `crv`, `x`, `y`, `kid`, `alg` and `use` are kept; a private member is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// The key.
    pub key: PublicKey,
    /// `kid` (RFC 7517 §4.5).
    pub kid: Option<String>,
    /// `alg` (RFC 7517 §4.4), as written, e.g. `ES256` or `ECDH-ES`.
    pub alg: Option<String>,
    /// `use` (RFC 7517 §4.2): `sig` or `enc`; also where only `key_ops` said so. Another value is kept, and such a key
    /// is good for nothing here.
    pub key_use: Option<String>,
}

/// The SHA-256 thumbprint of a key (RFC 7638): the `jkt` of DPoP and the name of a key in this project.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads the base64url form.
    ///
    /// # Errors
    /// [`crate::encoding::EncodingError`] if `text` is not 32 bytes in base64url.
    pub fn parse(text: &str) -> Result<Self, crate::encoding::EncodingError> {
        b64::decode_array(text).map(Self)
    }

    /// The raw hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&b64::encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Members that only a private or symmetric JWK has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Jwk {
    /// A JWK of `key` without further members.
    pub const fn new(key: PublicKey) -> Self {
        Self { key, kid: None, alg: None, key_use: None }
    }

    /// Reads a public JWK.
    ///
    /// # Errors
    /// [`JwkError`] if it is private, incomplete, of an unsupported type, or not a point of its curve.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let object = value.as_object().ok_or(JwkError::Malformed)?;
        if PRIVATE_MEMBERS.iter().any(|name| object.contains_key(*name)) {
            return Err(JwkError::Private);
        }
        Self::from_members(object, false)
    }

    fn from_members(object: &Map<String, Value>, private: bool) -> Result<Self, JwkError> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).ok_or(JwkError::Malformed);
        let optional = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(JwkError::Malformed),
        };
        let key = match (text("kty")?, text("crv")) {
            ("EC", Ok("P-256")) => {
                let (x, y) = (bytes(text("x")?)?, bytes(text("y")?)?);
                let point = p256::Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
                Option::<p256::PublicKey>::from(p256::PublicKey::from_sec1_point(&point))
                    .ok_or(JwkError::NotOnCurve)?;
                PublicKey::P256 { x, y }
            }
            ("EC", Ok("P-384")) => {
                let (x, y) = (bytes(text("x")?)?, bytes(text("y")?)?);
                let point = p384::Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
                Option::<p384::PublicKey>::from(p384::PublicKey::from_sec1_point(&point))
                    .ok_or(JwkError::NotOnCurve)?;
                PublicKey::P384 { x, y }
            }
            ("OKP", Ok("Ed25519")) => {
                let x = bytes(text("x")?)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&x).map_err(|_| JwkError::NotOnCurve)?;
                if key.is_weak() {
                    return Err(JwkError::NotOnCurve);
                }
                PublicKey::Ed25519(x)
            }
            ("OKP", Ok("X25519")) => PublicKey::X25519(bytes(text("x")?)?),
            ("EC" | "OKP", Err(_)) => return Err(JwkError::Malformed),
            _ => return Err(JwkError::Unsupported),
        };
        let (kid, alg, mut key_use) = (optional("kid")?, optional("alg")?, optional("use")?);
        let by_alg = match alg.as_deref() {
            None => None,
            Some("ES256" | "ES384" | "EdDSA" | "Ed25519") => Some("sig"),
            Some(name) if KeyManagement::from_name(name).is_some() => Some("enc"),
            Some(_) => return Err(JwkError::Unsupported),
        };
        let by_ops = purpose_of_operations(object, private)?;
        if let (None, Some(purpose)) = (&key_use, by_ops) {
            key_use = Some(purpose.to_owned());
        }
        let jwk = Self { key, kid, alg, key_use };
        let fits = |purpose: Option<&str>| match purpose {
            Some("sig") => jwk.algorithm().is_some(),
            Some("enc") => jwk.key.can_agree(),
            _ => true,
        };
        let same = |one: Option<&str>, other: Option<&str>| one.is_none() || other.is_none() || one == other;
        let uses = jwk.key_use.as_deref();
        let of_type = match (&jwk.alg, by_alg) {
            (Some(name), Some("sig")) => Algorithm::from_name(name) == jwk.algorithm(),
            _ => true,
        };
        // Others do use P-384 for agreement; that is no fault of the key.
        if matches!(jwk.key, PublicKey::P384 { .. }) && [uses, by_alg, by_ops].contains(&Some("enc")) {
            return Err(JwkError::Unsupported);
        }
        // `uses` is there wherever `by_ops` is, so what holds of it holds of them.
        let consistent = same(uses, by_alg) && same(uses, by_ops);
        if consistent && of_type && fits(uses) && fits(by_alg) {
            Ok(jwk)
        } else {
            Err(JwkError::Contradiction)
        }
    }

    /// The JWK with its kept members only.
    pub fn to_value(&self) -> Value {
        let mut value = self.required_members();
        if let Some(object) = value.as_object_mut() {
            for (name, member) in [("kid", &self.kid), ("alg", &self.alg), ("use", &self.key_use)] {
                if let Some(text) = member {
                    object.insert(name.to_owned(), Value::String(text.clone()));
                }
            }
        }
        value
    }

    fn required_members(&self) -> Value {
        match &self.key {
            PublicKey::P256 { x, y } => {
                json!({"crv": "P-256", "kty": "EC", "x": b64::encode(x), "y": b64::encode(y)})
            }
            PublicKey::P384 { x, y } => {
                json!({"crv": "P-384", "kty": "EC", "x": b64::encode(x), "y": b64::encode(y)})
            }
            PublicKey::Ed25519(x) => json!({"crv": "Ed25519", "kty": "OKP", "x": b64::encode(x)}),
            PublicKey::X25519(x) => json!({"crv": "X25519", "kty": "OKP", "x": b64::encode(x)}),
        }
    }

    /// The SHA-256 thumbprint (RFC 7638 §3).
    pub fn thumbprint(&self) -> Thumbprint {
        // The required members in lexicographic order, as `serde_json`'s sorted map writes them.
        Thumbprint(Sha256::digest(self.required_members().to_string()).into())
    }

    /// The signature algorithm of this key, if it can sign.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match self.key {
            PublicKey::P256 { .. } => Some(Algorithm::Es256),
            PublicKey::P384 { .. } => Some(Algorithm::Es384),
            PublicKey::Ed25519(_) => Some(Algorithm::EdDsa),
            PublicKey::X25519(_) => None,
        }
    }

    /// Whether signatures by `algorithm` may be checked with this key: it is of that type, and neither its `use` nor its
    /// `alg` says otherwise (RFC 7517 §4.2, §4.4; RFC 8725 §3.1).
    pub fn may_verify(&self, algorithm: Algorithm) -> bool {
        self.algorithm() == Some(algorithm)
            && self.key_use.as_deref().is_none_or(|it| it == "sig")
            && self.alg.as_deref().is_none_or(|it| Algorithm::from_name(it) == Some(algorithm))
    }

    /// Whether `algorithm` may be used with this key to agree on a key: it is of that type, and neither its `use` nor its
    /// `alg` says otherwise.
    pub fn may_agree(&self, algorithm: KeyManagement) -> bool {
        self.key.can_agree()
            && self.key_use.as_deref().is_none_or(|it| it == "enc")
            && self.alg.as_deref().is_none_or(|it| it == algorithm.as_str())
    }

    /// The same key with another `kid`.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The same key marked for encryption with ECDH-ES (`use: enc`, `alg: ECDH-ES`).
    #[must_use]
    pub fn for_encryption(mut self) -> Self {
        self.key_use = Some("enc".to_owned());
        self.alg = Some("ECDH-ES".to_owned());
        self
    }

    /// The same key marked for signatures (`use: sig`, `alg` of its type).
    #[must_use]
    pub fn for_signature(mut self) -> Self {
        self.key_use = Some("sig".to_owned());
        self.alg = self.algorithm().map(|alg| alg.as_str().to_owned());
        self
    }
}

/// A coordinate or key of exactly `N` bytes (RFC 7518 §6.2.1.2, RFC 8037 §2): leading zeros are written, never left out.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], JwkError> {
    b64::decode_array(text).map_err(|_| JwkError::Malformed)
}

/// What `key_ops` makes of a key (RFC 7517 §4.3): `sig`, `enc`, or nothing where it is absent.
///
/// A public key verifies, a private one signs; both agree. A public key with an empty list, which is how browsers export
/// keys for ECDH, is for agreement. Operations that do not belong together are refused, as the section advises.
fn purpose_of_operations(
    object: &Map<String, Value>,
    private: bool,
) -> Result<Option<&'static str>, JwkError> {
    let Some(value) = object.get("key_ops") else { return Ok(None) };
    let list = value.as_array().ok_or(JwkError::Malformed)?;
    let mut operations = std::collections::BTreeSet::new();
    for entry in list {
        if !operations.insert(entry.as_str().ok_or(JwkError::Malformed)?) {
            return Err(JwkError::Malformed);
        }
    }
    let signs = operations.contains(if private { "sign" } else { "verify" });
    let agrees = operations.contains("deriveKey")
        || operations.contains("deriveBits")
        || (operations.is_empty() && !private);
    match (signs, agrees) {
        (true, false) => Ok(Some("sig")),
        (false, true) => Ok(Some("enc")),
        _ => Err(JwkError::Contradiction),
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// Strictly: `serde_json`'s own map would keep the last of two members of one name.
impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&json::Strict.deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A JWK Set (RFC 7517 §5). Keys of a type or `alg` that is not used here are left out, as §5 tells readers to do; any other
/// fault refuses the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The usable keys.
    pub keys: Vec<Jwk>,
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let set = json::Strict.deserialize(deserializer)?;
        let list = set.get("keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| de::Error::custom("a JWK Set has an array `keys`"))?;
        let mut keys = Vec::new();
        for value in list {
            match Jwk::from_value(value) {
                Ok(key) => keys.push(key),
                Err(JwkError::Unsupported) => {}
                Err(error) => return Err(de::Error::custom(error)),
            }
        }
        Ok(Self { keys })
    }
}
