//! `GET /authorize?url=…`: somebody who sits at a browser, for wallets in scripts. Opens the authorization URL, logs the
//! first resident in, picks the portal, and answers where the browser was sent in the end.

use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;

use super::{Console, Trouble};
use crate::resident::browser::Browser;
use crate::resident::person;
use crate::sample::RESIDENT_A;
use crate::town::{TEST_WALLET_REDIRECT, WALLET_REDIRECT};

#[derive(Deserialize)]
pub(super) struct Wish {
    url: String,
}

pub(super) async fn authorize(
    State(console): State<Console>,
    Query(wish): Query<Wish>,
) -> Result<String, Trouble> {
    // Only the town's own issuer: the console is no proxy.
    if !wish.url.starts_with(&format!("{}/", console.0.issuer)) {
        return Err(Trouble(StatusCode::BAD_REQUEST, "the URL is not this town's issuer's".to_owned()));
    }
    let browser = Browser::new(&[WALLET_REDIRECT, TEST_WALLET_REDIRECT])?;
    let parties = [console.0.portal_id.clone()];
    Ok(person::authorize(&browser, &wish.url, RESIDENT_A, &parties).await?.to_string())
}
