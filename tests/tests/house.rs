//! How the house is built, as far as a machine can see it: who may depend on whom, how long a file may be, and what must
//! not be written down. CONTRIBUTING.md gives the reasons.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use enishi_tests::outside::workspace_root;
use toml::{Table, Value};

/// Every room, and the rooms below it that it may use. A new room gets a line here.
const ROOMS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("credential", &["schemas"]),
    ("protocol", &["schemas", "credential"]),
    ("native", &["credential"]),
    ("service", &["schemas", "credential", "protocol", "native"]),
    ("w3c", &["schemas", "credential", "protocol"]),
    ("holder-sdk", &["schemas", "credential", "protocol"]),
    ("issuer", &["schemas", "credential", "protocol", "service", "w3c"]),
    ("verifier", &["schemas", "credential", "protocol", "service", "w3c"]),
    ("gateway", &["schemas", "credential", "protocol", "service", "w3c"]),
    ("portal", &["schemas", "credential", "protocol", "holder-sdk"]),
    (
        "demo",
        &[
            "schemas",
            "credential",
            "protocol",
            "service",
            "w3c",
            "holder-sdk",
            "issuer",
            "verifier",
            "gateway",
        ],
    ),
    (
        "cli",
        &[
            "schemas",
            "credential",
            "protocol",
            "service",
            "w3c",
            "holder-sdk",
            "issuer",
            "verifier",
            "gateway",
            "demo",
        ],
    ),
    (
        "tests",
        &[
            "schemas",
            "credential",
            "protocol",
            "service",
            "w3c",
            "holder-sdk",
            "issuer",
            "verifier",
            "gateway",
            "demo",
        ],
    ),
    ("xtask", &[]),
];

/// Rooms that are also compiled for the browser, and what cannot be there.
const BROWSER_ROOMS: &[&str] = &["schemas", "credential", "protocol", "holder-sdk"];
const NOT_IN_A_BROWSER: &[&str] =
    &["tokio", "axum", "hyper", "reqwest", "sqlx", "ssi", "josekit", "openssl", "aws-lc-rs", "ring"];

const LONGEST_FILE: usize = 600;

#[test]
fn dependencies_point_downwards_only() {
    let wrong: Vec<String> = manifests().iter().flat_map(|(_, manifest)| upward(manifest)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_upward_dependency_would_be_seen() {
    let manifest = |text: &str| text.parse::<Table>().unwrap();
    let plain =
        manifest("[package]\nname='enishi-credential'\n[dependencies]\nenishi-protocol={workspace=true}");
    assert_eq!(upward(&plain), ["enishi-credential must not depend on enishi-protocol"]);
    let dev =
        manifest("[package]\nname='enishi-issuer'\n[dev-dependencies]\nenishi-verifier={workspace=true}");
    assert_eq!(upward(&dev).len(), 1);
    let renamed =
        manifest("[package]\nname='enishi-gateway'\n[dependencies]\nsdk={package='enishi-holder-sdk'}");
    assert_eq!(upward(&renamed).len(), 1);
    let target =
        manifest("[package]\nname='enishi-schemas'\n[target.'cfg(unix)'.dependencies]\nenishi-service={}");
    assert_eq!(upward(&target).len(), 1);
    let unknown = manifest("[package]\nname='enishi-cellar'");
    assert_eq!(upward(&unknown).len(), 1);
    let good = manifest(
        "[package]\nname='enishi-issuer'\n[dependencies]\nenishi-service={workspace=true}\nserde='1'",
    );
    assert!(upward(&good).is_empty());
}

#[test]
fn what_compiles_for_the_browser_brings_no_server_along() {
    for (path, manifest) in manifests() {
        let room = room_of(&manifest);
        if !BROWSER_ROOMS.contains(&room.as_str()) {
            continue;
        }
        for table in ["dependencies", "build-dependencies"] {
            let names = manifest.get(table).and_then(Value::as_table).into_iter().flat_map(Table::keys);
            let wrong: Vec<&String> =
                names.filter(|name| NOT_IN_A_BROWSER.contains(&name.as_str())).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?} cannot run in a browser", path.display());
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_house() {
    for (path, manifest) in manifests() {
        let lints = manifest.get("lints").and_then(Value::as_table);
        let inherited = lints.and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true);
        let own = room_of(&manifest) == "tests" && lints.is_some_and(|lints| lints.contains_key("clippy"));
        assert!(inherited || own, "{} does not say `[lints] workspace = true`", path.display());
    }
}

#[test]
fn no_rust_file_is_longer_than_one_sitting() {
    let too_long: Vec<String> = tracked_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| {
            Some((fs::read_to_string(workspace_root().join(&path)).ok()?.lines().count(), path))
        })
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| {
            format!("{} has {lines} lines; more than {LONGEST_FILE} are two ideas", path.display())
        })
        .collect();
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let mut found = Vec::new();
    for path in tracked_files() {
        // What is not text names no folder that anybody would follow.
        let Ok(text) = fs::read_to_string(workspace_root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(folder) = folder_of_a_machine(line) {
                found.push(format!("{}:{}: {folder}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "paths of somebody's machine:\n{}", found.join("\n"));
}

#[test]
fn the_threat_model_names_tests_that_exist() {
    let model = fs::read_to_string(workspace_root().join("docs/threat-model.md")).unwrap();
    let sources = rust_sources();
    let mut rows = 0;
    for row in model.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (Ok(number), Some(tests)) = (cells[0].parse::<usize>(), cells.last()) else { continue };
        rows += 1;
        assert_eq!(number, rows, "the rows are numbered through");
        // Names stand in backticks; those followed by "(not yet)" are plans.
        let names: Vec<(&str, &str)> =
            tests.split('`').skip(1).step_by(2).zip(tests.split('`').skip(2).step_by(2)).collect();
        assert!(!names.is_empty(), "threat {number} names no test");
        for (name, after) in names {
            assert!(
                name.starts_with(&format!("threat_{number}_")),
                "threat {number} has a test named {name}"
            );
            let planned = after.trim_start().starts_with("(not yet)");
            assert!(
                planned || sources.contains(&format!("fn {name}(")),
                "threat {number}: there is no test {name}"
            );
        }
    }
    assert_eq!(rows, 22);
}

#[test]
fn the_table_of_requirements_names_tests_and_cases_that_exist() {
    let table = fs::read_to_string(workspace_root().join("docs/requirements.md")).unwrap();
    let (sources, corpus) = (rust_sources(), files_below(Path::new("schemas/corpus")));
    let cases: String = corpus
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| fs::read_to_string(workspace_root().join(path)).unwrap())
        .collect();
    let starts = sources.split("fn ").skip(1).chain(cases.split("\"id\": \"").skip(1));
    let names: BTreeSet<&str> = starts
        .filter_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).next())
        .collect();
    let mut numbers = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(numbers.insert(cells[0]), "docs/requirements.md: {} has two rows", cells[0]);
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "docs/requirements.md: {} names no test", cells[0]);
        for test in tests {
            let there = names.range(test..).next().is_some_and(|name| name.starts_with(test));
            assert!(there, "docs/requirements.md: nothing begins with {test}");
        }
    }
    assert!(numbers.len() > 60, "{} requirements", numbers.len());
}

/// A row of `docs/vectors.md`: patterns of files, their number, and tests or a reason.
fn rows_of_vectors() -> Vec<(Vec<String>, usize, String)> {
    let table = fs::read_to_string(workspace_root().join("docs/vectors.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let patterns = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (patterns, cells[1].parse().expect("the number of files"), cells[2].to_owned())
    });
    rows.collect()
}

#[test]
fn every_test_vector_is_in_the_table() {
    let rows = rows_of_vectors();
    let Some(folder) = enishi_tests::outside::vectors("") else { return };
    let mut counts = vec![0; rows.len()];
    for file in files_below(&folder) {
        let file = file.strip_prefix(&folder).unwrap().to_str().unwrap();
        let fitting = rows.iter().enumerate().flat_map(|(row, (patterns, ..))| {
            patterns.iter().filter(|pattern| fits(pattern, file)).map(move |pattern| (pattern.len(), row))
        });
        let (_, row) = fitting.max().unwrap_or_else(|| panic!("{file} is in no row of docs/vectors.md"));
        counts[row] += 1;
    }
    for ((patterns, number, _), count) in rows.iter().zip(counts) {
        assert_eq!(*number, count, "docs/vectors.md: the number of files of {patterns:?}");
    }
}

#[test]
fn the_table_of_vectors_names_tests_that_exist() {
    let sources = rust_sources();
    for (patterns, _, tests) in rows_of_vectors() {
        assert!(!tests.is_empty(), "{patterns:?} has neither a test nor a reason");
        for (name, after) in tests.split('`').skip(1).step_by(2).zip(tests.split('`').skip(2).step_by(2)) {
            let is_a_name = name.contains('_') && !name.contains('/');
            let planned = after.trim_start().starts_with("(not yet)");
            assert!(
                !is_a_name || planned || sources.contains(&format!("fn {name}(")),
                "docs/vectors.md: there is no test {name}"
            );
        }
    }
}

/// Whether a path fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().any(|(at, _)| fits(after, &rest[at..])) || fits(after, "")
        }),
    }
}

#[test]
fn a_pattern_fits_what_it_should() {
    assert!(fits("a/*", "a/b/c.json") && fits("a/b.json", "a/b.json") && fits("a/5_4.*", "a/5_4.x"));
    assert!(
        !fits("a/*", "b/a/c") && !fits("a", "ab") && !fits("a/5_4.*", "a/5_40") && !fits("*.yml", "a.json")
    );
}

#[test]
fn the_path_of_a_machine_would_be_seen() {
    let work = concat!("/wo", "rk/");
    assert_eq!(folder_of_a_machine(&format!("see {work}main")), Some(work));
    assert_eq!(folder_of_a_machine(&format!("PATH={work}bin")), Some(work));
    assert_eq!(folder_of_a_machine(&format!("\"{}x\"", concat!("/ro", "ot/"))), Some(concat!("/ro", "ot/")));
    assert_eq!(folder_of_a_machine(&format!("https://example.com{work}")), None);
    assert_eq!(folder_of_a_machine(&format!("the home{work}life balance")), None);
}

/// All our Rust code as one text.
fn rust_sources() -> String {
    tracked_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| fs::read_to_string(workspace_root().join(path)).ok())
        .collect()
}

/// The names of rooms that a manifest depends on although it must not.
fn upward(manifest: &Table) -> Vec<String> {
    let room = room_of(manifest);
    let Some((_, below)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!(
            "enishi-{room} has no place in the house: give it a line in tests/tests/house.rs"
        )];
    };
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    tables
        .flat_map(|table| {
            ["dependencies", "dev-dependencies", "build-dependencies"].map(|kind| table.get(kind))
        })
        .filter_map(|dependencies| dependencies?.as_table())
        .flatten()
        .map(|(name, value)| value.get("package").and_then(Value::as_str).unwrap_or(name))
        .filter_map(|name| name.strip_prefix("enishi-"))
        // A crate is its own dev-dependency where its tests need one of its features.
        .filter(|name| *name != room && !below.contains(name))
        .map(|name| format!("enishi-{room} must not depend on enishi-{name}"))
        .collect()
}

fn room_of(manifest: &Table) -> String {
    let name = manifest["package"]["name"].as_str().expect("a package has a name");
    name.strip_prefix("enishi-").unwrap_or(name).to_owned()
}

/// The manifests of all members of the workspace.
fn manifests() -> Vec<(PathBuf, Table)> {
    let workspace = read_manifest(&workspace_root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().expect("the workspace lists its members");
    assert!(members.len() > 10, "the members were not all found");
    members
        .iter()
        .map(|member| workspace_root().join(member.as_str().expect("a member is a path")).join("Cargo.toml"))
        .map(|path| (path.clone(), read_manifest(&path)))
        .collect()
}

fn read_manifest(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files that belong to the project, relative to the root: what git tracks, or everything where there is no git.
fn tracked_files() -> Vec<PathBuf> {
    let git = Command::new("git").current_dir(workspace_root()).args(["ls-files", "-z"]).output();
    let files: Vec<PathBuf> = match git {
        Ok(output) if output.status.success() => {
            let names = String::from_utf8(output.stdout).expect("our file names are UTF-8");
            names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
        }
        _ => files_below(Path::new("")),
    };
    assert!(files.iter().any(|path| path == Path::new("Cargo.toml")), "the files were not found");
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace_root().join(folder)).expect("the workspace can be read").flatten();
    entries
        .flat_map(|entry| {
            let path = folder.join(entry.file_name());
            let built =
                matches!(entry.file_name().to_str(), Some("target" | "node_modules" | ".git" | ".venv"));
            match entry.path().is_dir() {
                true if built => Vec::new(),
                true => files_below(&path),
                false => vec![path],
            }
        })
        .collect()
}

/// A folder of somebody's machine that the line names. In pieces, or this file would name them itself.
fn folder_of_a_machine(line: &str) -> Option<&'static str> {
    let folders =
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/workspace", "s/")];
    folders.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            // Inside a longer path or a URL it is somebody else's folder of that name.
            !line[..at].ends_with(|before: char| before.is_alphanumeric() || "./-_}".contains(before))
        })
    })
}
