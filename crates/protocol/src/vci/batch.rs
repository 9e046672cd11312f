//! Which subject each key of a batch gets (linkage protocol §5).
//!
//! One request may carry one proof by the pairwise DID and n proofs by bare instance keys: n+1 credentials, all with
//! that DID as subject. Without a DID proof each credential's subject is the `did:jwk` of its own key, and where
//! every proof is by a DID each has its own, so that any standard wallet works.

use std::collections::BTreeSet;

use enishi_credential::did::Did;
use enishi_credential::jose::jwk::Jwk;

use super::proof::VerifiedKeyProof;
use crate::oauth::{ErrorCode, OAuthError};

/// One credential to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    /// The instance key, for `cnf`.
    pub key: Jwk,
    /// The subject.
    pub sub: Did,
}

/// The credentials of one request, in the order of the proofs, and the nonces to spend before issuing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPlan {
    /// The credentials.
    pub items: Vec<BatchItem>,
    /// The distinct nonces of the proofs.
    pub nonces: BTreeSet<String>,
}

impl BatchPlan {
    /// Decides about verified proofs.
    ///
    /// # Errors
    /// `invalid_proof` if there is none, if a key occurs twice (each key binds one credential, OpenID4VCI 1.0 §8.3), or if
    /// several DIDs come together with bare keys, so that their subject would be a guess.
    pub fn new(proofs: Vec<VerifiedKeyProof>) -> Result<Self, OAuthError> {
        let refuse = |text: &str| Err(OAuthError::new(ErrorCode::InvalidProof, text));
        if proofs.is_empty() {
            return refuse("there is no key proof");
        }
        let thumbprints: BTreeSet<_> = proofs.iter().map(|proof| proof.key.thumbprint()).collect();
        if thumbprints.len() != proofs.len() {
            return refuse("a key is proven twice: each credential needs a key of its own");
        }
        let mut dids = proofs.iter().filter_map(|proof| proof.did.as_ref());
        let shared = match (dids.next(), dids.next()) {
            (Some(only), None) => Some(only.clone()),
            (Some(_), Some(_)) if proofs.iter().any(|proof| proof.did.is_none()) => {
                return refuse("several DIDs beside bare keys: send one DID for the whole batch");
            }
            _ => None,
        };
        let nonces = proofs.iter().filter_map(|proof| proof.nonce.clone()).collect();
        let items = proofs
            .into_iter()
            .map(|proof| {
                let own = proof.did.unwrap_or_else(|| Did::jwk(&proof.key));
                BatchItem { sub: shared.clone().unwrap_or(own), key: proof.key }
            })
            .collect();
        Ok(Self { items, nonces })
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;

    use super::*;

    fn key(seed: &str) -> Jwk {
        PrivateJwk::generate_p256(&SeededEntropy::new(seed)).public().clone()
    }

    fn bare(seed: &str) -> VerifiedKeyProof {
        VerifiedKeyProof { key: key(seed), did: None, nonce: Some("n".to_owned()) }
    }

    fn by_did(seed: &str) -> VerifiedKeyProof {
        VerifiedKeyProof { did: Some(Did::key(&key(seed))), ..bare(seed) }
    }

    #[test]
    fn one_did_is_the_subject_of_the_whole_batch_its_own_key_included() {
        let plan = BatchPlan::new(vec![bare("a"), by_did("d"), bare("b")]).unwrap();
        let did = Did::key(&key("d"));
        assert!(plan.items.iter().all(|item| item.sub == did));
        let keys: Vec<_> = plan.items.iter().map(|item| item.key.clone()).collect();
        assert_eq!(keys, vec![key("a"), key("d"), key("b")], "n+1 credentials in the order of the proofs");
        assert_eq!(plan.nonces.len(), 1);
    }

    #[test]
    fn without_a_did_each_key_is_its_own_subject() {
        let plan = BatchPlan::new(vec![bare("a"), bare("b")]).unwrap();
        let subjects: Vec<_> = plan.items.iter().map(|item| item.sub.clone()).collect();
        assert_eq!(subjects, vec![Did::jwk(&key("a")), Did::jwk(&key("b"))]);
        let dids = BatchPlan::new(vec![by_did("a"), by_did("b")]).unwrap();
        assert_ne!(dids.items[0].sub, dids.items[1].sub);
    }

    #[test]
    fn vci_66_ambiguity_and_repeated_keys_are_refused() {
        for bad in [vec![], vec![bare("a"), bare("a")], vec![by_did("a"), by_did("b"), bare("c")]] {
            assert_eq!(BatchPlan::new(bad).unwrap_err().code, ErrorCode::InvalidProof);
        }
    }
}
