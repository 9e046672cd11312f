//! The only way out: an HTTP client that cannot be turned against our own network (threat 10).
//!
//! https only (plain http to this machine in development), no redirects, no proxy from the environment, a resolved address
//! must be public unless the configuration allows its network, and an answer has a size and a time.

mod address;
mod config;
mod guarded;

pub use address::{Network, NetworkError, is_public};
pub use config::ClientConfig;
pub use guarded::{ClientError, ClientResponse, GuardedClient};

#[cfg(test)]
mod tests;
