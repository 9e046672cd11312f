//! Whom the gateway believes, and what it fetches from them.

mod keys;
mod status;

pub(crate) use keys::{Kind, TrustedKeys};
pub(crate) use status::StatusLists;
