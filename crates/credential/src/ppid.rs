//! Pairwise pseudonymous identifiers: the same person is another string to every relying party.
//!
//! A PPID is derived and never stored (linkage protocol §2):
//!
//! ```text
//! base64url(HMAC-SHA-256(k_ppid, "enishi/ppid/1" ‖ len(iss) iss ‖ len(sector) sector ‖ len(acct) acct))
//! ```
//!
//! `iss` and `acct` are the account at the identity provider behind the issuer (its `iss` and `sub`), `sector` is the
//! relying party's sector identifier. Every `len` is the number of bytes as a four-byte big-endian integer, so that no
//! two different inputs have the same text.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::encoding::b64;
use crate::secret::{Personal, Secret};

/// The shortest derivation key that is accepted, in bytes.
pub const MIN_KEY_LENGTH: usize = 32;

/// A derivation key is shorter than [`MIN_KEY_LENGTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a derivation key has at least 32 bytes")]
pub struct KeyTooShort;

/// A person's account at the identity provider to which the issuer delegates login.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UpstreamAccount {
    /// The identity provider's `iss`.
    pub iss: String,
    /// The account's `sub` there.
    pub sub: Personal<String>,
}

impl UpstreamAccount {
    /// The account `sub` at the provider `iss`.
    pub fn new(iss: impl Into<String>, sub: impl Into<String>) -> Self {
        Self { iss: iss.into(), sub: Personal::new(sub.into()) }
    }
}

/// A pairwise pseudonymous identifier (OpenID Connect Core 1.0 §8.1). Personal data: it is written into messages for
/// its relying party and cannot be printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ppid(Personal<String>);

/// A text that no PPID looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PPID has 1 to 255 visible ASCII characters")]
pub struct NotAPpid;

impl Ppid {
    /// Reads a PPID: 1 to 255 visible ASCII characters (OpenID Connect Core 1.0 §2, `sub`), so that it is safe in a
    /// header field.
    ///
    /// # Errors
    /// [`NotAPpid`].
    pub fn parse(text: impl Into<String>) -> Result<Self, NotAPpid> {
        let text = text.into();
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > 255 || !visible {
            return Err(NotAPpid);
        }
        Ok(Self(Personal::new(text)))
    }

    /// The text itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Ppid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ppid(…)")
    }
}

impl TryFrom<String> for Ppid {
    type Error = NotAPpid;

    fn try_from(text: String) -> Result<Self, NotAPpid> {
        Self::parse(text)
    }
}

impl From<Ppid> for String {
    fn from(ppid: Ppid) -> Self {
        ppid.0.into_inner()
    }
}

/// `k_ppid`: an issuer secret that is never rotated, so that losing a wallet does not lose an account.
#[derive(Debug, Clone)]
pub struct PpidKey(Secret<Vec<u8>>);

impl PpidKey {
    /// The key of these secret bytes.
    ///
    /// # Errors
    /// [`KeyTooShort`] for fewer than [`MIN_KEY_LENGTH`] bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, KeyTooShort> {
        let secret = Secret::new(secret.into());
        if secret.expose().len() < MIN_KEY_LENGTH {
            return Err(KeyTooShort);
        }
        Ok(Self(secret))
    }

    /// The PPID of `account` for the relying party whose sector identifier is `sector` (by default its `rp` id).
    pub fn derive(&self, account: &UpstreamAccount, sector: &str) -> Ppid {
        // HMAC takes a key of any length: longer ones are hashed first, as RFC 2104 says.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(b"enishi/ppid/1");
        for part in [account.iss.as_str(), sector, account.sub.expose()] {
            mac.update(&length_prefix(part.len()));
            mac.update(part.as_bytes());
        }
        Ppid(Personal::new(b64::encode(mac.finalize().into_bytes())))
    }
}

/// The length of a part of a hashed text: four bytes, big-endian. A part of 4 GiB or more does not occur.
pub(crate) fn length_prefix(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    fn key() -> PpidKey {
        PpidKey::new(*b"0123456789abcdef0123456789abcdef").unwrap()
    }

    #[test]
    fn known_answer() {
        let account = UpstreamAccount::new("https://idp.example", "resident-1");
        let ppid = key().derive(&account, "https://health.example");
        // HMAC written out by hand (RFC 2104), over the input written out by hand.
        let text =
            b"enishi/ppid/1\0\0\0\x13https://idp.example\0\0\0\x16https://health.example\0\0\0\x0aresident-1";
        let mut pads = ([0x36_u8; 64], [0x5c_u8; 64]);
        for (at, byte) in b"0123456789abcdef0123456789abcdef".iter().enumerate() {
            pads.0[at] ^= byte;
            pads.1[at] ^= byte;
        }
        let inner = Sha256::new().chain_update(pads.0).chain_update(text).finalize();
        let outer = Sha256::new().chain_update(pads.1).chain_update(inner).finalize();
        assert_eq!(ppid.expose(), b64::encode(outer));
        assert_eq!(ppid.expose(), KNOWN_ANSWER);
    }

    /// So that a change of the derivation, which would lose every account, cannot pass unseen.
    const KNOWN_ANSWER: &str = "_HWS8aL219YkYVRKmFkDTzRuFbbnh1aen1X9H3rEsn8";

    #[test]
    fn threat_22_a_ppid_does_not_print() {
        let account = UpstreamAccount::new("https://idp.example", "resident-1");
        let ppid = key().derive(&account, "https://health.example");
        let shown = format!("{ppid:?} {account:?} {:?}", key());
        assert!(!shown.contains(ppid.expose()) && !shown.contains("resident-1"), "{shown}");
    }

    #[test]
    fn short_keys_and_texts_that_are_no_ppid_are_refused() {
        assert_eq!(PpidKey::new(vec![1; 31]).err(), Some(KeyTooShort));
        for bad in ["", "a b", "a\r\nX: y", "é", &"x".repeat(256)] {
            assert_eq!(Ppid::parse(bad).err(), Some(NotAPpid), "{bad:?}");
            assert!(serde_json::from_value::<Ppid>(serde_json::json!(bad)).is_err());
        }
    }

    proptest! {
        #[test]
        fn different_inputs_have_different_ppids(a: [String; 3], b: [String; 3]) {
            let derive = |[iss, sub, sector]: &[String; 3]| {
                key().derive(&UpstreamAccount::new(iss.clone(), sub.clone()), sector)
            };
            prop_assert_eq!(a == b, derive(&a) == derive(&b));
            // Moving a character over a border between two parts is a different input.
            let moved = [a[0].clone() + &a[1], String::new(), a[2].clone()];
            prop_assert_eq!(moved == a, derive(&moved) == derive(&a));
        }
    }
}
