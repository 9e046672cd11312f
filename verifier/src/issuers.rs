//! The trusted issuers: their keys and their status lists, fetched when needed and kept for a while.
//!
//! Nothing is fetched for an issuer that is not configured (threat 10), and whatever cannot be fetched or verified counts
//! as not holding (threat 11).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::status::{
    Expected, StatusReference, TYP, UnverifiedStatusListToken, VerifiedStatusList,
};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys::{self, IssuerKeySource};
use enishi_protocol::linking::{IssuerHint, IssuerKeys, StatusOutcome};
use enishi_protocol::party::find_key;
use enishi_protocol::web::UrlPolicy;
use enishi_service::client::{ClientError, GuardedClient};
use enishi_service::config::{Development, PublicUrl};
use std::sync::Arc;

use enishi_credential::time::Clock;

/// Seconds between two fetches of one issuer's keys because of an unknown `kid`.
const REFETCH_PAUSE: i64 = 10;
/// Seconds after which keys are fetched again although the wanted one is known: a key can be taken back.
const KEYS_LIFETIME: i64 = 600;
/// For how many seconds a status list is used at most, whatever its `ttl` says.
const MAX_TTL: u32 = 300;

/// The trusted issuers.
pub(crate) struct TrustedIssuers {
    trusted: Vec<PublicUrl>,
    policy: UrlPolicy,
    client: GuardedClient,
    clock: Arc<dyn Clock>,
    signatures: Arc<dyn SignatureVerifier>,
    keys: Mutex<HashMap<String, Fetched>>,
    lists: Mutex<HashMap<String, VerifiedStatusList>>,
}

#[derive(Clone)]
struct Fetched {
    keys: JwkSet,
    at: UnixTime,
}

impl TrustedIssuers {
    pub(crate) fn new(
        trusted: Vec<PublicUrl>,
        development: Development,
        client: GuardedClient,
        clock: Arc<dyn Clock>,
        signatures: Arc<dyn SignatureVerifier>,
    ) -> Self {
        let policy = if development.is_on() { UrlPolicy::LoopbackHttpToo } else { UrlPolicy::HttpsOnly };
        Self { trusted, policy, client, clock, signatures, keys: Mutex::default(), lists: Mutex::default() }
    }

    /// The keys of the issuers that these presentations claim to be from, as far as they are trusted.
    pub(crate) async fn keys_for(&self, hints: &[IssuerHint]) -> IssuerKeys {
        let mut all = IssuerKeys::default();
        for hint in hints {
            if let Some(issuer) = self.trusted.iter().find(|issuer| issuer.as_str() == hint.issuer) {
                all = all.with(issuer.as_str(), self.keys_of(issuer, hint).await);
            }
        }
        all
    }

    async fn keys_of(&self, issuer: &PublicUrl, hint: &IssuerHint) -> JwkSet {
        let now = self.clock.now();
        let known = {
            let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.get(issuer.as_str()).cloned()
        };
        if let Some(known) = &known {
            let has = IssuerKeys::default().with(issuer.as_str(), known.keys.clone()).has(hint);
            let pause = if has { KEYS_LIFETIME } else { REFETCH_PAUSE };
            if now.since(known.at) < pause {
                return known.keys.clone();
            }
        }
        let fetched = match self.fetch_keys(issuer).await {
            Ok(keys) => keys,
            Err(failure) => {
                tracing::warn!(%failure, "the keys of a trusted issuer could not be fetched");
                // What was known stays good until it is older than keys may be.
                let still = known.filter(|known| now.since(known.at) < KEYS_LIFETIME);
                return still.map(|known| known.keys).unwrap_or_default();
            }
        };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(issuer.as_str().to_owned(), Fetched { keys: fetched.clone(), at: now });
        fetched
    }

    async fn fetch_keys(&self, issuer: &PublicUrl) -> Verdict<JwkSet> {
        let url = issuer_keys::metadata_url(issuer.as_str(), self.policy)?;
        let body = self.json(url.as_str()).await?;
        match issuer_keys::parse_metadata(&body, issuer.as_str(), self.policy)? {
            IssuerKeySource::Inline(keys) => Ok(keys),
            IssuerKeySource::At(url) => issuer_keys::parse_jwks(&self.json(url.as_str()).await?),
        }
    }

    async fn json(&self, url: &str) -> Verdict<Vec<u8>> {
        let answer = self.client.get(url, "application/json").await;
        let answer = answer.and_then(enishi_service::client::ClientResponse::ok);
        let answer = answer.and_then(|answer| answer.of_type("application/json"));
        Ok(answer.map_err(|error| unreachable("issuer-metadata", &error))?.body.to_vec())
    }

    /// Asks the status list that a credential of `issuer` names.
    pub(crate) async fn status(&self, issuer: &str, reference: Option<&StatusReference>) -> StatusOutcome {
        match reference {
            None => StatusOutcome::NoStatus,
            Some(reference) => StatusOutcome::Checked(self.check_status(issuer, reference).await),
        }
    }

    async fn check_status(&self, issuer: &str, reference: &StatusReference) -> Verdict<()> {
        let list = self.status_list(issuer, &reference.uri).await?;
        if list.get(reference.idx)?.is_valid() {
            return Ok(());
        }
        Err(Failure::new(
            "credential-status",
            "credential_not_valid",
            "the credential is revoked or suspended",
        )
        .at("/status")
        .remedy("get a fresh credential from the issuer"))
    }

    async fn status_list(&self, issuer: &str, uri: &str) -> Verdict<VerifiedStatusList> {
        let refuse = |detail: &'static str| {
            Failure::new("credential-status", "status_list_untrusted", detail)
                .at("/status/status_list/uri")
                .remedy("serve the status list on the issuer's own origin, signed with its key")
        };
        let trusted = self.trusted.iter().find(|trusted| trusted.as_str() == issuer);
        let trusted = trusted.ok_or_else(|| refuse("the issuer is not a trusted one"))?;
        let url = self.policy.check(uri)?;
        if url.origin().ascii_serialization() != trusted.origin() {
            return Err(refuse("the list is not on the issuer's origin"));
        }
        let now = self.clock.now();
        {
            let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(list) = lists.get(uri).filter(|list| list.is_fresh(now)) {
                return Ok(list.clone());
            }
        }
        let token = self.client.get_text(uri, &format!("application/{TYP}")).await;
        let token = token.map_err(|error| unreachable("credential-status", &error))?;
        let token = UnverifiedStatusListToken::parse(&token)?;
        let kid = token.key_source().hint.kid.map(str::to_owned);
        let hint = IssuerHint { issuer: issuer.to_owned(), kid };
        let keys = self.keys_of(trusted, &hint).await;
        let key = find_key(&keys, &token.key_source().hint)?.clone();
        let expected = Expected { uri, now, max_ttl: MAX_TTL, max_age: None };
        let list = token.verify(&*self.signatures, &key, &expected)?;
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, list| list.is_fresh(now));
        lists.insert(uri.to_owned(), list.clone());
        Ok(list)
    }
}

fn unreachable(check: &'static str, error: &ClientError) -> Failure {
    Failure::new(check, "issuer_unreachable", error.to_string())
        .remedy("try again later: the issuer's metadata or status list could not be fetched")
}
