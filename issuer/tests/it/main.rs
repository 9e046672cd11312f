//! The issuer as its neighbours see it: over HTTP, with a provider that stands in for the real one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure in a test is a panic"
)]

mod browser;
mod code_flow;
mod credential;
mod link_page;
mod metadata;
mod offers;
mod par;
mod peers;
mod privacy;
mod provider;
mod sweep;
mod token;
mod wallet;
mod world;
