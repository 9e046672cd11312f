//! Towns whose services are processes of the real binary.

use std::path::Path;

use enishi_demo::rehearsal::{Rehearsal, Stage};

use crate::process::binary;

/// A stage on which the services are processes, logging at `info`.
pub fn processes() -> Stage {
    Stage { binary: Some(binary()), ..Stage::default() }
}

/// A town on `stage`.
///
/// # Panics
/// If it could not be founded; with the reason.
pub async fn found(stage: Stage) -> Rehearsal {
    Rehearsal::found(stage).await.unwrap_or_else(|error| panic!("no town: {error}"))
}

/// Every file below `folder`, with its content.
///
/// # Panics
/// If a file cannot be read.
pub fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())).flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                // SQLite removes its files beside the database when the last connection goes.
                if let Ok(content) = std::fs::read(&path) {
                    files.push((name, content));
                }
            }
        }
    }
    files.sort();
    files
}
