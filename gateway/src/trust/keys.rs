//! Keys of trusted verifiers and issuers: fetched from their metadata, kept for a while, fetched again when a new key
//! appears. Nothing is ever fetched from anybody who is not in the configuration (threat 10).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::time::{Clock, UnixTime};
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys::{self, IssuerKeySource};
use enishi_protocol::web::UrlPolicy;
use enishi_service::client::{ClientError, ClientResponse, GuardedClient};
use enishi_service::config::PublicUrl;
use serde::Deserialize;

/// Seconds between two fetches because of a key that is not known.
const REFETCH_PAUSE: i64 = 10;
/// Seconds for which fetched keys are used.
const LIFETIME: i64 = 600;

/// Whose keys they are, which says where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/.well-known/enishi-verifier`.
    Verifier,
    /// `/.well-known/jwt-vc-issuer` (SD-JWT VC §4).
    Issuer,
}

/// Keys of trusted parties of one kind.
pub(crate) struct TrustedKeys {
    kind: Kind,
    trusted: Vec<PublicUrl>,
    policy: UrlPolicy,
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    keys: JwkSet,
    fetched: UnixTime,
    tried: UnixTime,
}

/// What a verifier says about itself; members that are not used here are ignored.
#[derive(Deserialize)]
struct VerifierMetadata {
    issuer: String,
    jwks_uri: String,
}

impl TrustedKeys {
    pub(crate) fn new(
        kind: Kind,
        trusted: Vec<PublicUrl>,
        policy: UrlPolicy,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { kind, trusted, policy, client, clock, known: Mutex::default() }
    }

    /// The trusted party with exactly this id.
    pub(crate) fn find(&self, id: &str) -> Option<&PublicUrl> {
        self.trusted.iter().find(|trusted| trusted.as_str() == id)
    }

    /// Which URLs are used.
    pub(crate) const fn policy(&self) -> UrlPolicy {
        self.policy
    }

    /// The keys of a trusted party, fetched again if they are old or lack `kid`.
    ///
    /// # Errors
    /// `keys_unavailable` if they cannot be fetched and none that are young enough are known.
    pub(crate) async fn of(&self, party: &PublicUrl, kid: Option<&str>) -> Verdict<JwkSet> {
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(party.as_str()).cloned();
        if let Some(known) = &known {
            let young = now.since(known.fetched) < LIFETIME;
            let has = kid.is_none_or(|kid| known.keys.find(kid).is_some());
            let waiting = now.since(known.tried) < REFETCH_PAUSE;
            if young && (has || waiting) {
                return Ok(known.keys.clone());
            }
        }
        match self.fetch(party).await {
            Ok(keys) => {
                self.remember(party, Known { keys: keys.clone(), fetched: now, tried: now });
                Ok(keys)
            }
            Err(failure) => {
                tracing::warn!(%failure, kind = ?self.kind, "keys could not be fetched");
                let still = known.filter(|known| now.since(known.fetched) < LIFETIME).ok_or(failure)?;
                let keys = still.keys.clone();
                self.remember(party, Known { tried: now, ..still });
                Ok(keys)
            }
        }
    }

    fn remember(&self, party: &PublicUrl, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(party.as_str().to_owned(), known);
    }

    async fn fetch(&self, party: &PublicUrl) -> Verdict<JwkSet> {
        match self.kind {
            Kind::Issuer => {
                let url = issuer_keys::metadata_url(party.as_str(), self.policy)?;
                let body = self.json(url.as_str()).await?;
                match issuer_keys::parse_metadata(&body, party.as_str(), self.policy)? {
                    IssuerKeySource::Inline(keys) => Ok(keys),
                    IssuerKeySource::At(url) => issuer_keys::parse_jwks(&self.json(url.as_str()).await?),
                }
            }
            Kind::Verifier => {
                let body = self.json(&party.well_known("enishi-verifier")).await?;
                let metadata: VerifierMetadata = enishi_credential::encoding::json::from_slice(&body)
                    .map_err(|error| unusable(error.to_string()))?;
                if metadata.issuer != party.as_str() {
                    return Err(unusable("`issuer` is not the verifier that was asked"));
                }
                let url = self.policy.check(&metadata.jwks_uri)?;
                issuer_keys::parse_jwks(&self.json(url.as_str()).await?)
            }
        }
    }

    async fn json(&self, url: &str) -> Verdict<Vec<u8>> {
        let answer = self.client.get(url, "application/json").await;
        let answer = answer.and_then(ClientResponse::ok);
        Ok(answer.map_err(|error: ClientError| unusable(error.to_string()))?.body.to_vec())
    }
}

fn unusable(detail: impl Into<String>) -> Failure {
    Failure::new("trusted-keys", "keys_unavailable", detail)
        .remedy("try again later: the metadata of a trusted party could not be fetched")
}
