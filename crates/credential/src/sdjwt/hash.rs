//! The hash functions of `_sd_alg` (RFC 9901 §4.1.1).

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::encoding::b64;

/// A hash function for disclosures and `sd_hash`, by its name in the IANA Named Information registry. The truncated
/// ones of that registry are not fit (RFC 9901 §9.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// `sha-256`, the default.
    #[default]
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

impl HashAlgorithm {
    /// The name in `_sd_alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The hash function with exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|hash| hash.as_str() == name)
    }

    /// base64url of the hash of `text`: the digest of a disclosure as it was received, or an `sd_hash`.
    pub fn digest(self, text: &str) -> String {
        self.digest_text(text).as_str().to_owned()
    }

    /// As [`Self::digest`], without an allocation.
    pub(super) fn digest_text(self, text: &str) -> DigestText {
        match self {
            Self::Sha256 => DigestText::encode(&Sha256::digest(text)),
            Self::Sha384 => DigestText::encode(&Sha384::digest(text)),
            Self::Sha512 => DigestText::encode(&Sha512::digest(text)),
        }
    }
}

/// A digest in base64url. 86 characters are the longest, those of SHA-512.
pub(super) type DigestText = b64::ShortText<86>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sd_6_the_digest_is_of_the_disclosure_as_it_is_written() {
        // RFC 9901 §4.2.3, the disclosure of `family_name`.
        let disclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
        let digest = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0";
        assert_eq!(HashAlgorithm::Sha256.digest(disclosure), digest);
    }

    #[test]
    fn sd_n6_only_the_fit_names_are_known() {
        for name in ["md5", "SHA-256", "sha-256-32", "sha256", "sha-224", ""] {
            assert_eq!(HashAlgorithm::from_name(name), None, "{name}");
        }
        assert_eq!(HashAlgorithm::from_name("sha-512"), Some(HashAlgorithm::Sha512));
    }
}
