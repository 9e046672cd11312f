//! Lists the message catalogues below `messages/`, so that a new area is one file in each language and nothing else.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let mut code = String::from("&[\n");
    for lang in ["ja", "en"] {
        let folder = Path::new(&root).join("messages").join(lang);
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files =
            fs::read_dir(&folder)?.map(|e| Ok(e?.path())).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "ftl")) {
            println!("cargo:rerun-if-changed={}", file.display());
            let area = file.file_stem().unwrap_or_default().to_string_lossy();
            let file = file.to_string_lossy();
            writeln!(code, "    ({lang:?}, {area:?}, include_str!({file:?})),")?;
        }
    }
    code.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("catalogues.rs"), code)?;
    Ok(())
}
