//! The section `[client]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::Network;

/// `[client]`: how this server calls others. Everything has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// Milliseconds for a whole exchange.
    pub timeout_ms: u64,
    /// Largest answer in bytes.
    pub body_limit: usize,
    /// Networks that may be called although they are not public, such as a government network.
    pub allowed_networks: Vec<Network>,
    /// A PEM file with certificates of further authorities to trust for TLS.
    pub trusted_roots: Option<PathBuf>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { timeout_ms: 3000, body_limit: 64 * 1024, allowed_networks: Vec::new(), trusted_roots: None }
    }
}
