//! Values that are computed from others with the issuer's secret `k_state`, so that they need not be stored: the codes of
//! an offer, nonces, form tokens.

use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::secret::Secret;
use enishi_credential::time::UnixTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The key of these derivations. It can be rotated: open logins, offers and nonces are lost then, nothing else.
#[derive(Debug, Clone)]
pub(crate) struct StateKey(Secret<Vec<u8>>);

impl StateKey {
    /// The key of these secret bytes.
    pub(crate) fn new(secret: Vec<u8>) -> Self {
        Self(Secret::new(secret))
    }

    /// HMAC-SHA-256 over the purpose and the parts, each with its length, in base64url.
    pub(crate) fn derive(&self, purpose: &str, parts: &[&str]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
            unreachable!("HMAC takes a key of any length")
        };
        for part in std::iter::once(purpose).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        b64::encode(mac.finalize().into_bytes())
    }

    /// Compares in constant time.
    pub(crate) fn check(&self, purpose: &str, parts: &[&str], claimed: &str) -> bool {
        self.derive(purpose, parts).as_bytes().ct_eq(claimed.as_bytes()).into()
    }

    /// A value of our own that says when it ends: `<seconds>.<random>.<mac>`. Nothing is stored before it is spent, so
    /// that anonymous calls cannot fill a table (threat 12).
    pub(crate) fn issue_nonce(&self, purpose: &str, expires_at: UnixTime, entropy: &dyn Entropy) -> String {
        let end = expires_at.secs().to_string();
        let random = b64::encode(entropy::bytes::<16>(entropy));
        let mac = self.derive(purpose, &[&end, &random]);
        format!("{end}.{random}.{mac}")
    }

    /// When a value of [`Self::issue_nonce`] ends; `None` if it is not ours or over.
    pub(crate) fn check_nonce(&self, purpose: &str, nonce: &str, now: UnixTime) -> Option<UnixTime> {
        let mut parts = nonce.split('.');
        let (end, random, mac) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !self.check(purpose, &[end, random], mac) {
            return None;
        }
        let expires_at = UnixTime::from_secs(end.parse().ok()?);
        (expires_at > now).then_some(expires_at)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;

    fn key(byte: u8) -> StateKey {
        StateKey::new(vec![byte; 32])
    }

    #[test]
    fn purposes_parts_and_keys_do_not_mix() {
        let one = key(1).derive("a", &["b", "c"]);
        for other in [
            key(2).derive("a", &["b", "c"]),
            key(1).derive("b", &["b", "c"]),
            key(1).derive("a", &["bc"]),
            key(1).derive("a", &["b", "c", ""]),
            key(1).derive("ab", &["", "c"]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn threat_12_a_nonce_is_ours_in_time_and_for_its_purpose() {
        let (start, end) = (UnixTime::from_secs(100), UnixTime::from_secs(400));
        let nonce = key(1).issue_nonce("c_nonce", end, &SeededEntropy::new("n"));
        assert_eq!(key(1).check_nonce("c_nonce", &nonce, start), Some(end));
        assert_eq!(key(1).check_nonce("c_nonce", &nonce, end), None, "over");
        assert_eq!(key(2).check_nonce("c_nonce", &nonce, start), None, "foreign");
        assert_eq!(key(1).check_nonce("other", &nonce, start), None, "another purpose");
        let longer = nonce.replacen("400.", "900.", 1);
        assert_eq!(key(1).check_nonce("c_nonce", &longer, start), None, "changed");
        for odd in ["", ".", "..", "a.b.c.d", "400.a.b"] {
            assert_eq!(key(1).check_nonce("c_nonce", odd, start), None, "{odd}");
        }
    }
}
