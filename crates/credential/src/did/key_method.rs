//! `did:key`: multibase base58btc of a multicodec key type (an unsigned varint) and the key's bytes.

use multibase::Base;
use p256::elliptic_curve::sec1::ToSec1Point as _;

use super::{Relationship, Resolved, can_sign, fault};
use crate::jose::jwk::{Jwk, JwkError, PublicKey};
use crate::verdict::Verdict;

/// Multicodec `p256-pub`: a compressed point.
const P256: u64 = 0x1200;
/// Multicodec `p384-pub`: a compressed point.
const P384: u64 = 0x1201;
/// Multicodec `ed25519-pub`.
const ED25519: u64 = 0xed;
/// Multicodec `x25519-pub`.
const X25519: u64 = 0xec;

pub(super) fn create(key: &Jwk) -> String {
    let (codec, bytes) = match &key.key {
        PublicKey::P256 { x, y } => (P256, compressed(x, y)),
        PublicKey::P384 { x, y } => (P384, compressed(x, y)),
        PublicKey::Ed25519(raw) => (ED25519, raw.to_vec()),
        PublicKey::X25519(raw) => (X25519, raw.to_vec()),
    };
    let mut prefixed = write_varint(codec);
    prefixed.extend(bytes);
    format!("did:key:{}", multibase::encode(Base::Base58Btc, prefixed))
}

/// The prefix of a compressed point says whether y is odd (SEC 1 §2.3.3).
fn compressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    let odd = y.last().is_some_and(|last| last & 1 == 1);
    [&[if odd { 3 } else { 2 }], x].concat()
}

pub(super) fn resolve(id: &str) -> Verdict<Resolved> {
    // `did:key:1:z…` names version 1, which is the default; a DID is compared as text, so only one form is taken.
    if id.contains(':') {
        return Err(fault("did_invalid", "a did:key with a version part is not accepted"));
    }
    // Base58 takes quadratic time; the longest supported key has 49 characters.
    if !id.starts_with('z') || id.len() > 64 {
        return Err(fault(
            "did_invalid",
            "the identifier is not a base58btc multibase value of a supported key",
        ));
    }
    let (base, bytes) = multibase::decode(id)
        .map_err(|_| fault("did_invalid", "the identifier is not a base58btc multibase value"))?;
    if base != Base::Base58Btc {
        return Err(fault("did_invalid", "the identifier is not base58btc"));
    }
    let (codec, raw) =
        read_varint(&bytes).ok_or_else(|| fault("did_invalid", "the key type is not a minimal varint"))?;
    let key = public_key(codec, raw)?;
    let relationships = if can_sign(&key) {
        Relationship::ALL.into_iter().filter(|what| *what != Relationship::KeyAgreement).collect()
    } else {
        vec![Relationship::KeyAgreement]
    };
    let key = Jwk::new(key);
    // Round trip through the strict reader: it refuses weak keys too.
    let shown = key.to_value();
    let key =
        Jwk::from_value(&shown).map_err(|error: JwkError| fault("did_key_invalid", error.to_string()))?;
    Ok(Resolved { key, shown, method_type: "JsonWebKey", relationships })
}

fn public_key(codec: u64, raw: &[u8]) -> Verdict<PublicKey> {
    let length = || fault("did_key_length", "the key has another length than its type says");
    let raw32 = || <[u8; 32]>::try_from(raw).map_err(|_| length());
    match codec {
        ED25519 => Ok(PublicKey::Ed25519(raw32()?)),
        X25519 => Ok(PublicKey::X25519(raw32()?)),
        P256 => {
            if raw.len() != 33 {
                return Err(length());
            }
            let invalid = || fault("did_key_invalid", "the bytes are not a compressed point of P-256");
            let point = p256::PublicKey::from_sec1_bytes(raw).map_err(|_| invalid())?.to_sec1_point(false);
            let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(invalid()) };
            Ok(PublicKey::P256 { x: (*x).into(), y: (*y).into() })
        }
        _ => Err(fault("did_key_unsupported", "the key type is not P-256, Ed25519 or X25519")),
    }
}

/// LEB128 as multiformats uses it.
fn write_varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// The varint at the start of `bytes`, and the rest. `None` for one that is cut off, has more than nine bytes, or is
/// longer than needed: a second way to write the same key would be a second DID for it.
fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let minimal = *byte != 0 || at == 0;
            return if minimal { Some((value, bytes.get(at + 1..)?)) } else { None };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Did, DidUrl, resolve_key};
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::PrivateJwk;

    fn code(codec: &[u8], raw: &[u8]) -> &'static str {
        let did = format!("did:key:{}", multibase::encode(Base::Base58Btc, [codec, raw].concat()));
        Did::parse(&did).unwrap().resolve_key(Relationship::Authentication).unwrap_err().code
    }

    #[test]
    fn what_is_created_resolves_to_the_same_key_under_its_multibase_fragment() {
        let entropy = SeededEntropy::new("did:key");
        for key in [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)] {
            let did = Did::key(key.public());
            let url = did.verification_method().unwrap();
            assert_eq!(url.as_str(), format!("{}#{}", did.as_str(), &did.as_str()["did:key:".len()..]));
            assert_eq!(resolve_key(&url, Relationship::Authentication).unwrap(), *key.public());
        }
    }

    #[test]
    fn did_key_x25519_is_for_key_agreement_only() {
        let key = PrivateJwk::generate_x25519(&SeededEntropy::new("x"));
        let did = Did::key(key.public());
        assert_eq!(did.resolve_key(Relationship::Authentication).unwrap_err().code, "did_relationship");
        assert_eq!(did.resolve_key(Relationship::KeyAgreement).unwrap(), *key.public());
    }

    #[test]
    fn did_key_wrong_lengths_points_and_codecs_are_refused() {
        assert_eq!(code(&[0xed, 0x01], &[1; 31]), "did_key_length");
        assert_eq!(code(&[0xed, 0x01], &[1; 33]), "did_key_length");
        assert_eq!(code(&[0x80, 0x24], &[2; 32]), "did_key_length");
        // 0x05… as x has no point on the curve, and 4 is not a prefix of a compressed point.
        assert_eq!(code(&[0x80, 0x24], &[4; 33]), "did_key_invalid");
        // The identity element of Ed25519 is a weak key.
        assert_eq!(code(&[0xed, 0x01], &[&[1], [0; 31].as_slice()].concat()), "did_key_invalid");
        assert_eq!(code(&[0xe7, 0x01], &[2; 33]), "did_key_unsupported");
        // A varint that is longer than needed, and one that never ends.
        assert_eq!(code(&[0xed, 0x81, 0x00], &[1; 32]), "did_invalid");
        assert_eq!(code(&[0xff; 12], &[]), "did_invalid");
    }

    #[test]
    fn did_key_other_bases_versions_and_cases_are_refused() {
        let did = Did::key(PrivateJwk::generate_ed25519(&SeededEntropy::new("k")).public());
        let value = did.as_str().strip_prefix("did:key:").unwrap();
        for text in [format!("did:KEY:{value}"), format!("DID:key:{value}"), "did:key:".to_owned()] {
            assert_eq!(Did::parse(&text).unwrap_err().code, "did_invalid", "{text}");
        }
        for text in [format!("did:key:u{value}"), format!("did:key:0:{value}"), "did:key:zO0Il".to_owned()] {
            let failure = Did::parse(&text).unwrap().resolve_key(Relationship::Authentication).unwrap_err();
            assert_eq!(failure.code, "did_invalid", "{text}");
        }
        let url = DidUrl::parse(&format!("{}#0", did.as_str())).unwrap();
        assert_eq!(resolve_key(&url, Relationship::Authentication).unwrap_err().code, "did_url_unknown");
    }

    proptest! {
        #[test]
        fn varints_round_trip(value in 0u64..(1 << 62)) {
            let mut bytes = write_varint(value);
            bytes.push(7);
            prop_assert_eq!(read_varint(&bytes), Some((value, [7].as_slice())));
        }

        #[test]
        fn reading_a_did_never_panics(text: String, id in "[1-9A-Za-z]{0,70}") {
            let _ = Did::parse(&text);
            let _ = DidUrl::parse(&text);
            for method in ["key:z", "jwk:"] {
                if let Ok(did) = Did::parse(&format!("did:{method}{id}")) {
                    let _ = did.resolve_key(Relationship::Authentication);
                }
            }
        }
    }
}
