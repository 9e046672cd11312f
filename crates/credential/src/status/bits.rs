//! How wide one status is, and where it stands in a byte (Token Status List §4.1).

use serde::{Deserialize, Serialize};

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
        1 << self.log2()
    }

    /// The binary logarithm of the number of bits.
    const fn log2(self) -> u32 {
        match self {
            Self::One => 0,
            Self::Two => 1,
            Self::Four => 2,
            Self::Eight => 3,
        }
    }

    /// How many statuses one byte holds.
    pub(super) const fn per_byte(self) -> u64 {
        1 << self.per_byte_log2()
    }

    const fn per_byte_log2(self) -> u32 {
        3 - self.log2()
    }

    /// The bits of the lowest status in a byte.
    pub(super) const fn mask(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 3,
            Self::Four => 15,
            Self::Eight => 255,
        }
    }

    /// The byte and the shift of place `idx`: places are counted from the least significant bit of each byte.
    pub(super) const fn place(self, idx: u64) -> (u64, u64) {
        let within = idx & (self.per_byte() - 1);
        (idx >> self.per_byte_log2(), within << self.log2())
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
