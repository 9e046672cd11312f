//! Logs: one JSON object per line, to standard error.

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{ConfigError, LogConfig};

/// Starts logging for this process. A second call does nothing, so that several servers can run in one process.
///
/// What a panic says may hold personal data; from here on only the place of a panic is logged.
pub fn init(config: &LogConfig) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|_| {
        ConfigError::invalid("log.filter", "expected a filter such as `info,enishi_service=debug`")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let started = if config.json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.try_init()
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_place));
    }
    Ok(())
}

fn log_place(info: &PanicHookInfo<'_>) {
    let (file, line) = info.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(file, line, "panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named() {
        let config = LogConfig { filter: "info,=,=".into(), json: true };
        assert!(init(&config).unwrap_err().to_string().contains("log.filter"));
    }
}
