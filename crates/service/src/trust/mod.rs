//! Whom a server trusts, and what they publish: keys of issuers and verifiers, DID documents, status lists. Fetched with the
//! guarded client, kept for a bounded time, and refused when they cannot be had.

mod config;
mod dids;
mod issuer_metadata;
mod keys;
mod status_lists;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use config::{IssuerConfig, TrustProfile, check_issuers, load_issuers};
pub use dids::{DidPolicy, DidResolver};
pub use keys::TrustedKeys;
pub use status_lists::StatusLists;
