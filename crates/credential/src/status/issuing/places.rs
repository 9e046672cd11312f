//! Which place a new credential gets: none twice, and in no order that a reader could see (Token Status List §13.2,
//! threat 6).
//!
//! The usual ways are a table of all free places, or guessing until one is free. Both must be remembered, and agreed on
//! between servers. Here a place is computed: the n-th credential of a group of open lists gets place π(n), where π is a
//! secret permutation of the group's places. All that is remembered is n. Two tickets never lead to one place, since a
//! permutation maps no two numbers to one; without the key, neighbours in time are not neighbours in the lists.
//!
//! π is a Feistel network over the bits of a place (as in NIST SP 800-38G, which asks for eight to ten rounds), with
//! HMAC-SHA-256 of the key, the group, the round and the other half as its round function:
//!
//! ```text
//! width = list_log2 + open_log2        l = the upper ⌊width/2⌋ bits, r = the rest
//! for round in 0..12:   even: l ^= F(round, r)      odd: r ^= F(round, l)
//! F(round, half) = the first 4 bytes (big endian) of HMAC-SHA-256(key, "enishi/status-places/1" ‖ list_log2 ‖ open_log2 ‖
//!                  group (8 bytes) ‖ round ‖ half (4 bytes)), cut to the width of what it is added to
//! ```

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Layout;
use crate::secret::Secret;

const LABEL: &[u8] = b"enishi/status-places/1";

/// An even number, so that both halves are mixed equally often.
const ROUNDS: u8 = 12;

/// A place in one of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The number of the list, from 0.
    pub list: u64,
    /// The place in that list.
    pub idx: u64,
}

/// Turns tickets into places.
///
/// A ticket is a number from a counter of yours that starts at 0 and never gives a number twice: an atomic
/// `UPDATE … SET next = next + 1 RETURNING next` for any number of servers, or a block of numbers drawn in advance. A ticket
/// whose credential was never issued is lost, and with it its place. If the counter is restored from an old backup,
/// move it ahead of all tickets that may have been drawn since.
#[derive(Debug, Clone)]
pub struct Places {
    key: Secret<[u8; 32]>,
    layout: Layout,
}

impl Places {
    /// The places of `layout` in the order of `key`: 32 random bytes, kept as long as the lists.
    pub const fn new(key: Secret<[u8; 32]>, layout: Layout) -> Self {
        Self { key, layout }
    }

    /// The place for this ticket.
    pub fn place(&self, ticket: u64) -> Place {
        let Layout { list_log2, open_log2, .. } = self.layout;
        let width = list_log2 + open_log2;
        let group = ticket >> width;
        let at = self.permute(group, ticket & mask(width));
        Place { list: (group << open_log2) | (at >> list_log2), idx: at & mask(list_log2) }
    }

    fn permute(&self, group: u64, at: u64) -> u64 {
        let width = self.layout.list_log2 + self.layout.open_log2;
        let (upper, lower) = (width / 2, width - width / 2);
        let (mut l, mut r) = (at >> lower, at & mask(lower));
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                l ^= self.mix(group, round, r) & mask(upper);
            } else {
                r ^= self.mix(group, round, l) & mask(lower);
            }
        }
        (l << lower) | r
    }

    fn mix(&self, group: u64, round: u8, half: u64) -> u64 {
        let Layout { list_log2, open_log2, .. } = self.layout;
        // A key of any length is one for HMAC; should that ever change, all rounds would be the identity, and the tests of
        // the permutation would say so.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.expose()) else { return 0 };
        mac.update(LABEL);
        // Both are at most 20, a half has at most 15 bits.
        mac.update(&[list_log2.to_be_bytes()[3], open_log2.to_be_bytes()[3]]);
        mac.update(&group.to_be_bytes());
        mac.update(&[round]);
        mac.update(half.to_be_bytes().split_at(4).1);
        let tag = mac.finalize().into_bytes();
        tag.iter().take(4).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

const fn mask(width: u32) -> u64 {
    (1 << width) - 1
}
