//! How big the rooms are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::{cargo, output_of};
use crate::workspace::Workspace;

/// Prints, for every crate, its Rust files, their lines, the longest of them, and how many crates it needs at run time.
pub(crate) fn print(workspace: &Workspace) -> Result<(), String> {
    println!("{:<20} {:>6} {:>7} {:>8} {:>13}", "crate", "files", "lines", "longest", "dependencies");
    let mut total = 0;
    for member in workspace.members()? {
        let lines = lines_of_files(&member.dir).map_err(|e| format!("{}: {e}", member.dir.display()))?;
        let sum: usize = lines.iter().sum();
        let longest = lines.iter().max().copied().unwrap_or_default();
        let dependencies = dependencies(workspace, &member.name)?;
        println!("{:<20} {:>6} {sum:>7} {longest:>8} {dependencies:>13}", member.name, lines.len());
        total += sum;
    }
    println!("{:<20} {:>6} {total:>7}", "all", "");
    Ok(())
}

fn lines_of_files(dir: &Path) -> std::io::Result<Vec<usize>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let nested =
            path.join("Cargo.toml").exists() || path.file_name().is_some_and(|name| name == "target");
        if path.is_dir() && !nested {
            lines.extend(lines_of_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            lines.push(fs::read_to_string(&path)?.lines().count());
        }
    }
    Ok(lines)
}

fn dependencies(workspace: &Workspace, package: &str) -> Result<usize, String> {
    let args = ["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"];
    let tree =
        output_of(cargo(workspace).args(args)).ok_or_else(|| format!("cargo tree fails for {package}"))?;
    let crates: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len().saturating_sub(1))
}
