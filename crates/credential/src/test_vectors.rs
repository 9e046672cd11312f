//! Test vectors of the specifications, which are not part of this repository.

use std::path::PathBuf;

use serde_json::Value;

use crate::encoding::json;

/// The text of `path` below the folder of vectors: `$ENISHI_VECTORS`, or the nearest `shared/vectors` above this crate.
/// `None`, after saying so, where there is none: the test then has nothing to compare with and passes.
pub(crate) fn text(path: &str) -> Option<String> {
    let Some(folder) = folder() else {
        println!(
            "skipped: no folder `shared/vectors` above this crate and no $ENISHI_VECTORS, wanted {path}"
        );
        return None;
    };
    let file = folder.join(path);
    Some(std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// The JSON document `path` below the folder of vectors, as [`text`].
pub(crate) fn document(path: &str) -> Option<Value> {
    text(path).map(|text| json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// The folder of vectors, where there is one.
pub(crate) fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("ENISHI_VECTORS") {
        return Some(PathBuf::from(folder));
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|above| above.join("shared/vectors")).find(|folder| folder.is_dir())
}
