//! The issuer's configuration: one TOML file, documented by `issuer.example.toml`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use enishi_credential::jose::jwk::{Jwk, PublicKey};
use enishi_service::client::ClientConfig;
use enishi_service::config::{
    ConfigError, ConfiguredUrl, Development, LogConfig, PublicUrl, SecretSource, ServerConfig, StoreConfig,
};
use serde::Deserialize;
use url::Url;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether plain http on this machine is allowed and a missing key file is created.
    #[serde(default)]
    pub development: Development,
    /// The listeners; `public_url` is the issuer's identifier.
    pub server: ServerConfig,
    /// The database.
    pub store: StoreConfig,
    /// What is logged.
    #[serde(default)]
    pub log: LogConfig,
    /// How others are called: the upstream provider and the relying parties' key sets.
    #[serde(default)]
    pub client: ClientConfig,
    /// The key file.
    pub keys: KeysConfig,
    /// The OpenID Provider to which login is delegated.
    pub upstream: UpstreamConfig,
    /// What is issued.
    pub issuance: IssuanceConfig,
    /// How long things live.
    #[serde(default)]
    pub lifetimes: Lifetimes,
    /// Whom people can link.
    pub relying_parties: Vec<RelyingPartyConfig>,
    /// Wallets that may use the authorization code flow.
    #[serde(default)]
    pub wallets: Vec<WalletConfig>,
}

/// `[keys]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file, mode 0600: signing keys, `k_ppid`, `k_link` and `k_state`.
    pub file: PathBuf,
}

/// `[upstream]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// The provider's `iss`.
    pub issuer: ConfiguredUrl,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there.
    pub client_secret: SecretSource,
}

/// `[issuance]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuanceConfig {
    /// The most proofs in one credential request; at least 6, so that five instance keys and a DID fit.
    #[serde(default = "default_batch_size")]
    pub batch_size: usize,
    /// Days that a credential is valid, 1 to 7.
    #[serde(default = "default_days")]
    pub credential_days: u32,
    /// The OAuth scope of linkage credentials.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// Whether a pre-authorized code works without `client_id`.
    #[serde(default = "default_true")]
    pub anonymous_pre_authorized: bool,
    /// Whether every token request needs a DPoP proof (HAIP 1.0 §4). Otherwise tokens are bound when the wallet uses DPoP.
    #[serde(default)]
    pub require_dpop: bool,
    /// Assurance levels, weakest first; a login without one of them counts as the first.
    pub acr_levels: Vec<String>,
    /// The issuer's name.
    pub names: Names,
}

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// `[lifetimes]`, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// From the pushed request to the browser's arrival.
    pub pushed_request: u32,
    /// From the browser's arrival to the decision.
    pub login: u32,
    /// An authorization code.
    pub code: u32,
    /// An offer, with its pre-authorized code.
    pub offer: u32,
    /// An access token; at most 300, since it may be a bearer token (OpenID4VCI 1.0 §13.10).
    pub access_token: u32,
    /// A `c_nonce`.
    pub nonce: u32,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { pushed_request: 60, login: 600, code: 60, offer: 600, access_token: 300, nonce: 300 }
    }
}

/// `[[relying_parties]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingPartyConfig {
    /// The party id: `rp` of the credential, exactly as written.
    pub id: ConfiguredUrl,
    /// The name that people see.
    pub names: Names,
    /// The sector identifier of its PPIDs; the id unless given.
    #[serde(default)]
    pub sector: Option<String>,
    /// The weakest login that is enough, one of `issuance.acr_levels`.
    #[serde(default)]
    pub min_acr: Option<String>,
    /// To which key its identifiers are sealed.
    pub sealing: SealingConfig,
}

/// Where a relying party's sealing key is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, untagged, expecting = "expected `{ keys = […] }` or `{ jwks_uri = \"…\" }`")]
pub enum SealingConfig {
    /// In the configuration; the first usable one is used.
    Keys {
        /// Public JWKs for ECDH-ES.
        keys: Vec<Jwk>,
    },
    /// In the party's own JWK Set.
    Uri {
        /// Where that is.
        jwks_uri: ConfiguredUrl,
    },
}

/// `[[wallets]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletConfig {
    /// The wallet's `client_id`; shared by all its instances.
    pub client_id: String,
    /// Its redirect URIs, compared as strings.
    pub redirect_uris: Vec<String>,
}

const fn default_batch_size() -> usize {
    10
}

const fn default_days() -> u32 {
    7
}

fn default_scope() -> String {
    "linkage".to_owned()
}

const fn default_true() -> bool {
    true
}

/// Whether ECDH-ES can be done with this key, and nothing says that it is for something else.
pub(crate) fn seals(key: &Jwk) -> bool {
    let kind = match key.key {
        PublicKey::P256 { .. } => {
            key.key_use.as_deref() == Some("enc") || key.alg.as_deref() == Some("ECDH-ES")
        }
        PublicKey::X25519(_) => true,
        PublicKey::P384 { .. } | PublicKey::Ed25519(_) => false,
    };
    kind && key.key_use.as_deref() != Some("sig") && key.alg.as_deref().is_none_or(|alg| alg == "ECDH-ES")
}

impl Config {
    /// Checks what the types cannot say, and gives the issuer's identifier.
    ///
    /// # Errors
    /// [`ConfigError`] with the key and what is expected there.
    pub fn check(&self) -> Result<PublicUrl, ConfigError> {
        let permit = |key: &str, url: &ConfiguredUrl| {
            url.permit(self.development).map_err(|refusal| ConfigError::invalid(key, refusal.to_string()))
        };
        let public_url = permit("server.public_url", &self.server.public_url)?;
        permit("upstream.issuer", &self.upstream.issuer)?;
        self.issuance.check()?;
        self.lifetimes.check()?;
        let mut ids = BTreeSet::new();
        for party in &self.relying_parties {
            let id = permit("relying_parties.id", &party.id)?;
            if !ids.insert(id) {
                return Err(ConfigError::invalid("relying_parties.id", "expected every id once"));
            }
            if party.min_acr.as_ref().is_some_and(|acr| !self.issuance.acr_levels.contains(acr)) {
                return Err(ConfigError::invalid(
                    "relying_parties.min_acr",
                    "expected one of issuance.acr_levels",
                ));
            }
            match &party.sealing {
                SealingConfig::Keys { keys } if !keys.iter().any(seals) => {
                    return Err(ConfigError::invalid(
                        "relying_parties.sealing.keys",
                        "expected a public key with use = \"enc\" for ECDH-ES (P-256 or X25519)",
                    ));
                }
                SealingConfig::Keys { .. } => {}
                SealingConfig::Uri { jwks_uri } => {
                    permit("relying_parties.sealing.jwks_uri", jwks_uri)?;
                }
            }
        }
        if ids.is_empty() {
            return Err(ConfigError::invalid("relying_parties", "expected at least one"));
        }
        let mut clients = BTreeSet::new();
        for wallet in &self.wallets {
            if wallet.client_id.is_empty() || !clients.insert(&wallet.client_id) {
                return Err(ConfigError::invalid("wallets.client_id", "expected every client id once"));
            }
            for uri in &wallet.redirect_uris {
                check_redirect_uri(uri, self.development)?;
            }
        }
        Ok(public_url)
    }
}

impl IssuanceConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if !(6..=100).contains(&self.batch_size) {
            return Err(ConfigError::invalid("issuance.batch_size", "expected 6 to 100"));
        }
        if !(1..=7).contains(&self.credential_days) {
            return Err(ConfigError::invalid("issuance.credential_days", "expected 1 to 7"));
        }
        if self.scope.is_empty() || self.scope.contains(char::is_whitespace) {
            return Err(ConfigError::invalid("issuance.scope", "expected one scope without spaces"));
        }
        let levels: BTreeSet<_> = self.acr_levels.iter().collect();
        if levels.is_empty() || levels.len() != self.acr_levels.len() || levels.iter().any(|l| l.is_empty()) {
            return Err(ConfigError::invalid(
                "issuance.acr_levels",
                "expected at least one level, each once",
            ));
        }
        Ok(())
    }
}

impl Lifetimes {
    fn check(&self) -> Result<(), ConfigError> {
        for (key, seconds, most) in [
            ("lifetimes.pushed_request", self.pushed_request, 600),
            ("lifetimes.login", self.login, 3600),
            ("lifetimes.code", self.code, 600),
            ("lifetimes.offer", self.offer, 86_400),
            ("lifetimes.access_token", self.access_token, 300),
            ("lifetimes.nonce", self.nonce, 3600),
        ] {
            if !(1..=most).contains(&seconds) {
                return Err(ConfigError::invalid(key, format!("expected 1 to {most} seconds")));
            }
        }
        Ok(())
    }
}

/// A wallet is reached by https, by a scheme of its own (RFC 8252 §7.1), or in development on this machine.
fn check_redirect_uri(uri: &str, development: Development) -> Result<(), ConfigError> {
    let refuse = || {
        ConfigError::invalid(
            "wallets.redirect_uris",
            "expected https, an app's own scheme, or http on this machine with `development = true`",
        )
    };
    let url = Url::parse(uri).map_err(|_| refuse())?;
    if url.fragment().is_some() {
        return Err(refuse());
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" => {
            let host = url.host_str().unwrap_or_default();
            let loopback = enishi_service::config::is_loopback_host(host);
            if development.is_on() && loopback { Ok(()) } else { Err(refuse()) }
        }
        "https" | "javascript" | "data" | "file" | "blob" | "about" | "ftp" | "ws" | "wss" | "vbscript" => {
            Err(refuse())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../issuer.example.toml");

    fn read(text: &str) -> Result<Config, ConfigError> {
        enishi_service::config::parse(text, "example", [])
    }

    fn refused(from: &str, to: &str) -> String {
        assert!(EXAMPLE.contains(from), "{from}");
        match read(&EXAMPLE.replacen(from, to, 1)) {
            Ok(config) => config.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_example_is_a_configuration() {
        let config = read(EXAMPLE).unwrap();
        assert_eq!(config.check().unwrap().as_str(), "https://issuer.example");
        assert_eq!(config.relying_parties.len(), 2);
    }

    #[test]
    fn what_must_not_be_is_refused_with_its_key() {
        for (from, to, key) in [
            ("https://issuer.example\"", "http://localhost:8080\"", "server.public_url"),
            ("https://id.example", "http://id.example", "upstream.issuer"),
            ("batch_size = 10", "batch_size = 5", "issuance.batch_size"),
            ("credential_days = 7", "credential_days = 8", "issuance.credential_days"),
            ("access_token = 300", "access_token = 301", "lifetimes.access_token"),
            ("acr:card\"]", "acr:password\"]", "issuance.acr_levels"),
            ("min_acr = \"urn:example:acr:card\"", "min_acr = \"other\"", "relying_parties.min_acr"),
            ("use = \"enc\", alg = \"ECDH-ES\"", "use = \"sig\"", "sealing.keys"),
            ("https://portal.example/jwks", "http://portal.example/jwks", "sealing.jwks_uri"),
            ("https://wallet.example/callback", "javascript:alert(1)", "wallets.redirect_uris"),
            ("https://wallet.example/callback", "http://localhost:9/cb", "wallets.redirect_uris"),
            ("scope = \"linkage\"", "scoop = \"linkage\"", "scoop"),
        ] {
            let error = refused(from, to);
            assert!(error.contains(key), "{error} lacks {key}");
        }
    }
}
