//! Signatures that are no signatures: a hash of the key and the message.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use enishi_credential::crypto::{Algorithm, SignatureError, SignatureVerifier};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use sha2::{Digest as _, Sha512};

/// Takes a signature made by [`signature`] and no other.
pub struct Toy;

impl SignatureVerifier for Toy {
    fn verify(
        &self,
        _: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if signature == self::signature(key, message) { Ok(()) } else { Err(SignatureError) }
    }
}

/// The 64 bytes that stand for `key`'s signature of `message`.
pub fn signature(key: &Jwk, message: &[u8]) -> [u8; 64] {
    Sha512::new().chain_update(key.key.to_bytes()).chain_update(message).finalize().into()
}

/// A compact JWS of any header and payload, be they JSON or not.
pub fn jws(key: &Jwk, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", b64::encode(header), b64::encode(payload));
    let signature = signature(key, input.as_bytes());
    format!("{input}.{}", b64::encode(signature))
}

/// The Ed25519 key named `name`.
pub fn key(name: &str) -> PrivateJwk {
    PrivateJwk::generate_ed25519(&SeededEntropy::new(name))
}

/// The result of a future that never has to wait, as software signers do not.
pub fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
