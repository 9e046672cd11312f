//! Running other programs.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::workspace::Workspace;

/// A cargo command in the workspace root.
///
/// `cargo run` describes *this* program to us in the environment. Passed on, those variables would make build
/// scripts that watch them run again on every change between `cargo xtask` and plain `cargo`.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = in_root(workspace, program);
    command.env("CARGO_TARGET_DIR", &workspace.target);
    if on_ci() {
        // Neither changes what is built or how it behaves; both only cost time and disk where nothing is built twice.
        command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    }
    command
}

/// Any command in the workspace root.
pub(crate) fn in_root(workspace: &Workspace, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&workspace.root);
    for (key, _) in std::env::vars_os() {
        let about_us = key.to_str().is_some_and(|key| {
            key.starts_with("CARGO_PKG_")
                || key.starts_with("CARGO_MANIFEST_")
                || matches!(key, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
        });
        if about_us {
            command.env_remove(key);
        }
    }
    command
}

/// Whether a continuous-integration service runs us.
pub(crate) fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// Runs a command with its output on the terminal; anything but success is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let text = describe(command);
    println!("$ {text}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{text}`: {status}")),
        Err(e) => Err(format!("`{text}` could not be started: {e}")),
    }
}

/// Like [`run`], and hands every line of standard output to `line` as well as to the terminal.
pub(crate) fn run_watching(command: &mut Command, mut line: impl FnMut(&str)) -> Result<(), String> {
    let text = describe(command);
    println!("$ {text}");
    let started = command.stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|e| format!("`{text}` could not be started: {e}"))?;
    if let Some(out) = child.stdout.take() {
        for read in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let read = String::from_utf8_lossy(&read);
            println!("{read}");
            line(&read);
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{text}`: {status}")),
        Err(e) => Err(format!("`{text}` was lost: {e}")),
    }
}

/// The standard output of a command that succeeds; nothing if it is missing or fails.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit(['/', '\\']).next().unwrap_or(&program).to_owned();
    command.get_args().fold(program, |text, arg| text + " " + &arg.to_string_lossy())
}
