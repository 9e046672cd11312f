//! Step 5: who it is about, here. The sealed identifier opens with our key and is bound to us.

use enishi_credential::sealed::{self, SealedSubject};
use enishi_credential::verdict::Failure;

use super::token::Link;
use crate::context::Gateway;
use crate::refusal::Refusal;

pub(crate) fn open(gateway: &Gateway, link: &Link) -> Result<SealedSubject, Refusal> {
    let at_claim = |failure: Failure| Refusal::Token(failure.at("/sealed_sub"));
    let text = &link.claims.sealed_sub;
    let claimed = sealed::peek(text).map_err(at_claim)?;
    if claimed.rp != gateway.party {
        return Err(at_claim(
            Failure::new("sealed-sub", "sealed_sub_not_for_us", "the identifier is sealed to another party")
                .remedy("use a link for this data provider"),
        ));
    }
    if !gateway.issuers.trusts(&claimed.iss) {
        return Err(at_claim(
            Failure::new(
                "sealed-sub",
                "issuer_untrusted",
                "the identifier is of an issuer that is not trusted",
            )
            .remedy("use credentials of an issuer that the data provider trusts"),
        ));
    }
    sealed::open(&*gateway.jwe, &gateway.decryption_keys, text, &claimed).map_err(at_claim)
}
