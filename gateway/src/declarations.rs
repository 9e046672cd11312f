//! The declarations that this gateway goes by: read from files and verified at the start.

use std::path::{Path, PathBuf};

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::did::Did;
use enishi_credential::time::UnixTime;
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::declaration::{DeclarationSet, DeclarationTrust, PinnedParty};
use enishi_service::config::ConfigError;

use crate::config::TrustConfig;

/// Reads all files and verifies every signature; one declaration that does not hold stops the start.
pub(crate) fn load(
    config: &TrustConfig,
    signatures: &dyn SignatureVerifier,
    now: UnixTime,
) -> Result<DeclarationSet, ConfigError> {
    let mut trust = DeclarationTrust::default();
    for path in &config.anchors {
        let anchors = TrustAnchors::from_pem(&read(path)?);
        trust.anchors.extend(anchors.map_err(|failure| at(path, &failure.to_string()))?);
    }
    for party in &config.pinned_parties {
        let did = Did::parse(&party.did)
            .map_err(|failure| ConfigError::invalid("trust.pinned_parties", failure.to_string()))?;
        trust.pinned.push(PinnedParty { id: party.id.clone(), did });
    }
    let mut files = Vec::new();
    for path in &config.declarations {
        collect(path, &mut files)?;
    }
    let texts = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let set = DeclarationSet::verify(texts.iter().map(|text| text.trim()), &trust, signatures, now);
    set.map_err(|failure| {
        let index = failure.pointer.split('/').nth(2).and_then(|index| index.parse::<usize>().ok());
        let file = index.and_then(|index| files.get(index)).cloned().unwrap_or_default();
        at(&file, &failure.to_string())
    })
}

fn at(path: &Path, what: &str) -> ConfigError {
    ConfigError::invalid("trust", format!("{}: {what}", path.display()))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

/// A file itself, or the `*.jwt` files of a folder in the order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), ConfigError> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "jwt") {
            found.push(file);
        }
    }
    found.sort();
    files.extend(found);
    Ok(())
}
