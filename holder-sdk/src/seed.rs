//! The wallet's seed and what grows from it: a key for each relying party and for each grant.
//!
//! A wallet that is restored from its seed finds the same pairwise DIDs and can still withdraw its grants. Instance
//! keys do not come from the seed: they are fresh, and die with their credential.

use enishi_credential::did::Did;
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;

/// 32 secret bytes from which the wallet's long-lived keys are derived. Belongs into the platform's key store and
/// into the person's encrypted backup, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(Secret<[u8; 32]>);

impl Seed {
    /// A fresh seed.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(entropy::bytes(entropy)))
    }

    /// The seed of a backup.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for a backup.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The key of the pairwise DID for `rp` (linkage protocol §2).
    pub fn pairwise_key(&self, rp: &str) -> PrivateJwk {
        self.derive("enishi/wallet/did/1", &[rp])
    }

    /// The pairwise DID for `rp`: a `did:key`, because it is short and has one spelling.
    pub fn pairwise_did(&self, rp: &str) -> Did {
        Did::key(self.pairwise_key(rp).public())
    }

    /// The key with which the holder looks at, and withdraws, one grant (linkage protocol §6, `grant_jkt`).
    pub fn grant_key(&self, verifier: &str, grant_id: &str) -> PrivateJwk {
        self.derive("enishi/wallet/grant/1", &[verifier, grant_id])
    }

    fn derive(&self, purpose: &str, context: &[&str]) -> PrivateJwk {
        let hkdf = Hkdf::<Sha256>::new(None, self.0.expose());
        for attempt in 0u32.. {
            let mut info = purpose.as_bytes().to_vec();
            for part in context {
                info.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
                info.extend(part.as_bytes());
            }
            info.extend(attempt.to_be_bytes());
            let mut secret = zeroize::Zeroizing::new([0; 32]);
            // 32 bytes are always a valid length for HKDF-SHA-256.
            let _ = hkdf.expand(&info, secret.as_mut());
            // A 256-bit number is outside the group's order once in 2^32: then the next one is taken.
            if let Ok(key) = PrivateJwk::from_p256_secret(&secret) {
                return key;
            }
        }
        unreachable!("one of 2^32 attempts gives a key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_seed_finds_the_same_keys_and_no_two_parties_share_one() {
        let (seed, restored) = (Seed::from_bytes([7; 32]), Seed::from_bytes([7; 32]));
        assert_eq!(seed.pairwise_did("https://a.example"), restored.pairwise_did("https://a.example"));
        assert_ne!(seed.pairwise_did("https://a.example"), seed.pairwise_did("https://b.example"));
        assert_ne!(
            seed.pairwise_did("https://a.example"),
            Seed::from_bytes([8; 32]).pairwise_did("https://a.example")
        );
        let key = |a, b| seed.grant_key(a, b).public().thumbprint();
        assert_ne!(key("v", "1"), key("v", "2"));
        assert_ne!(key("v1", ""), key("v", "1"), "the parts cannot run into each other");
    }

    #[test]
    fn vectors_of_the_keys_that_grow_from_a_seed() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../schemas/vectors/wallet-keys.json")).unwrap();
        let text = file["seed"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
        let seed = Seed::from_bytes(bytes.try_into().unwrap());
        let dids = file["pairwise_dids"].as_array().unwrap();
        for case in dids {
            let rp = case["rp"].as_str().unwrap();
            assert_eq!(seed.pairwise_did(rp).as_str(), case["did"], "{rp}");
            assert_eq!(seed.pairwise_key(rp).to_secret_value()["d"], case["d"], "{rp}");
        }
        let grants = file["grant_keys"].as_array().unwrap();
        for case in grants {
            let [verifier, grant] = ["verifier", "grant_id"].map(|name| case[name].as_str().unwrap());
            let key = seed.grant_key(verifier, grant);
            assert_eq!(key.public().thumbprint().to_string(), case["jkt"], "{verifier} {grant}");
            assert_eq!(key.to_secret_value()["d"], case["d"]);
        }
        assert!(dids.len() == 4 && grants.len() == 3);
    }

    #[test]
    fn threat_22_a_seed_does_not_print() {
        assert_eq!(format!("{:?}", Seed::from_bytes([7; 32])), "Seed(Secret(…))");
    }
}
