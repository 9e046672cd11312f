//! What goes over the wire: OpenID4VCI, OpenID4VP, OAuth, DPoP, consent terms and data links, without I/O

pub mod datalink;
pub mod dcql;
pub mod grant;
pub mod notice;
pub mod party;
