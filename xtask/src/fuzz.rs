//! A short run of every fuzz target. Long runs are `cargo fuzz run` by hand, as CONTRIBUTING.md says.

use std::fs;
use std::process::{Command, ExitCode};

use crate::command::{cargo, output_of, run};
use crate::workspace::Workspace;

/// How long one target runs unless `--seconds` says otherwise.
const SECONDS: u32 = 20;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wish<'a> {
    targets: Vec<&'a str>,
    seconds: u32,
}

/// `cargo xtask fuzz [TARGET]... [--seconds N]`.
pub(crate) fn fuzz(workspace: &Workspace, args: &[&str]) -> Result<ExitCode, String> {
    let known = targets(workspace)?;
    let wish = parse(args, &known)?;
    if output_of(cargo(workspace).args(["fuzz", "--version"])).is_none() {
        println!("skipped: cargo-fuzz is not installed (cargo install cargo-fuzz --locked)");
        return Ok(ExitCode::SUCCESS);
    }
    let mut failed = Vec::new();
    for target in &wish.targets {
        println!("\n== {target}: {} s", wish.seconds);
        if let Err(problem) = run(&mut command(workspace, target, wish.seconds)?) {
            println!("{problem}");
            failed.push(*target);
        }
    }
    println!("\n{} targets, {} failed {}", wish.targets.len(), failed.len(), failed.join(", "));
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn command(workspace: &Workspace, target: &str, seconds: u32) -> Result<Command, String> {
    let corpus = workspace.root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|e| format!("{} cannot be made: {e}", corpus.display()))?;
    let mut command = cargo(workspace);
    command.current_dir(workspace.root.join("fuzz")).env_remove("CARGO_TARGET_DIR");
    // No sanitizer: our code has no `unsafe`, and without one the stable toolchain is enough and the run twice as fast.
    command.args(["fuzz", "run", "--sanitizer", "none", "--target-dir"]).arg(workspace.target.join("fuzz"));
    command.args([target, &format!("corpus/{target}"), &format!("seeds/{target}"), "--"]);
    command.args([&format!("-max_total_time={seconds}"), "-timeout=10", "-dict=json.dict"]);
    Ok(command)
}

/// The targets that there are: a file each in `fuzz/fuzz_targets`.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let folder = workspace.root.join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?.flatten();
    let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn parse<'a>(args: &[&'a str], known: &'a [String]) -> Result<Wish<'a>, String> {
    let mut wish = Wish { targets: Vec::new(), seconds: SECONDS };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if *arg == "--seconds" {
            let number = rest.next().and_then(|number| number.parse().ok());
            wish.seconds = number.filter(|n| *n > 0).ok_or("--seconds needs a number above 0")?;
        } else if known.iter().any(|name| name == arg) {
            wish.targets.push(arg);
        } else {
            return Err(format!("there is no fuzz target {arg}; there are: {}", known.join(", ")));
        }
    }
    if wish.targets.is_empty() {
        wish.targets = known.iter().map(String::as_str).collect();
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_targets_or_the_named_ones_for_so_long() {
        let known = ["did".to_owned(), "jwe".to_owned()];
        assert_eq!(parse(&[], &known), Ok(Wish { targets: vec!["did", "jwe"], seconds: SECONDS }));
        assert_eq!(parse(&["jwe", "--seconds", "5"], &known), Ok(Wish { targets: vec!["jwe"], seconds: 5 }));
        for bad in [["nonsense"].as_slice(), &["--seconds"], &["--seconds", "x"], &["--seconds", "0"]] {
            assert!(parse(bad, &known).is_err(), "{bad:?}");
        }
    }
}
