//! ZLIB (RFC 1950) as Token Status List §4.1 wants it, in both directions, with a bound on what comes out.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// The level of compression: the highest (Token Status List §4.1).
const LEVEL: u8 = 10;

/// The first room for the output, in bytes for each byte of input. Sparse lists shrink far more, full ones not at all.
const FIRST_GUESS: usize = 4;

/// Why a stream was not inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InflateError {
    /// More than the bound would come out.
    TooLarge,
    /// Not a ZLIB stream, cut off, damaged, or with a wrong checksum.
    NotZlib,
    /// A ZLIB stream, and then something else.
    Trailing,
}

/// Compresses as well as it goes.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, LEVEL)
}

/// Inflates one whole stream, and no more than that, into at most `limit` bytes. Never holds more than `limit` bytes of
/// output; what a small text would inflate to is not written to be counted (threat 9).
pub(super) fn inflate(stream: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    let flags =
        inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let mut out = vec![0; stream.len().saturating_mul(FIRST_GUESS).min(limit)];
    let (mut rest, mut written) = (stream, 0);
    loop {
        let (status, read, wrote) = decompress(&mut state, rest, &mut out, written, flags);
        written = written.saturating_add(wrote);
        rest = rest.get(read..).ok_or(InflateError::NotZlib)?;
        match status {
            TINFLStatus::Done if rest.is_empty() => {
                out.truncate(written);
                out.shrink_to_fit();
                return Ok(out);
            }
            TINFLStatus::Done => return Err(InflateError::Trailing),
            TINFLStatus::HasMoreOutput if out.len() >= limit => return Err(InflateError::TooLarge),
            TINFLStatus::HasMoreOutput => {
                let room = out.len().saturating_mul(2).min(limit);
                out.reserve_exact(room.saturating_sub(out.len()));
                out.resize(room, 0);
            }
            _ => return Err(InflateError::NotZlib),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tsl_2_only_one_whole_stream_within_the_bound() {
        let stream = deflate(&[7; 1000]);
        assert_eq!(inflate(&stream, 1000), Ok(vec![7; 1000]));
        assert_eq!(inflate(&stream, 999), Err(InflateError::TooLarge));
        assert_eq!(inflate(&stream, 0), Err(InflateError::TooLarge));
        let twice = [stream.as_slice(), &stream].concat();
        assert_eq!(inflate(&twice, 5000), Err(InflateError::Trailing));
        assert_eq!(inflate(&[stream.as_slice(), &[0]].concat(), 5000), Err(InflateError::Trailing));
        for end in 0..stream.len() {
            assert!(inflate(&stream[..end], 1000).is_err(), "{end}");
        }
        assert_eq!(inflate(&deflate(&[]), 0), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates_to_itself(bytes: Vec<u8>, repeat in 1_usize..200) {
            let bytes = bytes.repeat(repeat);
            let out = inflate(&deflate(&bytes), bytes.len()).unwrap();
            prop_assert_eq!(out, bytes);
        }

        #[test]
        fn arbitrary_bytes_never_exceed_the_bound(bytes: Vec<u8>, limit in 0_usize..300, repeat in 0_usize..500) {
            for stream in [bytes.clone(), [&[0x78, 0xda], bytes.as_slice()].concat(), deflate(&bytes.repeat(repeat))] {
                if let Ok(out) = inflate(&stream, limit) {
                    prop_assert!(out.len() <= limit && out.capacity() <= limit.max(8));
                }
            }
        }
    }
}
