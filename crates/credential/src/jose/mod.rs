//! JOSE as this project uses it: JWK (RFC 7517), JWS compact (RFC 7515), JWE compact with ECDH-ES (RFC 7516, 7518).
//!
//! Only what is needed is accepted: asymmetric signatures from an allow-list, no `none`, no HMAC, no `crit`,
//! no `b64`, no compression, no member twice.

pub mod jwe;
pub mod jwe_rustcrypto;
pub mod jwk;
pub mod jws;
pub mod jws_json;
pub(crate) mod jws_parts;
