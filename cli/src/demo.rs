//! `enishi demo`: the whole mission on one machine.

use std::path::PathBuf;
use std::process::ExitCode;

use enishi_demo::DemoOptions;
use enishi_schemas::messages::Lang;
use enishi_service::config::LogConfig;
use enishi_service::telemetry;

use crate::serve::runtime;

/// How the demo is run.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// One JSON object per step, for scripts.
    #[arg(long)]
    json: bool,
    /// The language of the story: ja or en.
    #[arg(long, default_value = "en")]
    lang: Lang,
    /// The folder for the town's files: empty, or left by an earlier demo. A temporary one if left out.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the files when the town is over.
    #[arg(long)]
    keep: bool,
    /// Leave the town running and say what to try, until Ctrl-C.
    #[arg(long)]
    serve: bool,
    /// Run the services as processes of this binary, with the same configuration files; their logs go below the folder.
    #[arg(long)]
    processes: bool,
    /// Write the services' logs to standard error, with this filter, e.g. `info`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// Runs the demo: exit code 0 if every step was as expected, 1 if not.
///
/// # Errors
/// A sentence about why the town could not be raised.
pub(crate) fn demo(args: DemoArgs) -> Result<ExitCode, String> {
    if let Some(filter) = args.log {
        telemetry::init(&LogConfig { filter, ..LogConfig::default() }).map_err(|error| error.to_string())?;
    }
    let binary = args.processes.then(std::env::current_exe).transpose().map_err(|error| error.to_string())?;
    let options = DemoOptions {
        json: args.json,
        lang: args.lang,
        dir: args.dir,
        keep: args.keep,
        serve: args.serve,
        processes: binary,
    };
    let outcome = runtime()?.block_on(enishi_demo::run(options)).map_err(|error| error.to_string())?;
    Ok(if outcome.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
