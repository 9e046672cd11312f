//! What goes over the wire: OpenID4VCI, OpenID4VP, OAuth, DPoP, consent terms and data links, without I/O.
//!
//! Messages and the decisions about them, for both ends of each message: a server parses what a wallet builds and the
//! other way round. Time, randomness, signatures and answers from the network come in as parameters; nothing here
//! opens a connection or a database, so the same code runs in a service and in a browser.

pub mod consent;
pub mod datalink;
pub mod dcql;
pub mod declaration;
pub mod dpop;
pub mod evidence;
#[cfg(any(test, feature = "testing"))]
pub mod fixture;
pub mod grant;
pub mod issuer_keys;
pub mod linking;
pub mod notice;
pub mod oauth;
pub mod party;
pub mod vci;
pub mod vp;
pub mod web;

#[cfg(test)]
mod testing;
