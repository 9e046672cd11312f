//! Token Status List (draft-ietf-oauth-status-list, -14 as HAIP pins it, -20 where that is stricter): whether a credential
//! or a grant still holds, without asking anybody about that one.
//!
//! ```text
//! StatusReference {uri, idx}  in the credential        "look at place idx of the list at uri"
//! StatusList                  many statuses, compressed, signed by its issuer as a StatusListToken
//! token text ──parse──▶ UnverifiedStatusListToken ──verify(key, uri, now)──▶ VerifiedStatusList ──get(idx)──▶ Status
//! ```
//!
//! There is no default anywhere: a list that cannot be fetched, verified or read, and a place outside of it, are failures.
//! Only [`Status::Valid`] means that something holds.

mod list;
mod token;

use serde::{Deserialize, Serialize};

pub use list::{EncodedStatusList, MAX_LIST_BYTES, StatusBits, StatusList};
pub use token::{
    CLOCK_SKEW, Expected, KeySource, StatusListToken, TYP, UnverifiedStatusListToken, VerifiedStatusList,
};

/// What a list says about one place (Token Status List §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 0: it holds. The only value with that meaning.
    Valid,
    /// 1: revoked, for good.
    Invalid,
    /// 2: suspended, perhaps for a time.
    Suspended,
    /// Any other value: application specific or reserved. Never treated as valid.
    Other(u8),
}

impl Status {
    /// The status with this number.
    pub const fn from_value(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::Other(other),
        }
    }

    /// The number of this status.
    pub const fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Other(value) => value,
        }
    }

    /// Whether what the status is about holds.
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::Valid)
    }
}

/// Where the status of a token stands (Token Status List §6.1): the member `status_list` of the claim `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// The place in the list, counted from zero.
    pub idx: u64,
    /// The URI of the list, compared exactly with the list's `sub`.
    pub uri: String,
}

/// The claim `status` of a referenced token. Other mechanisms than a status list are not read here, and a claim without
/// `status_list` is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusClaim {
    /// The reference.
    pub status_list: StatusReference,
}

#[cfg(test)]
mod tests;
