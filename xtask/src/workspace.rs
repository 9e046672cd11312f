//! Where things are.

use std::path::{Path, PathBuf};

/// The workspace these commands work on, and its build directory.
pub(crate) struct Workspace {
    /// The folder with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the root.
    pub(crate) target: PathBuf,
}

/// A member crate, as its manifest names it.
pub(crate) struct Member {
    /// Package name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) dir: PathBuf,
}

impl Workspace {
    /// Finds the workspace from the manifest directory cargo sets at run time, or upwards from the current directory.
    ///
    /// Deliberately not from `env!`: with a shared target directory the compiled-in path may be another checkout's.
    pub(crate) fn find() -> Result<Self, String> {
        let current = std::env::current_dir().map_err(|e| format!("no current directory: {e}"))?;
        let start = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| current.clone(), PathBuf::from);
        let root = start
            .ancestors()
            .find(|dir| manifest(dir).is_some_and(|text| text.contains("[workspace]")))
            .ok_or_else(|| format!("no workspace above {}", start.display()))?
            .to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .filter(|dir| !dir.is_empty())
            .map_or_else(|| root.join("target"), |dir| current.join(dir));
        Ok(Self { root, target })
    }

    /// The member crates in the order of the workspace manifest.
    pub(crate) fn members(&self) -> Result<Vec<Member>, String> {
        let text = manifest(&self.root).ok_or("the workspace manifest cannot be read")?;
        let list = text
            .split_once("members = [")
            .and_then(|(_, rest)| rest.split_once(']'))
            .map(|(list, _)| list)
            .ok_or("the workspace manifest has no list of members")?;
        list.split(',')
            .map(|entry| entry.trim().trim_matches('"'))
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let dir = self.root.join(entry);
                let name = manifest(&dir)
                    .and_then(|text| text.lines().find_map(package_name))
                    .ok_or_else(|| format!("{entry}/Cargo.toml has no package name"))?;
                Ok(Member { name, dir })
            })
            .collect()
    }
}

fn manifest(dir: &Path) -> Option<String> {
    std::fs::read_to_string(dir.join("Cargo.toml")).ok()
}

fn package_name(line: &str) -> Option<String> {
    let value = line.strip_prefix("name = \"")?;
    value.strip_suffix('"').map(str::to_owned)
}
