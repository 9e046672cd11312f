//! Multikey (Controlled Identifiers 1.0 §2.2.2): multibase base58btc of a multicodec key type and the key's bytes.
//! `did:key`, `did:peer`, `did:webvh` and the `Multikey` methods of a document all write keys in this one way.

use multibase::Base;
use p256::elliptic_curve::sec1::ToSec1Point as _;

use super::varint;
use crate::jose::jwk::{Jwk, PublicKey};

/// Multicodec `p256-pub`: a compressed point.
const P256: u64 = 0x1200;
/// Multicodec `p384-pub`: a compressed point.
const P384: u64 = 0x1201;
/// Multicodec `ed25519-pub`.
const ED25519: u64 = 0xed;
/// Multicodec `x25519-pub`.
const X25519: u64 = 0xec;
/// Key types that are known and not used here, with the length of their keys where it is fixed.
const UNSUPPORTED: [(u64, Option<usize>, &str); 5] = [
    (0xe7, Some(33), "secp256k1"),
    (0xea, Some(48), "BLS12-381 G1"),
    (0xeb, Some(96), "BLS12-381 G2"),
    (0x1202, Some(67), "P-521"),
    (0x1205, None, "RSA"),
];
/// The longest text that is decoded: an RSA key of 4096 bits, so that it can be named as what it is. Base58 takes
/// quadratic time, and no supported key has more than 80 characters.
const MAX_TEXT: usize = 768;

/// Why a Multikey was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultikeyError {
    #[error("the key is not a base58btc multibase value with a key type")]
    Text,
    #[error("the key has another length than its type says")]
    Length,
    #[error("the bytes are not a public key of their type")]
    Invalid,
    #[error("{0} keys are not supported")]
    Unsupported(&'static str),
}

/// Writes a key.
pub(super) fn encode(key: &PublicKey) -> String {
    let (codec, bytes) = match key {
        PublicKey::P256 { x, y } => (P256, compressed(x, y)),
        PublicKey::P384 { x, y } => (P384, compressed(x, y)),
        PublicKey::Ed25519(raw) => (ED25519, raw.to_vec()),
        PublicKey::X25519(raw) => (X25519, raw.to_vec()),
    };
    let mut prefixed = varint::write(codec);
    prefixed.extend(bytes);
    multibase::encode(Base::Base58Btc, prefixed)
}

/// Reads a key; the same key has no second text.
pub(super) fn decode(text: &str) -> Result<Jwk, MultikeyError> {
    let bytes = base58btc(text, MAX_TEXT).ok_or(MultikeyError::Text)?;
    let (codec, raw) = varint::read(&bytes).ok_or(MultikeyError::Text)?;
    let raw32 = || <[u8; 32]>::try_from(raw).map_err(|_| MultikeyError::Length);
    let key = match codec {
        ED25519 => PublicKey::Ed25519(raw32()?),
        X25519 => PublicKey::X25519(raw32()?),
        P256 => p256_point(raw)?,
        P384 => p384_point(raw)?,
        other => return Err(unsupported(other, raw.len())),
    };
    // Through the strict reader, which refuses weak keys too.
    Jwk::from_value(&Jwk::new(key).to_value()).map_err(|_| MultikeyError::Invalid)
}

/// Decodes multibase base58btc of at most `longest` characters: `z` and no other base.
pub(super) fn base58btc(text: &str, longest: usize) -> Option<Vec<u8>> {
    if text.len() > longest || !text.starts_with('z') {
        return None;
    }
    let (base, bytes) = multibase::decode(text).ok()?;
    (base == Base::Base58Btc).then_some(bytes)
}

fn unsupported(codec: u64, length: usize) -> MultikeyError {
    match UNSUPPORTED.iter().find(|(known, _, _)| *known == codec) {
        Some((_, Some(expected), _)) if *expected != length => MultikeyError::Length,
        Some((_, _, name)) => MultikeyError::Unsupported(name),
        None => MultikeyError::Unsupported("these"),
    }
}

/// The prefix of a compressed point says whether y is odd (SEC 1 §2.3.3).
fn compressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    let odd = y.last().is_some_and(|last| last & 1 == 1);
    [&[if odd { 3 } else { 2 }], x].concat()
}

fn p256_point(raw: &[u8]) -> Result<PublicKey, MultikeyError> {
    if raw.len() != 33 {
        return Err(MultikeyError::Length);
    }
    let point =
        p256::PublicKey::from_sec1_bytes(raw).map_err(|_| MultikeyError::Invalid)?.to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(MultikeyError::Invalid) };
    Ok(PublicKey::P256 { x: (*x).into(), y: (*y).into() })
}

fn p384_point(raw: &[u8]) -> Result<PublicKey, MultikeyError> {
    if raw.len() != 49 {
        return Err(MultikeyError::Length);
    }
    let point =
        p384::PublicKey::from_sec1_bytes(raw).map_err(|_| MultikeyError::Invalid)?.to_sec1_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(MultikeyError::Invalid) };
    Ok(PublicKey::P384 { x: (*x).into(), y: (*y).into() })
}
