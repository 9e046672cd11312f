//! The identity provider's service: linkage credentials over OpenID4VCI 1.0 (linkage protocol §4, §5).
//!
//! ```text
//! wallet ── POST /par ─▶ GET /authorize ─▶ login at the provider ─▶ GET /callback ─▶ /link: the person chooses
//!    └────── POST /token ─▶ POST /nonce ─▶ POST /credential: one credential per key proof, for one relying party
//! provider ── POST /offers (internal) ─▶ offer with a pre-authorized code ─▶ POST /token …
//! ```
//!
//! It keeps no profile of anybody: between requests it knows the account of an open login, code or token, for minutes.
//! PPIDs are computed from the account when a credential is made and are stored nowhere.

mod app;
mod config;
mod derive;
mod http;
mod issue;
mod keys;
mod offer;
mod parties;
mod remembered;
mod store;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use enishi_credential::entropy::Entropy;
use enishi_credential::time::Clock;
use enishi_protocol::web::UrlPolicy;
use enishi_service::SystemEntropy;
use enishi_service::client::GuardedClient;
use enishi_service::clock::SystemClock;
use enishi_service::config::ConfigError;
use enishi_service::http::{Chassis, Listeners, Running, StartError};
use enishi_service::keys::{AwsVerifier, KeyRing};
use enishi_service::store::{ReplayCache as _, SqlReplayCache, Store};

pub use config::{
    Config, IssuanceConfig, KeysConfig, Lifetimes, Names, RelyingPartyConfig, SealingConfig, UpstreamConfig,
    WalletConfig,
};
pub use keys::KEY_PLAN;

use app::{App, Shared};
use keys::IssuerKeys;
use parties::Parties;
use store::{Codes, Logins, Offers, PushedRequests, Tokens};
use upstream::Upstream;

/// How often what is over is deleted.
const PURGE_PAUSE: Duration = Duration::from_mins(1);

/// Starts an issuer on the listeners of its configuration.
///
/// # Errors
/// [`StartError`] if the configuration is wrong, the key file or the database cannot be opened, or a port is taken. The
/// provider and the relying parties need not be reachable yet.
pub async fn run(config: Config) -> Result<Running, StartError> {
    let listeners = Listeners::bind(&config.server).await?;
    run_on(config, listeners, Arc::new(SystemClock), Arc::new(SystemEntropy)).await
}

/// As [`run`], on open listeners and with a clock and a source of randomness of the caller's.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    config: Config,
    listeners: Listeners,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    let server = config.server.clone();
    let app = build(config, clock, Arc::clone(&entropy)).await?;
    let (ready, purging) = (app.store.clone(), Arc::clone(&app));
    Chassis::new(&server, entropy)?
        .public(http::public_routes(&app))
        .admin(http::admin_routes(&app))
        .ready_when(move || {
            let store = ready.clone();
            async move { store.ping().await.is_ok() }
        })
        .background(|mut stop| async move {
            while stop.pause(PURGE_PAUSE).await {
                purge(&purging).await;
            }
        })
        .serve(listeners)
}

async fn build(
    config: Config,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Shared, StartError> {
    let url = config.check()?;
    let development = config.development;
    let ring = KeyRing::load(&config.keys.file, development, &KEY_PLAN, &*entropy)
        .map_err(|error| StartError::Other(error.to_string()))?;
    let keys = IssuerKeys::new(&ring)?;
    let client = GuardedClient::new(&config.client, development)?;
    let store = Store::connect(config.store.url.read("store.url")?.expose()).await?;
    store::migrate(&store).await?;
    let upstream = Upstream::new(
        config
            .upstream
            .issuer
            .permit(development)
            .map_err(|refusal| ConfigError::invalid("upstream.issuer", refusal.to_string()))?
            .as_str(),
        (config.upstream.client_id.clone(), config.upstream.client_secret.read("upstream.client_secret")?),
        url.join("/callback"),
        client.clone(),
        Arc::clone(&clock),
    );
    let app = App {
        keys,
        parties: Parties::new(&config, client, &clock),
        upstream,
        clock,
        entropy,
        verifier: Arc::new(AwsVerifier),
        jwe: ring.sealing(),
        pushed: PushedRequests::new(&store),
        logins: Logins::new(&store),
        codes: Codes::new(&store),
        offers: Offers::new(&store),
        tokens: Tokens::new(&store),
        replay: SqlReplayCache::new(&store),
        store,
        url,
        config,
    };
    // What we publish must hold by the rules by which wallets judge it.
    let policy = if development.is_on() { UrlPolicy::LoopbackHttpToo } else { UrlPolicy::HttpsOnly };
    http::issuer_metadata(&app)
        .validate(policy)
        .map_err(|failure| StartError::Other(format!("issuer metadata: {failure}")))?;
    Ok(Arc::new(app))
}

async fn purge(app: &App) {
    let now = app.clock.now();
    if let Err(error) = store::purge(&app.store, now).await {
        tracing::warn!(%error, "expired rows could not be deleted");
    }
    if let Err(error) = app.replay.purge(now).await {
        tracing::warn!(%error, "expired one-time values could not be deleted");
    }
}
