//! Nonces that need no table until they are used (threat 12).
//!
//! ```text
//! nonce = base64url( expiry (8 bytes) ‖ random (16 bytes) ‖ HMAC-SHA-256(secret, purpose, expiry, random) )
//! ```
//!
//! Anybody may ask for one without costing a row. A nonce that may be used once (`c_nonce`, OpenID4VCI 1.0 §7) is put into
//! a [`ReplayCache`] when it comes back; one that may be used again while it lives (`DPoP-Nonce`, RFC 9449 §8) is not.

use aws_lc_rs::hmac;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::secret::Secret;
use enishi_credential::time::UnixTime;

use crate::store::{ReplayCache, Seen, StoreError};

const EXPIRY: usize = 8;
const RANDOM: usize = 16;
const MAC: usize = 32;

/// Makes and checks the nonces of one purpose. Nonces of another purpose or of another server's secret are foreign.
pub struct SignedNonces {
    key: hmac::Key,
    purpose: &'static str,
    lifetime: u32,
}

/// Why a nonce is not accepted. All of them mean "take a fresh one" to the sender.
#[derive(Debug, thiserror::Error)]
pub enum NonceError {
    /// Not one of this server's nonces of this purpose.
    #[error("the nonce is not one of this server")]
    Foreign,
    /// Its time is over.
    #[error("the nonce has expired")]
    Expired,
    /// It was used before.
    #[error("the nonce was used before")]
    Used,
    /// The store of used nonces failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignedNonces {
    /// Nonces for `purpose` that live `lifetime` seconds, signed with a secret of the key file.
    pub fn new(secret: &Secret<Vec<u8>>, purpose: &'static str, lifetime: u32) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose()), purpose, lifetime }
    }

    /// How long a nonce lives, in seconds.
    pub fn lifetime(&self) -> u32 {
        self.lifetime
    }

    /// A fresh nonce: 75 characters of base64url, 128 bits of them random.
    pub fn issue(&self, now: UnixTime, entropy: &dyn Entropy) -> String {
        let expiry = now.plus(i64::from(self.lifetime)).secs().to_be_bytes();
        let random = entropy::bytes::<RANDOM>(entropy);
        let mac = hmac::sign(&self.key, &self.message(expiry, &random));
        b64::encode([expiry.as_slice(), &random, mac.as_ref()].concat())
    }

    /// Checks a nonce that may be used again; gives the time at which it expires.
    pub fn check(&self, nonce: &str, now: UnixTime) -> Result<UnixTime, NonceError> {
        let bytes = b64::decode_array::<{ EXPIRY + RANDOM + MAC }>(nonce).map_err(|_| NonceError::Foreign)?;
        let (expiry, rest) = bytes.split_first_chunk::<EXPIRY>().ok_or(NonceError::Foreign)?;
        let (random, mac) = rest.split_first_chunk::<RANDOM>().ok_or(NonceError::Foreign)?;
        hmac::verify(&self.key, &self.message(*expiry, random), mac).map_err(|_| NonceError::Foreign)?;
        let expires_at = UnixTime::from_secs(i64::from_be_bytes(*expiry));
        if now >= expires_at { Err(NonceError::Expired) } else { Ok(expires_at) }
    }

    /// Checks a nonce and uses it up: of all who bring it, one is accepted.
    pub async fn consume(
        &self,
        nonce: &str,
        now: UnixTime,
        used: &dyn ReplayCache,
    ) -> Result<(), NonceError> {
        let expires_at = self.check(nonce, now)?;
        match used.remember(self.purpose, nonce, expires_at, now).await? {
            Seen::Fresh => Ok(()),
            Seen::Before => Err(NonceError::Used),
        }
    }

    /// The fixed-length parts come last, so that no purpose is the beginning of another's message.
    fn message(&self, expiry: [u8; EXPIRY], random: &[u8; RANDOM]) -> Vec<u8> {
        [b"enishi/nonce/1 ", self.purpose.as_bytes(), b"\0", expiry.as_slice(), random].concat()
    }
}

impl std::fmt::Debug for SignedNonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedNonces({}, {} s)", self.purpose, self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;
    use crate::store::{SqlReplayCache, testing};

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn nonces(secret: u8, purpose: &'static str) -> SignedNonces {
        SignedNonces::new(&Secret::new(vec![secret; 32]), purpose, 300)
    }

    #[test]
    fn vci_n12_unknown_expired_and_foreign_nonces_are_refused() {
        let ours = nonces(1, "c_nonce");
        let nonce = ours.issue(NOW, &SeededEntropy::new("nonce"));
        assert_eq!(nonce.len(), 75);
        assert_eq!(ours.check(&nonce, NOW).unwrap(), NOW.plus(300));
        assert!(ours.check(&nonce, NOW.plus(299)).is_ok());
        assert!(matches!(ours.check(&nonce, NOW.plus(300)), Err(NonceError::Expired)));
        assert!(
            matches!(nonces(2, "c_nonce").check(&nonce, NOW), Err(NonceError::Foreign)),
            "another server"
        );
        assert!(matches!(nonces(1, "dpop").check(&nonce, NOW), Err(NonceError::Foreign)), "another purpose");
        for text in ["", "abc", &nonce[1..], &format!("{nonce}A"), &"A".repeat(75)] {
            assert!(matches!(ours.check(text, NOW), Err(NonceError::Foreign)), "{text}");
        }
    }

    #[tokio::test]
    async fn threat_4_a_one_time_nonce_is_accepted_once() {
        for given in testing::stores("nonce").await {
            let (ours, used) = (nonces(1, "c_nonce"), SqlReplayCache::new(&given.store));
            let nonce = ours.issue(NOW, &SeededEntropy::new("once"));
            ours.consume(&nonce, NOW, &used).await.unwrap();
            assert!(matches!(ours.consume(&nonce, NOW, &used).await, Err(NonceError::Used)));
            // Also after the row could have been purged: then its time is over.
            used.purge(NOW.plus(300)).await.unwrap();
            assert!(matches!(ours.consume(&nonce, NOW.plus(300), &used).await, Err(NonceError::Expired)));
        }
    }

    proptest! {
        #[test]
        fn any_changed_character_is_foreign(at in 0_usize..75, with in "[A-Za-z0-9_-]") {
            let ours = nonces(1, "c_nonce");
            let nonce = ours.issue(NOW, &SeededEntropy::new("nonce"));
            let mut changed = nonce.clone();
            changed.replace_range(at..=at, &with);
            prop_assume!(changed != nonce);
            prop_assert!(matches!(ours.check(&changed, NOW), Err(NonceError::Foreign)));
        }
    }
}
