//! Independent wallets, issuers and verifiers on other people's libraries, for the interoperability tests.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{output_of, run};
use crate::stage::{Outcome, Shared};
use crate::workspace::Workspace;

const OLDEST_NODE: u32 = 20;
const INSTALLED: &str = "node_modules";
const STAMP: &str = ".installed";
const PYTHON_PACKAGES: &[&str] = &["sd-jwt==0.10.4"];

/// Copies the peers below the build directory and installs their libraries there, so that their own folder stays as it is.
/// Does nothing when the copy is up to date.
pub(crate) fn prepare(workspace: &Workspace, shared: &mut Shared) -> Outcome {
    match python(workspace) {
        Ok(python) => shared.python = Some(python),
        Err(reason) => println!("without the peers in Python: {reason}"),
    }
    let source = std::env::var_os("ENISHI_PEERS")
        .map_or_else(|| workspace.root.join("../shared/peers"), PathBuf::from);
    if !source.join("package-lock.json").is_file() {
        return Outcome::Skipped("no folder with peers here (ENISHI_PEERS names one)".to_owned());
    }
    if let Some(reason) = node_is_missing() {
        return Outcome::Skipped(reason);
    }
    let copy = workspace.target.join("peers");
    match install(&source, &copy) {
        Ok(()) => {
            shared.peers = Some(copy);
            Outcome::Ok
        }
        Err(reason) => Outcome::Failed(reason),
    }
}

/// A virtual environment below the build directory with the packages of the peers in Python. It needs the network once.
fn python(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.target.join("peers-python");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|old| old == PYTHON_PACKAGES.join(" "))
        && python.is_file()
    {
        return Ok(python);
    }
    if output_of(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_none() {
        return Err("Python 3 with venv and pip is not installed".to_owned());
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(pip).args(PYTHON_PACKAGES))?;
    fs::write(folder.join(STAMP), PYTHON_PACKAGES.join(" "))
        .map_err(|e| format!("the environment cannot be marked: {e}"))?;
    Ok(python)
}

fn node_is_missing() -> Option<String> {
    let Some(version) = output_of(Command::new("node").arg("--version")) else {
        return Some(format!("Node {OLDEST_NODE} or later is not installed"));
    };
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => None,
        _ => Some(format!("Node {OLDEST_NODE} or later is needed, this is {}", version.trim())),
    }
}

fn install(source: &Path, copy: &Path) -> Result<(), String> {
    let files = files_below(source).map_err(|e| format!("the peers cannot be read: {e}"))?;
    let stamp = fingerprint(source, &files).map_err(|e| format!("the peers cannot be read: {e}"))?;
    if fs::read_to_string(copy.join(STAMP)).is_ok_and(|old| old == stamp) && copy.join(INSTALLED).is_dir() {
        println!("the installed copy is up to date");
        return Ok(());
    }
    replace(source, copy, &files).map_err(|e| format!("the peers cannot be copied: {e}"))?;
    run(Command::new("npm").current_dir(copy).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))?;
    fs::write(copy.join(STAMP), stamp).map_err(|e| format!("the copy of the peers cannot be marked: {e}"))
}

/// All files below a folder as relative paths, sorted; what npm installed is left out.
fn files_below(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                if entry.file_name() != INSTALLED {
                    folders.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn fingerprint(root: &Path, files: &[PathBuf]) -> std::io::Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(root.join(file))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Starts the copy afresh: a file that the source no longer has must not linger.
fn replace(source: &Path, copy: &Path, files: &[PathBuf]) -> std::io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    for file in files {
        let to = copy.join(file);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(source.join(file), to)?;
    }
    Ok(())
}
