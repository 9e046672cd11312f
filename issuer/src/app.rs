//! What every endpoint has at hand.

use std::sync::Arc;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::JweBackend;
use enishi_credential::time::Clock;
use enishi_service::config::PublicUrl;
use enishi_service::store::{SqlReplayCache, Store};

use crate::config::{Config, WalletConfig};
use crate::keys::IssuerKeys;
use crate::parties::Parties;
use crate::store::{Codes, Logins, Offers, PushedRequests, Tokens};
use crate::upstream::Upstream;

/// The issuer.
pub(crate) struct App {
    /// The issuer's identifier.
    pub(crate) url: PublicUrl,
    pub(crate) config: Config,
    pub(crate) keys: IssuerKeys,
    pub(crate) parties: Parties,
    pub(crate) upstream: Upstream,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) verifier: Arc<dyn SignatureVerifier>,
    pub(crate) jwe: Arc<dyn JweBackend>,
    pub(crate) store: Store,
    pub(crate) pushed: PushedRequests,
    pub(crate) logins: Logins,
    pub(crate) codes: Codes,
    pub(crate) offers: Offers,
    pub(crate) tokens: Tokens,
    pub(crate) replay: SqlReplayCache,
}

/// The issuer, shared by its endpoints.
pub(crate) type Shared = Arc<App>;

impl App {
    /// The registered wallet with this id.
    pub(crate) fn wallet(&self, client_id: &str) -> Option<&WalletConfig> {
        self.config.wallets.iter().find(|wallet| wallet.client_id == client_id)
    }

    /// The index of an assurance level; one that is not configured counts as the weakest.
    pub(crate) fn level(&self, acr: &str) -> usize {
        self.config.issuance.acr_levels.iter().position(|level| level == acr).unwrap_or(0)
    }

    /// The level that goes into a credential for what the provider said.
    pub(crate) fn known_acr(&self, acr: Option<&str>) -> String {
        let level = self.level(acr.unwrap_or_default());
        self.config.issuance.acr_levels.get(level).cloned().unwrap_or_default()
    }
}
