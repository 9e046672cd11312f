//! Whose declarations are believed: parties with a certificate under a configured anchor, or pinned to a DID.

use enishi_credential::did::{Did, DidUrl, Relationship};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::UnverifiedJws;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_credential::x509::{self, TrustAnchors};
use url::Url;

/// Where belief in party declarations starts (linkage protocol §3). An empty one believes nobody.
#[derive(Debug, Clone, Default)]
pub struct DeclarationTrust {
    /// Anchors of the legal-entity certificates.
    pub anchors: TrustAnchors,
    /// Parties without a certificate whose DID is known from elsewhere.
    pub pinned: Vec<PinnedParty>,
}

/// A party that signs its declaration with a DID key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedParty {
    /// The party id.
    pub id: String,
    /// The DID whose key signs for it.
    pub did: Did,
}

impl DeclarationTrust {
    /// The key that may sign the party declaration of `party`, found by the JWS header and authorised by this trust.
    ///
    /// # Errors
    /// `party_untrusted` if neither a certificate for this party under an anchor nor a pinned DID speaks for it; what
    /// the certificate check says about a certificate chain that does not hold.
    pub(super) fn party_key(&self, jws: &UnverifiedJws, party: &str, now: UnixTime) -> Verdict<Jwk> {
        let untrusted = |detail: &'static str| {
            Failure::new("declaration-party", "party_untrusted", detail)
                .remedy("sign with a certificate that names the party id (SAN URI) or its host (SAN DNS) under a configured anchor, or have the party's DID configured")
        };
        let hint = jws.key_hint();
        if !hint.x5c.is_empty() {
            let leaf = x509::verify_chain(hint.x5c, &self.anchors, now)?;
            let host = Url::parse(party).ok().and_then(|url| url.host_str().map(str::to_owned));
            let names_party = leaf.has_uri(party) || host.is_some_and(|host| leaf.has_dns_name(&host));
            return if names_party {
                Ok(leaf.key)
            } else {
                Err(untrusted("the certificate does not name the party"))
            };
        }
        let kid = hint.kid.ok_or_else(|| untrusted("there is neither `x5c` nor `kid`"))?;
        let url =
            DidUrl::parse(kid).map_err(|_| untrusted("`kid` is not a DID URL and there is no `x5c`"))?;
        let did = url.did();
        let own = did.as_str() == party;
        if !own && !self.pinned.iter().any(|pinned| pinned.id == party && pinned.did == did) {
            return Err(untrusted("the DID is not known to speak for this party"));
        }
        enishi_credential::did::resolve_key(&url, Relationship::AssertionMethod)
    }
}
