//! Stages that judge the source without running it.

use std::process::Command;

use crate::command::{cargo, output_of, run};
use crate::stage::{Outcome, Shared};
use crate::workspace::Workspace;

/// `cargo fmt`, in place.
pub(crate) fn format_in_place(workspace: &Workspace) -> Result<(), String> {
    component(workspace, "rustfmt", "fmt")?;
    run(cargo(workspace).args(["fmt", "--all"]))
}

/// rustfmt finds nothing to change.
pub(crate) fn fmt(workspace: &Workspace, _: &mut Shared) -> Outcome {
    component(workspace, "rustfmt", "fmt")
        .and_then(|()| run(cargo(workspace).args(["fmt", "--all", "--check"])))
        .map_err(|e| format!("{e}; `cargo xtask fmt` mends it"))
        .into()
}

/// The house's lints. `-D warnings` reaches the workspace's crates only, so dependencies are checked once with the
/// same flags for this and the other stages.
pub(crate) fn clippy(workspace: &Workspace, _: &mut Shared) -> Outcome {
    component(workspace, "clippy", "clippy")
        .and_then(|()| {
            let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
            run(cargo(workspace).args(args))
        })
        .into()
}

/// Links and examples of the documentation are sound.
pub(crate) fn docs(workspace: &Workspace, _: &mut Shared) -> Outcome {
    let mut command = cargo(workspace);
    command.args(["doc", "--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings");
    run(&mut command).into()
}

/// Licences, bans and sources as `deny.toml` has them. Advisories are left out: they change without a commit, so they
/// belong to a scheduled job, not to the question whether this commit is good.
pub(crate) fn deny(workspace: &Workspace, _: &mut Shared) -> Outcome {
    if output_of(cargo(workspace).args(["deny", "--version"])).is_none() {
        return Outcome::Skipped(
            "cargo-deny is not installed (cargo install cargo-deny --locked)".to_owned(),
        );
    }
    run(cargo(workspace).args([
        "deny",
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
    .into()
}

/// Makes sure that a cargo subcommand of the toolchain is there, with rustup's help where there is rustup.
fn component(workspace: &Workspace, component: &str, subcommand: &str) -> Result<(), String> {
    if output_of(cargo(workspace).args([subcommand, "--version"])).is_some() {
        return Ok(());
    }
    println!("{component} is not installed; asking rustup for it");
    run(Command::new("rustup").current_dir(&workspace.root).args(["component", "add", component]))
        .map_err(|e| format!("{component} is not installed and could not be: {e}"))
}
