//! Unsigned varints of multiformats: LEB128 of at most nine bytes, minimal.

pub(super) fn write(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// The varint at the start of `bytes`, and the rest. `None` for one that is cut off, has more than nine bytes, or is
/// longer than needed: a second way to write the same key would be a second DID for it.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let minimal = *byte != 0 || at == 0;
            return if minimal { Some((value, bytes.get(at + 1..)?)) } else { None };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_round_trip(value in 0u64..(1 << 62)) {
            let mut bytes = write(value);
            bytes.push(7);
            prop_assert_eq!(read(&bytes), Some((value, [7].as_slice())));
        }

        #[test]
        fn what_is_read_is_written_alike(bytes: Vec<u8>) {
            if let Some((value, rest)) = read(&bytes) {
                prop_assert_eq!([write(value).as_slice(), rest].concat(), bytes);
            }
        }
    }
}
