//! Benches. The tables come from the bench binaries themselves; see `crates/native/benches`.

use crate::command::{cargo, run};
use crate::workspace::Workspace;

/// Runs the benches in whose names `args` occur and then counts allocations; further arguments are criterion's, e.g. `--quick`.
pub(crate) fn benches(workspace: &Workspace, args: &[&str]) -> Result<(), String> {
    ["bench", "allocations"].into_iter().try_for_each(|bench| {
        run(cargo(workspace)
            .args(["bench", "--locked", "--package", "enishi-native", "--bench", bench, "--"])
            .args(args))
    })
}
