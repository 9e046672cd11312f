//! What a wallet says when it does not answer a request (OpenID4VP 1.0 §8.5).

use std::fmt;

use serde::{Deserialize, Serialize};

use enishi_credential::verdict::Failure;

/// The error codes of a wallet. A verifier accepts other codes too and treats all of them alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletError {
    /// The request breaks a rule, or its client identifier prefix is not supported.
    InvalidRequest,
    /// `client_metadata` was sent although the metadata is known already.
    InvalidClient,
    /// No matching credential, no consent, or the holder was not authenticated: deliberately one code.
    AccessDenied,
    /// No requested format is supported.
    VpFormatsNotSupported,
    /// `request_uri_method` is neither `get` nor `post`.
    InvalidRequestUriMethod,
    /// A transaction data entry is malformed, of an unknown type, or not for a requested credential.
    InvalidTransactionData,
    /// The wallet cannot process the request now.
    WalletUnavailable,
    /// The scope is not known.
    InvalidScope,
}

impl WalletError {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::AccessDenied => "access_denied",
            Self::VpFormatsNotSupported => "vp_formats_not_supported",
            Self::InvalidRequestUriMethod => "invalid_request_uri_method",
            Self::InvalidTransactionData => "invalid_transaction_data",
            Self::WalletUnavailable => "wallet_unavailable",
            Self::InvalidScope => "invalid_scope",
        }
    }

    /// A refusal with this code.
    pub(crate) fn because(self, failure: Failure) -> Refusal {
        Refusal { error: self, failure }
    }
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that a wallet refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code for the wire, where there is somebody to tell.
    pub error: WalletError,
    /// The check that failed, for people.
    pub failure: Failure,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.failure)
    }
}

impl std::error::Error for Refusal {}
