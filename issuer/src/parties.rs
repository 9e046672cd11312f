//! The relying parties that people can link, and the keys to which their identifiers are sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::time::Clock;
use enishi_service::client::GuardedClient;

use crate::config::{Config, Names, SealingConfig, seals};
use crate::remembered::Remembered;

/// One relying party.
pub(crate) struct Party {
    /// The party id, `rp` of its credentials.
    pub(crate) id: String,
    /// What people see.
    pub(crate) names: Names,
    /// What its PPIDs are computed for.
    pub(crate) sector: String,
    /// The index of the weakest login that is enough in `acr_levels`.
    pub(crate) min_level: usize,
    sealing: Sealing,
}

enum Sealing {
    Fixed(Jwk),
    /// An old key does for a while: keys are rotated with overlap (linkage protocol §2).
    Fetched {
        uri: String,
        known: Remembered<Jwk>,
    },
}

/// The party's sealing key could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relying party's sealing key cannot be had right now")]
pub(crate) struct NoSealingKey;

/// All relying parties, in the order of the configuration.
pub(crate) struct Parties {
    list: Vec<Party>,
    by_id: BTreeMap<String, usize>,
    client: GuardedClient,
}

impl Parties {
    /// The parties of a configuration that was checked.
    pub(crate) fn new(config: &Config, client: GuardedClient, clock: &Arc<dyn Clock>) -> Self {
        let text = |url: &enishi_service::config::ConfiguredUrl| {
            url.permit(config.development).map(|url| url.as_str().to_owned()).ok()
        };
        let list: Vec<Party> = config
            .relying_parties
            .iter()
            .filter_map(|party| {
                let id = text(&party.id)?;
                let level = |acr: &String| config.issuance.acr_levels.iter().position(|level| level == acr);
                let sealing = match &party.sealing {
                    SealingConfig::Keys { keys } => {
                        Sealing::Fixed(keys.iter().find(|key| seals(key)).cloned()?)
                    }
                    SealingConfig::Uri { jwks_uri } => {
                        Sealing::Fetched { uri: text(jwks_uri)?, known: Remembered::new(Arc::clone(clock)) }
                    }
                };
                Some(Party {
                    sector: party.sector.clone().unwrap_or_else(|| id.clone()),
                    id,
                    names: party.names.clone(),
                    min_level: match &party.min_acr {
                        None => 0,
                        // A level that is not configured is never reached.
                        Some(acr) => level(acr).unwrap_or(usize::MAX),
                    },
                    sealing,
                })
            })
            .collect();
        let by_id = list.iter().enumerate().map(|(at, party)| (party.id.clone(), at)).collect();
        Self { list, by_id, client }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Party] {
        &self.list
    }

    /// The party with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Party> {
        self.by_id.get(id).and_then(|at| self.list.get(*at))
    }

    /// The key to which the party's identifiers are sealed today.
    pub(crate) async fn sealing_key(&self, party: &Party) -> Result<Jwk, NoSealingKey> {
        let (uri, known) = match &party.sealing {
            Sealing::Fixed(key) => return Ok(key.clone()),
            Sealing::Fetched { uri, known } => (uri, known),
        };
        let (client, uri, party) = (self.client.clone(), uri.clone(), party.id.clone());
        let fetch = async move {
            match client.get_json::<JwkSet>(&uri).await {
                Ok(set) => {
                    let key = set.keys.into_iter().find(seals);
                    if key.is_none() {
                        tracing::warn!(party, "the party's key set has no key for sealing");
                    }
                    key
                }
                Err(error) => {
                    tracing::warn!(party, %error, "the party's key set could not be fetched");
                    None
                }
            }
        };
        known.get(false, fetch).await.ok_or(NoSealingKey)
    }
}
