//! Whom a server trusts, and what they publish: keys of issuers, status lists. Fetched with the guarded client, kept for a
//! bounded time, and refused when they cannot be had.

mod issuer_keys;
mod status_lists;

pub use issuer_keys::{IssuerKeys, KeyOrigin};
pub use status_lists::StatusLists;
