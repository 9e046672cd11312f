//! Benches. The table at the end comes from the bench binary itself; see `crates/native/benches`.

use crate::command::{cargo, run};
use crate::workspace::Workspace;

/// Runs the benches in whose names `args` occur; further arguments are criterion's, e.g. `--quick`.
pub(crate) fn benches(workspace: &Workspace, args: &[&str]) -> Result<(), String> {
    run(cargo(workspace)
        .args(["bench", "--locked", "--package", "enishi-native", "--bench", "bench", "--"])
        .args(args))
}
