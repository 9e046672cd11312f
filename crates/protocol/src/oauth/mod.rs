//! OAuth 2.0 as the issuer and the wallet speak it: pushed authorization requests (RFC 9126), PKCE S256 (RFC 7636),
//! `iss` in the authorization response (RFC 9207), authorization details (RFC 9396), and the token request of both
//! grants of OpenID4VCI 1.0 §6.
//!
//! Every message has one type with a reader for the receiving side and a writer for the sending side. Readers refuse a
//! parameter that occurs twice and ignore unknown ones.

mod authorization;
mod details;
mod error;
mod metadata;
mod par;
mod params;
mod pkce;
mod token;

pub use authorization::{AuthorizationAnswer, AuthorizationResponseCheck, authorization_redirect};
pub use details::{CREDENTIAL_DETAIL, CredentialDetail, GrantedDetail};
pub use error::{ErrorCode, ErrorResponse, OAuthError, bearer_challenge};
pub use metadata::AuthorizationServerMetadata;
pub use par::{AuthorizationRequest, PushedRequest, PushedResponse};
pub use params::Params;
pub use pkce::{PkceChallenge, PkceVerifier};
pub use token::{
    AuthorizationCodeGrant, GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED, PreAuthorizedGrant, TokenRequest,
    TokenResponse,
};
