//! `#integrity`: what the octets of a referenced document hash to (SD-JWT VC §6, syntax of W3C SRI §3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::fault;
use crate::verdict::Verdict;

/// The longest value that is read: a few hashes of the longest kind.
const MAX_LENGTH: usize = 1024;

/// The hash functions of SRI, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(octets).to_vec(),
            Self::Sha384 => Sha384::digest(octets).to_vec(),
            Self::Sha512 => Sha512::digest(octets).to_vec(),
        }
    }
}

/// Integrity metadata: the digests by the strongest hash function that is named. Equal ones ask for the same octets, so
/// that this can be the key of a cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Integrity {
    hash: Hash,
    digests: Vec<Vec<u8>>,
}

impl Integrity {
    /// Reads one or more `<hash>-<standard base64>`, separated by white space; options after `?` are ignored.
    ///
    /// # Errors
    /// `integrity_malformed`; `integrity_unsupported` if none is sha256, sha384 or sha512.
    pub fn parse(text: &str) -> Verdict<Self> {
        let malformed = |detail| fault("integrity_malformed", detail);
        if text.len() > MAX_LENGTH {
            return Err(malformed("the integrity metadata are too long"));
        }
        let mut best: Option<Self> = None;
        let mut expressions = 0;
        for expression in text.split_ascii_whitespace() {
            expressions += 1;
            let expression = expression.split('?').next().unwrap_or_default();
            let (name, digest) =
                expression.split_once('-').ok_or_else(|| malformed("a hash is `<algorithm>-<base64>`"))?;
            let Some(hash) = Hash::from_name(name) else { continue };
            let digest = STANDARD.decode(digest).ok().filter(|digest| digest.len() == hash.length());
            let digest = digest.ok_or_else(|| malformed("a digest is not standard base64 of its length"))?;
            match &mut best {
                Some(best) if best.hash == hash => best.digests.push(digest),
                Some(best) if best.hash > hash => {}
                _ => best = Some(Self { hash, digests: vec![digest] }),
            }
        }
        if expressions == 0 {
            return Err(malformed("there is no hash"));
        }
        best.ok_or_else(|| fault("integrity_unsupported", "no hash is one of sha256, sha384 and sha512"))
    }

    /// Checks `octets` as they were received: one digest by the strongest hash function must be theirs.
    ///
    /// # Errors
    /// `integrity_mismatch`.
    pub fn check(&self, octets: &[u8]) -> Verdict<()> {
        if self.digests.contains(&self.hash.digest(octets)) {
            return Ok(());
        }
        Err(fault("integrity_mismatch", "the document is not the one that the reference was made for"))
    }

    /// The integrity metadata of `octets`, by sha256: for whoever writes a reference to them.
    pub fn of(octets: &[u8]) -> String {
        format!("sha256-{}", STANDARD.encode(Sha256::digest(octets)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> &'static str {
        Integrity::parse(text).unwrap_err().code
    }

    fn expression(name: &str, octets: &[u8]) -> String {
        let hash = Hash::from_name(name).unwrap();
        format!("{name}-{}", STANDARD.encode(hash.digest(octets)))
    }

    fn holds(text: &str, octets: &[u8]) -> bool {
        Integrity::parse(text).unwrap().check(octets).is_ok()
    }

    #[test]
    fn sd_t2_the_strongest_hash_that_is_known_counts() {
        let (good, bad) = (b"{}".as_slice(), b"[]".as_slice());
        assert!(holds(&expression("sha256", good), good));
        let strong_good = format!("{} {}", expression("sha256", bad), expression("sha512", good));
        assert!(holds(&strong_good, good), "the weaker one does not count");
        let strong_bad = format!("{}\t{}", expression("sha384", bad), expression("sha256", good));
        assert!(!holds(&strong_bad, good));
        let several = format!(" {}  {} ", expression("sha384", bad), expression("sha384", good));
        assert!(holds(&several, good) && holds(&several, bad), "any of the strongest");
        let options = format!("{}?ct=application/json blake3-AAAA", expression("sha256", good));
        assert!(holds(&options, good), "options and unknown functions are ignored");
    }

    #[test]
    fn sd_t2_integrity_without_a_known_hash_is_no_integrity() {
        assert_eq!(code("blake3-AAAA md5-AAAA"), "integrity_unsupported");
        assert_eq!(code("SHA256-AAAA"), "integrity_unsupported", "names are case-sensitive");
        for text in ["", " ", "sha256", "sha256-", "sha256-AAAA", "sha256-====", &"sha256-A ".repeat(200)] {
            assert_eq!(code(text), "integrity_malformed", "{text}");
        }
    }

    #[test]
    fn sd_t2_base64url_and_missing_padding_are_refused() {
        // sha256 of this text has both `+` and `/` in base64.
        let text = (0..100_000).map(|n| n.to_string()).find(|text| {
            let it = Integrity::of(text.as_bytes());
            it.contains('+') && it.contains('/')
        });
        let good = Integrity::of(text.unwrap().as_bytes());
        let digest = good.strip_prefix("sha256-").unwrap();
        assert!(Integrity::parse(&good).is_ok());
        let url = digest.replace('+', "-").replace('/', "_");
        for bad in [url.as_str(), digest.trim_end_matches('='), &format!("{digest}=")] {
            assert_eq!(code(&format!("sha256-{bad}")), "integrity_malformed", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn integrity_is_over_the_raw_octets(octets: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
            let integrity = Integrity::parse(&Integrity::of(&octets)).unwrap();
            prop_assert!(integrity.check(&octets).is_ok());
            let mut longer = octets.clone();
            longer.push(b'\n');
            prop_assert_eq!(integrity.check(&longer).unwrap_err().code, "integrity_mismatch");
            if !octets.is_empty() {
                let mut other = octets.clone();
                other[at.index(octets.len())] ^= 1 << bit;
                prop_assert!(integrity.check(&other).is_err());
            }
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*|(sha(256|384|512)-[A-Za-z0-9+/=?]{0,90} ?){0,4}") {
            let _ = Integrity::parse(&text);
        }
    }
}
