//! The means of a gateway: its name, keys, database, trust, clock and randomness.

use std::sync::Arc;
use std::time::Duration;

use enishi_credential::crypto::{SignatureVerifier, Signer};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::JweBackend;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::time::{Clock, UnixTime};
use enishi_protocol::declaration::DeclarationSet;
use enishi_protocol::web::UrlPolicy;
use enishi_service::client::GuardedClient;
use enishi_service::config::PublicUrl;
use enishi_service::http::StartError;
use enishi_service::keys::{AwsVerifier, KeyFileError, KeyRing};
use enishi_service::store::{SqlReplayCache, Store};
use enishi_service::trust::{StatusLists, TrustedKeys};
use tokio::sync::Notify;

use crate::config::Config;
use crate::declarations;
use crate::grants::Grants;

/// The well-known name of a verifier's metadata.
const VERIFIER_METADATA: &str = "enishi-verifier";
/// The longest time in seconds for which a status list is used, whatever its `ttl` says (linkage protocol §9, §10).
const STATUS_MAX_TTL: u32 = 60;

/// Everything that the steps need.
pub(crate) struct Gateway {
    /// The data provider's party id.
    pub(crate) party: String,
    /// The canonical resource URI.
    pub(crate) resource: PublicUrl,
    /// Where requests go.
    pub(crate) upstream: PublicUrl,
    /// Calls the upstream.
    pub(crate) upstream_client: GuardedClient,
    /// Calls verifiers and issuers.
    pub(crate) client: GuardedClient,
    /// The verifiers that are trusted, and their keys.
    pub(crate) verifiers: Arc<TrustedKeys>,
    /// The issuers that are trusted, and their keys.
    pub(crate) issuers: TrustedKeys,
    /// Which URLs of others are used.
    pub(crate) urls: UrlPolicy,
    /// Status lists of grants, at most 60 seconds old.
    pub(crate) status_lists: StatusLists,
    /// The declarations.
    pub(crate) declarations: DeclarationSet,
    /// What is known of grants and links.
    pub(crate) grants: Grants,
    /// Proofs that were used.
    pub(crate) replay: SqlReplayCache,
    /// The database.
    pub(crate) store: Store,
    /// Signs client assertions.
    pub(crate) signer: Arc<dyn Signer>,
    /// Opens what is sealed to this party.
    pub(crate) decryption_keys: Vec<PrivateJwk>,
    /// Opens JWEs.
    pub(crate) jwe: Arc<dyn JweBackend>,
    /// Checks signatures.
    pub(crate) signatures: Arc<dyn SignatureVerifier>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Wakes the delivery of reports.
    pub(crate) report_queued: Notify,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// Opens the database, the key file and the declarations.
    pub(crate) async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let at_fault = |error: KeyFileError| StartError::Other(error.to_string());
        let keys = KeyRing::load(&config.keys.file, config.development, &crate::KEY_PLAN, &*entropy)
            .map_err(at_fault)?;
        let decryption_keys: Vec<_> = keys.decryption_keys().cloned().collect();
        if decryption_keys.is_empty() {
            return Err(StartError::Other(
                "key file: there is no key with `use` enc to open sealed identifiers".to_owned(),
            ));
        }
        let signatures: Arc<dyn SignatureVerifier> = Arc::new(AwsVerifier);
        let party = config.permit("party", &config.party)?.to_string();
        let resource = config.permit("resource.uri", &config.resource.uri)?;
        let declarations = declarations::load(&config.trust, &*signatures, clock.now())?;
        let ours = declarations
            .services()
            .any(|service| service.body.iss == party && service.body.resource == resource.as_str());
        if !ours {
            return Err(StartError::Other(
                "trust.declarations: there is no service declaration of this party for resource.uri"
                    .to_owned(),
            ));
        }
        let store = Store::connect(config.store.url.read("store.url")?.expose()).await?;
        store.migrate(&enishi_service::migrations!["0001_gateway"]).await?;
        let client = GuardedClient::new(&config.client, config.development)?;
        let verifiers = config.all("trust.verifiers", &config.trust.verifiers)?;
        let (called_by, told_by) = (|| client.clone(), || Arc::clone(&clock));
        let verifiers =
            TrustedKeys::new(VERIFIER_METADATA, verifiers, called_by(), told_by(), config.development);
        let verifiers = Arc::new(verifiers);
        let issuers = TrustedKeys::of_issuers(
            config.issuers()?,
            called_by(),
            told_by(),
            Arc::clone(&signatures),
            config.development,
        );
        let status_lists = StatusLists::new(
            client.clone(),
            Arc::clone(&clock),
            Arc::clone(&verifiers),
            Arc::clone(&signatures),
            STATUS_MAX_TTL,
        );
        Ok(Self {
            party,
            resource,
            upstream: config.permit("resource.upstream", &config.resource.upstream)?,
            upstream_client: client
                .clone()
                .with_limits(config.resource.body_limit, Duration::from_millis(config.resource.timeout_ms)),
            verifiers,
            issuers,
            urls: config.development.url_policy(),
            status_lists,
            client,
            declarations,
            grants: Grants::new(&store),
            replay: SqlReplayCache::new(&store),
            store,
            signer: keys.active_signer().map_err(at_fault)?,
            decryption_keys,
            jwe: keys.sealing(),
            signatures,
            entropy,
            report_queued: Notify::new(),
            clock,
        })
    }

    /// The time now.
    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }
}
