//! The list itself: statuses of 1, 2, 4 or 8 bits in a row of bytes, compressed with ZLIB.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::zlib::{self, InflateError};
use super::{Status, StatusBits};
use crate::encoding::b64;
use crate::entropy::{self, Entropy};
use crate::verdict::{Failure, Verdict};

/// The largest list that is made or inflated, in bytes: two million statuses of 8 bits, sixteen million of one. A small
/// text that would inflate to more is refused without being inflated to more.
pub const MAX_LIST_BYTES: usize = 2 << 20;

/// A status list in its JSON form (Token Status List §4.2): the claim `status_list` of its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedStatusList {
    /// Bits per status.
    pub bits: StatusBits,
    /// The compressed list, base64url.
    pub lst: String,
    /// Where all lists of the issuer are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregation_uri: Option<String>,
}

impl From<EncodedStatusList> for Value {
    fn from(list: EncodedStatusList) -> Self {
        let mut members = Map::new();
        members.insert("bits".to_owned(), list.bits.count().into());
        members.insert("lst".to_owned(), list.lst.into());
        if let Some(uri) = list.aggregation_uri {
            members.insert("aggregation_uri".to_owned(), uri.into());
        }
        members.into()
    }
}

/// A list of statuses, all valid at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: StatusBits,
    bytes: Vec<u8>,
}

impl StatusList {
    /// A list with room for at least `entries` statuses, all valid. The size is rounded up to whole bytes.
    ///
    /// # Errors
    /// `status_list_too_large` for more than [`MAX_LIST_BYTES`].
    pub fn new(bits: StatusBits, entries: u64) -> Verdict<Self> {
        let length = usize::try_from(entries.div_ceil(bits.per_byte())).ok();
        let length = length.filter(|length| *length <= MAX_LIST_BYTES).ok_or_else(too_large)?;
        Ok(Self { bits, bytes: vec![0; length] })
    }

    /// Reads the JSON form, inflating at most [`MAX_LIST_BYTES`].
    ///
    /// # Errors
    /// `status_list_encoding` if `lst` is not base64url without padding of exactly one ZLIB stream;
    /// `status_list_too_large`.
    pub fn decode(encoded: &EncodedStatusList) -> Verdict<Self> {
        Self::decode_within(encoded.bits, &encoded.lst, MAX_LIST_BYTES)
    }

    /// Reads `lst`, inflating at most `limit` bytes, which is for readers who know how long their lists are.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_within(bits: StatusBits, lst: &str, limit: usize) -> Verdict<Self> {
        let fault = |detail: &str| {
            Failure::new("status-list-encoding", "status_list_encoding", detail)
                .at("/status_list/lst")
                .remedy("compress with ZLIB (RFC 1950), then base64url without padding")
        };
        let compressed = b64::decode(lst).map_err(|_| fault("the list is not base64url without padding"))?;
        let bytes = zlib::inflate(&compressed, limit).map_err(|error| match error {
            InflateError::TooLarge => too_large(),
            InflateError::NotZlib => fault("the list is not a complete ZLIB stream"),
            InflateError::Trailing => fault("something follows the ZLIB stream of the list"),
        })?;
        Ok(Self { bits, bytes })
    }

    /// The JSON form, compressed as well as it goes.
    pub fn encode(&self) -> EncodedStatusList {
        EncodedStatusList {
            bits: self.bits,
            lst: b64::encode(zlib::deflate(&self.bytes)),
            aggregation_uri: None,
        }
    }

    /// Bits per status.
    pub const fn bits(&self) -> StatusBits {
        self.bits
    }

    /// How many statuses the list holds.
    pub fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX).saturating_mul(self.bits.per_byte())
    }

    /// Whether the list holds no status.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The status at place `idx`: a shift and a mask, without allocating anything.
    ///
    /// # Errors
    /// `status_index_out_of_range` for a place outside of the list.
    #[inline]
    pub fn get(&self, idx: u64) -> Verdict<Status> {
        let (at, shift) = self.bits.place(idx);
        let byte = usize::try_from(at).ok().and_then(|at| self.bytes.get(at)).ok_or_else(out_of_range)?;
        Ok(Status::from_value((byte >> shift) & self.bits.mask()))
    }

    /// Sets the status at place `idx`.
    ///
    /// # Errors
    /// `status_index_out_of_range`; `status_value_too_large` for a status that does not fit into the list's bits.
    pub fn set(&mut self, idx: u64, status: Status) -> Verdict<()> {
        let (at, shift) = self.bits.place(idx);
        let (value, mask) = (status.value(), self.bits.mask());
        if value > mask {
            return Err(Failure::new(
                "status-value",
                "status_value_too_large",
                "the status does not fit into the bits of this list",
            )
            .remedy("use a list with more bits per status"));
        }
        let byte = usize::try_from(at).ok().and_then(|at| self.bytes.get_mut(at)).ok_or_else(out_of_range)?;
        *byte = (*byte & !(mask << shift)) | (value << shift);
        Ok(())
    }

    /// A uniformly random place of this list; whether it is free, its issuer's store knows. `None` for an empty list.
    /// Places must not be handed out in order: neighbours in a list would be neighbours in time (threat 6).
    pub fn random_place(&self, entropy: &dyn Entropy) -> Option<u64> {
        // 128 random bits over at most 2^24 places: the bias is below 2^-100.
        let wide = u128::from_be_bytes(entropy::bytes(entropy));
        u64::try_from(wide.checked_rem(self.len().into())?).ok()
    }
}

fn too_large() -> Failure {
    Failure::new("status-list-size", "status_list_too_large", "the list is larger than lists may be")
        .at("/status_list/lst")
        .remedy("spread the statuses over several lists of at most 2 MiB")
}

#[cold]
fn out_of_range() -> Failure {
    Failure::new("status-index", "status_index_out_of_range", "the index is not a place of the list")
        .at("/status/status_list/idx")
        .remedy("reference a place that exists in the list")
}
