//! An answer becomes a grant: every check of linkage protocol §7, then one transaction, and only then a "yes".

use async_trait::async_trait;
use enishi_credential::entropy;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::{ConsentPair, DP_LINK, SP_LINK};
use enishi_protocol::evidence::{self, Evidence};
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::{Event, State, transition};
use enishi_protocol::linking::{LinkingDemand, VerifiedLink, issuer_hint, verify_linking};
use enishi_protocol::vp::{VpToken, WalletAnswer};
use enishi_service::store::{AuditEntry, StoreError, append_audit};
use serde_json::json;

use super::store::{self, Activation, Consent, GrantRow};
use super::{Linking, change, evidence_place};
use crate::context::Context;
use crate::errors::Internal;
use crate::wallet::{AnswerError, Exchange, WalletFacing, with_response_code};

#[async_trait]
impl WalletFacing for Linking {
    fn context(&self) -> &Context {
        &self.context
    }

    async fn to_fetch(&self, id: &str) -> Result<Option<Exchange>, Internal> {
        let now = self.context.now();
        // Strangers who guess cause no writing.
        if self.to_answer(id).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.context.store.begin().await?;
        if !store::count_fetch(&mut tx, id, now, self.context.wallet.max_fetches).await? {
            return Ok(None);
        }
        let row = store::find(&mut tx, id).await?;
        tx.commit().await?;
        self.exchange(row)
    }

    async fn to_answer(&self, id: &str) -> Result<Option<Exchange>, Internal> {
        let now = self.context.now();
        let row = self.find_grant(id).await?;
        self.exchange(row.filter(|row| row.state == State::Requested && row.answer_by > now))
    }

    async fn answered(
        &self,
        id: &str,
        exchange: &Exchange,
        answer: WalletAnswer,
    ) -> Result<Option<String>, AnswerError> {
        match answer {
            WalletAnswer::Declined(_) => self.declined(id).await,
            WalletAnswer::Presented(token) => self.presented(id, exchange, &token).await,
        }
    }
}

impl Linking {
    fn exchange(&self, row: Option<GrantRow>) -> Result<Option<Exchange>, Internal> {
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.exchange else { return Ok(None) };
        Exchange::open(&self.context, &row.id, &sealed).map(Some)
    }

    /// The wallet refused. Why is not kept, and the browser is not sent anywhere, since that alone would tell the SP
    /// that somebody was there (threat 13).
    async fn declined(&self, id: &str) -> Result<Option<String>, AnswerError> {
        let now = self.context.now();
        let mut tx = self.context.store.begin().await.map_err(Internal::from)?;
        if !store::decline(&mut tx, id, now).await.map_err(Internal::from)? {
            return Err(AnswerError::Gone);
        }
        append_audit(&mut tx, &entry(Event::Decline, id, now)).await.map_err(Internal::from)?;
        tx.commit().await.map_err(Internal::from)?;
        Ok(None)
    }

    async fn presented(
        &self,
        id: &str,
        exchange: &Exchange,
        token: &VpToken,
    ) -> Result<Option<String>, AnswerError> {
        let (sp, dp) = (token.single(SP_LINK)?, token.single(DP_LINK)?);
        let pair = sent_terms(exchange)?;
        let now = self.context.now();
        let link = self.verify(sp, dp, exchange, &pair, now).await?;
        if link.grant_id != id {
            return Err(Internal::Broken("the terms of a request are another grant's").into());
        }
        let bundle = Evidence {
            iss: self.context.url.as_str().to_owned(),
            iat: now,
            grant_id: id.to_owned(),
            client_id: exchange.request().client_id.clone(),
            nonce: exchange.request().nonce.clone(),
            sp_presentation: sp.to_owned(),
            dp_presentation: dp.to_owned(),
            transaction_data: pair.strings(),
            checks: link.checks.names().iter().map(|name| (*name).to_owned()).collect(),
            terms_sha256: link.terms_sha256.clone(),
        };
        let bundle = evidence::sign(&*self.context.signer(), &bundle).await.map_err(Internal::from)?;
        self.grant(id, link, &bundle, now).await
    }

    /// The checks, in the order of linkage protocol §7.
    async fn verify(
        &self,
        sp: &str,
        dp: &str,
        exchange: &Exchange,
        pair: &ConsentPair,
        now: UnixTime,
    ) -> Result<VerifiedLink, Failure> {
        let hints = [issuer_hint(sp)?, issuer_hint(dp)?];
        let issuers = self.context.issuers.keys_for(&hints).await?;
        let demand = LinkingDemand {
            now,
            client_id: &exchange.request().client_id,
            nonce: &exchange.request().nonce,
            pair,
            declarations: &self.declarations,
            issuers: &issuers,
            signatures: &*self.context.signatures,
        };
        let pending = verify_linking(sp, dp, &demand)?;
        let issuer = pending.issuer().to_owned();
        let sp_status = self.context.issuers.status(&issuer, pending.sp_status()).await;
        let dp_status = self.context.issuers.status(&issuer, pending.dp_status()).await;
        pending.conclude(sp_status, dp_status, &demand)
    }

    /// Nonce spent, grant active, evidence stored, record written: together or not at all.
    async fn grant(
        &self,
        id: &str,
        link: VerifiedLink,
        bundle: &str,
        now: UnixTime,
    ) -> Result<Option<String>, AnswerError> {
        // The pure state machine has the last word on whether an answered request becomes a grant.
        let presented = transition(State::Requested, Event::Present);
        if presented.and_then(|state| transition(state, Event::Activate)) != Ok(State::Active) {
            return Err(Internal::Broken("a request cannot become a grant").into());
        }
        let sealed = self
            .context
            .store_key
            .seal(&evidence_place(id), bundle.as_bytes(), &*self.context.entropy)
            .map_err(Internal::from)?;
        let mut consent = Consent {
            given_at: link.given_at,
            grant_jkt: link.grant_jkt,
            evidence_sha256: evidence::sha256(bundle),
            acr: link.acr,
            sp_sealed_sub: link.sealed_sub_sp,
            dp_sealed_sub: link.sealed_sub_dp,
            status: store::StatusPlace { list: 0, idx: 0 },
        };
        let code = entropy::token(&*self.context.entropy);
        // Another server may take the same place in the status list at the same moment: then once more.
        for _ in 0..3 {
            match self.try_grant(id, &mut consent, &code, &sealed, now).await {
                Err(Internal::Store(StoreError::AlreadyThere | StoreError::Busy)) => {}
                Err(error) => return Err(error.into()),
                Ok(None) => return Err(AnswerError::Gone),
                Ok(Some(row)) => {
                    self.changed(&row);
                    let redirect = row.redirect_uri.as_deref().map(|uri| with_response_code(uri, &code));
                    return Ok(redirect.transpose()?);
                }
            }
        }
        Err(Internal::Store(StoreError::Busy).into())
    }

    async fn try_grant(
        &self,
        id: &str,
        consent: &mut Consent,
        code: &str,
        sealed_evidence: &str,
        now: UnixTime,
    ) -> Result<Option<GrantRow>, Internal> {
        let mut tx = self.context.store.begin().await?;
        let Some(row) = store::lock(&mut tx, id).await? else { return Ok(None) };
        let place = store::claim_status_place(&mut tx, &self.status_candidates()?).await?;
        consent.status = place.ok_or(Internal::Broken("there is no place in a status list"))?;
        let response_code = row.redirect_uri.as_ref().map(|_| code);
        let activation = Activation { consent, response_code, sealed_evidence };
        if !store::activate(&mut tx, id, &activation, now).await? {
            return Ok(None);
        }
        for event in [Event::Present, Event::Activate] {
            append_audit(&mut tx, &entry(event, id, now)).await?;
        }
        tx.commit().await?;
        Ok(Some(GrantRow { consent: Some(consent.clone()), state: State::Active, ..row }))
    }
}

/// The terms exactly as they were sent.
fn sent_terms(exchange: &Exchange) -> Result<ConsentPair, Internal> {
    let strings = exchange.request().transaction_data.as_deref().unwrap_or_default();
    ConsentPair::read(strings.iter().map(String::as_str))
        .map_err(|_| Internal::Broken("the terms of a stored request cannot be read"))
}

fn entry(event: Event, id: &str, now: UnixTime) -> AuditEntry {
    AuditEntry {
        kind: change::audit_kind(event).to_owned(),
        reference: id.to_owned(),
        at: now,
        detail: json!({"by": Actor::Holder}),
    }
}
