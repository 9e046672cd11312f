//! The stages of `cargo xtask test`: which there are, running them, and the table at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::workspace::Workspace;
use crate::{checks, peers, tests, wasm};

/// What became of a stage.
pub(crate) enum Outcome {
    /// Done, and good.
    Ok,
    /// Could not be done here; the reason says what is missing.
    Skipped(String),
    /// Done, and bad; the reason says what to look at.
    Failed(String),
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Ok,
            Err(reason) => Self::Failed(reason),
        }
    }
}

/// What the stages tell each other.
#[derive(Default)]
pub(crate) struct Shared {
    /// Where the independent peers are installed, once they are.
    pub(crate) peers: Option<std::path::PathBuf>,
    /// A Python with the independent peers' packages.
    pub(crate) python: Option<std::path::PathBuf>,
    /// Tests that were truly run and counted.
    pub(crate) counts: Option<Counts>,
}

/// One thing that CI does.
pub(crate) struct Stage {
    /// Its name on the command line and in the table.
    pub(crate) name: &'static str,
    /// One line of help.
    pub(crate) about: &'static str,
    /// Stages that have to run before it.
    needs: &'static [&'static str],
    run: fn(&Workspace, &mut Shared) -> Outcome,
}

/// All stages in the order in which they run: what fails fastest comes first.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "fmt", about: "rustfmt finds nothing to change", needs: &[], run: checks::fmt },
    Stage {
        name: "deny",
        about: "licences, banned crates and sources (cargo-deny)",
        needs: &[],
        run: checks::deny,
    },
    Stage { name: "clippy", about: "the house's lints, warnings denied", needs: &[], run: checks::clippy },
    Stage { name: "docs", about: "the documentation builds, warnings denied", needs: &[], run: checks::docs },
    Stage { name: "wasm", about: "the core crates compile for the browser", needs: &[], run: wasm::check },
    Stage { name: "build", about: "the binary and all tests compile", needs: &[], run: tests::build },
    Stage {
        name: "peers",
        about: "independent wallets and verifiers are ready",
        needs: &[],
        run: peers::prepare,
    },
    Stage { name: "test", about: "unit and end-to-end tests", needs: &["build", "peers"], run: tests::test },
    Stage {
        name: "doctest",
        about: "examples in the documentation run",
        needs: &["build"],
        run: tests::doctest,
    },
];

/// The stages to run, in order.
pub(crate) struct Plan(Vec<&'static Stage>);

impl Plan {
    /// The named stages and what they need; all stages when none is named.
    pub(crate) fn only(names: &[&str]) -> Result<Self, String> {
        if let Some(unknown) = names.iter().find(|name| !STAGES.iter().any(|stage| stage.name == **name)) {
            let known: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
            return Err(format!("there is no stage {unknown}; there are: {}", known.join(", ")));
        }
        let asked = |stage: &Stage| names.contains(&stage.name);
        let needed =
            |stage: &Stage| STAGES.iter().any(|other| asked(other) && other.needs.contains(&stage.name));
        let chosen = STAGES.iter().filter(|stage| names.is_empty() || asked(stage) || needed(stage));
        Ok(Self(chosen.collect()))
    }
}

/// Runs every stage of the plan, also after a failure, so that one run tells everything that is wrong.
pub(crate) fn run(workspace: &Workspace, plan: &Plan) -> ExitCode {
    let mut shared = Shared::default();
    let mut rows = Vec::new();
    for stage in &plan.0 {
        println!("\n== {}: {}", stage.name, stage.about);
        let clock = Stopwatch::start();
        let outcome = (stage.run)(workspace, &mut shared);
        let took = clock.elapsed();
        if let Outcome::Skipped(reason) = &outcome {
            println!("skipped: {reason}");
        }
        println!("== {}: {} in {}", stage.name, word(&outcome), seconds(took));
        rows.push((stage.name, took, outcome));
    }
    println!("\n{:<9} {:>8}  result", "stage", "time");
    for (name, took, outcome) in &rows {
        let reason = match outcome {
            Outcome::Ok => String::new(),
            Outcome::Skipped(reason) | Outcome::Failed(reason) => format!(": {reason}"),
        };
        println!("{name:<9} {:>8}  {}{reason}", seconds(*took), word(outcome));
    }
    if let Some(counts) = shared.counts {
        println!("{} passed, {} failed", counts.passed, counts.failed);
    }
    if rows.iter().any(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_))) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Skipped(_) => "skipped",
        Outcome::Failed(_) => "failed",
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "measures how long a stage really took; nothing depends on it"
    )]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
