//! SHA-256 as multihash, in base58btc.

use multibase::Base;
use sha2::{Digest as _, Sha256};

/// The hash with the multibase letter, as `did:peer` writes it (`zQm…`).
pub(super) fn multibase(bytes: impl AsRef<[u8]>) -> String {
    // 0x12 is SHA-256, 0x20 the length of the hash.
    let hash = [[0x12, 0x20].as_slice(), &Sha256::digest(bytes)].concat();
    multibase::encode(Base::Base58Btc, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        assert_eq!(multibase([]), "zQmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");
    }
}
