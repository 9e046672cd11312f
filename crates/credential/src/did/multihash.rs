//! SHA-256 as multihash, in base58btc.

use multibase::Base;
use sha2::{Digest as _, Sha256};

/// Characters of a SHA-256 multihash in base58btc.
const LENGTH: usize = 46;

/// The hash without the multibase letter, as `did:webvh` writes it (`Qm…`).
pub(super) fn base58(bytes: impl AsRef<[u8]>) -> String {
    multibase(bytes).split_off(1)
}

/// The hash with the multibase letter, as `did:peer` writes it (`zQm…`).
pub(super) fn multibase(bytes: impl AsRef<[u8]>) -> String {
    // 0x12 is SHA-256, 0x20 the length of the hash.
    let hash = [[0x12, 0x20].as_slice(), &Sha256::digest(bytes)].concat();
    multibase::encode(Base::Base58Btc, hash)
}

/// Whether `text` is a SHA-256 multihash in base58btc.
pub(super) fn is_base58(text: &str) -> bool {
    text.len() == LENGTH
        && super::multikey::base58btc(&format!("z{text}"), LENGTH + 1)
            .is_some_and(|bytes| bytes.len() == 34 && bytes.starts_with(&[0x12, 0x20]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        assert_eq!(base58([]), "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");
        assert_eq!(multibase([]), format!("z{}", base58([])));
        assert!(is_base58(&base58([])));
        for bad in [
            "",
            "Qm",
            "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1",
            "0mdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        ] {
            assert!(!is_base58(bad), "{bad}");
        }
    }
}
