//! Stages that build and run the tests.

use std::process::Command;

use crate::command::{cargo, output_of, run, run_watching};
use crate::counts::Counts;
use crate::stage::{Outcome, Shared};
use crate::workspace::Workspace;

/// Builds the binary and all tests in one go, with the features that the test run uses: nothing is built twice, and the
/// end-to-end tests find `enishi` beside themselves.
pub(crate) fn build(workspace: &Workspace, _: &mut Shared) -> Outcome {
    run(cargo(workspace).args(["build", "--locked", "--workspace", "--bins", "--tests"])).into()
}

/// Unit, property and end-to-end tests: by nextest where it is installed, by `cargo test` otherwise.
pub(crate) fn test(workspace: &Workspace, shared: &mut Shared) -> Outcome {
    if output_of(cargo(workspace).args(["nextest", "--version"])).is_some() {
        return by_nextest(workspace, shared);
    }
    println!("cargo-nextest is not installed; using cargo test, which is slower and says less");
    let mut command = cargo(workspace);
    command.args(["test", "--locked", "--workspace", "--tests", "--no-fail-fast"]);
    by_harness(&mut command, shared)
}

/// The examples in the documentation, which nextest does not run.
pub(crate) fn doctest(workspace: &Workspace, shared: &mut Shared) -> Outcome {
    let mut command = cargo(workspace);
    command.args(["test", "--locked", "--workspace", "--doc", "--no-fail-fast"]);
    by_harness(&mut command, shared)
}

fn by_nextest(workspace: &Workspace, shared: &mut Shared) -> Outcome {
    // Below the root wherever the target directory is, as `.config/nextest.toml` has it.
    let report = workspace.root.join("target/nextest/ci/junit.xml");
    // A report of an earlier run must not be counted when this one does not get as far as writing its own.
    let _ = std::fs::remove_file(&report);
    let mut command = cargo(workspace);
    command.args(["nextest", "run", "--locked", "--workspace", "--profile", "ci"]);
    tell_peers(&mut command, shared);
    let result = run(&mut command);
    match std::fs::read_to_string(&report).ok().as_deref().and_then(Counts::from_junit) {
        Some(counts) => add(shared, counts),
        None if result.is_ok() => {
            return Outcome::Failed(format!("no report of the tests in {}", report.display()));
        }
        None => {}
    }
    result.into()
}

fn by_harness(command: &mut Command, shared: &mut Shared) -> Outcome {
    tell_peers(command, shared);
    run_watching(command, |line| {
        if let Some(counts) = Counts::from_result_line(line) {
            add(shared, counts);
        }
    })
    .into()
}

fn tell_peers(command: &mut Command, shared: &Shared) {
    if let Some(dir) = &shared.peers {
        command.env("ENISHI_PEERS_DIR", dir);
    }
    if let Some(python) = &shared.python {
        command.env("ENISHI_PEERS_PYTHON", python);
    }
}

fn add(shared: &mut Shared, counts: Counts) {
    shared.counts = Some(shared.counts.unwrap_or_default().plus(counts));
}
