//! The wallet library: hold linkage credentials, understand requests, consent, look back, withdraw.
//!
//! It has no network, clock, storage or random source of its own: the platform hands them in as [`Transport`],
//! `Clock`, [`Vault`] and `Entropy`, so that the same code runs on a phone, in a browser and under test.

mod answer;
mod error;
mod grants;
mod issuance;
mod prompt;
mod request;
mod seed;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod vault;
mod wallet;

pub use answer::Answered;
pub use error::WalletError;
pub use grants::GrantSummary;
pub use issuance::{Login, Offer};
pub use prompt::{Line, Prompt};
pub use request::Request;
pub use seed::Seed;
pub use transport::{HttpRequest, HttpResponse, MAX_BODY, Transport, TransportError};
#[cfg(not(target_arch = "wasm32"))]
pub use vault::FileVault;
pub use vault::{MemoryVault, Vault, VaultError, VaultKey};
pub use wallet::{CredentialSummary, KnownVerifier, Trust, Wallet, WalletParts};
