//! JWE by aws-lc-rs: the backend of the hot path, which is sealed identifiers in issuer and gateway.
//!
//! One identifier is sealed for every credential and opened for every request of a data link. What must be done then is
//! one key agreement, and an ephemeral key before it when sealing; everything else is small beside it. The figures stand in
//! `docs/adr/0004-crypto-backends.md`, and `cargo xtask bench identifier` measures them anew.

use std::collections::HashMap;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey, X25519};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::jose::jwe::{IV_LENGTH, JweError, JwePrimitives, SharedSecret};
use enishi_credential::jose::jwk::{PrivateJwk, PublicKey};
use zeroize::Zeroizing;

/// Seals and opens with aws-lc-rs. The key objects of the server's own long-lived keys are made at the start, because making
/// one costs a scalar multiplication; those of other keys are made for each text.
#[derive(Default)]
pub struct AwsJwe {
    own: HashMap<PublicKey, agreement::PrivateKey>,
}

impl AwsJwe {
    /// A backend without keys of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A backend that holds the objects of these keys ready.
    ///
    /// # Errors
    /// [`JweError::WrongKey`] if one of them is not for key agreement.
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a PrivateJwk>) -> Result<Self, JweError> {
        let own = keys
            .into_iter()
            .map(|key| Ok((key.public().key.clone(), key_object(&key.public().key, key.secret_bytes())?)))
            .collect::<Result<_, JweError>>()?;
        Ok(Self { own })
    }
}

impl std::fmt::Debug for AwsJwe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AwsJwe({} keys)", self.own.len())
    }
}

impl JwePrimitives for AwsJwe {
    fn agree_with_fresh(
        &self,
        recipient: &PublicKey,
        entropy: &dyn Entropy,
    ) -> Result<(PublicKey, SharedSecret), JweError> {
        let algorithm = algorithm(recipient)?;
        let ephemeral = loop {
            // A random number is outside the order of P-256 once in 2^32 draws.
            let secret = Zeroizing::new(entropy::bytes::<32>(entropy));
            if let Ok(key) = agreement::PrivateKey::from_private_key(algorithm, &*secret) {
                break key;
            }
        };
        let public = ephemeral.compute_public_key().map_err(|_| JweError::WrongKey)?;
        let public = match (recipient, public.as_ref()) {
            (PublicKey::P256 { .. }, [4, point @ ..]) => {
                let (x, y) = point.split_at_checked(32).ok_or(JweError::WrongKey)?;
                let coordinate = |bytes: &[u8]| bytes.try_into().map_err(|_| JweError::WrongKey);
                PublicKey::P256 { x: coordinate(x)?, y: coordinate(y)? }
            }
            (_, raw) => PublicKey::X25519(raw.try_into().map_err(|_| JweError::WrongKey)?),
        };
        Ok((public, agree(&ephemeral, recipient)?))
    }

    fn agree(&self, key: &PrivateJwk, ephemeral: &PublicKey) -> Result<SharedSecret, JweError> {
        let public = &key.public().key;
        if let Some(own) = self.own.get(public) {
            return agree(own, ephemeral);
        }
        agree(&key_object(public, key.secret_bytes())?, ephemeral)
    }

    fn wrap(&self, wrapping_key: &[u8], key: &[u8]) -> Result<Vec<u8>, JweError> {
        let mut out = vec![0; key.len() + 8];
        wrapper(wrapping_key)?.wrap(key, &mut out).map_err(|_| JweError::WrongKey)?;
        Ok(out)
    }

    fn unwrap(&self, wrapping_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, JweError> {
        let length = wrapped.len().checked_sub(8).ok_or(JweError::NotForThisKey)?;
        let mut out = Zeroizing::new(vec![0; length]);
        wrapper(wrapping_key)?.unwrap(wrapped, &mut out).map_err(|_| JweError::NotForThisKey)?;
        Ok(out)
    }

    fn encrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError> {
        cipher(key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::from(aad), content)
            .map_err(|_| JweError::Malformed)
    }

    fn decrypt(
        &self,
        key: &[u8],
        iv: [u8; IV_LENGTH],
        aad: &[u8],
        content: &mut Vec<u8>,
    ) -> Result<(), JweError> {
        let plaintext = cipher(key)?
            .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(aad), content)
            .map_err(|_| JweError::NotForThisKey)?;
        let length = plaintext.len();
        content.truncate(length);
        Ok(())
    }
}

fn algorithm(key: &PublicKey) -> Result<&'static agreement::Algorithm, JweError> {
    match key {
        PublicKey::P256 { .. } => Ok(&ECDH_P256),
        PublicKey::X25519(_) => Ok(&X25519),
        PublicKey::P384 { .. } | PublicKey::Ed25519(_) => Err(JweError::WrongKey),
    }
}

fn key_object(public: &PublicKey, secret: &[u8; 32]) -> Result<agreement::PrivateKey, JweError> {
    agreement::PrivateKey::from_private_key(algorithm(public)?, secret).map_err(|_| JweError::WrongKey)
}

/// The shared secret; aws-lc refuses keys of two curves, points off the curve, and X25519 points of low order.
fn agree(key: &agreement::PrivateKey, public: &PublicKey) -> Result<SharedSecret, JweError> {
    let public = UnparsedPublicKey::new(algorithm(public)?, public.to_bytes());
    agreement::agree(key, public, JweError::WrongKey, |shared| {
        shared.try_into().map(Zeroizing::new).map_err(|_| JweError::WrongKey)
    })
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, JweError> {
    let algorithm = if key.len() == AES_128_GCM.key_len() { &AES_128_GCM } else { &AES_256_GCM };
    UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| JweError::WrongKey)
}

fn wrapper(key: &[u8]) -> Result<AesKek, JweError> {
    let cipher = if key.len() == 16 { &AES_128 } else { &AES_256 };
    AesKek::new(cipher, key).map_err(|_| JweError::WrongKey)
}

#[cfg(test)]
mod tests {
    use enishi_credential::jwe_contract;

    use super::*;

    jwe_contract!(AwsJwe::new());

    mod with_the_keys_at_hand {
        use enishi_credential::jose::jwe_contract::keys;
        use enishi_credential::jwe_contract;

        use super::AwsJwe;

        jwe_contract!(AwsJwe::with_keys(&keys()).unwrap());
    }
}
