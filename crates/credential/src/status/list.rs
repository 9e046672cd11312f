//! The list itself: statuses of 1, 2, 4 or 8 bits in a row of bytes, compressed with ZLIB.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};
use serde::{Deserialize, Serialize};

use super::Status;
use crate::encoding::b64;
use crate::entropy::{self, Entropy};
use crate::verdict::{Failure, Verdict};

/// The largest list that is made or inflated, in bytes: two million statuses of 8 bits, sixteen million of one. A small
/// text that would inflate to more is refused without being inflated to more.
pub const MAX_LIST_BYTES: usize = 2 << 20;

/// The level of compression: the highest (Token Status List §4.1).
const COMPRESSION_LEVEL: u8 = 10;

/// How many bits one status takes (Token Status List §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum StatusBits {
    /// Valid or not.
    One,
    /// Also suspended.
    Two,
    /// Sixteen values.
    Four,
    /// 256 values.
    Eight,
}

impl StatusBits {
    /// The number of bits.
    pub const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// How many statuses one byte holds.
    const fn per_byte(self) -> u64 {
        match self {
            Self::One => 8,
            Self::Two => 4,
            Self::Four => 2,
            Self::Eight => 1,
        }
    }

    /// The bits of the lowest status in a byte.
    const fn mask(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 3,
            Self::Four => 15,
            Self::Eight => 255,
        }
    }
}

impl TryFrom<u64> for StatusBits {
    type Error = &'static str;

    fn try_from(bits: u64) -> Result<Self, Self::Error> {
        match bits {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            4 => Ok(Self::Four),
            8 => Ok(Self::Eight),
            _ => Err("`bits` is 1, 2, 4 or 8"),
        }
    }
}

impl From<StatusBits> for u64 {
    fn from(bits: StatusBits) -> Self {
        bits.count().into()
    }
}

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
    /// `status_list_encoding` if `lst` is not base64url without padding of a ZLIB stream; `status_list_too_large`.
    pub fn decode(encoded: &EncodedStatusList) -> Verdict<Self> {
        let fault = |detail: &str| {
            Failure::new("status-list-encoding", "status_list_encoding", detail)
                .at("/status_list/lst")
                .remedy("compress with ZLIB (RFC 1950), then base64url without padding")
        };
        let compressed =
            b64::decode(&encoded.lst).map_err(|_| fault("the list is not base64url without padding"))?;
        let bytes = decompress_to_vec_zlib_with_limit(&compressed, MAX_LIST_BYTES).map_err(|error| {
            if error.status == TINFLStatus::HasMoreOutput {
                too_large()
            } else {
                fault("the list is not a complete ZLIB stream")
            }
        })?;
        Ok(Self { bits: encoded.bits, bytes })
    }

    /// The JSON form, compressed as well as it goes.
    pub fn encode(&self) -> EncodedStatusList {
        let lst = b64::encode(compress_to_vec_zlib(&self.bytes, COMPRESSION_LEVEL));
        EncodedStatusList { bits: self.bits, lst, aggregation_uri: None }
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

    /// The status at place `idx`.
    ///
    /// # Errors
    /// `status_index_out_of_range` for a place outside of the list.
    pub fn get(&self, idx: u64) -> Verdict<Status> {
        let (at, shift) = self.place(idx);
        let byte = at.and_then(|at| self.bytes.get(at)).ok_or_else(out_of_range)?;
        Ok(Status::from_value((byte >> shift) & self.bits.mask()))
    }

    /// Sets the status at place `idx`.
    ///
    /// # Errors
    /// `status_index_out_of_range`; `status_value_too_large` for a status that does not fit into the list's bits.
    pub fn set(&mut self, idx: u64, status: Status) -> Verdict<()> {
        let (at, shift) = self.place(idx);
        let (value, mask) = (status.value(), self.bits.mask());
        if value > mask {
            return Err(Failure::new(
                "status-value",
                "status_value_too_large",
                "the status does not fit into the bits of this list",
            )
            .remedy("use a list with more bits per status"));
        }
        let byte = at.and_then(|at| self.bytes.get_mut(at)).ok_or_else(out_of_range)?;
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

    /// The byte and the shift of place `idx`: places are counted from the least significant bit of each byte.
    fn place(&self, idx: u64) -> (Option<usize>, u32) {
        let (per_byte, bits) = (self.bits.per_byte(), self.bits.count());
        let within = u32::try_from(idx % per_byte).unwrap_or_default();
        (usize::try_from(idx / per_byte).ok(), within * bits)
    }
}

fn too_large() -> Failure {
    Failure::new("status-list-size", "status_list_too_large", "the list is larger than lists may be")
        .at("/status_list/lst")
        .remedy("spread the statuses over several lists of at most 2 MiB")
}

fn out_of_range() -> Failure {
    Failure::new("status-index", "status_index_out_of_range", "the index is not a place of the list")
        .at("/status/status_list/idx")
        .remedy("reference a place that exists in the list")
}
