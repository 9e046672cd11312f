//! Step 8: uses of the link, and how often the person agreed to. Counted before the data is asked for, given back if
//! nothing was released.

use enishi_credential::verdict::Failure;

use super::status::not_active;
use super::token::Link;
use crate::context::Gateway;
use crate::grants::{KnownConsent, Use};
use crate::refusal::Refusal;

pub(crate) async fn take(gateway: &Gateway, link: &Link, consent: &KnownConsent) -> Result<(), Refusal> {
    let claims = &link.claims;
    let names = (claims.jti.as_str(), claims.consent.grant_id.as_str());
    let (max_uses, access) = (claims.detail().max_uses, &consent.pair.terms().access);
    // By the time of minting, as the verifier counts: a link that was used a few seconds late yesterday must not push the
    // next one out of its day. A link lives minutes, so nobody gains by dating it back.
    match gateway.grants.take_use(link.verifier.as_str(), names, max_uses, access, claims.iat).await? {
        Use::Counted => Ok(()),
        Use::Stopped => Err(Refusal::Token(not_active())),
        Use::LinkUsedUp => Err(Refusal::Token(
            Failure::new("uses", "link_used_up", "the link was used as often as it may be")
                .at("/authorization_details/0/max_uses")
                .remedy("mint a fresh link"),
        )),
        Use::TooFrequent => Err(Refusal::Scope(
            Failure::new("uses", "frequency_exceeded", "the person agreed to less frequent access")
                .remedy("wait for the next period, or ask for a new consent"),
        )),
    }
}

/// Takes the use back, because nothing was released. A failure is logged: then the service provider lost one use.
pub(crate) async fn give_back(gateway: &Gateway, link: &Link) {
    if let Err(error) = gateway.grants.give_back(link.verifier.as_str(), &link.claims.jti).await {
        tracing::warn!(%error, "a use could not be given back");
    }
}
