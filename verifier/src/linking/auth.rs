//! Who is calling: a party by its client assertion, a holder or an SP's key by a `DPoP` proof.

use axum::response::{IntoResponse, Response};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use enishi_protocol::dpop::{self, DpopError, VerifiedProof};
use enishi_protocol::grant::holder::{Actor, authorise_holder, authorise_party};
use enishi_protocol::party::UnverifiedAssertion;
use enishi_service::http::Problem;
use enishi_service::store::{ReplayCache as _, Seen};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Linking;
use super::store::GrantRow;
use crate::errors::Internal;

/// How old a DPoP proof may be, in seconds.
const PROOF_MAX_AGE: i64 = 60;
/// How far ahead of ours the prover's clock may be, in seconds.
const PROOF_MAX_AHEAD: i64 = 30;

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthError {
    /// No client assertion.
    #[error("there is no client assertion")]
    NoAssertion,
    /// A client assertion that does not hold. An unknown party and a wrong signature give one answer.
    #[error(transparent)]
    Assertion(Failure),
    /// A `DPoP` proof that does not hold.
    #[error(transparent)]
    Proof(#[from] DpopError),
    /// An assertion or proof that was used before (threat 4).
    #[error("an assertion or proof was used before")]
    Replayed,
    /// Not for this caller, or not there: one answer.
    #[error("there is no such thing for this caller")]
    Unknown,
    /// Our inside.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let unauthorized = |code: &str, title: &str| {
            Self::new(StatusCode::UNAUTHORIZED, code, title)
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        };
        match error {
            AuthError::NoAssertion => unauthorized("client_assertion_missing", "Who are you?")
                .remedy("send Authorization: Bearer with a client assertion (typ enishi-client+jwt)"),
            AuthError::Assertion(failure) => Self::from_failure(StatusCode::UNAUTHORIZED, &failure)
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\"")),
            AuthError::Proof(error) => {
                let problem = match &error {
                    DpopError::Invalid(failure) => Self::from_failure(StatusCode::UNAUTHORIZED, failure),
                    _ => Self::new(StatusCode::UNAUTHORIZED, "dpop_proof_missing", "A DPoP proof is missing")
                        .remedy("send one DPoP header with a fresh proof for this method and URL"),
                };
                match HeaderValue::from_str(&error.challenge()) {
                    Ok(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
                    Err(_) => problem,
                }
            }
            AuthError::Replayed => unauthorized("replayed", "This assertion or proof was used before")
                .remedy("make a fresh one, with a fresh `jti`, for every request"),
            AuthError::Unknown => Self::not_found(),
            AuthError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(())?;
    value.strip_prefix("Bearer ")
}

impl Linking {
    /// The party that calls, by its client assertion; its `jti` is spent.
    pub(super) async fn party(&self, headers: &HeaderMap) -> Result<String, AuthError> {
        let compact = bearer(headers).ok_or(AuthError::NoAssertion)?;
        let assertion = UnverifiedAssertion::parse(compact).map_err(AuthError::Assertion)?;
        let now = self.context.now();
        let known = self.declarations.party_by_id(assertion.claimed_party(), now).ok_or_else(|| {
            AuthError::Assertion(
                Failure::new(
                    "party-key",
                    "key_unknown",
                    "no declared signing key of the party has this `kid`",
                )
                .at("/kid")
                .remedy("sign with a key of the `jwks` in your party declaration and name it in `kid`"),
            )
        })?;
        let party = assertion
            .verify(&*self.context.signatures, &known.body.jwks, self.context.url.as_str(), now)
            .map_err(AuthError::Assertion)?;
        self.once("client-assertion", &format!("{}\n{}", party.id, party.jti), party.expires, now).await?;
        Ok(party.id)
    }

    /// Checks the `DPoP` header against method and path. Whether it is used for the first time is for
    /// [`Self::spend_proof`], once the key turned out to be one that may be used: strangers fill no table (threat 12).
    pub(super) fn proof(
        &self,
        headers: &HeaderMap,
        method: &str,
        path: &str,
    ) -> Result<VerifiedProof, AuthError> {
        let values: Vec<&str> =
            headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or_default()).collect();
        let url = self.context.url.join(path);
        let mut expected = dpop::Expected::new(method, &url, self.context.now());
        expected.max_age = PROOF_MAX_AGE;
        expected.max_ahead = PROOF_MAX_AHEAD;
        Ok(dpop::verify(&values, &*self.context.signatures, &expected)?)
    }

    /// Spends a proof.
    pub(super) async fn spend_proof(&self, proof: &VerifiedProof) -> Result<(), AuthError> {
        let expires = proof.iat.plus(PROOF_MAX_AGE + 1);
        self.once("dpop", &proof.replay_key(), expires, self.context.now()).await
    }

    /// In which role the caller may act on a grant that was given: the SP or DP by client assertion, the holder by the
    /// `DPoP` proof of the per-grant key. Who may not is told the same as if the grant did not exist.
    pub(super) async fn actor(
        &self,
        headers: &HeaderMap,
        method: &str,
        grant_id: &str,
        path: &str,
    ) -> Result<(Actor, GrantRow), AuthError> {
        if headers.contains_key(header::AUTHORIZATION) {
            let party = self.party(headers).await?;
            let row = self.given_grant(grant_id).await?;
            let actor =
                authorise_party(&party, &row.recipient, &row.provider).map_err(|_| AuthError::Unknown)?;
            return Ok((actor, row));
        }
        let proof = self.proof(headers, method, path)?;
        let row = self.given_grant(grant_id).await?;
        let consent = row.consent.as_ref().ok_or(AuthError::Unknown)?;
        let actor = authorise_holder(&proof.jkt, &consent.grant_jkt).map_err(|_| AuthError::Unknown)?;
        self.spend_proof(&proof).await?;
        Ok((actor, row))
    }

    /// A grant that was given, whatever became of it. What was asked for and not given is unknown.
    async fn given_grant(&self, grant_id: &str) -> Result<GrantRow, AuthError> {
        let row = self.find_grant(grant_id).await?;
        row.filter(GrantRow::was_given).ok_or(AuthError::Unknown)
    }

    async fn once(
        &self,
        purpose: &str,
        value: &str,
        expires: UnixTime,
        now: UnixTime,
    ) -> Result<(), AuthError> {
        let seen =
            self.context.replay.remember(purpose, value, expires, now).await.map_err(Internal::from)?;
        match seen {
            Seen::Fresh => Ok(()),
            Seen::Before => Err(AuthError::Replayed),
        }
    }
}
