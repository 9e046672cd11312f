//! Things that are not part of the repository and may be missing: test vectors, and other people's wallets and verifiers.
//!
//! A test that needs one of them starts with `let Some(dir) = outside::peers() else { return };`. What is missing has then
//! been said on standard output (`cargo nextest run --no-capture` shows it).

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies below the root")
}

/// The folder with the independent peers, installed. `cargo xtask test` prepares it and names it in `ENISHI_PEERS_DIR`.
pub fn peers() -> Option<PathBuf> {
    let named = std::env::var_os("ENISHI_PEERS_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.join("node_modules").is_dir());
    if named.is_none() {
        println!(
            "skipped: no installed peers (`cargo xtask test --only test` installs them where they can be had)"
        );
    }
    named
}

/// A Python that has the independent peers' packages. `cargo xtask test` makes it and names it in `ENISHI_PEERS_PYTHON`.
pub fn python() -> Option<PathBuf> {
    let named = std::env::var_os("ENISHI_PEERS_PYTHON").map(PathBuf::from).filter(|path| path.exists());
    if named.is_none() {
        println!(
            "skipped: no Python with the peers' packages (`cargo xtask test --only test` makes one where it can)"
        );
    }
    named
}

/// A command that runs one of the peers' scripts with Node in its folder.
pub fn node(peers: &Path, script: &str) -> Command {
    let mut command = Command::new("node");
    command.current_dir(peers).arg(script);
    command
}

/// A folder with published test vectors, such as `wycheproof`: below `ENISHI_VECTORS`, or below `shared/vectors` next to
/// the workspace or above it.
pub fn vectors(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("ENISHI_VECTORS").map(PathBuf::from);
    let beside = workspace_root().ancestors().skip(1).map(|dir| dir.join("shared/vectors"));
    let found = named.into_iter().chain(beside).map(|dir| dir.join(name)).find(|dir| dir.is_dir());
    if found.is_none() {
        println!("skipped: no test vectors {name} (ENISHI_VECTORS names their folder)");
    }
    found
}
