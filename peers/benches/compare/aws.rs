//! ES256 by aws-lc-rs for ours, as servers have it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use enishi_credential::crypto::{Algorithm, SignatureError, SignatureVerifier, Signer, SignerError};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};

pub(crate) struct AwsVerifier;

impl SignatureVerifier for AwsVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if algorithm != Algorithm::Es256 {
            return Err(SignatureError);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.key.to_bytes())
            .verify(message, signature)
            .map_err(|_| SignatureError)
    }
}

pub(crate) struct AwsSigner {
    public: Jwk,
    pair: EcdsaKeyPair,
}

impl AwsSigner {
    pub(crate) fn new(key: &PrivateJwk) -> Self {
        let public = key.public().clone();
        let raw = public.key.to_bytes();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.secret_bytes(),
            &raw,
        );
        Self { public, pair: pair.expect("a P-256 key") }
    }
}

#[async_trait::async_trait]
impl Signer for AwsSigner {
    fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.map(|it| it.as_ref().to_vec()).map_err(|_| SignerError("aws-lc".to_owned()))
    }
}
