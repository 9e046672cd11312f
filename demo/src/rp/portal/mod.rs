//! The residents' portal, a service provider: asks the health section for check-up data, with the resident's consent.

mod api;
mod ask;
mod fetch;
mod home;
mod misuse;
mod notices;
mod own_id;
mod privacy;
mod store;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::secret::Secret;
use enishi_protocol::grant::messages::LinkRequest;

use self::api::VerifierApi;
use self::store::PortalStore;
use super::error::RpError;
use super::{FirstParty, Rp};
use crate::net::Net;

/// What the portal is started with, beside what every relying party has.
pub(crate) struct PortalConfig {
    /// Signs client assertions; its public key is in the portal's party declaration.
    pub(crate) signer: SoftwareSigner,
    /// Opens what is sealed to the portal.
    pub(crate) sealing_key: PrivateJwk,
    /// The issuer whose sealed ids it takes.
    pub(crate) issuer: String,
    /// The linking verifier's issuer id, which is also where its API is.
    pub(crate) verifier: String,
    /// The linking verifier's key, by which its notices are known.
    pub(crate) verifier_key: Jwk,
    /// From this the DPoP key of each request is derived.
    pub(crate) dpop_secret: Secret<[u8; 32]>,
    /// What it asks for: a request without the parts that differ from person to person.
    pub(crate) wish: Wish,
}

/// What the portal asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The request; `sp_session`, `redirect_uri` and `dpop_jkt` are filled in.
    pub(crate) request: LinkRequest,
}

/// The portal. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Portal(Arc<Inner>);

struct Inner {
    rp: Rp,
    store: PortalStore,
    api: VerifierApi,
    config: PortalConfig,
}

impl Portal {
    /// The portal on top of the app `rp`.
    pub(crate) async fn open(rp: Rp, net: Net, config: PortalConfig) -> Result<Self, RpError> {
        let store = PortalStore::open(rp.0.accounts.store().clone()).await?;
        let api = VerifierApi::new(&rp, net, &config);
        Ok(Self(Arc::new(Inner { rp, store, api, config })))
    }

    /// The portal's own verifier.
    pub(crate) fn first_party(&self) -> &FirstParty {
        &self.0.rp.0.first_party
    }

    /// All pages and endpoints of the portal.
    pub(crate) fn routes(self) -> Router {
        let shared = self.0.rp.clone().routes();
        Router::new()
            .route("/", get(home::page))
            .route("/me.json", get(home::json))
            .route("/privacy", get(privacy::page))
            .route("/ask", post(ask::begin))
            .route("/ask/done", get(ask::done))
            .route("/fetch", post(fetch::fetch))
            .route("/enishi/notices", post(notices::receive))
            .with_state(self)
            .merge(shared)
    }
}
