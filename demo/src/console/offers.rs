//! `GET /offers`: new credential offers, as an identity provider makes them for a resident who is logged in.

use axum::Json;
use axum::extract::State;
use enishi_protocol::oauth::GRANT_AUTHORIZATION_CODE;
use http::{Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Console, Trouble};
use crate::idp::{ACR, Account};
use crate::net::Call;
use crate::sample::RESIDENT_A;

/// The transaction code of every offer that has one: the test wallets know no other.
const TX_CODE: &str = "1234";

#[derive(Deserialize)]
struct Made {
    offer_uri_by_value: String,
    offer_uri_by_reference: String,
}

pub(super) async fn offers(State(console): State<Console>) -> Result<Json<Value>, Trouble> {
    let account = Account::new(&console.0.idp, RESIDENT_A.login, RESIDENT_A.pin);
    let account = json!({"sub": account.sub(), "acr": ACR});
    let rps = [&console.0.portal_id];
    let pre = console.make(&json!({"account": account, "rps": rps})).await?;
    let with_code = console.make(&json!({"account": account, "rps": rps, "tx_code": TX_CODE})).await?;
    let code = console.make(&json!({"rps": rps, "grant_types": [GRANT_AUTHORIZATION_CODE]})).await?;
    let by_reference = console.make(&json!({"account": account, "rps": rps})).await?;
    Ok(Json(json!({
        "pre": pre.offer_uri_by_value,
        "preTx": with_code.offer_uri_by_value,
        "code": code.offer_uri_by_value,
        "byReference": by_reference.offer_uri_by_reference,
        "txCode": TX_CODE,
    })))
}

impl Console {
    async fn make(&self, wish: &Value) -> Result<Made, Trouble> {
        let call = Call::new(Method::POST, &self.0.offers_api)
            .header(header::AUTHORIZATION, &format!("Bearer {}", self.0.token.expose()))?
            .json(wish);
        Ok(self.0.net.send(call).await?.ok()?)
    }
}
