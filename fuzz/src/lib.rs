//! What the fuzz targets do with an input: plain functions, so that a test of the workspace can run the seeds through
//! them (`tests/tests/fuzz_seeds.rs` includes this file).
//!
//! Every target asserts properties and not only that nothing panics. Each takes two kinds of input:
//!
//! - `raw` and a line break, then a text as it would come over the wire, checked with real cryptography;
//! - an *inside*: lines of JSON out of which the target makes a signed or sealed text first, so that the fuzzer gets past the
//!   signatures and to what is behind them. Where a mutated JSON has to name a digest, it says `"#0"`, and the target writes
//!   the digest there.
//!
//! Insides are signed with a [`toy`] scheme, a hash that anybody can compute: a thousand times faster than a
//! curve, and what is under test is the code around the signature.

pub mod dcql;
pub mod did;
pub mod jwe;
pub mod kb_jwt;
pub mod same_subject;
pub mod sd_jwt;
pub mod status_list;
pub mod toy;
pub mod webvh;

/// A target: takes an input and says how far it got. Panics when a property does not hold.
pub type Target = fn(&[u8]) -> Reached;

/// How far an input got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was refused.
    Refused,
    /// It was accepted, and every property of what is accepted held.
    Accepted,
}

/// All targets by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("sd_jwt", sd_jwt::run),
    ("kb_jwt", kb_jwt::run),
    ("jwe", jwe::run),
    ("status_list", status_list::run),
    ("dcql", dcql::run),
    ("did", did::run),
    ("same_subject", same_subject::run),
    ("webvh", webvh::run),
];

/// The text after `raw` and a line break.
pub(crate) fn raw(text: &str) -> Option<&str> {
    text.strip_prefix("raw\n")
}

/// `text` with the character at a place that depends on the text changed to another one of the base64url alphabet.
pub(crate) fn with_one_character_changed(text: &str, choice: usize) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = text.as_bytes().to_vec();
    let length = bytes.len();
    let byte = bytes.get_mut(choice.checked_rem(length)?)?;
    let other =
        ALPHABET.iter().cycle().skip(choice % 61).take(ALPHABET.len()).find(|other| *other != byte)?;
    *byte = *other;
    String::from_utf8(bytes).ok()
}

/// A number that depends on every byte of the input: choices that the fuzzer does not have to spend bytes on.
pub(crate) fn choice(input: &[u8]) -> usize {
    input.iter().fold(7, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)))
}
