//! First-party verification (linkage protocol §4): a relying party recognises its own users by its own credentials.
//!
//! The relying party's backend starts a presentation and reads its result on the internal listener. What the result
//! says is encrypted in the database and erased when it has been read, once.

mod create;
mod result;
mod store;
mod sweep;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::{get, post};
use enishi_credential::entropy;
use enishi_credential::secret::Personal;
use enishi_protocol::linking::{
    FIRST_PARTY_LINK, FirstPartyDemand, VerifiedFirstParty, issuer_hint, verify_first_party,
};
use enishi_protocol::vp::{VpToken, WalletAnswer};
use enishi_service::config::ConfigError;
use enishi_service::http::Chassis;
use serde::{Deserialize, Serialize};

use crate::config::{Config, FirstPartyConfig};
use crate::context::Context;
use crate::errors::Internal;
use crate::wallet::{AnswerError, Exchange, WalletFacing, with_response_code};

/// A relying party's own verifier.
pub(crate) struct FirstParty {
    context: Context,
    rp: String,
    acr_values: Vec<String>,
}

/// What the relying party learns.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recognised {
    ppid: Personal<String>,
    sub: Personal<String>,
    acr: String,
    issuer: String,
}

impl FirstParty {
    pub(crate) fn new(
        context: Context,
        config: &Config,
        section: &FirstPartyConfig,
    ) -> Result<Self, ConfigError> {
        let rp = config.permit("first_party.rp", &section.rp)?.as_str().to_owned();
        Ok(Self { context, rp, acr_values: section.acr_values.clone() })
    }

    async fn verify(&self, exchange: &Exchange, token: &VpToken) -> Result<VerifiedFirstParty, AnswerError> {
        let presentation = token.single(FIRST_PARTY_LINK)?;
        let issuers = self.context.issuers.keys_for(&[issuer_hint(presentation)?]).await?;
        let demand = FirstPartyDemand {
            now: self.context.now(),
            client_id: &exchange.request().client_id,
            nonce: &exchange.request().nonce,
            rp: &self.rp,
            acr_values: &self.acr_values,
            issuers: &issuers,
            signatures: &*self.context.signatures,
        };
        let pending = verify_first_party(presentation, &demand)?;
        let issuer = pending.issuer().to_owned();
        let status = self.context.issuers.status(&issuer, pending.status()).await;
        Ok(pending.conclude(status, &demand)?)
    }

    async fn presented(
        &self,
        id: &str,
        exchange: &Exchange,
        token: &VpToken,
    ) -> Result<Option<String>, AnswerError> {
        let verified = self.verify(exchange, token).await?;
        let recognised = Recognised {
            ppid: Personal::new(verified.ppid.expose().to_owned()),
            sub: Personal::new(verified.sub.as_str().to_owned()),
            acr: verified.acr,
            issuer: verified.issuer,
        };
        let bytes =
            serde_json::to_vec(&recognised).map_err(|_| Internal::Broken("a result cannot be written"))?;
        let context = &self.context;
        let sealed =
            context.store_key.seal(&result_place(id), &bytes, &*context.entropy).map_err(Internal::from)?;
        let code = entropy::token(&*context.entropy);
        let mut tx = context.store.begin().await.map_err(Internal::from)?;
        let answered =
            store::answer(&mut tx, id, &sealed, &code, context.now()).await.map_err(Internal::from)?;
        let Some(row) = answered else { return Err(AnswerError::Gone) };
        tx.commit().await.map_err(Internal::from)?;
        Ok(row.redirect_uri.as_deref().map(|uri| with_response_code(uri, &code)).transpose()?)
    }
}

/// Where a result stands, for [`crate::at_rest::StoreKey`].
fn result_place(id: &str) -> String {
    format!("result/{id}")
}

#[async_trait]
impl WalletFacing for FirstParty {
    fn context(&self) -> &Context {
        &self.context
    }

    async fn to_fetch(&self, id: &str) -> Result<Option<Exchange>, Internal> {
        // Strangers who guess cause no writing.
        if self.to_answer(id).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.context.store.begin().await?;
        let most = self.context.wallet.max_fetches;
        if !store::count_fetch(&mut tx, id, self.context.now(), most).await? {
            return Ok(None);
        }
        let row = store::find(&mut tx, id).await?;
        tx.commit().await?;
        self.exchange(row)
    }

    async fn to_answer(&self, id: &str) -> Result<Option<Exchange>, Internal> {
        let now = self.context.now();
        let row = {
            let mut connection = self.context.store.pool().acquire().await?;
            store::find(&mut connection, id).await?
        };
        self.exchange(row.filter(|row| row.answer_by > now))
    }

    async fn answered(
        &self,
        id: &str,
        exchange: &Exchange,
        answer: WalletAnswer,
    ) -> Result<Option<String>, AnswerError> {
        match answer {
            WalletAnswer::Presented(token) => self.presented(id, exchange, &token).await,
            WalletAnswer::Declined(_) => {
                let code = entropy::token(&*self.context.entropy);
                let mut tx = self.context.store.begin().await.map_err(Internal::from)?;
                let declined = store::decline(&mut tx, id, &code, self.context.now()).await;
                let Some(row) = declined.map_err(Internal::from)? else { return Err(AnswerError::Gone) };
                tx.commit().await.map_err(Internal::from)?;
                // Its own user said no to the relying party itself, which may know it (OpenID4VP 1.0 §8.2).
                Ok(row.redirect_uri.as_deref().map(|uri| with_response_code(uri, &code)).transpose()?)
            }
        }
    }
}

impl FirstParty {
    fn exchange(&self, row: Option<store::PresentationRow>) -> Result<Option<Exchange>, Internal> {
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.exchange else { return Ok(None) };
        Exchange::open(&self.context, &row.id, &sealed).map(Some)
    }
}

/// Adds the routes and the work in the background.
pub(crate) fn serve(first_party: &Arc<FirstParty>, chassis: Chassis) -> Chassis {
    let api = Router::new()
        .route("/presentations", post(create::create))
        .route("/presentations/{id}", get(result::result))
        .with_state(Arc::clone(first_party));
    let sweeper = Arc::clone(first_party);
    chassis
        .public(crate::wallet::routes(Arc::clone(first_party)))
        .admin(api)
        .background(move |signal| sweep::run(sweeper, signal))
}
