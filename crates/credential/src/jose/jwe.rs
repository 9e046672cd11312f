//! JWE in compact serialization with ECDH-ES (RFC 7516, RFC 7518 §4.6): sealed identifiers and encrypted responses.
//!
//! ```text
//! compact text ──parse(accepted)──▶ UnopenedJwe ──open(key)──▶ OpenedJwe
//!                                        └ header(): a hint, to find the key; nothing else can be read
//! ```
//!
//! The key is agreed directly (`ECDH-ES`) or wraps a content key (`ECDH-ES+A128KW`, `ECDH-ES+A256KW`), on P-256 or X25519;
//! the content is encrypted with `A128GCM` or `A256GCM`. What of this a reader takes is a list of its own, [`Accepted`],
//! decided before the text is looked at. Three backends seal and open the same texts: RustCrypto here, aws-lc-rs and josekit
//! in the services. What may be done is decided here, once; a backend only computes.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::entropy::{self, Entropy};
pub use crate::jose::jwe_compact::{IV_LENGTH, MAX_LENGTH, TAG_LENGTH, UnopenedJwe};
use crate::jose::jwe_compact::{assemble, derive_key, protected_header};
use crate::jose::jwk::{Jwk, PrivateJwk, PublicKey};

/// How the content key comes about (RFC 7518 §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyManagement {
    /// The agreed key encrypts the content.
    EcdhEs,
    /// The agreed key wraps the content key with AES-128 (RFC 3394).
    EcdhEsA128Kw,
    /// The agreed key wraps the content key with AES-256.
    EcdhEsA256Kw,
}

impl KeyManagement {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EcdhEs, Self::EcdhEsA128Kw, Self::EcdhEsA256Kw];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }

    /// The algorithm with this JOSE name, if it is one that is used here.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Whether the text carries a wrapped content key.
    pub const fn wraps(self) -> bool {
        self.wrapping_key_length().is_some()
    }

    /// Length of the wrapping key in bytes; `None` where nothing is wrapped.
    pub const fn wrapping_key_length(self) -> Option<usize> {
        match self {
            Self::EcdhEs => None,
            Self::EcdhEsA128Kw => Some(16),
            Self::EcdhEsA256Kw => Some(32),
        }
    }
}

/// The content encryption algorithms that are used (RFC 7518 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentEncryption {
    /// AES-128 in GCM.
    A128Gcm,
    /// AES-256 in GCM.
    A256Gcm,
}

impl ContentEncryption {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::A128Gcm, Self::A256Gcm];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The algorithm with this JOSE name, if it is one that is used here.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Length of the key in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}

/// What a reader takes, decided before a text is looked at. A key with an `alg` narrows it further: it opens and is sealed
/// to with that algorithm only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// The acceptable `alg`.
    pub algorithms: &'a [KeyManagement],
    /// The acceptable `enc`.
    pub encryptions: &'a [ContentEncryption],
}

impl Accepted<'static> {
    /// Direct agreement and A256GCM: sealed identifiers and whatever else only we ourselves seal.
    pub const SEALED: Self =
        Self { algorithms: &[KeyManagement::EcdhEs], encryptions: &[ContentEncryption::A256Gcm] };

    /// Direct agreement with either content encryption: responses to a key that is published for `ECDH-ES`.
    pub const DIRECT: Self =
        Self { algorithms: &[KeyManagement::EcdhEs], encryptions: &ContentEncryption::ALL };

    /// Everything that is implemented here.
    pub const ALL: Self = Self { algorithms: &KeyManagement::ALL, encryptions: &ContentEncryption::ALL };
}

/// Why a JWE could not be made or opened. Opening tells no more, so that nobody can probe with broken texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// Not a compact JWE with a well-formed header.
    #[error("not a compact JWE with ECDH-ES and AES-GCM")]
    Malformed,
    /// `alg` or `enc` is not what the reader takes, or there is a `zip`, `crit` or `b64`.
    #[error("the encryption algorithm is not accepted, or there is a `zip`, `crit` or `b64`")]
    NotAllowed,
    /// The key cannot do this key agreement, or is of another curve than the text.
    #[error("the key does not fit: use a P-256 or X25519 key for this algorithm")]
    WrongKey,
    /// The text was not sealed to this key, or was changed.
    #[error("the text was not sealed to this key, or was changed")]
    NotForThisKey,
}

impl JweError {
    /// A stable code, where a failure needs one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "jwe_malformed",
            Self::NotAllowed => "jwe_not_allowed",
            Self::WrongKey => "jwe_wrong_key",
            Self::NotForThisKey => "jwe_not_for_this_key",
        }
    }
}

/// The protected header of a JWE as far as a sender chooses it or a reader may look at it. Before the text is
/// opened it is a hint; the header of an [`OpenedJwe`] is authenticated by the sealing.
#[derive(Debug, Clone, PartialEq)]
pub struct JweHeader {
    /// `alg`.
    pub algorithm: KeyManagement,
    /// `enc`.
    pub encryption: ContentEncryption,
    /// `kid` of the recipient's key.
    pub kid: Option<String>,
    /// Further members that the profile defines (`iss`, `rp`, `jkt`, `typ`, `cty`, `apu`, `apv`).
    pub extra: Map<String, Value>,
}

impl JweHeader {
    /// A header with `enc`, and `ECDH-ES` as `alg`.
    pub fn new(encryption: ContentEncryption) -> Self {
        Self { algorithm: KeyManagement::EcdhEs, encryption, kid: None, extra: Map::new() }
    }

    /// Chooses `alg`.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: KeyManagement) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Names the recipient's key.
    #[must_use]
    pub fn kid(mut self, kid: Option<String>) -> Self {
        self.kid = kid;
        self
    }

    /// Adds a member. The names in [`RESERVED`] are the backend's and are ignored here.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !RESERVED.contains(&name) {
            self.extra.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// Header members that are not a sender's to choose: written by the sealing, or never accepted.
pub const RESERVED: [&str; 7] = ["alg", "enc", "epk", "kid", "zip", "crit", "b64"];

/// A JWE that was opened: the plaintext, and the header that the sealing authenticates.
#[derive(Clone)]
pub struct OpenedJwe {
    /// The authenticated header.
    pub header: JweHeader,
    /// The plaintext; wiped when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// Seals and opens compact JWEs with ECDH-ES.
pub trait JweBackend: Send + Sync {
    /// Seals `plaintext` to `recipient` with a fresh ephemeral key.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if the recipient's key is not for this key agreement; [`JweError::Malformed`] for `apu` or
    /// `apv` that are not base64url texts.
    fn seal(
        &self,
        recipient: &Jwk,
        header: &JweHeader,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, JweError>;

    /// Opens `jwe` with `key`. Several keys may be tried.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if `key` is not for this key agreement or of another curve;
    /// [`JweError::NotForThisKey`] alike for a text for another key and for a changed one.
    fn open(&self, key: &PrivateJwk, jwe: &UnopenedJwe<'_>) -> Result<OpenedJwe, JweError>;
}

/// What a library of cryptography must be able to do to be a [`JweBackend`].
pub trait JwePrimitives: Send + Sync {
    /// Draws an ephemeral key and agrees with `recipient`: the ephemeral public key, and the shared secret Z.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if `recipient` is neither a P-256 nor an X25519 key, or is a point of low order.
    fn agree_with_fresh(
        &self,
        recipient: &PublicKey,
        entropy: &dyn Entropy,
    ) -> Result<(PublicKey, SharedSecret), JweError>;

    /// The shared secret Z of `key` and an ephemeral public key.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] for keys of two curves, for a signature key, and for an X25519 point of low order, with which
    /// everybody has the same secret (RFC 7748 §6.1).
    fn agree(&self, key: &PrivateJwk, ephemeral: &PublicKey) -> Result<SharedSecret, JweError>;

    /// AES key wrap (RFC 3394) of `key` under a key of 16 or 32 bytes.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] for keys of other lengths.
    fn wrap(&self, wrapping_key: &[u8], key: &[u8]) -> Result<Vec<u8>, JweError>;

    /// Undoes [`Self::wrap`].
    ///
    /// # Errors
    /// [`JweError::NotForThisKey`] if `wrapped` was wrapped under another key or changed.
    fn unwrap(&self, wrapping_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, JweError>;

    /// AES-GCM in place: the ciphertext takes the place of `content`, and the tag is appended. The length of `key` chooses
    /// the cipher.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] for keys of other lengths, [`JweError::Malformed`] for a content that is too long.
    fn encrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError>;

    /// Undoes [`Self::encrypt`], also in place: `content` comes with its tag and ends as the plaintext.
    ///
    /// # Errors
    /// [`JweError::NotForThisKey`] if anything was changed.
    fn decrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError>;
}

/// The result of a key agreement; wiped when dropped.
pub type SharedSecret = Zeroizing<[u8; 32]>;

impl<T: JwePrimitives> JweBackend for T {
    fn seal(
        &self,
        recipient: &Jwk,
        header: &JweHeader,
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, JweError> {
        if !recipient.may_agree(header.algorithm) {
            return Err(JweError::WrongKey);
        }
        let (ephemeral, shared) = self.agree_with_fresh(&recipient.key, entropy)?;
        let agreed = derive_key(&shared, header)?;
        let (content_key, encrypted_key) = if header.algorithm.wraps() {
            let mut key = Zeroizing::new(vec![0; header.encryption.key_length()]);
            entropy.fill(&mut key);
            let wrapped = self.wrap(&agreed, &key)?;
            (key, wrapped)
        } else {
            (agreed, Vec::new())
        };
        let header64 = protected_header(header, &ephemeral);
        let iv = entropy::bytes(entropy);
        let mut content = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
        content.extend_from_slice(plaintext);
        self.encrypt(&content_key, iv, header64.as_bytes(), &mut content)?;
        Ok(assemble(&header64, &encrypted_key, &iv, &content))
    }

    fn open(&self, key: &PrivateJwk, jwe: &UnopenedJwe<'_>) -> Result<OpenedJwe, JweError> {
        let header = jwe.header();
        if !key.public().may_agree(header.algorithm) {
            return Err(JweError::WrongKey);
        }
        let shared = self.agree(key, jwe.ephemeral_key())?;
        let agreed = derive_key(&shared, header)?;
        let content_key =
            if header.algorithm.wraps() { self.unwrap(&agreed, jwe.encrypted_key())? } else { agreed };
        let mut content = Zeroizing::new(jwe.content().to_vec());
        self.decrypt(&content_key, jwe.iv(), jwe.additional_data(), &mut content)?;
        Ok(OpenedJwe { header: header.clone(), plaintext: content })
    }
}
