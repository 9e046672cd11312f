//! OpenID4VP 1.0 for both sides: signed requests by reference, `direct_post.jwt` answers.
//!
//! ```text
//! verifier                                              wallet
//! RequestObject::linking / first_party ──sign──▶        RequestUri::parse ▶ fetch ▶ verify_request ▶ VerifiedRequest
//! IncomingResponse::parse ▶ open ▶ WalletAnswer  ◀──    VerifiedRequest::answer / decline
//! ```
//!
//! A wallet that refuses a request has a [`Refusal`]: the error code of OpenID4VP 1.0 §8.5 for the wire, and the failed
//! check for people. What a verifier refuses has no code on the wire (§8.6): it is a plain
//! [`Failure`](enishi_credential::verdict::Failure).

mod client_id;
mod error;
mod request;
mod request_checks;
mod request_uri;
mod response;
mod transaction_data;
mod verified_request;
mod vp_token;

#[cfg(test)]
mod tests;

pub use client_id::ClientId;
pub use error::{Refusal, WalletError};
pub use request::{
    ClientMetadata, DECLARATIONS_FORMAT, RequestObject, RequestParts, RequestSigner, VerifierInfo,
};
pub use request_checks::{RequestTrust, TrustedVerifier, verify_request};
pub use request_uri::{RequestUri, RequestUriMethod};
pub use response::{IncomingResponse, ResponseExpectation, WalletAnswer};
pub use transaction_data::{HASH_ALG, TransactionData, hash};
pub use verified_request::{DirectPost, VerifiedRequest, parse_direct_post_reply};
pub use vp_token::VpToken;

/// `typ` of a request object (RFC 9101 §10.8).
pub const REQUEST_TYP: &str = "oauth-authz-req+jwt";
/// `aud` of a request object where the wallet's metadata is known beforehand (OpenID4VP 1.0 §5.8).
pub const STATIC_AUDIENCE: &str = "https://self-issued.me/v2";
/// The response type that is used here.
pub const RESPONSE_TYPE: &str = "vp_token";
/// The response mode that is used here (§8.3.1).
pub const RESPONSE_MODE: &str = "direct_post.jwt";

/// Whether `text` is what a `nonce` or `state` may be: URL-safe ASCII (OpenID4VP 1.0 §5.2), and not empty.
pub(crate) fn is_url_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}
