//! What somebody could recognise in what he has got: every value that is long enough to be nobody else's, also inside of
//! what is encoded in base64url or hex, however deep.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Base64url characters that hold 64 bits.
const SHORTEST: usize = 11;
/// Hex digits that hold 64 bits.
const SHORTEST_HEX: usize = 16;
/// Bytes that hold 64 bits.
const WINDOW: usize = 8;
/// A claim in a disclosure in an SD-JWT in an evidence bundle in an answer is five deep.
const DEEPEST: usize = 7;

/// `bytes` and everything that is encoded in them.
pub fn layers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    open(bytes.to_vec(), 0, &mut all);
    all
}

fn open(bytes: Vec<u8>, depth: usize, all: &mut Vec<Vec<u8>>) {
    if depth < DEEPEST {
        for run in runs(&bytes) {
            for inner in decodings(run) {
                open(inner, depth + 1, all);
            }
        }
    }
    all.push(bytes);
}

fn decodings(run: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    // What comes from plain base64 is the same but for two characters.
    let run: Vec<u8> = run.iter().map(|c| if *c == b'+' { b'-' } else { *c }).collect();
    let hex = (run.len() >= SHORTEST_HEX && run.iter().all(u8::is_ascii_hexdigit)).then(|| unhex(&run));
    let base64 = URL_SAFE_NO_PAD.decode(&run).ok();
    base64.into_iter().chain(hex)
}

fn unhex(run: &[u8]) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    run.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Runs of the characters of base64url, and of `+` for plain base64, that are long enough.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|c| !(c.is_ascii_alphanumeric() || b"-_+".contains(c))).filter(|run| run.len() >= SHORTEST)
}

/// Everything in `bytes` that could be recognised again: long runs, and of what is not text every eight bytes.
pub fn traces(bytes: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for layer in layers(bytes) {
        found.extend(runs(&layer).filter(|run| !is_date(run)).map(<[u8]>::to_vec));
        if std::str::from_utf8(&layer).is_err() {
            found.extend(layer.windows(WINDOW).filter(|window| has_entropy(window)).map(<[u8]>::to_vec));
        }
    }
    found
}

/// Digits and what stands between them in a date or a count.
fn is_date(run: &[u8]) -> bool {
    run.iter().all(|c| c.is_ascii_digit() || b"-TZ_+".contains(c))
}

/// Whether eight bytes can be random ones: almost all differ then.
fn has_entropy(window: &[u8]) -> bool {
    window.iter().collect::<BTreeSet<_>>().len() >= WINDOW - 2
}

/// Whether `needle` stands in one of the `layers`.
pub fn holds(layers: &[Vec<u8>], needle: &[u8]) -> bool {
    assert!(!needle.is_empty(), "nothing to look for");
    layers.iter().any(|layer| layer.windows(needle.len()).any(|window| window == needle))
}

/// How `value` can be written: as it is, and as the bytes that it encodes.
pub fn spellings(value: &str) -> Vec<Vec<u8>> {
    let mut all = vec![value.as_bytes().to_vec()];
    all.extend(URL_SAFE_NO_PAD.decode(value).ok().filter(|bytes| bytes.len() >= 16));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &[u8] = b"\x00\x01mark\xfe\xff\x80\x91\xa2\xb3\xc4\xd5\xe6\xf7";

    fn planted() -> Vec<(&'static str, Vec<u8>)> {
        let text = URL_SAFE_NO_PAD.encode(MARK);
        let inner = URL_SAFE_NO_PAD.encode(format!("{{\"kid\":\"{text}\"}}"));
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap();
        let hex: String = MARK.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        vec![
            ("plain", format!("kid={text}&x=1").into_bytes()),
            ("in a JWT in a JSON in a form", {
                let jwt = URL_SAFE_NO_PAD.encode(format!("[\"{inner}.abc\"]"));
                format!("response={jwt}.{jwt}").into_bytes()
            }),
            ("in hex", format!("\"{hex}\"").into_bytes()),
            ("in something binary", [b"\xff\xfe\xfd\xfc".as_slice(), MARK, b"\x80\x81"].concat()),
            ("in something binary that is encoded", {
                let bytes = [b"\xff\xfe\xfd\xfc\xfb".as_slice(), MARK, b"\x80\x81"].concat();
                URL_SAFE_NO_PAD.encode(bytes).into_bytes()
            }),
        ]
    }

    #[test]
    fn what_two_texts_share_is_found_however_it_is_wrapped() {
        let planted = planted();
        let sets: Vec<_> = planted.iter().map(|(name, bytes)| (name, traces(bytes))).collect();
        let (_, binary) = &sets[3];
        for (name, set) in &sets {
            let binary_in_common = set.intersection(binary).count();
            // The mark in the open is binary only after decoding.
            assert!(binary_in_common > 0, "{name}");
        }
        for (name, bytes) in &planted {
            assert!(holds(&layers(bytes), MARK), "{name}");
        }
    }

    #[test]
    fn dates_and_short_words_are_nobodys() {
        assert!(traces(b"2026-11-22T15:04:05.123456Z status=200 active 1795362245000").is_empty());
        assert_eq!(traces(b"access_tokens 1").len(), 1, "a long word is a trace");
    }

    #[test]
    fn an_identifier_is_looked_for_in_both_spellings() {
        let text = URL_SAFE_NO_PAD.encode(MARK);
        assert_eq!(spellings(&text), [text.as_bytes().to_vec(), MARK.to_vec()]);
    }
}
