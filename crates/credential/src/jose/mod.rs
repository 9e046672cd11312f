//! JOSE as this project uses it: JWK (RFC 7517), JWS compact (RFC 7515), JWE compact with ECDH-ES (RFC 7516, 7518).
//!
//! Only what is needed is accepted: algorithms from an allow-list that every use names for itself, no `none`, no HMAC, no
//! `crit`, no `b64`, no compression, no member twice.

pub(crate) mod header;
pub mod jwe;
mod jwe_compact;
#[cfg(any(test, feature = "testing"))]
pub mod jwe_contract;
pub mod jwe_rustcrypto;
pub mod jwk;
pub mod jws;
pub mod jws_json;
pub(crate) mod jws_parts;
#[cfg(test)]
mod vectors;
