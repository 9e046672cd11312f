//! Opening what is sealed to the portal: whose consent, whose data.

use enishi_credential::sealed::{self, Binding};
use enishi_credential::verdict::Failure;
use enishi_service::keys::AwsJwe;

use super::Portal;
use crate::rp::error::RpError;

impl Portal {
    /// The account of the person that `sealed` names to the portal, if that person has one that is bound.
    pub(super) async fn account_behind(&self, sealed: &str) -> Result<Option<String>, RpError> {
        let subject = self.unseal(sealed).map_err(|failure| RpError::Crypto(failure.to_string()))?;
        self.0.rp.0.accounts.number_of(subject.ppid.expose()).await
    }

    fn unseal(&self, sealed: &str) -> Result<sealed::SealedSubject, Failure> {
        let config = &self.0.config;
        // The credential itself stays with the verifier, so its key is taken as the header binds it; the issuer and the
        // addressee are ours to insist on.
        let Binding { jkt, .. } = sealed::peek(sealed)?;
        let expected = Binding { iss: config.issuer.clone(), rp: self.0.rp.0.profile.id.clone(), jkt };
        sealed::open(&AwsJwe::new(), std::slice::from_ref(&config.sealing_key), sealed, &expected)
    }
}
