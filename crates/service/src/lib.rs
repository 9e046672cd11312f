//! What every Enishi server shares.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | one TOML file and the environment, typed |
//! | [`store`] | SQLite or PostgreSQL; one-time values, audit entries, messages that must arrive |
//! | [`http`] | two listeners with limits, request ids, logs without personal data, RFC 9457 errors |
//! | [`client`] | the only way out: an HTTP client that cannot be turned against our own network |
//! | [`keys`] | the key file, signatures by aws-lc-rs, JWE by josekit |
//! | [`trust`] | keys of trusted issuers and verifiers, their status lists, and DIDs by policy, fetched and kept |
//! | [`signed_nonce`] | nonces that need no table until they are used |
//! | [`clock`], [`SystemEntropy`] | the machine's time and randomness as parameters |
//! | [`telemetry`] | structured logs |

pub mod client;
pub mod clock;
pub mod config;
pub mod http;
pub mod keys;
pub mod signed_nonce;
pub mod store;
pub mod telemetry;
pub mod trust;

pub use enishi_native::SystemEntropy;
