//! A secret in a configuration: by value, or in a file.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;
use enishi_credential::secret::Secret;

/// Where a secret comes from: `key = "value"` or `key = { file = "/run/secrets/key" }`.
///
/// A relative file name counts from the working directory. One line break at the end of the file is not part of the
/// secret.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a string or `{ file = \"…\" }`")]
pub enum SecretSource {
    /// In a file of its own.
    File(SecretFile),
    /// In the configuration itself.
    Value(String),
}

/// The file form of [`SecretSource`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// The file.
    pub file: PathBuf,
}

impl SecretSource {
    /// Reads the secret. `key` is what an error calls it. An empty secret is refused.
    pub fn read(&self, key: &str) -> Result<Secret<String>, ConfigError> {
        let text = match self {
            Self::Value(value) => value.clone(),
            Self::File(SecretFile { file }) => {
                let mut text = std::fs::read_to_string(file)
                    .map_err(|source| ConfigError::Unreadable { path: file.clone(), source })?;
                let line = text.trim_end_matches(['\n', '\r']).len();
                text.truncate(line);
                text
            }
        };
        if text.is_empty() {
            return Err(ConfigError::invalid(key, "expected a secret that is not empty"));
        }
        Ok(Secret::new(text))
    }
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "SecretSource({})", file.file.display()),
            Self::Value(_) => f.write_str("SecretSource(by value)"),
        }
    }
}
