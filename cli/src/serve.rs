//! `enishi issuer | verifier | gateway --config FILE`: one service as a process of its own.

use std::path::Path;
use std::process::ExitCode;

use enishi_service::config::{LogConfig, environment, load};
use enishi_service::http::{Running, StartError};
use enishi_service::telemetry;
use serde::de::DeserializeOwned;

/// Loads the configuration, starts the service and stops it on SIGTERM or SIGINT.
///
/// # Errors
/// A sentence for the operator: what is wrong with the configuration, or what was not found.
pub(crate) fn serve<C, F>(
    file: &Path,
    log: impl FnOnce(&C) -> &LogConfig,
    run: impl FnOnce(C) -> F,
) -> Result<ExitCode, String>
where
    C: DeserializeOwned,
    F: Future<Output = Result<Running, StartError>>,
{
    let config: C = load(file, environment()).map_err(|error| error.to_string())?;
    telemetry::init(log(&config)).map_err(|error| error.to_string())?;
    runtime()?.block_on(async {
        let running = run(config).await.map_err(|error| error.to_string())?;
        tracing::info!(public = %running.public_addr, internal = %running.internal_addr, "ready");
        running.until_signal().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The runtime of a command that waits for the network.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())
}
