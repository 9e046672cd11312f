//! Developer commands. `cargo xtask test` does everything that CI does; CI itself only calls it.
//!
//! No dependencies on purpose: this is the first thing a fresh clone compiles.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to the terminal is what this program does"
)]

mod bench;
mod checks;
mod command;
mod counts;
mod fuzz;
mod peer_crates;
mod peers;
mod sizes;
mod stage;
mod tests;
mod wasm;
mod workspace;

use std::process::ExitCode;

use stage::{Plan, STAGES};
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask test [--only STAGE]...   everything that CI does, or only some of its stages
cargo xtask lint                     formatting, clippy and documentation, warnings denied
cargo xtask fmt                      format the whole workspace in place
cargo xtask bench [FILTER]           what the credential engine costs beside raw cryptography (release profile)
cargo xtask fuzz [TARGET]... [--seconds N]
                                     a short run of every fuzz target, or of some
cargo xtask peers-rust [bench | FILTER]
                                     other people's Rust libraries: understood both ways, or side by side in a table
cargo xtask sizes                    lines and number of dependencies of every crate";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &[&str]) -> Result<ExitCode, String> {
    let workspace = Workspace::find()?;
    match args {
        ["test", rest @ ..] => Ok(stage::run(&workspace, &Plan::only(&parse_only(rest)?)?)),
        ["lint"] => Ok(stage::run(&workspace, &Plan::only(&["fmt", "clippy", "docs"])?)),
        ["fmt"] => {
            checks::format_in_place(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        ["bench", rest @ ..] => {
            bench::benches(&workspace, rest)?;
            Ok(ExitCode::SUCCESS)
        }
        ["fuzz", rest @ ..] => fuzz::fuzz(&workspace, rest),
        ["peers-rust", rest @ ..] => peer_crates::peers(&workspace, rest),
        ["sizes"] => {
            sizes::print(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}\n\nstages:");
            for stage in STAGES {
                println!("  {:<9} {}", stage.name, stage.about);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(format!("unknown command; there are:\n{USAGE}")),
    }
}

/// Reads `--only a --only b` and `--only a,b`.
fn parse_only<'a>(args: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let mut names = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match (*arg, rest.next()) {
            ("--only", Some(list)) => names.extend(list.split(',').map(str::trim)),
            ("--only", None) => return Err("--only needs the name of a stage".to_owned()),
            (other, _) => return Err(format!("unknown argument {other}; there are:\n{USAGE}")),
        }
    }
    Ok(names)
}
