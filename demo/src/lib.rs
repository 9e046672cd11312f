//! A whole town in one process, with a scripted resident.
//!
//! The town has an identity provider that is a real OpenID Provider, the issuer, a portal (a service provider), a health
//! section and a bank (data providers) with a gateway each, a linking verifier and a verifier of every relying party's
//! own. They run on real ports of this machine with SQLite files below one folder, and the scripted resident uses
//! nothing but their public interfaces and the holder SDK.
//!
//! | module | what it is |
//! |---|---|
//! | `idp` | まちのID, the OpenID Provider |
//! | `rp` | the apps of the portal and the data providers |
//! | `parties` | keys, certificates, declarations |
//! | `plan`, `town` | where everything is; founding the town |
//! | `resident` | browser and wallet of a resident |
//! | `story` | the steps, what each party then knows, the attacks |
//! | `console` | the town console of `--serve` |

mod console;
mod error;
mod idp;
mod net;
mod parties;
mod plan;
mod ports;
pub mod rehearsal;
mod resident;
mod rp;
mod sample;
mod story;
mod town;
mod web;
mod words;

use std::path::PathBuf;

use enishi_schemas::messages::Lang;

pub use error::DemoError;
pub use sample::Place;
pub use story::report::{Knowledge, Outcome, StepReport};
pub use town::services::Service;

use plan::Plan;
use story::Story;
use story::teller::{Teller, print};
use town::{Staging, Town, World};
use words::Words;

/// How the demo is run.
#[derive(Debug, Clone, Default)]
pub struct DemoOptions {
    /// One JSON object per step instead of text for people.
    pub json: bool,
    /// The language of the story.
    pub lang: Lang,
    /// Where the town's files go; a temporary folder if absent. Must be empty, or be left by an earlier demo.
    pub dir: Option<PathBuf>,
    /// Whether the files stay when the town is over.
    pub keep: bool,
    /// Whether the town stays after the story, until Ctrl-C.
    pub serve: bool,
    /// The `enishi` binary, if the services are to be processes of their own; their logs then go to files beside their
    /// databases. Absent, everybody lives in this process.
    pub processes: Option<PathBuf>,
}

/// Founds the town, tells the story on standard output, and with [`DemoOptions::serve`] leaves the town running until
/// Ctrl-C.
///
/// # Errors
/// [`DemoError`] if the town could not be founded. A step that is not as expected is no error: then
/// [`Outcome::ok`] is false.
pub async fn run(options: DemoOptions) -> Result<Outcome, DemoError> {
    let words = Words(options.lang);
    let temporary = match &options.dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("enishi-town-").tempdir()?),
    };
    let dir = match (&options.dir, &temporary) {
        (Some(dir), _) => std::path::absolute(dir)?,
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => return Err(DemoError::App("no folder".to_owned())),
    };
    let teller = Teller::new(words, options.json);
    let plan = Plan::draw(&dir, options.serve)?;
    if !options.json {
        print(&words.with("demo-begin", &[("dir", &dir.display().to_string())]));
    }
    let staging = Staging { binary: options.processes.clone(), ..Staging::default() };
    let progress = |name: &str| {
        if !options.json {
            print(&words.with("demo-starting", &[("name", &words.t(&format!("demo-party-{name}")))]));
        }
    };
    let town = Town::found(plan, World::new()?, staging, &progress).await?;
    let outcome = Story::new(&town, teller).tell().await;
    if options.serve {
        serve(&town, words, options.json).await?;
    }
    town.stop().await;
    if let (true, Some(folder)) = (options.keep, temporary) {
        let kept = folder.keep();
        if !options.json {
            print(&words.with("demo-kept", &[("dir", &kept.display().to_string())]));
        }
    } else if !options.keep && options.dir.is_some() {
        plan::remove(&dir)?;
    }
    Ok(outcome)
}

/// Opens the town console, says where everything is, and waits for Ctrl-C.
async fn serve(town: &Town, words: Words, json: bool) -> Result<(), DemoError> {
    let console = console::start(town).await?;
    if json {
        print(&serde_json::json!({"serving": console::places(town)}).to_string());
    } else {
        for line in console::hints(town, words) {
            print(&line);
        }
    }
    until_told().await?;
    console.stop();
    Ok(())
}

/// Waits for Ctrl-C, or for SIGTERM, so that a script can end the town in order, too.
async fn until_told() -> Result<(), DemoError> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            told = tokio::signal::ctrl_c() => Ok(told?),
        }
    }
    #[cfg(not(unix))]
    {
        Ok(tokio::signal::ctrl_c().await?)
    }
}
