//! Private keys: another type than public ones, so that no secret is published by mistake.

use std::fmt;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Jwk, JwkError, PublicKey, bytes};
use crate::encoding::b64;
use crate::entropy::{self, Entropy};

/// A private key: the public JWK and the 32 secret bytes that belong to it.
#[derive(Clone)]
pub struct PrivateJwk {
    public: Jwk,
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateJwk({})", self.public.thumbprint())
    }
}

impl PrivateJwk {
    /// A fresh P-256 key.
    pub fn generate_p256(entropy: &dyn Entropy) -> Self {
        loop {
            // A random 256-bit number is outside the group's order once in 2^32 draws.
            if let Ok(key) = Self::from_p256_secret(&entropy::bytes(entropy)) {
                return key;
            }
        }
    }

    /// A fresh Ed25519 key.
    pub fn generate_ed25519(entropy: &dyn Entropy) -> Self {
        Self::from_ed25519_seed(&entropy::bytes(entropy))
    }

    /// A fresh X25519 key.
    pub fn generate_x25519(entropy: &dyn Entropy) -> Self {
        Self::from_x25519_secret(&entropy::bytes(entropy))
    }

    /// The P-256 key of a secret scalar.
    ///
    /// # Errors
    /// [`JwkError::NotOnCurve`] for zero and for numbers not below the group's order.
    pub fn from_p256_secret(secret: &[u8; 32]) -> Result<Self, JwkError> {
        let key = p256::SecretKey::from_slice(secret).map_err(|_| JwkError::NotOnCurve)?;
        let point = key.public_key().to_sec1_point(false);
        let coordinate = |at: Option<&p256::FieldBytes>| at.map(|bytes| <[u8; 32]>::from(*bytes));
        let (Some(x), Some(y)) = (coordinate(point.x()), coordinate(point.y())) else {
            return Err(JwkError::NotOnCurve);
        };
        Ok(Self { public: Jwk::new(PublicKey::P256 { x, y }), secret: Zeroizing::new(*secret) })
    }

    /// The Ed25519 key of a seed.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Self {
        let x = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes();
        Self { public: Jwk::new(PublicKey::Ed25519(x)), secret: Zeroizing::new(*seed) }
    }

    /// The X25519 key of a secret.
    pub fn from_x25519_secret(secret: &[u8; 32]) -> Self {
        let x = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret)).to_bytes();
        Self { public: Jwk::new(PublicKey::X25519(x)), secret: Zeroizing::new(*secret) }
    }

    /// Reads a private JWK; the public members must belong to the private one.
    ///
    /// # Errors
    /// [`JwkError`] as [`Jwk::from_value`], [`JwkError::Unsupported`] for P-384, and [`JwkError::Contradiction`] when
    /// `d` belongs to another public key.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let object = value.as_object().ok_or(JwkError::Malformed)?;
        let public = Jwk::from_members(object, true)?;
        let d = object.get("d").and_then(Value::as_str).ok_or(JwkError::Malformed)?;
        let secret = || bytes(d).map(Zeroizing::new);
        let mut key = match public.key {
            PublicKey::P256 { .. } => Self::from_p256_secret(&*secret()?)?,
            PublicKey::P384 { .. } => return Err(JwkError::Unsupported),
            PublicKey::Ed25519(_) => Self::from_ed25519_seed(&*secret()?),
            PublicKey::X25519(_) => Self::from_x25519_secret(&*secret()?),
        };
        if key.public.key != public.key {
            return Err(JwkError::Contradiction);
        }
        key.public = public;
        Ok(key)
    }

    /// The private JWK, for a key file. Wiped by the caller.
    pub fn to_secret_value(&self) -> Value {
        let mut value = self.public.to_value();
        if let Some(object) = value.as_object_mut() {
            object.insert("d".to_owned(), Value::String(b64::encode(*self.secret)));
        }
        value
    }

    /// The key in PKCS #8 (RFC 5958), for libraries that read no JWK. It is wiped when it is dropped.
    ///
    /// # Errors
    /// [`JwkError::Unsupported`] for a key that is not on P-256.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let PublicKey::P256 { .. } = self.public.key else { return Err(JwkError::Unsupported) };
        let key = p256::SecretKey::from_slice(&*self.secret).map_err(|_| JwkError::NotOnCurve)?;
        key.to_pkcs8_der().map(|der| der.to_bytes()).map_err(|_| JwkError::Unsupported)
    }

    /// The public part.
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// Changes the public part's members (`kid`, `alg`, `use`), never the key.
    #[must_use]
    pub fn map_public(mut self, change: impl FnOnce(Jwk) -> Jwk) -> Self {
        let key = self.public.key.clone();
        self.public = change(self.public);
        self.public.key = key;
        self
    }

    /// The secret scalar or seed. For the crypto backends only.
    pub fn secret_bytes(&self) -> &[u8; 32] {
        &self.secret
    }
}
