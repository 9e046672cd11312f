//! The verifier of Enishi, in one of two modes (linkage protocol §1):
//!
//! - `[linking]` mediates between service providers and data providers: requests, consent, grants, data links,
//!   evidence, withdrawal. It never sees an identifier of a person.
//! - `[first_party]` belongs to one relying party and shows it the PPID and the pairwise DID in its own credentials.
//!
//! [`run`] starts a verifier from its [`Config`]; a process has one mode only.

mod at_rest;
pub mod config;
mod context;
mod errors;
mod first_party;
mod issuers;
mod jwks;
mod linking;
#[cfg(test)]
mod tests;
mod wallet;

use std::sync::Arc;

use enishi_credential::entropy::Entropy;
use enishi_credential::time::Clock;
use enishi_service::SystemEntropy;
use enishi_service::clock::SystemClock;
use enishi_service::http::{Chassis, Listeners, Running, StartError};
use enishi_service::store::{Store, StoreError};

pub use config::Config;

use context::Context;

/// Starts a verifier with the machine's clock and randomness, on the addresses of its configuration.
///
/// # Errors
/// [`StartError`] with what was not found or not right.
pub async fn run(config: Config) -> Result<Running, StartError> {
    let listeners = Listeners::bind(&config.server).await?;
    run_on(config, listeners, Arc::new(SystemClock), Arc::new(SystemEntropy)).await
}

/// Starts a verifier on open listeners, with this clock and this randomness: for tests and demonstrations.
///
/// # Errors
/// [`StartError`] with what was not found or not right.
pub async fn run_on(
    config: Config,
    listeners: Listeners,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    config.check()?;
    let context = Context::open(&config, clock, Arc::clone(&entropy)).await?;
    let store = context.store.clone();
    let jwks = jwks::route(context.jwks().clone());
    let chassis = Chassis::new(&config.server, entropy)?.public(jwks).ready_when(move || {
        let store = store.clone();
        async move { store.ping().await.is_ok() }
    });
    let chassis = match (&config.linking, &config.first_party) {
        (Some(section), None) => {
            let linking = Arc::new(linking::Linking::new(context, section)?);
            linking::serve(&linking, section, chassis)
        }
        (None, Some(section)) => {
            let first_party = Arc::new(first_party::FirstParty::new(context, &config, section)?);
            first_party::serve(&first_party, chassis)
        }
        // `check` has refused both and none.
        _ => return Err(StartError::Other("expected exactly one of [linking] and [first_party]".to_owned())),
    };
    chassis.serve(listeners)
}

/// Brings the tables up to date.
async fn migrate(store: &Store) -> Result<(), StoreError> {
    store.migrate(&enishi_service::migrations!["0001_linking", "0002_first_party"]).await
}
