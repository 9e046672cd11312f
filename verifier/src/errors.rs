//! What fails inside: logged here, and answered without a word about it.

use enishi_credential::crypto::SignerError;
use enishi_service::http::Problem;
use enishi_service::store::StoreError;
use http::StatusCode;

use crate::at_rest::Undecryptable;

/// Something in our inside failed. The caller can do nothing about it, or can try again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Internal {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signer.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A stored text.
    #[error(transparent)]
    AtRest(#[from] Undecryptable),
    /// What should never happen, in a few words.
    #[error("{0}")]
    Broken(&'static str),
}

impl From<sqlx::Error> for Internal {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Internal> for Problem {
    fn from(error: Internal) -> Self {
        if matches!(error, Internal::Store(StoreError::Busy)) {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy")
                .remedy("try again in a moment");
        }
        tracing::error!(%error, "a request failed inside");
        Self::internal()
    }
}
