//! `did:jwk`: the base64url of a public JWK is the identifier.

use super::{Relationship, Resolved, can_agree, can_sign, fault};
use crate::encoding::{b64, json};
use crate::jose::jwk::{Jwk, JwkError};
use crate::verdict::{Failure, Verdict};

pub(super) fn create(key: &Jwk) -> String {
    let mut jwk = Jwk::new(key.key.clone());
    jwk.key_use.clone_from(&key.key_use);
    format!("did:jwk:{}", b64::encode(jwk.to_value().to_string()))
}

pub(super) fn resolve(id: &str) -> Verdict<Resolved> {
    let bytes = b64::decode(id)
        .map_err(|_| fault("did_invalid", "the identifier is not base64url without padding"))?;
    let shown =
        json::parse(&bytes).map_err(|_| fault("did_invalid", "the identifier is not a JSON object"))?;
    let key = Jwk::from_value(&shown).map_err(key_fault)?;
    let relationships = relationships(&key)?;
    // The `kid` in the DID is not the name of the verification method, which is always `#0`.
    let key = Jwk { kid: None, ..key };
    Ok(Resolved { key, shown, method_type: "JsonWebKey2020", relationships })
}

/// Why a `publicKeyJwk` was refused, in the codes of this module.
pub(super) fn key_fault(error: JwkError) -> Failure {
    let code = match error {
        JwkError::Private => "did_private_key",
        JwkError::Unsupported => "did_key_unsupported",
        _ => "did_key_invalid",
    };
    fault(code, error.to_string())
}

/// `use: sig` takes key agreement away, `use: enc` everything else; and no key does what its type cannot.
fn relationships(key: &Jwk) -> Verdict<Vec<Relationship>> {
    let (may_sign, may_agree) = match key.key_use.as_deref() {
        None => (true, true),
        Some("sig") => (true, false),
        Some("enc") => (false, true),
        Some(_) => return Err(fault("did_key_invalid", "`use` is neither `sig` nor `enc`")),
    };
    let may_agree = may_agree && can_agree(&key.key);
    let may_sign = may_sign && can_sign(&key.key);
    Ok(Relationship::ALL
        .into_iter()
        .filter(|relationship| match relationship {
            Relationship::KeyAgreement => may_agree,
            _ => may_sign,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Did, DidUrl, resolve_key};

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::jose::jwk::PrivateJwk;

    fn code(jwk: &Value) -> &'static str {
        let did = Did::parse(&format!("did:jwk:{}", b64::encode(jwk.to_string()))).unwrap();
        did.resolve_key(Relationship::Authentication).unwrap_err().code
    }

    #[test]
    fn what_is_created_resolves_to_the_same_key_under_fragment_0() {
        let entropy = SeededEntropy::new("did");
        for key in [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)] {
            let key = key.public().clone().with_kid("a-name-that-is-dropped");
            let url = Did::jwk(&key).verification_method().unwrap();
            assert!(url.as_str().ends_with("#0"));
            let found = resolve_key(&url, Relationship::Authentication).unwrap();
            assert_eq!((found.key, found.kid), (key.key, None));
        }
    }

    #[test]
    fn did_jwk_private_and_symmetric_keys_are_refused() {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("did"));
        assert_eq!(code(&key.to_secret_value()), "did_private_key");
        assert_eq!(code(&json!({"kty": "oct", "k": "AA"})), "did_private_key");
        assert_eq!(code(&json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})), "did_key_unsupported");
    }

    #[test]
    fn did_jwk_padding_other_json_and_other_fragments_are_refused() {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("did"));
        let did = Did::jwk(key.public());
        assert_eq!(Did::parse(&format!("{}=", did.as_str())).unwrap_err().code, "did_invalid");
        for text in ["did:jwk:AAAA", "did:jwk:W10", "did:jwk:YR"] {
            let code = Did::parse(text).unwrap().resolve_key(Relationship::Authentication).unwrap_err().code;
            assert!(["did_invalid", "did_key_invalid"].contains(&code), "{text}: {code}");
        }
        let url = DidUrl::parse(&format!("{}#1", did.as_str())).unwrap();
        assert_eq!(resolve_key(&url, Relationship::Authentication).unwrap_err().code, "did_url_unknown");
    }

    #[test]
    fn use_decides_the_relationships_and_x25519_never_signs() {
        let entropy = SeededEntropy::new("did");
        let p256 = PrivateJwk::generate_p256(&entropy).public().clone();
        let may = |key: &Jwk, what| Did::jwk(key).resolve_key(what).is_ok();
        let (sign, agree) = (Relationship::AssertionMethod, Relationship::KeyAgreement);
        assert!(may(&p256, sign) && may(&p256, agree));
        let sig = p256.clone().for_signature();
        assert!(may(&sig, sign) && !may(&sig, agree));
        let enc = p256.for_encryption();
        assert!(!may(&enc, sign) && may(&enc, agree));
        let x25519 = PrivateJwk::generate_x25519(&entropy).public().clone();
        assert!(!may(&x25519, sign) && may(&x25519, agree));
        let ed25519 = PrivateJwk::generate_ed25519(&entropy).public().clone();
        assert!(may(&ed25519, sign) && !may(&ed25519, agree));
    }

    #[test]
    fn did_jwk_the_same_key_written_otherwise_is_another_did() {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("did"));
        let spaced = key.public().to_value().to_string().replace(':', ": ");
        let other = Did::parse(&format!("did:jwk:{}", b64::encode(spaced))).unwrap();
        assert_ne!(other, Did::jwk(key.public()));
        let resolved = other.resolve_key(Relationship::Authentication).unwrap();
        assert_eq!(resolved.key, key.public().key);
        assert!(other.verification_method().unwrap().as_str().starts_with(other.as_str()));
    }
}
