//! Where everything in the town is: ports on this machine, folders below one directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::DemoError;
use crate::ports::Block;

/// A port of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot(u16);

impl Spot {
    /// The URL under which it is reached.
    pub(crate) fn url(self) -> String {
        format!("http://localhost:{}", self.0)
    }

    /// What is listened on.
    pub(crate) fn address(self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.0))
    }
}

/// The two listeners of a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServicePorts {
    /// For the world.
    pub(crate) public: Spot,
    /// For administration, and for an RP's own backend.
    pub(crate) internal: Spot,
    /// Where the service really listens if somebody stands on `public` and passes everything on.
    pub(crate) behind: Option<Spot>,
}

/// A relying party's app and its own verifier.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RpPorts {
    /// The app; its URL is the party id.
    pub(crate) app: Spot,
    /// Its first-party verifier.
    pub(crate) first_party: ServicePorts,
}

/// A data provider's ports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProviderPorts {
    /// The app and its verifier.
    pub(crate) rp: RpPorts,
    /// The JSON API behind the gateway.
    pub(crate) api: Spot,
    /// The gateway.
    pub(crate) gateway: ServicePorts,
}

/// The town on the map.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The folder that everything is below.
    pub(crate) dir: PathBuf,
    /// まちのID.
    pub(crate) idp: Spot,
    /// The issuer of linkage credentials.
    pub(crate) issuer: ServicePorts,
    /// The linking verifier.
    pub(crate) verifier: ServicePorts,
    /// The portal.
    pub(crate) portal: RpPorts,
    /// The health section.
    pub(crate) health: ProviderPorts,
    /// The bank.
    pub(crate) bank: ProviderPorts,
    /// The town console, for `--serve`.
    pub(crate) console: Spot,
    /// Keeps other towns off these ports.
    block: Block,
}

/// Folders below the town's directory. A directory that holds anything else is somebody's, and is not touched.
pub(crate) const FOLDERS: [&str; 7] = ["town", "issuer", "verifier", "portal", "health", "bank", "residents"];

impl Plan {
    /// Takes ports and makes the folders below `dir`. With `fixed`, well-known ports are tried first.
    ///
    /// # Errors
    /// If there are no free ports, or the folders cannot be made.
    pub(crate) fn draw(dir: &Path, fixed: bool) -> Result<Self, DemoError> {
        clear(dir)?;
        let block = Block::take(fixed, seed())?;
        let mut ports = block.ports().map(Spot);
        let mut next = || ports.next().ok_or_else(|| std::io::Error::other("too few ports"));
        let mut service =
            || Ok::<_, std::io::Error>(ServicePorts { public: next()?, internal: next()?, behind: None });
        let (issuer, verifier) = (service()?, service()?);
        let (portal_verifier, health_verifier, bank_verifier) = (service()?, service()?, service()?);
        let (health_gateway, bank_gateway) = (service()?, service()?);
        let rp = |app, first_party| RpPorts { app, first_party };
        Ok(Self {
            dir: dir.to_owned(),
            idp: next()?,
            issuer,
            verifier,
            portal: rp(next()?, portal_verifier),
            health: ProviderPorts { rp: rp(next()?, health_verifier), api: next()?, gateway: health_gateway },
            bank: ProviderPorts { rp: rp(next()?, bank_verifier), api: next()?, gateway: bank_gateway },
            console: next()?,
            block,
        })
    }

    /// The same town, with the verifier one port behind its public one.
    ///
    /// # Errors
    /// If there is no free port.
    pub(crate) fn tapped(mut self) -> Result<Self, DemoError> {
        let spare = self.block.ports().last().ok_or_else(|| std::io::Error::other("too few ports"))?;
        self.verifier.behind = Some(Spot(spare));
        Ok(self)
    }

    /// A file of the party `folder`; its folder is made, readable by its owner only.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(crate) fn file(&self, folder: &str, name: &str) -> Result<PathBuf, DemoError> {
        let folder = self.dir.join(folder);
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    /// The URL of the SQLite file `name` of the party `folder`.
    ///
    /// # Errors
    /// As [`Plan::file`].
    pub(crate) fn database(&self, folder: &str, name: &str) -> Result<String, DemoError> {
        Ok(format!("sqlite://{}", self.file(folder, &format!("{name}.sqlite"))?.display()))
    }
}

/// Makes `dir` an empty folder, if it is one already, does not exist, or was left by an earlier town.
fn clear(dir: &Path) -> Result<(), DemoError> {
    std::fs::create_dir_all(dir)?;
    let ours = |name: &std::ffi::OsStr| FOLDERS.iter().any(|folder| name == *folder);
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if !ours(&entry.file_name()) || !entry.file_type()?.is_dir() {
            return Err(DemoError::Directory(dir.display().to_string()));
        }
    }
    let earlier = dir.join("town").join("ca.pem").exists();
    for folder in FOLDERS.map(|folder| dir.join(folder)) {
        if folder.exists() {
            if !earlier {
                return Err(DemoError::Directory(dir.display().to_string()));
            }
            std::fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

/// Removes the town's folders below `dir`, and `dir` itself if nothing else is in it.
///
/// # Errors
/// If a folder cannot be removed.
pub(crate) fn remove(dir: &Path) -> Result<(), DemoError> {
    clear(dir)?;
    // Somebody may have put something there meanwhile; then it stays.
    let _ = std::fs::remove_dir(dir);
    Ok(())
}

/// Where to start looking for ports: towns of different processes start at different places.
fn seed() -> u16 {
    u16::try_from(std::process::id() % 0x1_0000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::draw(folder.path(), false).unwrap();
        std::fs::write(plan.file("portal", "x").unwrap(), "1").unwrap();
        assert!(matches!(Plan::draw(folder.path(), false), Err(DemoError::Directory(_))), "not a whole town");
        std::fs::write(plan.file("town", "ca.pem").unwrap(), "").unwrap();
        Plan::draw(folder.path(), false).unwrap();
        assert!(!folder.path().join("portal").exists(), "an earlier town is cleared away");
        std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(Plan::draw(folder.path(), false), Err(DemoError::Directory(_))));
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn every_spot_is_another_port() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::draw(folder.path(), false).unwrap();
        let mut ports = vec![plan.idp.0, plan.portal.app.0, plan.console.0];
        for service in [plan.issuer, plan.verifier, plan.portal.first_party] {
            ports.extend([service.public.0, service.internal.0]);
        }
        for provider in [plan.health, plan.bank] {
            ports.extend([provider.rp.app.0, provider.api.0]);
            for service in [provider.rp.first_party, provider.gateway] {
                ports.extend([service.public.0, service.internal.0]);
            }
        }
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 21);
        assert_eq!(plan.idp.url(), format!("http://localhost:{}", plan.idp.0));
    }
}
