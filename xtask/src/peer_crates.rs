//! Other people's Rust libraries beside ours: `peers`, a workspace of its own; its README says why.

use std::process::ExitCode;

use crate::command::{cargo, run};
use crate::workspace::Workspace;

/// `cargo xtask peers-rust [bench | FILTER]...`: whether they and ours understand each other, or how long they take.
pub(crate) fn peers(workspace: &Workspace, args: &[&str]) -> Result<ExitCode, String> {
    let command = || {
        let mut command = cargo(workspace);
        command.current_dir(workspace.root.join("peers"));
        // Apart, because the same crates are built with other features.
        command.env("CARGO_TARGET_DIR", workspace.target.join("peers-rust"));
        command
    };
    println!("$ cargo fetch --locked");
    let fetched = command().args(["fetch", "--locked"]).output();
    let fetched = fetched.map_err(|e| format!("`cargo fetch` could not be started: {e}"))?;
    if !fetched.status.success() {
        let problem = String::from_utf8_lossy(&fetched.stderr);
        // A lock file that does not fit is our fault, not the network's.
        if problem.contains("lock file") {
            return Err(format!("peers: {}", problem.trim()));
        }
        println!("{}\nskipped: the crates of the peers cannot be fetched here", problem.trim());
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = command();
    match args {
        ["bench", rest @ ..] => {
            // Where `cargo xtask test --only peers` installs them; without them, Node's figures are left out.
            if std::env::var_os("ENISHI_PEERS_DIR").is_none() {
                command.env("ENISHI_PEERS_DIR", workspace.target.join("peers"));
            }
            command.args(["bench", "--locked", "--features", "compare", "--"]).args(rest);
        }
        rest => {
            command.args(["test", "--locked"]).args(rest);
        }
    }
    run(&mut command).map(|()| ExitCode::SUCCESS)
}
