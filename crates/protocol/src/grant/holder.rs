//! Who may act on a grant: the holder by the per-grant key, the SP and the DP by client assertion.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// In which role somebody acts on a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person, by the wallet's per-grant key.
    Holder,
    /// The service provider.
    Recipient,
    /// The data provider.
    Provider,
    /// An authority, through the operator.
    Authority,
    /// The verifier itself: time, an expired declaration.
    Verifier,
}

fn unknown() -> Failure {
    Failure::new("grant-access", "grant_unknown", "there is no such grant for this key or party")
        .remedy("use the grant's own key, or the client assertion of its SP or DP")
}

/// The holder's rule: the `DPoP` proof was made with the key that the wallet stated as `grant_jkt` when it consented.
/// A wrong key learns no more than somebody who asks for a grant that does not exist.
///
/// # Errors
/// `grant_unknown` if the key is another one.
pub fn authorise_holder(proof_jkt: &Thumbprint, grant_jkt: &Thumbprint) -> Verdict<Actor> {
    if bool::from(proof_jkt.as_bytes().ct_eq(grant_jkt.as_bytes())) {
        Ok(Actor::Holder)
    } else {
        Err(unknown())
    }
}

/// The parties' rule: the authenticated party is the grant's SP or its DP.
///
/// # Errors
/// `grant_unknown` for any other party, with the same answer as for a grant that does not exist.
pub fn authorise_party(party: &str, recipient: &str, provider: &str) -> Verdict<Actor> {
    match party {
        _ if party == recipient => Ok(Actor::Recipient),
        _ if party == provider => Ok(Actor::Provider),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::encoding::b64;

    use super::*;

    #[test]
    fn only_the_grants_own_key_and_parties_may_act() {
        let key = |byte: u8| Thumbprint::parse(&b64::encode([byte; 32])).unwrap();
        assert_eq!(authorise_holder(&key(1), &key(1)), Ok(Actor::Holder));
        assert_eq!(authorise_holder(&key(2), &key(1)).unwrap_err().code, "grant_unknown");
        assert_eq!(authorise_party("sp", "sp", "dp"), Ok(Actor::Recipient));
        assert_eq!(authorise_party("dp", "sp", "dp"), Ok(Actor::Provider));
        assert_eq!(authorise_party("s", "sp", "dp").unwrap_err(), unknown());
    }
}
