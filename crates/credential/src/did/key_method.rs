//! `did:key`: the identifier is the Multikey of the one key.

use super::multikey::{self, MultikeyError};
use super::{Relationship, Resolved, can_sign, fault};
use crate::jose::jwk::Jwk;
use crate::verdict::Verdict;

pub(super) fn create(key: &Jwk) -> String {
    format!("did:key:{}", multikey::encode(&key.key))
}

pub(super) fn resolve(id: &str) -> Verdict<Resolved> {
    // `did:key:1:z…` names version 1, which is the default; a DID is compared as text, so only one form is taken.
    if id.contains(':') {
        return Err(fault("did_invalid", "a did:key with a version part is not accepted"));
    }
    let key = multikey::decode(id).map_err(|error| {
        let code = match error {
            MultikeyError::Text => "did_invalid",
            MultikeyError::Length => "did_key_length",
            MultikeyError::Invalid => "did_key_invalid",
            MultikeyError::Unsupported(_) => "did_key_unsupported",
        };
        fault(code, error.to_string())
    })?;
    let relationships = if can_sign(&key.key) {
        // X25519 is not derived from Ed25519 (`enableEncryptionKeyDerivation` is off).
        Relationship::ALL.into_iter().filter(|what| *what != Relationship::KeyAgreement).collect()
    } else {
        vec![Relationship::KeyAgreement]
    };
    Ok(Resolved { shown: key.to_value(), key, method_type: "JsonWebKey", relationships })
}

#[cfg(test)]
mod tests {
    use multibase::Base;
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
        assert_eq!(code(&[0x81, 0x24], &[2; 33]), "did_key_length");
        assert_eq!(code(&[0x81, 0x24], &[4; 49]), "did_key_invalid");
        // secp256k1: known, and not supported.
        assert_eq!(code(&[0xe7, 0x01], &[2; 33]), "did_key_unsupported");
        assert_eq!(code(&[0xe7, 0x01], &[2; 32]), "did_key_length");
        // A type that nobody has registered.
        assert_eq!(code(&[0xff, 0x7f], &[2; 32]), "did_key_unsupported");
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
