//! A portal that does not keep to the rules: for the part of the story that shows what then happens.

use enishi_protocol::grant::messages::MintedLink;

use super::Portal;
use crate::net::Answer;
use crate::rp::error::RpError;

impl Portal {
    /// Mints a link under `grant_id` and keeps it for later, which no notice can undo here.
    pub(crate) async fn hoard(&self, grant_id: &str) -> Result<MintedLink, RpError> {
        let ask = self.0.store.ask_of_grant(grant_id).await?.ok_or(RpError::NotStarted)?;
        self.0.api.mint(&ask.id, grant_id).await
    }

    /// Uses `link` under `grant_id`, whatever the portal was told since.
    pub(crate) async fn use_anyway(&self, grant_id: &str, link: &MintedLink) -> Result<Answer, RpError> {
        let ask = self.0.store.ask_of_grant(grant_id).await?.ok_or(RpError::NotStarted)?;
        self.0.api.use_link(&ask.id, link).await
    }
}
