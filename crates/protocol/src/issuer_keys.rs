//! JWT VC Issuer Metadata: how the `iss` of a credential leads to the issuer's keys (SD-JWT VC §4).
//!
//! The caller fetches; this module says what, and whether the answer may be used.

use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::web::{UrlPolicy, well_known_url};

/// The name below `/.well-known/`.
pub const WELL_KNOWN: &str = "jwt-vc-issuer";

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKeySource {
    /// In the metadata.
    Inline(JwkSet),
    /// At this URL, as a JWK Set: for [`parse_jwks`].
    At(Url),
}

fn unusable(detail: impl Into<String>) -> Failure {
    Failure::new("issuer-metadata", "issuer_metadata_unusable", detail)
        .remedy("serve JWT VC Issuer Metadata as SD-JWT VC §4 says")
}

/// Where the metadata of `issuer` are.
///
/// # Errors
/// A URL failure if `issuer` is not an https URL without query and fragment.
pub fn metadata_url(issuer: &str, policy: UrlPolicy) -> Verdict<Url> {
    Ok(well_known_url(&policy.check_identifier(issuer)?, WELL_KNOWN))
}

/// The metadata of an issuer that writes its keys into them (server side).
pub fn metadata(issuer: &str, keys: &JwkSet) -> Value {
    json!({"issuer": issuer, "jwks": keys})
}

/// Reads metadata that were fetched for `issuer`.
///
/// # Errors
/// `issuer_metadata_unusable` unless `issuer` is exactly the one that was asked for and there is exactly one of `jwks` and
/// `jwks_uri`; a URL failure for a `jwks_uri` that the policy does not allow.
pub fn parse_metadata(body: &[u8], issuer: &str, policy: UrlPolicy) -> Verdict<IssuerKeySource> {
    #[derive(Serialize, Deserialize)]
    struct Metadata {
        issuer: String,
        jwks: Option<JwkSet>,
        jwks_uri: Option<String>,
    }
    let found: Metadata = json::from_slice(body).map_err(|error| unusable(error.to_string()))?;
    if found.issuer != issuer {
        return Err(unusable("`issuer` is not the one whose metadata were asked for").at("/issuer"));
    }
    match (found.jwks, found.jwks_uri) {
        (Some(keys), None) => Ok(IssuerKeySource::Inline(keys)),
        (None, Some(uri)) => Ok(IssuerKeySource::At(policy.check(&uri)?)),
        _ => Err(unusable("there must be exactly one of `jwks` and `jwks_uri`")),
    }
}

/// Reads a JWK Set that was fetched.
///
/// # Errors
/// `issuer_metadata_unusable` if it is not a JWK Set, or holds private keys.
pub fn parse_jwks(body: &[u8]) -> Verdict<JwkSet> {
    json::from_slice(body).map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;
    use proptest::prelude::*;

    use super::*;

    const ISSUER: &str = "https://idp.example/tenant";

    fn keys() -> JwkSet {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("issuer"));
        JwkSet { keys: vec![key.public().clone().with_kid("1")] }
    }

    fn parse(value: &Value) -> Verdict<IssuerKeySource> {
        parse_metadata(value.to_string().as_bytes(), ISSUER, UrlPolicy::HttpsOnly)
    }

    #[test]
    fn what_an_issuer_writes_a_reader_understands() {
        assert_eq!(parse(&metadata(ISSUER, &keys())), Ok(IssuerKeySource::Inline(keys())));
        let url = metadata_url(ISSUER, UrlPolicy::HttpsOnly).unwrap();
        assert_eq!(url.as_str(), "https://idp.example/.well-known/jwt-vc-issuer/tenant");
    }

    #[test]
    fn v_n13_metadata_of_another_issuer_or_with_two_key_sources_are_unusable() {
        for bad in [
            metadata("https://idp.example/tenant/", &keys()),
            json!({"issuer": ISSUER}),
            json!({"issuer": ISSUER, "jwks": keys(), "jwks_uri": "https://idp.example/jwks"}),
            json!({"jwks": keys()}),
        ] {
            assert_eq!(parse(&bad).unwrap_err().code, "issuer_metadata_unusable", "{bad}");
        }
        let plain = json!({"issuer": ISSUER, "jwks_uri": "http://idp.example/jwks"});
        assert_eq!(parse(&plain).unwrap_err().code, "url_not_https");
    }

    proptest! {
        #[test]
        fn reading_never_panics(body: Vec<u8>) {
            let _ = parse_metadata(&body, ISSUER, UrlPolicy::HttpsOnly);
            let _ = parse_jwks(&body);
        }
    }
}
