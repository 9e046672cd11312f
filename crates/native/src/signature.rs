//! Signatures by aws-lc-rs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm,
};
use curve25519_dalek::constants::EIGHT_TORSION;
use enishi_credential::crypto::{Algorithm, SignatureError, SignatureVerifier, Signer, SignerError};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk, PublicKey};

/// Signs with a private key in memory, by aws-lc-rs.
pub struct AwsSigner {
    public: Jwk,
    key: KeyPair,
}

enum KeyPair {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl AwsSigner {
    /// A signer for `key`; `None` if the key is for key agreement.
    pub fn new(key: &PrivateJwk) -> Option<Self> {
        let public = key.public();
        if public.key_use.as_deref().is_some_and(|key_use| key_use != "sig") {
            return None;
        }
        let raw = public.key.to_bytes();
        let pair = match public.key {
            PublicKey::P256 { .. } => KeyPair::Es256(
                EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    key.secret_bytes(),
                    &raw,
                )
                .ok()?,
            ),
            PublicKey::Ed25519(_) => {
                KeyPair::Ed25519(Ed25519KeyPair::from_seed_and_public_key(key.secret_bytes(), &raw).ok()?)
            }
            PublicKey::P384 { .. } | PublicKey::X25519(_) => return None,
        };
        Some(Self { public: public.clone(), key: pair })
    }
}

impl std::fmt::Debug for AwsSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AwsSigner({:?})", self.public.kid)
    }
}

#[async_trait]
impl Signer for AwsSigner {
    fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    fn algorithm(&self) -> Algorithm {
        match self.key {
            KeyPair::Es256(_) => Algorithm::Es256,
            KeyPair::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        match &self.key {
            KeyPair::Es256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignerError("aws-lc".into())),
            KeyPair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// Checks signatures by aws-lc-rs.
///
/// Keys that have a `kid`, which is to say published ones, come again and again: what aws-lc makes of them is kept for the
/// next signature. A key that comes inside of a token has no `kid` as a rule, and is read anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsVerifier;

/// How many published keys are kept; all are forgotten when there are more.
const KEPT: usize = 1024;

/// What aws-lc made of published keys. One for the process: it depends on nothing but the keys.
static PUBLISHED: LazyLock<RwLock<HashMap<PublicKey, Arc<ParsedPublicKey>>>> = LazyLock::new(RwLock::default);

/// Whether the point with which an Ed25519 signature begins is of low order. Only who has the private key can make such a
/// signature; but libraries do not agree about it, and what one of our backends refuses, both do. aws-lc itself takes a
/// point in no encoding but these.
fn has_low_order(signature: &[u8]) -> bool {
    static POINTS: LazyLock<[[u8; 32]; 8]> =
        LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));
    POINTS.iter().any(|point| signature.starts_with(point))
}

/// A published key as aws-lc reads it.
fn published(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &PublicKey,
) -> Result<Arc<ParsedPublicKey>, SignatureError> {
    if let Ok(kept) = PUBLISHED.read()
        && let Some(found) = kept.get(key)
    {
        return Ok(Arc::clone(found));
    }
    let parsed = ParsedPublicKey::new(algorithm, key.to_bytes()).map_err(|_| SignatureError)?;
    let parsed = Arc::new(parsed);
    if let Ok(mut kept) = PUBLISHED.write() {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.clone(), Arc::clone(&parsed));
    }
    Ok(parsed)
}

impl SignatureVerifier for AwsVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        // A key is of one algorithm here, so a kept key is never used with another.
        let by: &'static dyn VerificationAlgorithm = match (algorithm, &key.key) {
            (Algorithm::Es256, PublicKey::P256 { .. }) => &ECDSA_P256_SHA256_FIXED,
            (Algorithm::Es384, PublicKey::P384 { .. }) => &ECDSA_P384_SHA384_FIXED,
            (Algorithm::EdDsa, PublicKey::Ed25519(_)) => &ED25519,
            _ => return Err(SignatureError),
        };
        if algorithm == Algorithm::EdDsa && has_low_order(signature) {
            return Err(SignatureError);
        }
        let held = if key.kid.is_some() {
            published(by, &key.key)?.verify_sig(message, signature)
        } else {
            UnparsedPublicKey::new(by, key.key.to_bytes()).verify(message, signature)
        };
        held.map_err(|_| SignatureError)
    }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::scalar::{Scalar, clamp_integer};
    use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
    use enishi_credential::entropy::SeededEntropy;
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha512};

    use super::*;
    fn keys() -> [PrivateJwk; 2] {
        let entropy = SeededEntropy::new("signature");
        [PrivateJwk::generate_p256(&entropy), PrivateJwk::generate_ed25519(&entropy)]
    }

    #[tokio::test]
    async fn both_backends_accept_each_other_and_nothing_else() {
        for key in keys() {
            let (aws, rust) = (AwsSigner::new(&key).unwrap(), SoftwareSigner::new(key.clone()).unwrap());
            assert_eq!(aws.public_jwk(), rust.public_jwk());
            assert_eq!(aws.algorithm(), rust.algorithm());
            let other = PrivateJwk::generate_p256(&SeededEntropy::new("other"));
            for signature in [aws.sign(b"message").await.unwrap(), rust.sign(b"message").await.unwrap()] {
                assert_eq!(signature.len(), 64);
                let verifiers: [&dyn SignatureVerifier; 2] = [&AwsVerifier, &RustCryptoVerifier];
                for verifier in verifiers {
                    let verify = |key: &Jwk, message: &[u8], signature: &[u8]| {
                        verifier.verify(aws.algorithm(), key, message, signature)
                    };
                    assert_eq!(verify(key.public(), b"message", &signature), Ok(()));
                    assert_eq!(verify(key.public(), b"massage", &signature), Err(SignatureError));
                    assert_eq!(verify(other.public(), b"message", &signature), Err(SignatureError));
                    assert_eq!(verify(key.public(), b"message", &signature[..63]), Err(SignatureError));
                    let mut long = signature.clone();
                    long.push(0);
                    assert_eq!(verify(key.public(), b"message", &long), Err(SignatureError));
                }
            }
        }
    }

    fn published(key: &PrivateJwk) -> PrivateJwk {
        let mut value = key.to_secret_value();
        value["kid"] = "published".into();
        PrivateJwk::from_value(&value).unwrap()
    }

    /// A named key is kept: the second signature is checked with what the first one left.
    #[tokio::test]
    async fn a_key_that_was_kept_checks_as_before_and_only_its_own_signatures() {
        let keys: Vec<PrivateJwk> = keys().iter().map(published).collect();
        for (key, other) in keys.iter().zip(keys.iter().rev()) {
            let signer = AwsSigner::new(key).unwrap();
            let signature = signer.sign(b"message").await.unwrap();
            for _ in 0..3 {
                let verify = |key: &Jwk, message: &[u8]| {
                    AwsVerifier.verify(signer.algorithm(), key, message, &signature)
                };
                assert_eq!(verify(key.public(), b"message"), Ok(()));
                assert_eq!(verify(key.public(), b"massage"), Err(SignatureError));
                assert_eq!(verify(other.public(), b"message"), Err(SignatureError));
            }
            assert!(PUBLISHED.read().unwrap().contains_key(&key.public().key));
        }
        // Names are the senders' to choose; room is ours.
        for number in 0..=KEPT {
            let entropy = SeededEntropy::new(&number.to_string());
            let key = published(&PrivateJwk::generate_ed25519(&entropy));
            let _ = AwsVerifier.verify(Algorithm::EdDsa, key.public(), b"", &[0; 64]);
        }
        assert!(PUBLISHED.read().unwrap().len() <= KEPT);
    }

    #[test]
    fn an_algorithm_and_a_key_of_another_do_not_meet() {
        let [p256, ed25519] = keys();
        for (algorithm, key) in [(Algorithm::EdDsa, &p256), (Algorithm::Es256, &ed25519)] {
            assert_eq!(AwsVerifier.verify(algorithm, key.public(), b"", &[0; 64]), Err(SignatureError));
        }
        let entropy = SeededEntropy::new("enc");
        let mut value = PrivateJwk::generate_p256(&entropy).to_secret_value();
        value["use"] = "enc".into();
        let for_agreement = PrivateJwk::from_value(&value).unwrap();
        for key in [for_agreement, PrivateJwk::generate_x25519(&entropy)] {
            assert!(AwsSigner::new(&key).is_none());
        }
    }

    #[test]
    fn es384_is_checked_alike_by_both_backends() {
        // RFC 6979 A.2.6, SHA-384, "sample".
        let key = Jwk::from_value(&serde_json::json!({"kty": "EC", "crv": "P-384",
            "x": "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
            "y": "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg"}))
        .unwrap();
        let hex = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c\
                   81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f\
                   130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8";
        let signature: Vec<u8> =
            (0..96).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
        let verifiers: [&dyn SignatureVerifier; 2] = [&AwsVerifier, &RustCryptoVerifier];
        for verifier in verifiers {
            assert_eq!(verifier.verify(Algorithm::Es384, &key, b"sample", &signature), Ok(()));
            for at in 0..signature.len() {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                assert!(verifier.verify(Algorithm::Es384, &key, b"sample", &changed).is_err(), "{at}");
            }
            for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
                assert!(verifier.verify(algorithm, &key, b"sample", &signature).is_err());
            }
        }
    }

    /// A signature that the equation of RFC 8032 holds for, and that begins with a point of low order.
    #[test]
    fn a_point_of_low_order_gets_the_same_verdict_from_both() {
        let key = PrivateJwk::generate_ed25519(&SeededEntropy::new("low order"));
        let seed = Sha512::digest(key.secret_bytes());
        let secret = Scalar::from_bytes_mod_order(clamp_integer(seed[..32].try_into().unwrap()));
        let mut held = 0;
        for (point, message) in EIGHT_TORSION.iter().flat_map(|point| (0..64_u8).map(move |m| (point, [m]))) {
            let point = point.compress().to_bytes();
            let hash = Sha512::digest([&point, &*key.public().key.to_bytes(), &message].concat());
            let response = Scalar::from_bytes_mod_order_wide(&hash.into()) * secret;
            let signature = [point, response.to_bytes()].concat();
            held += u8::from(
                UnparsedPublicKey::new(&ED25519, key.public().key.to_bytes())
                    .verify(&message, &signature)
                    .is_ok(),
            );
            let verifiers: [&dyn SignatureVerifier; 2] = [&AwsVerifier, &RustCryptoVerifier];
            for verifier in verifiers {
                let verdict = verifier.verify(Algorithm::EdDsa, key.public(), &message, &signature);
                assert_eq!(verdict, Err(SignatureError));
            }
        }
        assert!(held > 0, "aws-lc by itself takes some of them");
    }

    proptest! {
        #[test]
        fn any_bytes_get_the_same_verdict_from_both(signature in proptest::collection::vec(any::<u8>(), 0..70)) {
            for (key, algorithm) in keys().iter().zip([Algorithm::Es256, Algorithm::EdDsa]) {
                let aws = AwsVerifier.verify(algorithm, key.public(), b"m", &signature);
                let rust = RustCryptoVerifier.verify(algorithm, key.public(), b"m", &signature);
                prop_assert_eq!(aws, rust);
            }
        }
    }
}
