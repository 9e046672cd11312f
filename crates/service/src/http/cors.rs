//! Cross-origin access for wallets that run in a browser.

use std::time::Duration;

use http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

/// The CORS layer for routes that a wallet in a browser calls: any origin, no cookies, and the headers of DPoP (RFC 9449)
/// and attestation-based client authentication. Lay it on those routes only; pages and internal routes have none.
pub fn wallet_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("dpop"),
            HeaderName::from_static("oauth-client-attestation"),
            HeaderName::from_static("oauth-client-attestation-pop"),
        ])
        .expose_headers([
            header::ETAG,
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("dpop-nonce"),
            HeaderName::from_static("oauth-client-attestation-challenge"),
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(Duration::from_mins(10))
}
