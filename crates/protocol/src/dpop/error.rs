//! Why a proof was refused, and how the two kinds of servers say so.

use enishi_credential::verdict::Failure;

use super::ALGORITHMS;
use crate::oauth::{ErrorCode, OAuthError};

/// A proof that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DpopError {
    /// There is no `DPoP` header.
    Missing,
    /// The proof does not hold (D-1 … D-8, D-10, D-12).
    Invalid(Failure),
    /// The proof lacks the nonce, or has an old one (D-9). Answer with a fresh one in `DPoP-Nonce`.
    NonceWanted,
    /// The proof holds but the access token is bound to another key (D-11).
    WrongKey,
}

impl DpopError {
    /// The error of an authorization server: always status 400 (RFC 9449 §5, §8).
    pub fn as_token_error(&self) -> OAuthError {
        self.error(ErrorCode::InvalidDpopProof)
    }

    /// The error of a protected resource: always status 401 (RFC 9449 §7.1, §9).
    pub fn as_resource_error(&self) -> OAuthError {
        self.error(ErrorCode::InvalidToken)
    }

    fn error(&self, wrong_key: ErrorCode) -> OAuthError {
        match self {
            Self::Missing => OAuthError::new(ErrorCode::InvalidDpopProof, "the DPoP header is missing"),
            Self::Invalid(failure) => OAuthError::from_failure(ErrorCode::InvalidDpopProof, failure),
            Self::NonceWanted => {
                OAuthError::new(ErrorCode::UseDpopNonce, "repeat the request with the nonce of DPoP-Nonce")
            }
            Self::WrongKey => OAuthError::new(wrong_key, "the token is bound to another key"),
        }
    }

    /// The value of `WWW-Authenticate` at a protected resource, with the `algs` that it takes.
    pub fn challenge(&self) -> String {
        let error = self.as_resource_error();
        format!(
            "DPoP error=\"{}\", error_description=\"{}\", algs=\"{}\"",
            error.code.as_str(),
            error.description(),
            ALGORITHMS.join(" ")
        )
    }
}

impl std::fmt::Display for DpopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_resource_error().fmt(f)
    }
}

impl std::error::Error for DpopError {}
