//! The sections that every server has.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::{ConfiguredUrl, SecretSource};

/// `[server]`: the two listeners and their limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// What the world talks to, usually behind a TLS-terminating proxy.
    pub public_listen: SocketAddr,
    /// Health, readiness and administration. Never reachable from outside.
    pub internal_listen: SocketAddr,
    /// The URL under which the public listener is reached; also the server's identifier.
    pub public_url: ConfiguredUrl,
    /// Bearer secret of the administration routes. Without it they refuse everybody.
    #[serde(default)]
    pub internal_token: Option<SecretSource>,
    /// Largest request body in bytes.
    #[serde(default = "default_body_limit")]
    pub body_limit: usize,
    /// Seconds that one request may take, its body included.
    #[serde(default = "default_request_timeout")]
    pub request_timeout_seconds: u64,
    /// Seconds that a client may take to send the header of a request.
    #[serde(default = "default_header_timeout")]
    pub header_timeout_seconds: u64,
    /// Seconds after which a connection is asked to close, however busy it is.
    #[serde(default = "default_connection_age")]
    pub connection_age_seconds: u64,
    /// Seconds that running requests get when the server is told to stop.
    #[serde(default = "default_shutdown_grace")]
    pub shutdown_grace_seconds: u64,
    /// Connections at one time per listener; further ones wait.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
    /// How many proxies in front of the public listener append to `X-Forwarded-For`. 0: the peer is the client.
    #[serde(default)]
    pub trusted_proxies: usize,
    /// Requests per client address on the public listener; `None` means no limit.
    #[serde(default)]
    pub rate_limit: Option<RateLimitConfig>,
}

/// `[server.rate_limit]`: a bucket per client address (an IPv6 client is its /64).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Requests per second in the long run.
    pub per_second: std::num::NonZeroU32,
    /// Requests at once.
    pub burst: std::num::NonZeroU32,
}

/// `[store]`: the database.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// `sqlite://path/to/file.sqlite` or `postgres://user:password@host/database`. By value or from a file, since it
    /// can hold a password.
    pub url: SecretSource,
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreConfig").finish_non_exhaustive()
    }
}

/// `[log]`: what is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Filter in the syntax of `tracing_subscriber::EnvFilter`, such as `info,enishi_issuer=debug`.
    pub filter: String,
    /// JSON lines (the default) or text for a terminal.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into(), json: true }
    }
}

impl ServerConfig {
    /// A server on two free ports of this machine with the default limits, for tests and demonstrations.
    pub fn loopback(public_url: impl Into<String>) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            public_listen: any_port,
            internal_listen: any_port,
            public_url: ConfiguredUrl::new(public_url),
            internal_token: None,
            body_limit: default_body_limit(),
            request_timeout_seconds: default_request_timeout(),
            header_timeout_seconds: default_header_timeout(),
            connection_age_seconds: default_connection_age(),
            shutdown_grace_seconds: default_shutdown_grace(),
            max_connections: default_max_connections(),
            trusted_proxies: 0,
            rate_limit: None,
        }
    }

    /// How long one request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }
}

fn default_body_limit() -> usize {
    64 * 1024
}

fn default_request_timeout() -> u64 {
    15
}

fn default_header_timeout() -> u64 {
    10
}

fn default_connection_age() -> u64 {
    300
}

fn default_shutdown_grace() -> u64 {
    10
}

fn default_max_connections() -> usize {
    1024
}
