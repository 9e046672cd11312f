//! Starting the services from their configuration files, as `enishi issuer`, `enishi verifier` and `enishi gateway` do.

use std::path::Path;

use enishi_service::config::{ConfigError, load};
use enishi_service::http::Running;
use serde::de::DeserializeOwned;

use crate::DemoError;

/// Reads a file. The environment overrides an operator's files; the town's stand as they are.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    load(path, [])
}

fn fault<E: std::fmt::Display>(service: &'static str) -> impl Fn(E) -> DemoError {
    move |error| DemoError::Start { service, reason: error.to_string() }
}

/// Starts the issuer.
pub(super) async fn issuer(path: &Path) -> Result<Running, DemoError> {
    let config = read(path).map_err(fault("issuer"))?;
    enishi_issuer::run(config).await.map_err(fault("issuer"))
}

/// Starts a verifier.
pub(super) async fn verifier(name: &'static str, path: &Path) -> Result<Running, DemoError> {
    let config = read(path).map_err(fault(name))?;
    enishi_verifier::run(config).await.map_err(fault(name))
}

/// Starts a gateway.
pub(super) async fn gateway(name: &'static str, path: &Path) -> Result<Running, DemoError> {
    let config = read(path).map_err(fault(name))?;
    enishi_gateway::run(config).await.map_err(fault(name))
}
