//! Reading a configuration file and laying the environment over it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// What every overriding environment variable begins with; the rest is the key, its parts joined by `__`.
const PREFIX: &str = "ENISHI__";

/// Why a configuration was refused. The text names the file or variable, the key, and what is expected there.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("configuration file {path}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not TOML; the message carries line and column.
    #[error("configuration {origin}: not valid TOML: {message}")]
    Syntax {
        /// The file or variable.
        origin: String,
        /// The parser's message.
        message: String,
    },
    /// A key is unknown, missing, of the wrong type or of a value that is not allowed.
    #[error("configuration {origin}, key `{key}`: {expected}")]
    Invalid {
        /// The file or environment variable that the value came from.
        origin: String,
        /// The key, its parts joined by dots.
        key: String,
        /// What is wrong and what is expected instead.
        expected: String,
    },
}

impl ConfigError {
    /// A value that serde accepted and a later check refused.
    pub fn invalid(key: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Invalid { origin: "value".into(), key: key.into(), expected: expected.into() }
    }
}

/// The variables of this process that override configuration keys.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// Reads `path`, lays `environment` over it and gives the typed configuration.
///
/// `ENISHI__SERVER__PUBLIC_URL=https://…` overrides `public_url` in the section `[server]`. A value is taken as it
/// stands where the file has a string at that key; elsewhere it is read as a TOML value (`true`, `8080`,
/// `["a", "b"]`, `{ file = "…" }`) and, if it is none, as a string.
pub fn load<T: DeserializeOwned>(
    path: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, &format!("file {}", path.display()), environment)
}

/// As [`load`], from text already in memory. `origin` is what errors call it.
pub fn parse<T: DeserializeOwned>(
    text: &str,
    origin: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut table: Table = toml::from_str(text)
        .map_err(|e| ConfigError::Syntax { origin: origin.to_owned(), message: e.to_string() })?;
    let mut overridden = BTreeSet::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let parts: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
        if parts.iter().any(String::is_empty) {
            return Err(ConfigError::Invalid {
                origin: format!("environment variable {name}"),
                key: parts.join("."),
                expected: "expected ENISHI__SECTION__KEY without empty parts".into(),
            });
        }
        set(&mut table, &parts, &value).map_err(|expected| ConfigError::Invalid {
            origin: format!("environment variable {name}"),
            key: parts.join("."),
            expected,
        })?;
        overridden.insert((parts.join("."), name));
    }
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|e| {
        let key = e.path().to_string();
        let origin = overridden
            .iter()
            .find(|(overridden, _)| {
                key == *overridden || key.strip_prefix(overridden).is_some_and(|rest| rest.starts_with('.'))
            })
            .map_or_else(|| origin.to_owned(), |(_, name)| format!("environment variable {name}"));
        let expected = e.into_inner().to_string().trim().replace('\n', " ");
        ConfigError::Invalid { origin, key, expected }
    })
}

fn set(table: &mut Table, parts: &[String], text: &str) -> Result<(), String> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    if rest.is_empty() {
        let value = if matches!(table.get(first), Some(Value::String(_))) {
            Value::String(text.to_owned())
        } else {
            value_of(text)
        };
        table.insert(first.clone(), value);
        return Ok(());
    }
    match table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, text),
        other => Err(format!("`{first}` is a {} in the file, not a section", other.type_str())),
    }
}

fn value_of(text: &str) -> Value {
    // A variable with a newline must not smuggle a second key in.
    let parsed =
        (!text.contains('\n')).then(|| toml::from_str::<Table>(&format!("v = {text}")).ok()).flatten();
    parsed
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        development: bool,
        server: Section,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Section {
        name: String,
        #[serde(default)]
        port: u16,
        #[serde(default)]
        list: Vec<String>,
    }

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    const FILE: &str = "[server]\nname = \"a\"\nport = 1\n";

    #[test]
    fn the_environment_overrides_the_file() {
        let sample: Sample = parse(
            FILE,
            "file x",
            env(&[
                ("ENISHI__DEVELOPMENT", "true"),
                ("ENISHI__SERVER__PORT", "8080"),
                ("ENISHI__SERVER__NAME", "12"),
                ("ENISHI__SERVER__LIST", "[\"a\", \"b\"]"),
                ("UNRELATED", "1"),
            ]),
        )
        .unwrap();
        assert!(sample.development);
        assert_eq!(sample.server.port, 8080);
        assert_eq!(sample.server.name, "12", "a string in the file stays a string");
        assert_eq!(sample.server.list, ["a", "b"]);
    }

    #[test]
    fn errors_name_origin_key_and_expectation() {
        type Pairs = &'static [(&'static str, &'static str)];
        let cases: [(&str, Pairs, &[&str]); 5] = [
            ("[server]\nport = 1", &[], &["file x", "`server`", "missing field `name`"]),
            ("[server]\nname = \"a\"\nprot = 1", &[], &["file x", "unknown field `prot`", "`port`"]),
            ("[server]\nname = \"a\"\nport = \"x\"", &[], &["file x", "`server.port`", "u16"]),
            (FILE, &[("ENISHI__SERVER__PORT", "many")], &["variable ENISHI__SERVER__PORT", "u16"]),
            ("name = = 1", &[], &["file x", "line 1"]),
        ];
        for (text, overrides, wanted) in cases {
            let error = parse::<Sample>(text, "file x", env(overrides)).unwrap_err().to_string();
            for part in wanted {
                assert!(error.contains(part), "{error:?} lacks {part:?}");
            }
        }
    }

    #[test]
    fn a_variable_cannot_smuggle_a_second_key() {
        let overrides = env(&[("ENISHI__SERVER__LIST", "[]\nport = 9")]);
        assert!(parse::<Sample>(FILE, "x", overrides).is_err());
    }

    #[test]
    fn a_section_is_not_a_value() {
        let error = parse::<Sample>(FILE, "x", env(&[("ENISHI__SERVER__NAME__X", "1")])).unwrap_err();
        assert!(error.to_string().contains("not a section"), "{error}");
    }
}
