//! Ports of this machine that no other town takes.
//!
//! A port that was found free and let go may be somebody else's a moment later: another town's, or an outgoing
//! connection's. So a town takes a whole block of ports below the range that systems hand out by themselves, and keeps
//! the block's first port bound for as long as it lives: the sign that the block is taken.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

/// Where served towns start, so that bookmarks survive.
const SERVED_FROM: u16 = 7400;
/// Where the others start, and where the system's own range begins (Linux: 32768, others higher).
const FROM: u16 = 10_240;
const TO: u16 = 32_000;
/// Ports in a block, the sign included.
const BLOCK: u16 = 32;

/// A block of ports that belongs to one town until the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    first: u16,
    _sign: Arc<TcpListener>,
}

impl Block {
    /// Takes a block: the one of served towns if `served` and it is free, else the first free one, looked for from a
    /// place that depends on `seed`, so that towns that start together do not all try the same.
    ///
    /// # Errors
    /// If no block is free.
    pub(crate) fn take(served: bool, seed: u16) -> io::Result<Self> {
        let blocks = (TO - FROM) / BLOCK;
        let others = (0..blocks).map(|n| FROM + BLOCK * ((seed % blocks + n) % blocks));
        let mut candidates = served.then_some(SERVED_FROM).into_iter().chain(others);
        let taken = candidates.find_map(Self::try_at);
        taken.ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no block of free ports"))
    }

    fn try_at(first: u16) -> Option<Self> {
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
        let sign = bind(first)?;
        // Programs that know nothing of the sign may sit inside the block.
        (first + 1..first + BLOCK)
            .all(|port| bind(port).is_some())
            .then(|| Self { first, _sign: Arc::new(sign) })
    }

    /// The ports for use, the same each time.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        self.first + 1..self.first + BLOCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_towns_never_share_a_port_even_before_they_listen() {
        let (one, two) = (Block::take(false, 7).unwrap(), Block::take(false, 7).unwrap());
        assert!(one.ports().all(|port| two.ports().all(|other| other != port)));
        let first = one.ports().next();
        drop(one);
        let seed = (first.unwrap() - 1 - FROM) / BLOCK;
        assert_eq!(
            Block::take(false, seed).unwrap().ports().next(),
            first,
            "a block that was let go is free again"
        );
    }
}
