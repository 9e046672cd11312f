//! Why the wallet did not do what was asked: one type, with a code that programs can match on.

use enishi_credential::crypto::SignerError;
use enishi_credential::sdjwt::PresentError;
use enishi_credential::verdict::{Failure, Report};
use enishi_protocol::oauth::ErrorResponse;

use crate::transport::{HttpResponse, TransportError};
use crate::vault::VaultError;

/// Why the wallet did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// A check did not hold: what the other side sent is not to be trusted, or is malformed.
    #[error("{0}")]
    Refused(#[from] Failure),
    /// The other side answered with an error.
    #[error("the server refused: {code}{}", .description.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Server {
        /// HTTP status.
        status: u16,
        /// The error code of the protocol, `http_error` when the answer had none.
        code: String,
        /// What the server says about it, for developers.
        description: Option<String>,
    },
    /// The other side could not be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The wallet's own storage failed; nothing was changed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A signing key failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl WalletError {
    /// A stable code for programs: the failed check's, the server's, or one of `unreachable`, `storage`, `signer`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(failure) => failure.code,
            Self::Server { code, .. } => code,
            Self::Transport(_) => "unreachable",
            Self::Vault(_) => "storage",
            Self::Signer(_) => "signer",
        }
    }

    /// Where a check did not hold: every check that was made, in order, with the code, the place and the remedy.
    pub fn report(&self) -> Option<Report> {
        match self {
            Self::Refused(failure) => Some(Report::from(failure)),
            _ => None,
        }
    }

    /// The error that `response` carries, in OAuth's form or as problem+json (RFC 9457).
    pub(crate) fn from_response(response: &HttpResponse) -> Self {
        #[derive(serde::Deserialize)]
        struct Problem {
            code: Option<String>,
            detail: Option<String>,
        }
        let status = response.status;
        if let Some(error) = ErrorResponse::parse(&response.body) {
            return Self::Server { status, code: error.error, description: error.error_description };
        }
        let problem: Option<Problem> = serde_json::from_slice(&response.body).ok();
        let (code, description) = problem.map_or((None, None), |problem| (problem.code, problem.detail));
        Self::Server { status, code: code.unwrap_or_else(|| "http_error".to_owned()), description }
    }
}

impl From<PresentError> for WalletError {
    fn from(error: PresentError) -> Self {
        match error {
            PresentError::Refused(failure) => Self::Refused(failure),
            PresentError::Signer(error) => Self::Signer(error),
        }
    }
}
