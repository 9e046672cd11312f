//! JWE in compact serialization with direct ECDH-ES (RFC 7516, RFC 7518 §4.6): sealed identifiers and encrypted
//! responses. Two backends seal and open the same texts: josekit in the services, RustCrypto here.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::encoding::{b64, json};
use crate::entropy::Entropy;
use crate::jose::jwk::{Jwk, PrivateJwk};

/// The content encryption algorithms that are used (RFC 7518 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentEncryption {
    /// AES-128 in GCM.
    A128Gcm,
    /// AES-256 in GCM.
    A256Gcm,
}

impl ContentEncryption {
    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The algorithm with this JOSE name, if it is one that is used here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "A128GCM" => Some(Self::A128Gcm),
            "A256GCM" => Some(Self::A256Gcm),
            _ => None,
        }
    }

    /// Length of the key in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}

/// Why a JWE could not be made or opened. Opening tells no more, so that nobody can probe with broken texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// Not a compact JWE with a well-formed header.
    #[error("not a compact JWE with ECDH-ES and AES-GCM")]
    Malformed,
    /// `alg`, `enc`, `zip` or `crit` is not what is used here.
    #[error("the encryption algorithm is not allowed: use ECDH-ES with A128GCM or A256GCM, without `zip`")]
    NotAllowed,
    /// The key cannot do key agreement, or is of another curve than the text.
    #[error("the key does not fit: use a P-256 or X25519 key")]
    WrongKey,
    /// The text was not sealed to this key, or was changed.
    #[error("the text was not sealed to this key, or was changed")]
    NotForThisKey,
}

/// The protected header of a JWE as far as a sender chooses it or a reader may look at it. Before the text is
/// opened it is a hint; the header of an [`OpenedJwe`] is authenticated by the sealing.
#[derive(Debug, Clone, PartialEq)]
pub struct JweHeader {
    /// `enc`.
    pub encryption: ContentEncryption,
    /// `kid` of the recipient's key.
    pub kid: Option<String>,
    /// Further members that the profile defines (`iss`, `rp`, `jkt`, `typ`, `cty`, `apu`, `apv`).
    pub extra: Map<String, Value>,
}

impl JweHeader {
    /// A header with `enc` only.
    pub fn new(encryption: ContentEncryption) -> Self {
        Self { encryption, kid: None, extra: Map::new() }
    }

    /// Names the recipient's key.
    #[must_use]
    pub fn kid(mut self, kid: Option<String>) -> Self {
        self.kid = kid;
        self
    }

    /// Adds a member. The names `alg`, `enc`, `epk`, `kid`, `zip`, `crit` are the backend's and are ignored here.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !RESERVED.contains(&name) {
            self.extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Reads the protected header of a compact JWE without opening it: which key, which algorithms.
    ///
    /// # Errors
    /// [`JweError::Malformed`], or [`JweError::NotAllowed`] for algorithms that are not used here.
    pub fn peek(compact: &str) -> Result<Self, JweError> {
        let (header64, _) = compact.split_once('.').ok_or(JweError::Malformed)?;
        let bytes = b64::decode(header64).map_err(|_| JweError::Malformed)?;
        let Ok(Value::Object(mut header)) = json::parse(&bytes) else { return Err(JweError::Malformed) };
        if header.contains_key("zip") || header.contains_key("crit") {
            return Err(JweError::NotAllowed);
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if text("alg") != Some("ECDH-ES") {
            return Err(JweError::NotAllowed);
        }
        let encryption = text("enc").and_then(ContentEncryption::from_name).ok_or(JweError::NotAllowed)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(JweError::Malformed),
        };
        header.retain(|name, _| !RESERVED.contains(&name.as_str()));
        Ok(Self { encryption, kid, extra: header })
    }
}

/// Header members that the backend writes and reads itself.
pub const RESERVED: [&str; 6] = ["alg", "enc", "epk", "kid", "zip", "crit"];

/// A JWE that was opened: the plaintext, and the header that the sealing authenticates.
#[derive(Clone)]
pub struct OpenedJwe {
    /// The authenticated header.
    pub header: JweHeader,
    /// The plaintext; wiped when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// Seals and opens compact JWEs with direct ECDH-ES.
pub trait JweBackend: Send + Sync {
    /// Seals `plaintext` to `recipient` with a fresh ephemeral key.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if the recipient's key is not for key agreement.
    fn seal(
        &self,
        recipient: &Jwk,
        header: &JweHeader,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, JweError>;

    /// Opens `compact` with `key`.
    ///
    /// # Errors
    /// [`JweError`]; a text for another key and a changed text give the same answer.
    fn open(&self, key: &PrivateJwk, compact: &str) -> Result<OpenedJwe, JweError>;
}
