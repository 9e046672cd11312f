//! Signatures behind two small traits, so that servers use aws-lc-rs and browsers RustCrypto.

use async_trait::async_trait;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use serde::{Deserialize, Serialize};

use crate::jose::jwk::{Jwk, PrivateJwk, PublicKey};

/// The signature algorithms of this project (RFC 7518 §3.4, RFC 8037 §3.1). There is no `none` and no HMAC.
///
/// An algorithm that is known is not thereby acceptable: every use has a list of its own (see
/// [`Expected`](crate::jose::jws::Expected)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; the signature is r‖s, 64 bytes.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384; the signature is r‖s, 96 bytes. Checked only, never made: issuers of identity
    /// documents sign with it, nobody here does, so there are no private P-384 keys.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// ES256 and EdDSA: what holders, parties and services of this protocol sign with.
pub const ES256_OR_EDDSA: &[Algorithm] = &[Algorithm::Es256, Algorithm::EdDsa];

impl Algorithm {
    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with this JOSE name, if it is one that is used here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            // RFC 9864 gave Ed25519 a name of its own.
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A signature that does not belong to its message and key, or a key that cannot make such signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not belong to this message and key")]
pub struct SignatureError;

/// Checks signatures.
pub trait SignatureVerifier: Send + Sync {
    /// Checks that `signature` is `key`'s signature of `message` by `algorithm`.
    ///
    /// # Errors
    /// [`SignatureError`] if it is not, or if the key does not fit the algorithm.
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

/// A signer that could not sign: the device or service behind it failed. No details for the outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signer could not sign: {0}")]
pub struct SignerError(pub String);

/// Makes signatures over bytes: a software key, or a key in a device that never leaves it.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public key, with the `kid` under which it is published.
    fn public_jwk(&self) -> &Jwk;

    /// The algorithm of the signatures.
    fn algorithm(&self) -> Algorithm;

    /// Signs `message`; signatures by ECDSA are r‖s.
    ///
    /// # Errors
    /// [`SignerError`] if the device behind the signer fails.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// Checks signatures with RustCrypto: everywhere, also in a browser.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCryptoVerifier;

impl SignatureVerifier for RustCryptoVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match (algorithm, &key.key) {
            (Algorithm::Es256, PublicKey::P256 { .. }) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&key.key.to_bytes())
                    .map_err(|_| SignatureError)?;
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| SignatureError)?;
                key.verify(message, &signature).map_err(|_| SignatureError)
            }
            (Algorithm::Es384, PublicKey::P384 { .. }) => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&key.key.to_bytes())
                    .map_err(|_| SignatureError)?;
                let signature = p384::ecdsa::Signature::from_slice(signature).map_err(|_| SignatureError)?;
                key.verify(message, &signature).map_err(|_| SignatureError)
            }
            (Algorithm::EdDsa, PublicKey::Ed25519(raw)) => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(raw).map_err(|_| SignatureError)?;
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| SignatureError)?;
                key.verify_strict(message, &signature).map_err(|_| SignatureError)
            }
            _ => Err(SignatureError),
        }
    }
}

/// Signs with a private key in memory, by RustCrypto: for wallets and tests.
#[derive(Debug, Clone)]
pub struct SoftwareSigner {
    key: PrivateJwk,
    algorithm: Algorithm,
}

impl SoftwareSigner {
    /// A signer for `key`; `None` if the key is for key agreement only.
    pub fn new(key: PrivateJwk) -> Option<Self> {
        key.public().algorithm().map(|algorithm| Self { key, algorithm })
    }

    /// Signs at once: software needs no waiting.
    ///
    /// # Errors
    /// [`SignerError`] if the key's bytes are not a key, which [`PrivateJwk`] rules out.
    pub fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let bytes = self.key.secret_bytes();
        match self.algorithm {
            Algorithm::Es256 => {
                let key = p256::ecdsa::SigningKey::from_slice(bytes)
                    .map_err(|_| SignerError("not a P-256 key".to_owned()))?;
                let signature: p256::ecdsa::Signature = key.sign(message);
                Ok(signature.to_bytes().to_vec())
            }
            Algorithm::Es384 => Err(SignerError("there are no private P-384 keys".to_owned())),
            Algorithm::EdDsa => {
                Ok(ed25519_dalek::SigningKey::from_bytes(bytes).sign(message).to_bytes().to_vec())
            }
        }
    }
}

#[async_trait]
impl Signer for SoftwareSigner {
    fn public_jwk(&self) -> &Jwk {
        self.key.public()
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.sign_now(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn what_one_signs_only_its_own_key_and_message_verify() {
        let entropy = SeededEntropy::new("sign");
        for key in [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)] {
            let signer = SoftwareSigner::new(key.clone()).unwrap();
            let signature = signer.sign_now(b"message").unwrap();
            let verify = |key: &Jwk, message: &[u8], signature: &[u8]| {
                RustCryptoVerifier.verify(signer.algorithm(), key, message, signature)
            };
            assert_eq!(verify(key.public(), b"message", &signature), Ok(()));
            assert_eq!(verify(key.public(), b"massage", &signature), Err(SignatureError));
            let other = PrivateJwk::generate_p256(&entropy);
            assert_eq!(verify(other.public(), b"message", &signature), Err(SignatureError));
            assert_eq!(verify(key.public(), b"message", &signature[1..]), Err(SignatureError));
        }
    }

    #[test]
    fn rfc6979_a26_a_signature_by_p384_is_checked() {
        let key = Jwk::from_value(&serde_json::json!({"kty": "EC", "crv": "P-384",
            "x": "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
            "y": "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg"}))
        .unwrap();
        let hex = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c\
                   81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f\
                   130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8";
        let signature: Vec<u8> =
            (0..96).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
        let verify = |algorithm, message: &[u8], signature: &[u8]| {
            RustCryptoVerifier.verify(algorithm, &key, message, signature)
        };
        assert_eq!(verify(Algorithm::Es384, b"sample", &signature), Ok(()));
        assert_eq!(verify(Algorithm::Es384, b"Sample", &signature), Err(SignatureError));
        assert_eq!(verify(Algorithm::Es384, b"sample", &signature[..95]), Err(SignatureError));
        assert_eq!(verify(Algorithm::Es384, b"sample", &[0; 96]), Err(SignatureError));
        assert_eq!(verify(Algorithm::Es256, b"sample", &signature), Err(SignatureError));
        assert_eq!(verify(Algorithm::EdDsa, b"sample", &signature), Err(SignatureError));
    }

    /// Whoever has the private key can make one, and libraries do not agree about it.
    #[test]
    fn an_ed25519_signature_with_a_point_of_low_order_is_refused() {
        use curve25519_dalek::scalar::Scalar;
        use sha2::{Digest as _, Sha512};

        let pair = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let public = pair.verifying_key();
        let mut identity = [0; 32];
        identity[0] = 1;
        let hash = Sha512::digest([identity.as_slice(), public.as_bytes(), b"message"].concat());
        let response = Scalar::from_bytes_mod_order_wide(&hash.into()) * pair.to_scalar();
        let signature = [identity, response.to_bytes()].concat();
        let lax = public.verify(b"message", &ed25519_dalek::Signature::from_slice(&signature).unwrap());
        assert!(lax.is_ok(), "the equation of RFC 8032 holds");
        let key = Jwk::new(PublicKey::Ed25519(public.to_bytes()));
        let verdict = RustCryptoVerifier.verify(Algorithm::EdDsa, &key, b"message", &signature);
        assert_eq!(verdict, Err(SignatureError));
    }

    #[test]
    fn a_key_agreement_key_does_not_sign() {
        assert!(SoftwareSigner::new(PrivateJwk::generate_x25519(&SeededEntropy::new("x"))).is_none());
    }
}
