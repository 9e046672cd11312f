//! Client identifiers with their prefix (OpenID4VP 1.0 §5.9). The full string, prefix included, is the client id
//! everywhere, also in the `aud` of a KB-JWT.

use std::fmt;

use enishi_credential::did::Did;
use enishi_credential::verdict::{Failure, Verdict};

/// A verifier's client identifier with a prefix that is supported here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientId {
    /// `x509_san_dns:<dns name>`: the leaf certificate in `x5c` names this host.
    X509SanDns(String),
    /// `decentralized_identifier:<did>`: a key of the DID signs.
    DecentralizedIdentifier(Did),
}

impl ClientId {
    /// Reads the full string. The prefix is what stands before the first `:`.
    ///
    /// # Errors
    /// `client_id_prefix_not_supported`, also for a client id without prefix (nobody is pre-registered) and for
    /// `redirect_uri`, whose requests cannot be signed; `client_id_malformed`. On the wire both are `invalid_request`.
    pub fn parse(text: &str) -> Verdict<Self> {
        let malformed = |detail: &'static str| {
            Failure::new("client-id", "client_id_malformed", detail)
                .at("/client_id")
                .remedy("write the prefix, a colon and the identifier as OpenID4VP 1.0 §5.9 says")
        };
        match text.split_once(':') {
            Some(("x509_san_dns", dns)) => {
                let label = |label: &str| {
                    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                };
                if dns.is_empty() || dns.len() > 253 || !dns.split('.').all(label) {
                    return Err(malformed("not a DNS name"));
                }
                Ok(Self::X509SanDns(dns.to_owned()))
            }
            Some(("decentralized_identifier", did)) => {
                Did::parse(did).map(Self::DecentralizedIdentifier).map_err(|_| malformed("not a DID"))
            }
            _ => Err(Failure::new(
                "client-id",
                "client_id_prefix_not_supported",
                "the client identifier prefix is not supported",
            )
            .at("/client_id")
            .remedy("identify yourself by `x509_san_dns` or `decentralized_identifier`")),
        }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X509SanDns(dns) => write!(f, "x509_san_dns:{dns}"),
            Self::DecentralizedIdentifier(did) => write!(f, "decentralized_identifier:{}", did.as_str()),
        }
    }
}
