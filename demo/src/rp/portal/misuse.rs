//! A portal that does not keep to the rules: for the part of the story that shows what then happens, and for trying out
//! wallets from the town console.

use enishi_credential::encoding::b64;
use enishi_credential::entropy;
use enishi_protocol::grant::messages::MintedLink;

use sha2::{Digest as _, Sha256};

use super::Portal;
use crate::net::{Answer, Call};
use crate::rp::error::RpError;

impl Portal {
    /// Mints a link under `grant_id` and keeps it for later, which no notice can undo here.
    pub(crate) async fn hoard(&self, grant_id: &str) -> Result<MintedLink, RpError> {
        let ask = self.0.store.ask_of_grant(grant_id).await?.ok_or(RpError::NotStarted)?;
        self.0.api.mint(&ask.id, grant_id).await
    }

    /// Asks for data in nobody's browser. Gives the request's id and what a wallet opens.
    pub(crate) async fn ask_in_the_blue(&self) -> Result<(String, String), RpError> {
        let ask_id = entropy::token(&*self.0.rp.0.entropy);
        let mut request = self.0.config.wish.request.clone();
        request.sp_session = b64::encode(Sha256::digest(&ask_id));
        request.dpop_jkt = self.0.api.dpop_jkt(&ask_id)?;
        let created = self.0.api.ask(&request).await?;
        Ok((created.link_request_id, created.wallet_uri))
    }

    /// The request with which `link` is used, so that it can be sent as often as one likes.
    pub(crate) async fn prepare(&self, grant_id: &str, link: &MintedLink) -> Result<Call, RpError> {
        let ask = self.0.store.ask_of_grant(grant_id).await?.ok_or(RpError::NotStarted)?;
        self.0.api.link_call(&ask.id, link).await
    }

    /// The verifier's whole answer about a request.
    pub(crate) async fn state_of(&self, link_request_id: &str) -> Result<Answer, RpError> {
        self.0.api.state(link_request_id).await
    }

    /// Uses `link` under `grant_id`, whatever the portal was told since.
    pub(crate) async fn use_anyway(&self, grant_id: &str, link: &MintedLink) -> Result<Answer, RpError> {
        let ask = self.0.store.ask_of_grant(grant_id).await?.ok_or(RpError::NotStarted)?;
        self.0.api.use_link(&ask.id, link).await
    }
}
