//! The town: everybody in one process, each with ports, keys, folders and databases of their own.

mod configs;
mod deeds;
pub(crate) mod services;
mod start;
mod tap;

use std::path::PathBuf;
use std::sync::Arc;

use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::time::Clock;
use enishi_service::SystemEntropy;
use enishi_service::clock::SystemClock;

use crate::net::Net;
use crate::plan::Plan;
use crate::rp::portal::Portal;
use crate::sample::Place;
use crate::web::Served;

use self::tap::Tap;

pub(crate) use self::services::{Service, Services};
pub(crate) use self::start::{TEST_WALLET_REDIRECT, WALLET_CLIENT, WALLET_REDIRECT};

/// The time and randomness of this machine, and the town's HTTP client.
#[derive(Clone)]
pub(crate) struct World {
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// HTTP.
    pub(crate) net: Net,
}

impl World {
    /// The real one.
    pub(crate) fn new() -> Result<Self, crate::DemoError> {
        Ok(Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), net: Net::new()? })
    }
}

/// How a town is founded, beside where.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    /// The `enishi` binary, if the services are processes of their own.
    pub(crate) binary: Option<PathBuf>,
    /// What those processes log.
    pub(crate) log: String,
    /// Seconds that a resident has to answer the linking verifier.
    pub(crate) answer_seconds: u32,
    /// Whether everything on the linking verifier's public port is recorded, below `town/tap`.
    pub(crate) tap: bool,
}

impl Default for Staging {
    fn default() -> Self {
        Self { binary: None, log: "info".to_owned(), answer_seconds: 300, tap: false }
    }
}

/// A running town.
pub(crate) struct Town {
    /// Where everything is.
    pub(crate) plan: Plan,
    /// Time, randomness, HTTP.
    pub(crate) world: World,
    /// The town's certificate authority, DER.
    pub(crate) anchor: Vec<u8>,
    /// The portal's own process: for the part of the story in which it misbehaves.
    pub(crate) portal: Portal,
    /// The linking verifier's signing key: for the part of the story in which the verifier is dishonest.
    pub(crate) verifier_key: PrivateJwk,
    /// The client id of the health section's own verifier, which names itself by DID.
    pub(crate) health_verifier: String,
    /// Bearer secret of the internal listeners.
    pub(crate) internal_token: String,
    /// The services.
    pub(crate) services: Services,
    served: Vec<Served>,
    /// Listens in as long as the town lives.
    _tap: Option<Tap>,
}

impl Town {
    /// The party id of `place`.
    pub(crate) fn party(&self, place: Place) -> String {
        party(&self.plan, place)
    }

    /// The databases of `party`: what it can know is in there.
    pub(crate) fn databases(&self, party: &str) -> Result<Vec<String>, crate::DemoError> {
        let names: &[&str] = match party {
            "portal" => &["portal", "first-party"],
            "health" | "bank" => &[party_file(party), "first-party", "gateway"],
            _ => &[party_file(party)],
        };
        names.iter().map(|name| self.plan.database(party, name)).collect()
    }

    /// Stops everybody.
    pub(crate) async fn stop(self) {
        for served in self.served {
            served.stop();
        }
        self.services.stop().await;
    }
}

/// The party id of `place`: the URL of its app.
fn party(plan: &Plan, place: Place) -> String {
    match place {
        Place::Portal => plan.portal.app.url(),
        Place::Health => plan.health.rp.app.url(),
        Place::Bank => plan.bank.rp.app.url(),
    }
}

/// A party's main database has the party's name.
const fn party_file(party: &str) -> &str {
    party
}
