//! `POST /offers` on the internal listener: an identity provider that embeds the issuer makes an offer for a person who is
//! logged in there, or an offer that fixes the relying party and leaves the login to the wallet's browser.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::secret::{Personal, Secret};
use enishi_protocol::oauth::{GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED};
use enishi_service::http::{Json, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::answer::json;
use crate::app::{App, Shared};
use crate::offer::{TxCodeWish, make_offer};
use crate::store::{OfferFor, Subject};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOfferRequest {
    /// The person who is logged in; needed for a pre-authorized code.
    account: Option<Account>,
    /// The relying parties.
    rps: Vec<String>,
    /// Whether the offer wants a transaction code: `true` for a fresh one, or 4 to 8 digits that the caller has told the
    /// person already.
    #[serde(default)]
    tx_code: TxCode,
    /// The grants of the offer; without it, the pre-authorized code if there is an account, else the authorization code.
    #[serde(default)]
    grant_types: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TxCode {
    Wanted(bool),
    Digits(Secret<String>),
}

impl Default for TxCode {
    fn default() -> Self {
        Self::Wanted(false)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    /// The provider; the configured one unless given.
    iss: Option<String>,
    sub: Personal<String>,
    /// How well the person logged in; the weakest level unless given.
    acr: Option<String>,
}

#[derive(Serialize)]
struct NewOfferResponse {
    offer_uri_by_value: String,
    offer_uri_by_reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_code: Option<String>,
    expires_in: u32,
}

/// | error | status and code |
/// |---|---|
/// | no or repeated or unknown relying party | 400 `unknown_rp` |
/// | a level that is not configured | 400 `unknown_acr` |
/// | a login too weak for a relying party | 400 `insufficient_user_authentication` |
/// | a transaction code that is not 4 to 8 digits | 400 `tx_code_invalid` |
/// | unknown grant, or a pre-authorized code without account | 400 `grant_type_invalid` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfferError {
    UnknownParty,
    UnknownAcr,
    TooWeak,
    TxCode,
    GrantType,
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        let (code, title, remedy) = match error {
            OfferError::UnknownParty => (
                "unknown_rp",
                "A relying party is not configured, or named twice",
                "name configured parties, each once",
            ),
            OfferError::UnknownAcr => {
                ("unknown_acr", "The assurance level is not configured", "name one of issuance.acr_levels")
            }
            OfferError::TooWeak => (
                "insufficient_user_authentication",
                "The login is too weak for one of the relying parties",
                "have the person log in with the level that the party demands",
            ),
            OfferError::TxCode => (
                "tx_code_invalid",
                "The transaction code is not 4 to 8 digits",
                "send 4 to 8 digits, or true for a fresh code",
            ),
            OfferError::GrantType => (
                "grant_type_invalid",
                "A grant type is unknown, or a pre-authorized code has no account",
                "name authorization_code or the pre-authorized code grant with an account",
            ),
        };
        Self::new(StatusCode::BAD_REQUEST, code, title).check("offer").remedy(remedy)
    }
}

pub(super) async fn new_offer(State(app): State<Shared>, Json(request): Json<NewOfferRequest>) -> Response {
    let (content, wish) = match check(&app, request) {
        Ok(checked) => checked,
        Err(error) => return Problem::from(error).into_response(),
    };
    match make_offer(&app, content, wish).await {
        Ok(made) => {
            let body = NewOfferResponse {
                offer_uri_by_value: made.by_value,
                offer_uri_by_reference: made.by_reference,
                tx_code: made.tx_code.map(|code| code.expose().clone()),
                expires_in: made.expires_in,
            };
            json(StatusCode::CREATED, serde_json::to_string(&body).unwrap_or_default())
        }
        Err(error) => {
            tracing::error!(%error, "the store failed");
            Problem::internal().into_response()
        }
    }
}

fn check(app: &App, request: NewOfferRequest) -> Result<(OfferFor, TxCodeWish), OfferError> {
    let wish = match request.tx_code {
        TxCode::Wanted(false) => TxCodeWish::None,
        TxCode::Wanted(true) => TxCodeWish::Fresh,
        TxCode::Digits(code) => {
            let digits = code.expose().bytes().all(|byte| byte.is_ascii_digit());
            if !digits || !(4..=8).contains(&code.expose().len()) {
                return Err(OfferError::TxCode);
            }
            TxCodeWish::Given(code)
        }
    };
    let mut rps = request.rps;
    let named = rps.len();
    rps.sort();
    rps.dedup();
    if rps.is_empty() || rps.len() != named {
        return Err(OfferError::UnknownParty);
    }
    let parties: Option<Vec<_>> = rps.iter().map(|id| app.parties.get(id)).collect();
    let parties = parties.ok_or(OfferError::UnknownParty)?;
    let subject = match request.account {
        None => None,
        Some(account) => {
            let levels = &app.config.issuance.acr_levels;
            if account.acr.as_ref().is_some_and(|acr| !levels.contains(acr)) {
                return Err(OfferError::UnknownAcr);
            }
            let acr = app.known_acr(account.acr.as_deref());
            if parties.iter().any(|party| app.level(&acr) < party.min_level) {
                return Err(OfferError::TooWeak);
            }
            let iss = account.iss.unwrap_or_else(|| app.upstream.issuer().to_owned());
            Some(Personal::new(Subject { account: UpstreamAccount::new(iss, account.sub.into_inner()), acr }))
        }
    };
    let has = |grant: &str| request.grant_types.iter().any(|named| named == grant);
    let known = [GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED];
    let (authorization_code, pre_authorized) = if request.grant_types.is_empty() {
        (subject.is_none(), subject.is_some())
    } else {
        (has(GRANT_AUTHORIZATION_CODE), has(GRANT_PRE_AUTHORIZED))
    };
    let unknown = request.grant_types.iter().any(|grant| !known.contains(&grant.as_str()));
    if unknown || (pre_authorized && subject.is_none()) {
        return Err(OfferError::GrantType);
    }
    let content = OfferFor {
        subject: subject.filter(|_| pre_authorized),
        rps,
        authorization_code,
        pre_authorized,
        tx_code_length: None,
    };
    Ok((content, wish))
}
