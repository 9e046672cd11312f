//! `POST /fetch`: mints a data link, checks once more whose it is, and fetches through the gateway.

use axum::extract::{RawForm, State};
use axum::response::Response;
use enishi_credential::entropy;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::Portal;
use super::store::{Ask, Fetch};
use crate::net::CallError;
use crate::rp::error::RpError;
use crate::web;

#[derive(Deserialize)]
struct FetchForm {
    csrf: String,
    grant: String,
}

/// Who said no, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    by: &'static str,
    code: String,
}

impl Refusal {
    pub(super) fn verifier(code: &str) -> Self {
        Self { by: "verifier", code: code.to_owned() }
    }
}

pub(super) async fn fetch(
    State(portal): State<Portal>,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Result<Response, RpError> {
    let session = portal.0.rp.session(&headers)?;
    let form: FetchForm = serde_urlencoded::from_bytes(&body).map_err(|_| RpError::Form)?;
    session.check_form(&form.csrf)?;
    let ask = portal.0.store.ask_of_grant(&form.grant).await?;
    let ask = ask.filter(|ask| ask.number == session.number).ok_or(RpError::NotStarted)?;
    let outcome = try_fetch(&portal, &ask).await?;
    let now = portal.0.rp.0.clock.now();
    let (outcome, code) = match outcome {
        Ok(data) => {
            portal.0.store.keep_data(&ask.grant_id, &data, now).await?;
            ("fetched", String::new())
        }
        Err(refusal) => (refusal.by, refusal.code),
    };
    let fetch = Fetch { grant_id: ask.grant_id, at: now.secs(), outcome: outcome.to_owned(), code };
    portal.0.store.add_fetch(&entropy::token(&*portal.0.rp.0.entropy), &fetch).await?;
    Ok(web::see_other("/"))
}

async fn try_fetch(portal: &Portal, ask: &Ask) -> Result<Result<Value, Refusal>, RpError> {
    let api = &portal.0.api;
    let link = match api.mint(&ask.id, &ask.grant_id).await {
        Ok(link) => link,
        Err(RpError::Call(error @ CallError::Refused { .. })) => return Ok(Err(error.into())),
        Err(error) => return Err(error),
    };
    if portal.account_behind(&link.sealed_sub).await?.as_ref() != Some(&ask.number) {
        return Ok(Err(Refusal { by: "portal", code: "another_person".to_owned() }));
    }
    portal.0.store.keep_link(&ask.grant_id, &link.access_token, &link.resource).await?;
    let answer = api.use_link(&ask.id, &link).await?;
    match answer.ok::<Value>() {
        Ok(data) => Ok(Ok(data)),
        Err(error) => Ok(Err(Refusal { by: "gateway", code: error.code().to_owned() })),
    }
}
