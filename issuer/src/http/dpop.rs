//! DPoP proofs at our endpoints: checked by the protocol, used once by the replay cache.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::verdict::Failure;
use enishi_protocol::dpop::{self, DpopError, Expected, VerifiedProof};
use enishi_service::store::{ReplayCache as _, Seen};
use http::HeaderMap;

use super::answer::{Refusal, dpop_headers};
use crate::app::App;

/// A proof that was refused, or a store that failed.
pub(super) enum ProofError {
    Dpop(DpopError),
    Other(Refusal),
}

/// Checks the proof of a POST to `path`; with `token`, also that it belongs to this access token and its key.
pub(super) async fn check(
    app: &App,
    headers: &HeaderMap,
    path: &str,
    token: Option<(&str, Thumbprint)>,
) -> Result<VerifiedProof, ProofError> {
    let url = app.url.join(path);
    let now = app.clock.now();
    let mut expected = Expected::new("POST", &url, now);
    expected.token = token;
    let proof = dpop::verify(&dpop_headers(headers), &*app.verifier, &expected).map_err(ProofError::Dpop)?;
    // Remembered for as long as the proof would be accepted.
    let until = proof.iat.plus(expected.max_age + 1);
    let seen = app
        .replay
        .remember("dpop", &proof.replay_key(), until, now)
        .await
        .map_err(|error| ProofError::Other(error.into()))?;
    match seen {
        Seen::Fresh => Ok(proof),
        Seen::Before => Err(ProofError::Dpop(DpopError::Invalid(
            Failure::new("dpop-replay", "dpop_proof_invalid", "the proof was used before")
                .remedy("make a fresh proof for each request"),
        ))),
    }
}

/// As [`check`] at an endpoint of the authorization server, where a proof may be left out.
pub(super) async fn check_optional(
    app: &App,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<VerifiedProof>, Refusal> {
    match check(app, headers, path, None).await {
        Ok(proof) => Ok(Some(proof)),
        Err(ProofError::Dpop(DpopError::Missing)) => Ok(None),
        Err(ProofError::Dpop(error)) => Err(error.as_token_error().into()),
        Err(ProofError::Other(refusal)) => Err(refusal),
    }
}
