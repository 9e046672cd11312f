//! The relying party's own verifier, over its internal API: it asks for the relying party's own credential and learns the
//! PPID and the pairwise DID (linkage protocol §4, first-party verification).

use enishi_credential::secret::{Personal, Secret};
use http::{Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::accounts::Presented;
use super::error::RpError;
use crate::net::{Answer, Call, Net};

/// A first-party verifier's API.
pub(crate) struct FirstParty {
    net: Net,
    api: String,
    token: Secret<String>,
}

/// A presentation that was asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    /// For fetching the result.
    pub(crate) presentation_id: String,
    /// What the wallet opens.
    pub(crate) wallet_uri: String,
}

#[derive(Deserialize)]
struct Result_ {
    ppid: Option<Personal<String>>,
    sub: Option<Personal<String>>,
}

impl FirstParty {
    /// The verifier whose internal listener is `api`.
    pub(crate) const fn new(net: Net, api: String, token: Secret<String>) -> Self {
        Self { net, api, token }
    }

    /// Asks for a presentation, after which the wallet sends the browser to `redirect_uri`.
    pub(crate) async fn ask(&self, redirect_uri: &str) -> Result<Asked, RpError> {
        self.ask_for(&json!({"redirect_uri": redirect_uri})).await
    }

    /// Asks for a presentation in any way that the verifier's API knows.
    pub(crate) async fn ask_for(&self, body: &Value) -> Result<Asked, RpError> {
        let call = self.call(Method::POST, &format!("{}/presentations", self.api))?.json(body);
        Ok(self.net.send(call).await?.ok()?)
    }

    /// What became of a presentation that sends the browser nowhere, as the API says it.
    pub(crate) async fn raw_result(&self, id: &str) -> Result<Answer, RpError> {
        let call = self.call(Method::GET, &format!("{}/presentations/{id}", self.api))?;
        Ok(self.net.send(call).await?)
    }

    /// Fetches what was presented, once.
    pub(crate) async fn result(&self, id: &str, response_code: &str) -> Result<Presented, RpError> {
        let url = Url::parse_with_params(
            &format!("{}/presentations/{id}", self.api),
            [("response_code", response_code)],
        );
        let url = url.map_err(|_| RpError::Form)?;
        let result: Result_ = self.net.send(self.call(Method::GET, url.as_str())?).await?.ok()?;
        match (result.ppid, result.sub) {
            (Some(ppid), Some(sub)) => Ok(Presented { ppid, sub }),
            _ => Err(RpError::NotPresented),
        }
    }

    fn call(&self, method: Method, url: &str) -> Result<Call, RpError> {
        let call = Call::new(method, url);
        Ok(call.header(header::AUTHORIZATION, &format!("Bearer {}", self.token.expose()))?)
    }
}
