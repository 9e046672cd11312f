//! The core crates compile for the browser.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, in_root, output_of, run};
use crate::stage::{Outcome, Shared};
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";
const CORE: &[&str] = &["enishi-schemas", "enishi-credential", "enishi-protocol", "enishi-holder-sdk"];

/// Checks the core crates by plain cargo if the toolchain has the target or rustup can add it, else by a replacement
/// for cargo that brings a standard library of its own, else not at all.
pub(crate) fn check(workspace: &Workspace, _: &mut Shared) -> Outcome {
    if has_target(workspace) || add_target(workspace) {
        return run(arguments(cargo(workspace).args(["check", "--target", TARGET]))).into();
    }
    let Some(script) = replacement(workspace) else {
        return Outcome::Skipped(format!("no standard library for {TARGET} (rustup target add {TARGET})"));
    };
    // Its compiler may be another one, so it must not share a build directory with ours; and it may be older than the
    // workspace asks for, which is worth trying where the alternative is not to check at all.
    let mut command = in_root(workspace, script);
    command.env("CARGO_TARGET_DIR", workspace.target.join("wasm"));
    command.args(["check", "--ignore-rust-version"]);
    run(arguments(&mut command)).into()
}

fn arguments(command: &mut Command) -> &mut Command {
    command.arg("--locked");
    for name in CORE {
        command.args(["--package", name]);
    }
    command
}

/// Whether the compiler that cargo will use has a standard library for the target.
fn has_target(workspace: &Workspace) -> bool {
    let mut rustc = in_root(workspace, std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let folder = output_of(rustc.args(["--print", "target-libdir", "--target", TARGET]));
    folder.is_some_and(|folder| std::path::Path::new(folder.trim()).is_dir())
}

fn add_target(workspace: &Workspace) -> bool {
    if output_of(Command::new("rustup").arg("--version")).is_none() {
        return false;
    }
    println!("the toolchain has no {TARGET}; asking rustup for it");
    match run(in_root(workspace, "rustup").args(["target", "add", TARGET])) {
        Ok(()) => true,
        Err(reason) => {
            println!("{reason}");
            false
        }
    }
}

fn replacement(workspace: &Workspace) -> Option<PathBuf> {
    let named = std::env::var_os("ENISHI_WASM_CARGO").map(PathBuf::from);
    let script = named.unwrap_or_else(|| workspace.root.join("../shared/tools/wasm-cargo"));
    script.is_file().then_some(script)
}
