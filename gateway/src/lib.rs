//! In front of a data provider's API: enforces data links (linkage protocol §9).
//!
//! A request passes these steps in this order, one file each, and the first that does not hold ends it:
//!
//! | step | what it checks |
//! |---|---|
//! | `steps::token` | the data link: a trusted verifier's signature, `typ`, audience, time |
//! | `steps::sender` | the `DPoP` proof with `ath`, by the key that the link is bound to, once |
//! | `steps::status` | the grant: no stopping notice, and a status list that is not older than 60 s |
//! | `steps::subject` | `sealed_sub` opens with our key and is bound to us |
//! | `steps::evidence` | the whole evidence bundle, once per bundle; the link says nothing that it does not |
//! | `steps::scope` | method and items |
//! | `steps::uses` | uses of the link, frequency of the consent |
//! | `steps::upstream` | the data provider's own API, told who it is about |
//! | `steps::filter` | keeps only what the items name |
//! | `steps::release` | audit entry and report, before the data leaves |

mod config;
mod context;
mod declarations;
mod grants;
mod notices;
mod proxy;
mod refusal;
mod reports;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use enishi_credential::entropy::Entropy;
use enishi_credential::time::Clock;
use enishi_service::SystemEntropy;
use enishi_service::clock::SystemClock;
use enishi_service::http::{Chassis, Listeners, Running, StartError};
use enishi_service::keys::{KeyPlan, KeyType};
use enishi_service::store::ReplayCache as _;
use http::StatusCode;

pub use config::{Config, KeysConfig, PinnedPartyConfig, ResourceConfig, TrustConfig};

use context::Gateway;

/// What a gateway's key file holds when it is made in development.
pub const KEY_PLAN: KeyPlan<'static> = KeyPlan { keys: &[KeyType::Es256, KeyType::EcdhP256], secrets: &[] };

/// Seconds between two looks for what has expired.
const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// Runs a gateway on the addresses of its configuration.
///
/// # Errors
/// [`StartError`] with what is wrong in configuration, files, database or addresses.
pub async fn run(config: Config) -> Result<Running, StartError> {
    let listeners = Listeners::bind(&config.server).await?;
    run_on(config, listeners, Arc::new(SystemClock), Arc::new(SystemEntropy)).await
}

/// Runs a gateway on open listeners with this clock and randomness.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    config: Config,
    listeners: Listeners,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    config.check()?;
    let gateway = Arc::new(Gateway::open(&config, clock, Arc::clone(&entropy)).await?);
    let public = Router::new()
        .route("/health", get(|| async { StatusCode::NO_CONTENT }))
        .route("/enishi/notices", post(notices::receive))
        .fallback(proxy::handle)
        .with_state(Arc::clone(&gateway));
    let (ready, reporter, purger) = (Arc::clone(&gateway), Arc::clone(&gateway), gateway);
    Chassis::new(&config.server, entropy)?
        .public(public)
        .ready_when(move || {
            let gateway = Arc::clone(&ready);
            async move { gateway.store.ping().await.is_ok() }
        })
        .background(move |signal| reports::deliver(reporter, signal))
        .background(move |mut signal| async move {
            while signal.pause(PURGE_INTERVAL).await {
                if let Err(error) = purger.replay.purge(purger.now()).await {
                    tracing::warn!(%error, "spent proofs could not be purged");
                }
            }
        })
        .serve(listeners)
}
