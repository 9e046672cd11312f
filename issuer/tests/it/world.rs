//! An issuer, its provider, and two relying parties, on free ports of this machine.

use std::sync::Arc;

use enishi_credential::entropy::{Entropy, SeededEntropy};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::time::{Clock as _, FixedClock};
use enishi_issuer::{
    Config, IssuanceConfig, KeysConfig, Lifetimes, Names, RelyingPartyConfig, SealingConfig, UpstreamConfig,
    WalletConfig,
};
use enishi_service::SystemEntropy;
use enishi_service::client::ClientConfig;
use enishi_service::clock::SystemClock;
use enishi_service::config::{
    ConfiguredUrl, Development, LogConfig, SecretSource, ServerConfig, StoreConfig,
};
use enishi_service::http::{Listeners, Running};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::provider::Provider;

pub(crate) const PORTAL: &str = "https://portal.example";
pub(crate) const HEALTH: &str = "https://health.example";
pub(crate) const BANK: &str = "https://bank.example";
pub(crate) const WEAK: &str = "urn:test:password";
pub(crate) const STRONG: &str = "urn:test:card";
pub(crate) const CLIENT: &str = "test-wallet";
pub(crate) const REDIRECT: &str = "http://localhost:9/cb";
const TOKEN: &str = "an-internal-token-of-this-test";

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.body))
    }

    /// Status and `error`.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct World {
    pub(crate) issuer: String,
    pub(crate) internal: String,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) provider: Provider,
    pub(crate) health_key: PrivateJwk,
    pub(crate) portal_key: PrivateJwk,
    pub(crate) http: reqwest::Client,
    pub(crate) database: String,
    _running: Running,
    _folder: tempfile::TempDir,
}

pub(crate) async fn world() -> World {
    world_with(|_| ()).await
}

/// A world whose issuer has a changed configuration.
pub(crate) async fn world_with(change: impl FnOnce(&mut Config)) -> World {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let portal_key = PrivateJwk::generate_x25519(&SeededEntropy::new("portal"));
    let health_key = PrivateJwk::generate_p256(&SeededEntropy::new("health"));
    let portal_public = portal_key.public().clone().for_encryption().with_kid("portal-1");
    let listeners = Listeners::loopback().await.unwrap();
    let issuer = format!("http://localhost:{}", listeners.public.local_addr().unwrap().port());
    let provider = Provider::start(Arc::clone(&clock), &format!("{issuer}/callback"), &portal_public).await;
    let database = format!("sqlite://{}", folder.path().join("issuer.sqlite").display());
    let party = |id: &str, name: &str, min_acr: Option<&str>, sealing| RelyingPartyConfig {
        id: ConfiguredUrl::new(id),
        names: Names { ja: format!("{name}の名前"), en: format!("Name of {name}") },
        sector: None,
        min_acr: min_acr.map(str::to_owned),
        sealing,
    };
    let keys = |key: &PrivateJwk| SealingConfig::Keys { keys: vec![key.public().clone().for_encryption()] };
    let mut server = ServerConfig::loopback(&issuer);
    server.internal_token = Some(SecretSource::Value(TOKEN.to_owned()));
    let mut config = Config {
        development: Development(true),
        server,
        store: StoreConfig { url: SecretSource::Value(database.clone()) },
        log: LogConfig::default(),
        client: ClientConfig::default(),
        keys: KeysConfig { file: folder.path().join("keys.json") },
        upstream: UpstreamConfig {
            issuer: ConfiguredUrl::new(&provider.issuer),
            client_id: "enishi-issuer".to_owned(),
            client_secret: SecretSource::Value("upstream-secret".to_owned()),
        },
        issuance: IssuanceConfig {
            batch_size: 10,
            credential_days: 7,
            scope: "linkage".to_owned(),
            anonymous_pre_authorized: true,
            require_dpop: false,
            acr_levels: vec![WEAK.to_owned(), STRONG.to_owned()],
            names: Names { ja: "まちのID".to_owned(), en: "Town ID".to_owned() },
        },
        lifetimes: Lifetimes::default(),
        relying_parties: vec![
            party(
                PORTAL,
                "portal",
                None,
                SealingConfig::Uri {
                    jwks_uri: ConfiguredUrl::new(format!("{}/portal-jwks", provider.issuer)),
                },
            ),
            party(HEALTH, "health", None, keys(&health_key)),
            party(BANK, "bank", Some(STRONG), keys(&health_key)),
        ],
        wallets: vec![
            WalletConfig { client_id: CLIENT.to_owned(), redirect_uris: vec![REDIRECT.to_owned()] },
            WalletConfig { client_id: "harness-wallet".to_owned(), redirect_uris: vec![REDIRECT.to_owned()] },
        ],
    };
    change(&mut config);
    let running = enishi_issuer::run_on(config, listeners, Arc::clone(&clock) as _, Arc::new(SystemEntropy))
        .await
        .unwrap();
    let internal = format!("http://localhost:{}", running.internal_addr.port());
    #[expect(
        clippy::disallowed_methods,
        reason = "the guarded client is the servers'; this is the world outside"
    )]
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    World {
        issuer,
        internal,
        clock,
        entropy: Arc::new(SystemEntropy),
        provider,
        health_key,
        portal_key,
        http,
        database,
        _running: running,
        _folder: folder,
    }
}

impl World {
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// `POST /offers` as the provider that embeds the issuer.
    pub(crate) async fn admin_offer(&self, body: &Value) -> Answer {
        let request = self.http.post(format!("{}/offers", self.internal)).bearer_auth(TOKEN).json(body);
        self.send(request).await
    }

    /// An offer with a pre-authorized code for a resident.
    pub(crate) async fn offer(&self, rps: &[&str], tx_code: bool) -> Value {
        let body = json!({"account": {"sub": "resident-1", "acr": STRONG}, "rps": rps, "tx_code": tx_code});
        let answer = self.admin_offer(&body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }
}
