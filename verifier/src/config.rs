//! The configuration of a verifier. `verifier.example.toml` documents every key, and a test reads it.

use std::path::{Path, PathBuf};

use enishi_credential::issuer_key::IssuerTrust;
use enishi_service::client::ClientConfig;
use enishi_service::config::{
    self, ConfigError, ConfiguredUrl, Development, LogConfig, PublicUrl, ServerConfig, StoreConfig,
};
use enishi_service::trust::{IssuerConfig, TrustProfile, check_issuers, load_issuers};
use serde::Deserialize;

/// The configuration of one verifier process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Allows plain http to this machine, and creates a missing key file.
    #[serde(default)]
    pub development: Development,
    /// The two listeners. `public_url` is the verifier's issuer id.
    pub server: ServerConfig,
    /// The database.
    pub store: StoreConfig,
    /// The key file.
    pub keys: KeysConfig,
    /// What is logged.
    #[serde(default)]
    pub log: LogConfig,
    /// How others are called.
    #[serde(default)]
    pub client: ClientConfig,
    /// What wallets are shown.
    #[serde(default)]
    pub wallet: WalletConfig,
    /// Whose credentials are believed.
    pub trust: TrustConfig,
    /// Mediated linking between SPs and DPs.
    #[serde(default)]
    pub linking: Option<LinkingConfig>,
    /// Verification of an RP's own credentials, by that RP.
    #[serde(default)]
    pub first_party: Option<FirstPartyConfig>,
}

/// `[keys]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file: signing keys, the certificate chain, and the secret `k_store`.
    pub file: PathBuf,
}

/// How the verifier names itself to wallets (OpenID4VP 1.0 §5.9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientIdPrefix {
    /// `x509_san_dns:` and the host of the public URL; the chain of the key file goes into `x5c`.
    X509SanDns,
    /// `decentralized_identifier:` and the `did:jwk` of the signing key.
    DecentralizedIdentifier,
}

/// `[wallet]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WalletConfig {
    /// The client id of request objects.
    pub client_id_prefix: ClientIdPrefix,
    /// Seconds that a person has to answer.
    pub request_lifetime_seconds: i64,
    /// How often one request object may be fetched: wallets retry, and a scanned code may be opened twice.
    pub max_fetches: i64,
}

impl Default for WalletConfig {
    fn default() -> Self {
        Self { client_id_prefix: ClientIdPrefix::X509SanDns, request_lifetime_seconds: 300, max_fetches: 5 }
    }
}

/// `[trust]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// What may be configured below: everything, or what HAIP allows.
    #[serde(default)]
    pub profile: TrustProfile,
    /// The issuers, each with the way to its keys.
    pub issuers: Vec<IssuerConfig>,
}

/// `[linking]`: this process mediates between SPs and DPs and never sees an identifier of a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkingConfig {
    /// Files, or folders of files (`*.jwt`), with one declaration each.
    pub declarations: Vec<PathBuf>,
    /// PEM files with the anchors of the parties' certificates.
    #[serde(default)]
    pub anchors: Vec<PathBuf>,
    /// Parties that sign their declaration with a DID.
    #[serde(default)]
    pub pinned_parties: Vec<PinnedPartyConfig>,
    /// Seconds that a data link lives, at most 900.
    #[serde(default = "default_link_lifetime")]
    pub link_lifetime_seconds: i64,
    /// Requests that one link is good for.
    #[serde(default = "default_link_uses")]
    pub link_uses: u32,
    /// Seconds between two looks for what has lapsed or expired.
    #[serde(default = "default_sweep")]
    pub sweep_interval_seconds: u64,
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

/// `[first_party]`: this process belongs to one RP and shows it its own identifiers. Its API is on the internal
/// listener, behind `server.internal_token`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstPartyConfig {
    /// The RP's id, exactly as it stands in credentials.
    pub rp: ConfiguredUrl,
    /// The `acr` values that are good enough; empty when any will do.
    #[serde(default)]
    pub acr_values: Vec<String>,
}

const fn default_link_lifetime() -> i64 {
    enishi_protocol::datalink::DEFAULT_LIFETIME
}

const fn default_link_uses() -> u32 {
    1
}

const fn default_sweep() -> u64 {
    5
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
    /// [`ConfigError`]: both modes or none, plain http outside development, a limit out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        match (&self.linking, &self.first_party) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::invalid(
                    "linking",
                    "expected one of [linking] and [first_party]: who mediates must never see an identifier, so run two \
                     processes with two databases",
                ));
            }
            (None, None) => {
                return Err(ConfigError::invalid("linking", "expected a section [linking] or [first_party]"));
            }
            _ => {}
        }
        self.public_url()?;
        check_issuers(&self.trust.issuers, self.trust.profile, self.development)?;
        let range = |key: &str, holds: bool, expected: &str| {
            if holds { Ok(()) } else { Err(ConfigError::invalid(key, expected)) }
        };
        let wallet = &self.wallet;
        range(
            "wallet.request_lifetime_seconds",
            (30..=3600).contains(&wallet.request_lifetime_seconds),
            "expected 30 to 3600 seconds",
        )?;
        range("wallet.max_fetches", (1..=100).contains(&wallet.max_fetches), "expected 1 to 100")?;
        if let Some(linking) = &self.linking {
            range(
                "linking.link_lifetime_seconds",
                (30..=enishi_protocol::datalink::MAX_LIFETIME).contains(&linking.link_lifetime_seconds),
                "expected 30 to 900 seconds",
            )?;
            range("linking.link_uses", linking.link_uses >= 1, "expected at least 1")?;
            range(
                "linking.sweep_interval_seconds",
                linking.sweep_interval_seconds >= 1,
                "expected at least 1",
            )?;
        }
        if let Some(first_party) = &self.first_party {
            self.permit("first_party.rp", &first_party.rp)?;
        }
        Ok(())
    }

    /// The verifier's issuer id.
    pub(crate) fn public_url(&self) -> Result<PublicUrl, ConfigError> {
        self.permit("server.public_url", &self.server.public_url)
    }

    /// The trusted issuers, with the anchors that the configured files hold.
    pub(crate) fn issuers(&self) -> Result<IssuerTrust, ConfigError> {
        load_issuers(&self.trust.issuers, self.trust.profile, self.development)
    }

    /// A configured URL, if it is https or this is development.
    pub(crate) fn permit(&self, key: &str, url: &ConfiguredUrl) -> Result<PublicUrl, ConfigError> {
        url.permit(self.development).map_err(|refusal| ConfigError::invalid(key, refusal.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use enishi_service::trust::testing;

    use super::*;

    const EXAMPLE: &str = include_str!("../verifier.example.toml");
    const FIRST_PARTY: &str = include_str!("../verifier.first-party.example.toml");

    fn read(text: &str) -> Result<Config, ConfigError> {
        let config: Config = config::parse(text, "test", [])?;
        config.check()?;
        Ok(config)
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_files_are_read() {
        let linking = read(EXAMPLE).unwrap();
        assert!(linking.linking.is_some() && linking.first_party.is_none());
        let first_party = read(FIRST_PARTY).unwrap();
        assert!(first_party.linking.is_none() && first_party.first_party.is_some());
    }

    #[test]
    fn a_mediating_verifier_never_sees_a_ppid_so_both_modes_are_refused() {
        let both = format!("{EXAMPLE}\n[first_party]\nrp = \"https://rp.example\"\n");
        assert!(refused(&both).contains("never see an identifier"));
        let none = FIRST_PARTY.split("[first_party]").next().unwrap();
        assert!(refused(none).contains("[linking] or [first_party]"));
    }

    #[test]
    fn plain_http_is_for_this_machine_in_development_only() {
        let http = EXAMPLE.replace("https://verifier.example", "http://localhost:8002");
        assert!(refused(&http).contains("server.public_url"));
        assert!(read(&format!("development = true\n{http}")).is_ok());
        let elsewhere = EXAMPLE.replace("https://verifier.example", "http://verifier.example");
        assert!(refused(&format!("development = true\n{elsewhere}")).contains("loopback"));
        let issuer = EXAMPLE.replace("https://issuer.example", "http://issuer.example");
        assert!(refused(&issuer).contains("trust.issuers"));
    }

    #[test]
    fn the_example_shows_every_way_to_an_issuers_keys() {
        let issuers = |text: &str| read(text).map(|config| config.trust.issuers);
        testing::example_shows_every_way_to_an_issuers_keys(EXAMPLE, issuers);
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for (from, to, key) in [
            ("link_lifetime_seconds = 300", "link_lifetime_seconds = 901", "linking.link_lifetime_seconds"),
            (
                "request_lifetime_seconds = 300",
                "request_lifetime_seconds = 0",
                "wallet.request_lifetime_seconds",
            ),
            ("max_fetches = 5", "max_fetches = 0", "wallet.max_fetches"),
        ] {
            let text = EXAMPLE.replace(from, to);
            assert_ne!(text, EXAMPLE, "{from} is in the example");
            assert!(refused(&text).contains(key), "{key}");
        }
        assert!(refused(&format!("{EXAMPLE}\nunknown = 1")).contains("unknown"));
    }
}
