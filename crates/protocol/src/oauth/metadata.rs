//! Authorization server metadata (RFC 8414, with the members of RFC 9126, 9207, 9396, 9449 and OpenID4VCI 1.0 §12.3).

use enishi_credential::encoding::json;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::web::{UrlPolicy, well_known_url};

/// What an authorization server says about itself. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The server's identifier.
    pub issuer: String,
    /// Where a browser is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where tokens are had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Where authorization requests are pushed (RFC 9126 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Whether only pushed requests are accepted (RFC 9126 §5).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// The server's keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The scopes that are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `code` for a server with an authorization endpoint.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// The grants; absent means `authorization_code` and `implicit` (RFC 8414 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types_supported: Option<Vec<String>>,
    /// How clients authenticate at the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The PKCE methods (RFC 8414 §2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// The algorithms of DPoP proofs (RFC 9449 §5.1); empty means no DPoP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// The types of authorization details (RFC 9396 §10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// Whether authorization responses carry `iss` (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether the pre-authorized code grant works without a client id (OpenID4VCI 1.0 §12.3).
    #[serde(default, rename = "pre-authorized_grant_anonymous_access_supported")]
    pub pre_authorized_grant_anonymous_access_supported: bool,
}

impl AuthorizationServerMetadata {
    /// The document's name below `/.well-known/`.
    pub const WELL_KNOWN: &'static str = "oauth-authorization-server";

    /// Where the metadata of `issuer` is (RFC 8414 §3.1).
    ///
    /// # Errors
    /// A URL failure if `issuer` is not an identifier that the policy allows.
    pub fn url(issuer: &str, policy: UrlPolicy) -> Verdict<Url> {
        Ok(well_known_url(&policy.check_identifier(issuer)?, Self::WELL_KNOWN))
    }

    /// Reads the document that was fetched for `issuer` (wallet side).
    ///
    /// # Errors
    /// `metadata_malformed`; `issuer_mismatch` if it names another issuer, were it by a slash (RFC 8414 §3.3); a URL
    /// failure for an endpoint that the policy does not allow.
    pub fn parse(body: &[u8], issuer: &str, policy: UrlPolicy) -> Verdict<Self> {
        let metadata: Self = json::from_slice(body).map_err(|error| {
            Failure::new("as-metadata", "metadata_malformed", error.to_string())
                .remedy("publish RFC 8414 metadata as JSON")
        })?;
        if metadata.issuer != issuer {
            return Err(Failure::new("as-metadata", "issuer_mismatch", "the metadata names another issuer")
                .at("/issuer")
                .remedy("publish the identifier exactly as it is used"));
        }
        for (name, endpoint) in [
            ("authorization_endpoint", &metadata.authorization_endpoint),
            ("token_endpoint", &metadata.token_endpoint),
            ("pushed_authorization_request_endpoint", &metadata.pushed_authorization_request_endpoint),
            ("jwks_uri", &metadata.jwks_uri),
        ] {
            if let Some(endpoint) = endpoint {
                policy.check(endpoint).map_err(|failure| failure.at(format!("/{name}")))?;
            }
        }
        Ok(metadata)
    }

    /// Whether `grant` is offered.
    pub fn supports_grant(&self, grant: &str) -> bool {
        match &self.grant_types_supported {
            None => grant == super::GRANT_AUTHORIZATION_CODE,
            Some(grants) => grants.iter().any(|known| known == grant),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata() -> AuthorizationServerMetadata {
        AuthorizationServerMetadata {
            issuer: "https://issuer.example/t".to_owned(),
            token_endpoint: Some("https://issuer.example/t/token".to_owned()),
            ..AuthorizationServerMetadata::default()
        }
    }

    fn parse(metadata: &AuthorizationServerMetadata, issuer: &str) -> Verdict<AuthorizationServerMetadata> {
        AuthorizationServerMetadata::parse(
            &serde_json::to_vec(metadata).unwrap(),
            issuer,
            UrlPolicy::HttpsOnly,
        )
    }

    #[test]
    fn vci_7_metadata_belongs_to_the_identifier_it_was_fetched_for() {
        assert_eq!(parse(&metadata(), "https://issuer.example/t").unwrap(), metadata());
        for other in ["https://issuer.example/t/", "https://ISSUER.example/t", "https://issuer.example"] {
            assert_eq!(parse(&metadata(), other).unwrap_err().code, "issuer_mismatch");
        }
        let url = AuthorizationServerMetadata::url("https://issuer.example/t", UrlPolicy::HttpsOnly).unwrap();
        assert_eq!(url.as_str(), "https://issuer.example/.well-known/oauth-authorization-server/t");
    }

    #[test]
    fn endpoints_must_be_https() {
        let mut plain = metadata();
        plain.token_endpoint = Some("http://issuer.example/token".to_owned());
        assert_eq!(parse(&plain, "https://issuer.example/t").unwrap_err().pointer, "/token_endpoint");
    }

    #[test]
    fn grants_default_to_the_authorization_code() {
        assert!(metadata().supports_grant("authorization_code"));
        assert!(!metadata().supports_grant(super::super::GRANT_PRE_AUTHORIZED));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body: Vec<u8>) {
            let _ = AuthorizationServerMetadata::parse(&body, "https://a", UrlPolicy::HttpsOnly);
        }
    }
}
