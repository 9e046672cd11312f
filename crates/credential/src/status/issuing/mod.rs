//! The issuer's side: many lists of one size, of which only those that changed are compressed and signed again.
//!
//! ```text
//! ticket (a counter in your store) ──Places::place──▶ Place {list, idx}      for a new credential
//! IssuedLists::set(place, status) ──▶ Change {list, idx, status, version}    for your store, in your transaction
//! IssuedLists::due(now) ──▶ draft(list) ──sign(signer)──▶ SignedList ──publish──▶ what is served, with its ETag
//! ```
//!
//! No I/O happens here. Two kinds of plain data go to the store and come back after a restart: [`StoredList`], a whole list
//! with its version, and [`Change`], one status with the version that it made. A store writes the change together with
//! whatever the change is about, and a whole list now and then; [`IssuedLists::load`] and [`IssuedLists::replay`] bring
//! back exactly what was there. Signed lists are not kept: they are signed anew when somebody asks.
//!
//! **Memory**: the statuses themselves (100 million of one bit are 12.5 MB), a few words for each list, and the signed
//! texts of those lists that were asked for. Which places are free is not kept at all, see [`Places`].
//!
//! **Final**: what was revoked stays revoked. `INVALID` never changes again; `SUSPENDED` may.
//!
//! | code | meaning |
//! |---|---|
//! | `status_layout` | a [`Layout`] or [`Lifetimes`] that cannot be |
//! | `status_lists_full` | more lists than [`IssuedLists::new`] allowed |
//! | `status_list_unknown` | there is no list with this number |
//! | `status_final` | the place is `INVALID`, for good |
//! | `status_value_too_large`, `status_index_out_of_range` | as in [`super::StatusList::set`] |
//! | `status_store_malformed` | what came back from the store is not what was given to it |
//! | `status_change_gap` | a change is missing before this one |

mod lists;
mod one;
mod places;
#[cfg(test)]
mod tests;

pub use lists::{Change, IssuedLists, StoredList};
pub use one::{Draft, IssuedList, Lifetimes, Publication, SignedList};
pub use places::{Place, Places};

use super::StatusBits;
use crate::verdict::{Failure, Verdict};

/// The size of lists unless you choose another: 2^17 places, 16 KiB of one-bit statuses.
pub const DEFAULT_LIST_LOG2: u32 = 17;

/// How the statuses are spread over lists. It is fixed for the life of the lists: places are computed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    bits: StatusBits,
    list_log2: u32,
    open_log2: u32,
}

impl Layout {
    /// Lists of 2^`list_log2` statuses (2^10 to 2^20) of `bits` bits, of which 2^`open_log2` (1 to 2^10) are filled at the
    /// same time. The number of a list tells roughly when a credential was issued; the more lists are open, the more
    /// roughly.
    ///
    /// # Errors
    /// `status_layout` for other sizes.
    pub fn new(bits: StatusBits, list_log2: u32, open_log2: u32) -> Verdict<Self> {
        if (10..=20).contains(&list_log2) && open_log2 <= 10 {
            return Ok(Self { bits, list_log2, open_log2 });
        }
        Err(Failure::new(
            "status-layout",
            "status_layout",
            "lists have 2^10 to 2^20 places, 1 to 2^10 are open",
        )
        .remedy("choose another size"))
    }

    /// Bits per status.
    pub const fn bits(self) -> StatusBits {
        self.bits
    }

    /// Statuses in one list.
    pub const fn entries(self) -> u64 {
        1 << self.list_log2
    }

    /// How many lists hold `places` places: how many to allow to [`IssuedLists::new`]. Whole groups of open lists.
    pub const fn lists_for(self, places: u64) -> u64 {
        places.div_ceil(1 << (self.list_log2 + self.open_log2)) << self.open_log2
    }
}

fn unknown_list() -> Failure {
    Failure::new("status-list", "status_list_unknown", "there is no list with this number")
        .remedy("open the list first")
}
