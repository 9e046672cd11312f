//! Why the town could not be built or the story could not be told.

use enishi_credential::crypto::SignerError;
use enishi_credential::verdict::Failure;

use crate::net::CallError;
use crate::resident::browser::BrowserError;
use crate::resident::page::PageError;
use crate::rp::RpError;

/// Why the demo stopped. A step that is not as expected is no error: see [`crate::Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file, a folder, a port.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The directory is somebody's.
    #[error("{0} is not empty and was not made by an earlier demo: choose another directory")]
    Directory(String),
    /// A certificate or key could not be made.
    #[error("keys and certificates: {0}")]
    Certificate(String),
    /// A signature could not be made.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A check did not hold where it had to.
    #[error(transparent)]
    Check(#[from] Failure),
    /// A service of the town did not start.
    #[error("{service}: {reason}")]
    Start {
        /// Which.
        service: &'static str,
        /// Why.
        reason: String,
    },
    /// A sample app.
    #[error("{0}")]
    App(String),
    /// The resident's browser.
    #[error("the resident's browser: {0}")]
    Browser(String),
    /// The resident's wallet.
    #[error("the resident's wallet: {0}")]
    Wallet(String),
    /// A server of the town answered otherwise than expected.
    #[error("{0}")]
    Call(String),
}

impl From<enishi_holder_sdk::WalletError> for DemoError {
    fn from(error: enishi_holder_sdk::WalletError) -> Self {
        Self::Wallet(error.to_string())
    }
}

impl From<RpError> for DemoError {
    fn from(error: RpError) -> Self {
        Self::App(error.to_string())
    }
}

impl From<BrowserError> for DemoError {
    fn from(error: BrowserError) -> Self {
        Self::Browser(error.to_string())
    }
}

impl From<PageError> for DemoError {
    fn from(error: PageError) -> Self {
        Self::Browser(error.to_string())
    }
}

impl From<CallError> for DemoError {
    fn from(error: CallError) -> Self {
        Self::Call(error.to_string())
    }
}
