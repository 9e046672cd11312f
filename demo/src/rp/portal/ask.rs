//! `POST /ask` and `GET /ask/done`: the portal asks for data, and checks whose consent came back before it uses it.

use std::time::Duration;

use axum::extract::{Query, RawForm, State};
use axum::response::Response;
use enishi_credential::entropy;
use enishi_protocol::grant::messages::{LinkRequestStatus, RequestStatus};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Portal;
use super::store::Ask;
use crate::rp::bind::{PlainForm, WalletPage};
use crate::rp::error::RpError;
use crate::web;
use crate::words::Words;

pub(super) async fn begin(
    State(portal): State<Portal>,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Result<Response, RpError> {
    let (rp, api) = (&portal.0.rp, &portal.0.api);
    let session = rp.session(&headers)?;
    session.check_form(&PlainForm::read(&body)?.csrf)?;
    let ask_id = entropy::token(&*rp.0.entropy);
    let mut request = portal.0.config.wish.request.clone();
    request.sp_session = session.fingerprint();
    request.redirect_uri = Some(format!("{}/ask/done", rp.0.profile.id));
    request.dpop_jkt = api.dpop_jkt(&ask_id)?;
    let created = api.ask(&request).await?;
    let ask = Ask {
        id: ask_id.clone(),
        number: session.number.clone(),
        link_request_id: created.link_request_id,
        grant_id: String::new(),
        state: "pending".to_owned(),
    };
    portal.0.store.add_ask(&ask, rp.0.clock.now()).await?;
    rp.update(&session, |session| session.ask = Some(ask_id));
    let words = Words::for_browser(&headers);
    let page = WalletPage {
        words,
        name: rp.0.profile.name(words),
        wallet_uri: created.wallet_uri,
        key: "demo-portal-ask-open-wallet",
    };
    Ok(web::page(StatusCode::OK, &page))
}

/// What the verifier gives the browser on its way back: it shows that this is the browser that answered.
#[derive(Deserialize)]
pub(super) struct Done {
    response_code: String,
}

pub(super) async fn done(
    State(portal): State<Portal>,
    headers: HeaderMap,
    Query(done): Query<Done>,
) -> Result<Response, RpError> {
    let (rp, store) = (&portal.0.rp, &portal.0.store);
    let session = rp.session(&headers)?;
    // Only the browser that asked can finish: whoever opens a link that another person made is not asked about here.
    let ask_id = session.ask.clone().ok_or(RpError::NotStarted)?;
    let ask =
        store.ask(&ask_id).await?.filter(|ask| ask.number == session.number).ok_or(RpError::NotStarted)?;
    rp.update(&session, |session| session.ask = None);
    let status = settled(&portal, &ask, &done.response_code).await?;
    let (Some(grant_id), Some(sealed)) = (status.grant_id, status.sealed_sub) else {
        store.settle(&ask_id, "", "not_granted").await?;
        return Err(RpError::NotPresented);
    };
    let owner = portal.account_behind(&sealed).await?;
    if owner.as_ref() != Some(&session.number) {
        store.settle(&ask_id, &grant_id, "another_person").await?;
        portal.0.api.give_back(&grant_id, "another_person").await?;
        return Err(RpError::AnotherPerson);
    }
    store.settle(&ask_id, &grant_id, "granted").await?;
    Ok(web::see_other("/"))
}

/// Asks until the request is answered: the browser can be here a moment before the verifier has finished.
async fn settled(portal: &Portal, ask: &Ask, code: &str) -> Result<LinkRequestStatus, RpError> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let status = portal.0.api.status(&ask.link_request_id, code).await?;
        if status.status != RequestStatus::Pending {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(RpError::NotPresented)
}
