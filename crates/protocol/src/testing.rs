//! What the tests of this crate share.

use std::path::{Path, PathBuf};

/// The text of a shared test vector, or `None` (and a note) where the vectors are not on this machine. They are looked
/// for in `ENISHI_VECTORS`, else in `shared/vectors` beside the workspace or one of its parents.
pub(crate) fn vector(name: &str) -> Option<String> {
    let folder = std::env::var_os("ENISHI_VECTORS").map(PathBuf::from).or_else(|| {
        let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        above.find_map(|dir| Some(dir.join("shared/vectors")).filter(|dir| dir.is_dir()))
    });
    let Some(folder) = folder else {
        eprintln!("skipped: the shared test vectors are not on this machine");
        return None;
    };
    Some(std::fs::read_to_string(folder.join(name)).expect("a vector of this name"))
}
