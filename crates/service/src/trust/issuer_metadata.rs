//! Fetching the keys that an issuer publishes (SD-JWT VC §3, §4).
//!
//! | code | meaning |
//! |---|---|
//! | `metadata_unreachable` | no whole answer in time, or the host has no address that may be called |
//! | `metadata_redirect` | the answer was a redirect, which is not followed |
//! | `metadata_status` | another status than 200: the body is not looked at |
//! | `metadata_type` | the answer is not `application/json` |
//! | `metadata_too_large` | the answer is longer than is read |
//! | `issuer_metadata_unusable`, `url_not_https`, `url_malformed` | what the answer says is refused |

use std::time::Duration;

use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::issuer_keys::{self, IssuerKeySource, MAX_DOCUMENT};
use enishi_protocol::web::{UrlPolicy, well_known_url};
use http::header;

use crate::client::{ClientError, ClientResponse, GuardedClient};

/// For one exchange; the metadata and a key set elsewhere are two.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Keys as they were published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) keys: JwkSet,
    /// For how many seconds they may be used without asking again, if the issuer says so: the shortest that was said.
    pub(super) fresh_for: Option<i64>,
}

/// Fetches keys from metadata at one well-known name.
#[derive(Debug, Clone)]
pub(super) struct MetadataFetcher {
    well_known: &'static str,
    policy: UrlPolicy,
    client: GuardedClient,
}

impl MetadataFetcher {
    pub(super) fn new(well_known: &'static str, policy: UrlPolicy, client: GuardedClient) -> Self {
        Self { well_known, policy, client: client.with_limits(MAX_DOCUMENT, TIMEOUT) }
    }

    pub(super) const fn policy(&self) -> UrlPolicy {
        self.policy
    }

    /// The keys of `issuer`.
    pub(super) async fn fetch(&self, issuer: &str) -> Verdict<Published> {
        let url = well_known_url(&self.policy.check_identifier(issuer)?, self.well_known);
        let metadata = self.get(url.as_str(), &["application/json"]).await?;
        let url = match issuer_keys::parse_metadata(&metadata.body, issuer, self.policy)? {
            IssuerKeySource::Inline(keys) => return Ok(Published { keys, fresh_for: fresh_for(&metadata) }),
            IssuerKeySource::At(url) => url,
        };
        let set = self.get(url.as_str(), &["application/json", "application/jwk-set+json"]).await?;
        let fresh_for = [fresh_for(&metadata), fresh_for(&set)].into_iter().flatten().min();
        Ok(Published { keys: issuer_keys::parse_jwks(&set.body)?, fresh_for })
    }

    async fn get(&self, url: &str, types: &[&str]) -> Verdict<ClientResponse> {
        let answer = self.client.get(url, &types.join(", ")).await.and_then(ClientResponse::ok);
        answer.and_then(|answer| answer.of_any_type(types)).map_err(|error| refused(&error))
    }
}

fn refused(error: &ClientError) -> Failure {
    let code = match error {
        ClientError::Redirect => "metadata_redirect",
        ClientError::Status(_) => "metadata_status",
        ClientError::ContentType(_) | ClientError::Malformed(_) => "metadata_type",
        ClientError::TooLarge => "metadata_too_large",
        _ => "metadata_unreachable",
    };
    Failure::new("issuer-metadata", code, error.to_string()).remedy(
        "serve the metadata as SD-JWT VC §3 and §4 say: directly, as application/json, in at most 64 KiB",
    )
}

/// The freshness lifetime that an answer says (RFC 9111 §5.2.2): `max-age`, or 0 where it may not be kept.
pub(super) fn fresh_for(answer: &ClientResponse) -> Option<i64> {
    let said = answer.headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives = said.flat_map(|value| value.split(',')).map(|part| part.trim().to_ascii_lowercase());
    directives
        .filter_map(|directive| match directive.as_str() {
            "no-store" | "no-cache" => Some(0),
            // A number that cannot be read is none (RFC 9111 §4.2.1 wants such answers stale).
            other => {
                other.strip_prefix("max-age=").map(|seconds| seconds.trim_matches('"').parse().unwrap_or(0))
            }
        })
        .min()
}

#[cfg(test)]
mod tests;
