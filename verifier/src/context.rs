//! What both modes of a verifier share.

use std::sync::Arc;

use enishi_credential::crypto::{SignatureVerifier, Signer};
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::JweBackend;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::time::{Clock, UnixTime};
use enishi_protocol::web::UrlPolicy;
use enishi_service::client::GuardedClient;
use enishi_service::config::{Development, PublicUrl};
use enishi_service::http::StartError;
use enishi_service::keys::{AwsVerifier, KeyFileError, KeyPlan, KeyRing, KeyType};
use enishi_service::store::{SqlReplayCache, Store};
use enishi_service::trust::{StatusLists, TrustedKeys};

use crate::at_rest::StoreKey;
use crate::config::{ClientIdPrefix, Config, WalletConfig};
use crate::issuers::{MAX_TTL, TrustedIssuers};

/// The secret that encrypts what is kept.
const STORE_SECRET: &str = "k_store";

/// What a verifier's key file holds when it is made in development.
const PLAN: KeyPlan<'_> = KeyPlan { keys: &[KeyType::Es256], secrets: &[STORE_SECRET] };

/// The means of a verifier: its name, keys, database, clock and randomness.
pub(crate) struct Context {
    /// The public URL: the verifier's issuer id.
    pub(crate) url: PublicUrl,
    /// Whether this is development.
    pub(crate) development: Development,
    /// The database.
    pub(crate) store: Store,
    /// What may be used once.
    pub(crate) replay: SqlReplayCache,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Checks signatures.
    pub(crate) signatures: Arc<dyn SignatureVerifier>,
    /// Opens and seals JWEs.
    pub(crate) jwe: Arc<dyn JweBackend>,
    /// Calls others.
    pub(crate) client: GuardedClient,
    /// Whose credentials are believed.
    pub(crate) issuers: TrustedIssuers,
    /// Encrypts what is kept.
    pub(crate) store_key: StoreKey,
    /// What wallets are shown.
    pub(crate) wallet: WalletConfig,
    signer: Arc<dyn Signer>,
    chain: Vec<Vec<u8>>,
    jwks: JwkSet,
}

impl Context {
    /// Opens the database and the key file.
    pub(crate) async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let keys_at_fault = |error: KeyFileError| StartError::Other(error.to_string());
        let keys =
            KeyRing::load(&config.keys.file, config.development, &PLAN, &*entropy).map_err(keys_at_fault)?;
        let secret = keys.secret(STORE_SECRET).map_err(keys_at_fault)?;
        let secret: &[u8; 32] = secret.expose().as_slice().try_into().map_err(|_| {
            StartError::Other(format!("key file: the secret `{STORE_SECRET}` is not 32 bytes long"))
        })?;
        let store_key = StoreKey::new(secret).map_err(|error| StartError::Other(error.to_string()))?;
        let signer = keys.active_signer().map_err(keys_at_fault)?;
        let chain = keys.x5c(signer.public_jwk().kid.as_deref().unwrap_or_default()).to_vec();
        if config.wallet.client_id_prefix == ClientIdPrefix::X509SanDns && chain.is_empty() {
            return Err(StartError::Other(
                "the active signing key has no certificate chain: put one into `x5c` of the key file, or set \
                 wallet.client_id_prefix = \"decentralized_identifier\""
                    .to_owned(),
            ));
        }
        let store = Store::connect(config.store.url.read("store.url")?.expose()).await?;
        crate::migrate(&store).await?;
        let client = GuardedClient::new(&config.client, config.development)?;
        let signatures: Arc<dyn SignatureVerifier> = Arc::new(AwsVerifier);
        let issuer_keys = Arc::new(TrustedKeys::of_issuers(
            config.issuers()?,
            client.clone(),
            Arc::clone(&clock),
            Arc::clone(&signatures),
            config.development,
        ));
        let status_lists = StatusLists::new(
            client.clone(),
            Arc::clone(&clock),
            Arc::clone(&issuer_keys),
            Arc::clone(&signatures),
            MAX_TTL,
        );
        Ok(Self {
            url: config.public_url()?,
            development: config.development,
            replay: SqlReplayCache::new(&store),
            store,
            issuers: TrustedIssuers::new(issuer_keys, status_lists),
            clock,
            entropy,
            signatures,
            jwe: keys.jwe(),
            client,
            store_key,
            wallet: config.wallet.clone(),
            signer,
            chain,
            jwks: keys.jwks(),
        })
    }

    /// Which URLs of others are used: https, or http to this machine in development.
    pub(crate) const fn urls(&self) -> UrlPolicy {
        if self.development.0 { UrlPolicy::LoopbackHttpToo } else { UrlPolicy::HttpsOnly }
    }

    /// The time now.
    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.signer)
    }

    /// The certificate chain of that key, leaf first, without the anchor; empty if it has none.
    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// What is published: every key that signs, will sign, or has signed lately.
    pub(crate) const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}
