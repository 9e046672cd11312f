//! Token Status List (draft-ietf-oauth-status-list, -14 as HAIP pins it, -20 where that is stricter): whether a credential
//! or a grant still holds, without asking anybody about that one.
//!
//! # Reading
//!
//! ```text
//! VerifiedSdJwt ──StatusReference::of_credential──▶ {uri, idx}       "look at place idx of the list at uri"
//! HTTP answer ──from_response──▶ UnverifiedStatusListToken ──verify(key, uri, now)──▶ VerifiedStatusList ──get(idx)──▶ Status
//! ```
//!
//! There is no default anywhere: a list that cannot be fetched, verified or read, and a place outside of it, are failures.
//! Only [`Status::Valid`] means that something holds. The order is that of §8.3: only a credential of which everything
//! else holds has a [`StatusReference`] to ask for, so nothing is fetched for a forged or expired one.
//!
//! | code | meaning |
//! |---|---|
//! | `status_mechanism_unknown` | the claim `status` is there, and names no status list |
//! | `status_reference_malformed` | `idx` is not an integer from 0 to 2^64-1, or `uri` not an absolute URI |
//! | `status_list_media_type` | the answer is not `application/statuslist+jwt` |
//! | `status_list_cwt` | the list is a CWT, which SD-JWT VCs must not reference |
//! | `status_list_malformed` | a claim of the token is missing or has another type or range |
//! | `status_list_uri` | `sub` is not exactly the URI of the reference |
//! | `status_list_audience` | the token has an `aud`: it is not for everybody |
//! | `status_list_not_yet_valid`, `status_list_expired`, `status_list_too_old` | its times |
//! | `status_list_encoding` | `lst` is not base64url without padding of exactly one ZLIB stream |
//! | `status_list_too_large` | the list is larger than [`MAX_LIST_BYTES`], inflated or to be made |
//! | `status_index_out_of_range` | the list has no such place |
//! | `status_aggregation_malformed`, `status_aggregation_too_large` | the list of lists (§9) |
//!
//! # Issuing
//!
//! A [`StatusList`] and a [`StatusListToken`] make one signed list; [`issuing`] keeps many of them for millions of credentials.
//!
//! The codes of [`crate::jose::jws`] come before those of the token. Historical resolution (§8.4) is not offered: the
//! specification discourages it, since it asks about one person's past.

mod aggregation;
mod bits;
mod claims;
pub mod issuing;
mod list;
mod reference;
mod token;
mod verify;
mod zlib;

pub use aggregation::{MAX_AGGREGATED_LISTS, MAX_AGGREGATION_BYTES, StatusListAggregation};
pub use bits::StatusBits;
pub use claims::CLOCK_SKEW;
pub use list::{EncodedStatusList, MAX_LIST_BYTES, StatusList};
pub use reference::StatusReference;
pub use token::StatusListToken;
pub use verify::{Expected, KeySource, UnverifiedStatusListToken, VerifiedStatusList};

/// The `typ` of a Status List Token.
pub const TYP: &str = "statuslist+jwt";

/// The media type of a Status List Token as JWT (Token Status List §8.2).
pub const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// The media type of a Status List Token as CWT, which is refused here.
pub const CWT_MEDIA_TYPE: &str = "application/statuslist+cwt";

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

#[cfg(test)]
mod tests;
