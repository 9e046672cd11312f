//! The declarations that this verifier serves and goes by: read from files and verified at the start.

use std::path::{Path, PathBuf};

use enishi_credential::did::Did;
use enishi_credential::time::UnixTime;
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::declaration::{DeclarationSet, DeclarationTrust, PinnedParty};
use enishi_service::config::ConfigError;
use enishi_service::http::StartError;

use crate::config::LinkingConfig;
use crate::context::Context;

/// Reads all files and verifies every signature; one declaration that does not hold stops the start, so that nobody
/// finds out later that a party was left out.
pub(super) fn load(config: &LinkingConfig, context: &Context) -> Result<DeclarationSet, StartError> {
    let mut trust = DeclarationTrust::default();
    for path in &config.anchors {
        let anchors = TrustAnchors::from_pem(&read(path)?);
        trust.anchors.extend(anchors.map_err(|failure| at(path, &failure.to_string()))?);
    }
    for party in &config.pinned_parties {
        let did = Did::parse(&party.did)
            .map_err(|failure| ConfigError::invalid("linking.pinned_parties", failure.to_string()))?;
        trust.pinned.push(PinnedParty { id: party.id.clone(), did });
    }
    let mut files = Vec::new();
    for path in &config.declarations {
        collect(path, &mut files)?;
    }
    let texts = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let compacts = texts.iter().map(|text| text.trim());
    let set = DeclarationSet::verify(compacts, &trust, &*context.signatures, context.now());
    let set = set.map_err(|failure| {
        let index = failure.pointer.split('/').nth(2).and_then(|index| index.parse::<usize>().ok());
        let file = index.and_then(|index| files.get(index)).cloned().unwrap_or_default();
        at(&file, &failure.to_string())
    })?;
    warn(&set, context.now());
    Ok(set)
}

/// Says which declarations are of no use now. They do not stop the start: live grants under them are suspended, and
/// everything else goes on.
fn warn(set: &DeclarationSet, now: UnixTime) {
    let parties = set.parties().map(|one| (&one.sha256, one.body.exp));
    let services = set.services().map(|one| (&one.sha256, one.body.exp));
    let purposes = set.purposes().map(|one| (&one.sha256, one.body.exp));
    for (sha256, exp) in parties.chain(services).chain(purposes) {
        if exp <= now {
            tracing::warn!(declaration = %sha256, "a declaration has expired");
        }
    }
    for purpose in set.purposes().filter(|purpose| set.approval(purpose, now).is_none()) {
        tracing::warn!(declaration = %purpose.sha256, "a purpose has no valid approval by its data provider");
    }
}

fn at(path: &Path, what: &str) -> ConfigError {
    ConfigError::invalid("linking", format!("{}: {what}", path.display()))
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
