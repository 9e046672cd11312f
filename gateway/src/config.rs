//! The configuration of a gateway. `gateway.example.toml` documents every key, and a test reads it.

use std::path::{Path, PathBuf};

use enishi_credential::issuer_key::IssuerTrust;
use enishi_service::client::ClientConfig;
use enishi_service::config::{
    self, ConfigError, ConfiguredUrl, Development, LogConfig, PublicUrl, ServerConfig, StoreConfig,
};
use enishi_service::trust::{IssuerConfig, TrustProfile, check_issuers, load_issuers};
use serde::Deserialize;

/// The configuration of one gateway process: one resource of one data provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Allows plain http to this machine, and creates a missing key file.
    #[serde(default)]
    pub development: Development,
    /// The data provider's party id.
    pub party: ConfiguredUrl,
    /// The two listeners.
    pub server: ServerConfig,
    /// The database.
    pub store: StoreConfig,
    /// The key file.
    pub keys: KeysConfig,
    /// What is protected.
    pub resource: ResourceConfig,
    /// Who is believed.
    pub trust: TrustConfig,
    /// How others are called.
    #[serde(default)]
    pub client: ClientConfig,
    /// What is logged.
    #[serde(default)]
    pub log: LogConfig,
}

/// `[keys]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file: a signing key and encryption keys, those of the party's declaration.
    pub file: PathBuf,
}

/// `[resource]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceConfig {
    /// The canonical resource URI: the audience of data links, and where the service provider sends requests.
    pub uri: ConfiguredUrl,
    /// Where the requests go.
    pub upstream: ConfiguredUrl,
    /// Largest answer of the upstream in bytes.
    #[serde(default = "default_body_limit")]
    pub body_limit: usize,
    /// Milliseconds for the upstream's answer.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
}

/// `[trust]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// Verifiers whose data links count, by their issuer id.
    pub verifiers: Vec<ConfiguredUrl>,
    /// What may be configured as issuers: everything, or what HAIP allows.
    #[serde(default)]
    pub profile: TrustProfile,
    /// Issuers whose credentials count in evidence, each with the way to its keys.
    pub issuers: Vec<IssuerConfig>,
    /// Files, or folders of files (`*.jwt`), with one declaration each.
    pub declarations: Vec<PathBuf>,
    /// PEM files with the anchors of the parties' certificates.
    #[serde(default)]
    pub anchors: Vec<PathBuf>,
    /// Parties that sign their declaration with a DID.
    #[serde(default)]
    pub pinned_parties: Vec<PinnedPartyConfig>,
}

/// A party and the DID that speaks for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedPartyConfig {
    /// The party id.
    pub id: String,
    /// The DID.
    pub did: String,
}

const fn default_body_limit() -> usize {
    1 << 20
}

const fn default_timeout() -> u64 {
    10_000
}

impl Config {
    /// Reads and checks a configuration file, with the environment laid over it.
    ///
    /// # Errors
    /// [`ConfigError`] with file or variable, key and what is expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let config: Self = config::load(path, config::environment())?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`ConfigError`]: plain http outside development, a limit out of range, nobody to trust.
    pub fn check(&self) -> Result<(), ConfigError> {
        let demand = |key: &str, holds: bool, expected: &str| {
            if holds { Ok(()) } else { Err(ConfigError::invalid(key, expected)) }
        };
        self.permit("party", &self.party)?;
        self.permit("server.public_url", &self.server.public_url)?;
        self.permit("resource.uri", &self.resource.uri)?;
        self.permit("resource.upstream", &self.resource.upstream)?;
        self.all("trust.verifiers", &self.trust.verifiers)?;
        check_issuers(&self.trust.issuers, self.trust.profile, self.development)?;
        demand("trust.verifiers", !self.trust.verifiers.is_empty(), "expected at least one verifier")?;
        demand("trust.issuers", !self.trust.issuers.is_empty(), "expected at least one issuer")?;
        let limit = self.resource.body_limit;
        demand("resource.body_limit", (1..=64 << 20).contains(&limit), "expected 1 byte to 64 MiB")?;
        let timeout = self.resource.timeout_ms;
        demand("resource.timeout_ms", (100..=60_000).contains(&timeout), "expected 100 to 60000 ms")
    }

    /// A configured URL, if it is https or this is development.
    pub(crate) fn permit(&self, key: &str, url: &ConfiguredUrl) -> Result<PublicUrl, ConfigError> {
        url.permit(self.development).map_err(|refusal| ConfigError::invalid(key, refusal.to_string()))
    }

    /// The trusted issuers, with the anchors that the configured files hold.
    pub(crate) fn issuers(&self) -> Result<IssuerTrust, ConfigError> {
        load_issuers(&self.trust.issuers, self.trust.profile, self.development)
    }

    /// Configured URLs.
    pub(crate) fn all(&self, key: &str, urls: &[ConfiguredUrl]) -> Result<Vec<PublicUrl>, ConfigError> {
        urls.iter().map(|url| self.permit(key, url)).collect()
    }
}

#[cfg(test)]
mod tests {
    use enishi_service::trust::testing;

    use super::*;

    const EXAMPLE: &str = include_str!("../gateway.example.toml");

    fn read(text: &str) -> Result<Config, ConfigError> {
        let config: Config = config::parse(text, "test", [])?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn the_example_file_is_read() {
        let config = read(EXAMPLE).unwrap();
        assert_eq!(config.resource.body_limit, default_body_limit());
    }

    #[test]
    fn the_example_shows_every_way_to_an_issuers_keys() {
        let issuers = |text: &str| read(text).map(|config| config.trust.issuers);
        testing::example_shows_every_way_to_an_issuers_keys(EXAMPLE, issuers);
    }

    #[test]
    fn plain_http_unknown_keys_and_nobody_to_trust_are_refused() {
        let refused = |from: &str, to: &str| {
            let text = EXAMPLE.replace(from, to);
            assert_ne!(text, EXAMPLE, "{from} is in the example");
            read(&text).unwrap_err().to_string()
        };
        assert!(
            refused("https://checkups.internal", "http://checkups.internal").contains("resource.upstream")
        );
        assert!(refused("[\"https://verifier.example\"]", "[]").contains("trust.verifiers"));
        assert!(
            refused("[\"https://issuer.example\"]", "[\"http://issuer.example\"]").contains("trust.issuers")
        );
        assert!(refused("body_limit = 1048576", "body_limit = 0").contains("resource.body_limit"));
        assert!(refused("timeout_ms = 10000", "timeout = 1").contains("timeout"));
    }
}
