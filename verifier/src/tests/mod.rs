//! A whole verifier in this process, on loopback ports, with an issuer, an SP, a DP and wallets beside it.

mod did_issuer;
mod first_party;
mod http_shape;
mod linking;
mod peer;
mod privacy;
mod races;
mod refusals;
mod status_list;
mod support;
mod time;
mod withdrawal;
