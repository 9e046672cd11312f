//! Configuration: one TOML file per server, overridden by the environment, typed by serde.
//!
//! A server defines its own `Config` with `#[serde(deny_unknown_fields)]`, puts the shared sections
//! ([`ServerConfig`], [`StoreConfig`], [`LogConfig`]) in it, and calls [`load`]. A value that cannot be judged
//! without the `development` flag, such as a URL, is a [`ConfiguredUrl`] from which nothing can be read until
//! [`ConfiguredUrl::permit`] has seen that flag.

mod load;
mod public_url;
mod secret_source;
mod sections;

pub use load::{ConfigError, environment, load, parse};
pub use public_url::{ConfiguredUrl, Development, PublicUrl, UrlRefusal, is_loopback_host};
pub(crate) use public_url::{is_loopback_name, permit_scheme};
pub use secret_source::SecretSource;
pub use sections::{LogConfig, RateLimitConfig, ServerConfig, StoreConfig};
