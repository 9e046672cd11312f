//! Proof Key for Code Exchange, method S256 only (RFC 7636 §4; HAIP 1.0 §4).

use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::secret::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::{ErrorCode, OAuthError};

/// The client's secret of one authorization request.
#[derive(Debug, Clone)]
pub struct PkceVerifier(Secret<String>);

/// What the authorization server keeps: the hash of the verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkceChallenge(String);

impl PkceVerifier {
    /// A fresh verifier of 256 bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(entropy::token(entropy)))
    }

    /// Reads a verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
    ///
    /// # Errors
    /// `invalid_grant` for any other text: it cannot be the verifier of a challenge.
    pub fn parse(text: String) -> Result<Self, OAuthError> {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        if (43..=128).contains(&text.len()) && text.chars().all(unreserved) {
            return Ok(Self(Secret::new(text)));
        }
        Err(OAuthError::new(
            ErrorCode::InvalidGrant,
            "`code_verifier` is not 43 to 128 unreserved characters",
        ))
    }

    /// The verifier as it goes into the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The S256 challenge (RFC 7636 §4.2).
    pub fn challenge(&self) -> PkceChallenge {
        PkceChallenge(b64::encode(Sha256::digest(self.expose())))
    }
}

impl PkceChallenge {
    /// Reads the challenge of an authorization request.
    ///
    /// # Errors
    /// `invalid_request` if there is no challenge, the method is not `S256` (absent means `plain`), or the text is not a
    /// SHA-256 hash in base64url.
    pub fn parse(challenge: Option<String>, method: Option<&str>) -> Result<Self, OAuthError> {
        let refuse = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
        let Some(challenge) = challenge else {
            return refuse("`code_challenge` is missing: PKCE is required");
        };
        if method != Some("S256") {
            return refuse("`code_challenge_method` must be S256");
        }
        if b64::decode_array::<32>(&challenge).is_err() {
            return refuse("`code_challenge` is not a SHA-256 hash in base64url");
        }
        Ok(Self(challenge))
    }

    /// A challenge that was parsed before, out of storage.
    pub const fn from_stored(challenge: String) -> Self {
        Self(challenge)
    }

    /// The challenge as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the verifier of the token request, in constant time (RFC 7636 §4.6).
    ///
    /// # Errors
    /// `invalid_grant` if it is missing or another.
    pub fn verify(&self, verifier: Option<String>) -> Result<(), OAuthError> {
        let Some(verifier) = verifier else {
            return Err(OAuthError::new(ErrorCode::InvalidGrant, "`code_verifier` is missing"));
        };
        let found = PkceVerifier::parse(verifier)?.challenge();
        if bool::from(found.0.as_bytes().ct_eq(self.0.as_bytes())) {
            return Ok(());
        }
        Err(OAuthError::new(
            ErrorCode::InvalidGrant,
            "`code_verifier` does not belong to the authorization request",
        ))
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b_holds() {
        let verifier = PkceVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()).unwrap();
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn dpop_n12_missing_plain_and_wrong_are_refused() {
        let verifier = PkceVerifier::generate(&SeededEntropy::new("pkce"));
        let challenge = verifier.challenge().as_str().to_owned();
        let parse = |text: Option<&str>, method| PkceChallenge::parse(text.map(str::to_owned), method);
        for (text, method) in [
            (None, Some("S256")),
            (Some(challenge.as_str()), None),
            (Some(challenge.as_str()), Some("plain")),
            (Some("short"), Some("S256")),
        ] {
            assert_eq!(parse(text, method).unwrap_err().code, ErrorCode::InvalidRequest);
        }
        let kept = parse(Some(&challenge), Some("S256")).unwrap();
        assert!(kept.verify(Some(verifier.expose().to_owned())).is_ok());
        let other = PkceVerifier::generate(&SeededEntropy::new("other"));
        for wrong in [None, Some(other.expose().to_owned()), Some(challenge), Some("x".repeat(129))] {
            assert_eq!(kept.verify(wrong).unwrap_err().code, ErrorCode::InvalidGrant);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(challenge: Option<String>, method: Option<String>, verifier: Option<String>) {
            if let Ok(kept) = PkceChallenge::parse(challenge, method.as_deref()) {
                let _ = kept.verify(verifier.clone());
            }
            let _ = PkceChallenge::from_stored(String::new()).verify(verifier);
        }
    }
}
