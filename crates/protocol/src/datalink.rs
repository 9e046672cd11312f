//! The data link (linkage protocol §8): an RFC 9068 access token that lives minutes and is minted per fetch.
//!
//! The verifier mints it with [`mint`]; the gateway reads it with [`UnverifiedDataLink`], from which only the
//! claimed issuer and the key hint can be read before [`UnverifiedDataLink::verify`]. What a verified link still
//! lacks is the sender's proof (`DPoP` with `ath`), the grant's status and the evidence: linkage protocol §9.

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::jose::jwk::{Jwk, Thumbprint};
use enishi_credential::jose::jws::{self, KeyHint, UnverifiedJws};
pub use enishi_credential::status::StatusReference;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Checks, Failure, Verdict};
use serde::{Deserialize, Serialize};

/// The `typ` of a data link (RFC 9068 §2.1).
pub const TYP: &str = "at+jwt";

/// The `type` of the one entry in `authorization_details` (RFC 9396).
pub const DETAIL_TYPE: &str = "urn:enishi:read:1";

/// The only action: reading, by `GET` or `HEAD`.
pub const ACTION_READ: &str = "read";

/// The usual life of a link, in seconds.
pub const DEFAULT_LIFETIME: i64 = 300;

/// The longest life of a link, in seconds.
pub const MAX_LIFETIME: i64 = 900;

/// How far the clocks of verifier and gateway may be apart, in seconds.
pub const CLOCK_SKEW: i64 = 30;

const CHECK: &str = "data-link";

/// The claims of a data link, linkage protocol §8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataLinkClaims {
    /// The verifier's issuer id.
    pub iss: String,
    /// The canonical resource URI of the service: exactly one.
    pub aud: String,
    /// The SP's party id.
    pub client_id: String,
    /// Random per link: names nobody.
    pub sub: String,
    /// Unique per link; the gateway counts uses by it.
    pub jti: String,
    /// When the link was minted.
    pub iat: UnixTime,
    /// Not valid before.
    pub nbf: UnixTime,
    /// Not valid at or after.
    pub exp: UnixTime,
    /// The transaction that audit entries and release reports name (RFC 8417 §2.2).
    pub txn: String,
    /// The key whose holder may use the link (RFC 9449 §6).
    pub cnf: Confirmation,
    /// What may be read: exactly one entry.
    pub authorization_details: [ReadDetail; 1],
    /// The person at the DP, sealed to the DP.
    pub sealed_sub: String,
    /// The assurance under which the credential was issued (`acr` of the DP's credential).
    pub acr: String,
    /// The status of the grant.
    pub status: LinkStatus,
    /// The consent that this link is minted under.
    pub consent: ConsentReference,
}

/// `cnf` of a data link. A member that is not known here would be a restriction that nobody checks, so it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Thumbprint of the SP's DPoP key.
    pub jkt: Thumbprint,
    /// X-Road client id of the SP, if the link may only come through X-Road.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xroad_client: Option<String>,
}

/// What may be read under the link (RFC 9396 §2). An unknown member is refused, as RFC 9396 §5 asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadDetail {
    /// Always [`DETAIL_TYPE`].
    #[serde(rename = "type")]
    pub detail_type: String,
    /// The resource, the same as `aud`.
    pub locations: Vec<String>,
    /// Always [`ACTION_READ`].
    pub actions: Vec<String>,
    /// Ids of the service's items.
    pub datatypes: Vec<String>,
    /// `id@version` of the purpose.
    pub purpose: String,
    /// How many requests the link is good for.
    pub max_uses: u32,
}

/// `status` of a data link: the grant's entry in the verifier's status list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// The reference (Token Status List §6.2).
    pub status_list: StatusReference,
}

/// `consent` of a data link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentReference {
    /// The grant.
    pub grant_id: String,
    /// Hash of the `dp_link` transaction data string, base64url of SHA-256.
    pub terms_sha256: String,
    /// Hash of the evidence bundle, base64url of SHA-256.
    pub evidence_sha256: String,
    /// Where the evidence is fetched, if elsewhere than `/evidence/{sha256}` of the verifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// When the person consented.
    pub given_at: UnixTime,
}

/// Signs a data link.
///
/// # Errors
/// [`MintError::Refused`] for claims that [`UnverifiedDataLink::verify`] would refuse, so that a verifier cannot
/// mint what no gateway accepts; [`MintError::Signer`] if the signer fails.
pub async fn mint(signer: &dyn Signer, claims: &DataLinkClaims) -> Result<String, MintError> {
    claims.check_shape()?;
    let value = serde_json::to_value(claims).map_err(|error| SignerError(error.to_string()))?;
    Ok(jws::sign(signer, jws::header(TYP, signer), &value).await?)
}

/// Why a link was not minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The claims break a rule of linkage protocol §8.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl DataLinkClaims {
    /// The entry of `authorization_details`.
    pub const fn detail(&self) -> &ReadDetail {
        let [detail] = &self.authorization_details;
        detail
    }

    /// The rules that need no clock and no expectation.
    fn check_shape(&self) -> Verdict<()> {
        let fail = |code, at: &str, detail: &str| {
            Err(Failure::new(CHECK, code, detail)
                .at(at)
                .remedy("have the link minted by a verifier of linkage protocol 1"))
        };
        let life = self.exp.since(self.iat);
        if life <= 0 || life > MAX_LIFETIME || self.nbf > self.exp {
            return fail("lifetime_too_long", "/exp", "a link lives more than 0 and at most 900 seconds");
        }
        let detail = self.detail();
        if detail.detail_type != DETAIL_TYPE {
            return fail("detail_type_unknown", "/authorization_details/0/type", "the type is not known");
        }
        if detail.locations != [self.aud.as_str()] {
            let at = "/authorization_details/0/locations";
            return fail("location_mismatch", at, "`locations` is not exactly the audience");
        }
        if detail.actions != [ACTION_READ] {
            return fail("action_unknown", "/authorization_details/0/actions", "the only action is `read`");
        }
        if detail.datatypes.is_empty() {
            return fail("no_items", "/authorization_details/0/datatypes", "the link names no item");
        }
        if detail.max_uses == 0 {
            return fail("no_uses", "/authorization_details/0/max_uses", "the link is good for no request");
        }
        for (at, text) in [
            ("/jti", &self.jti),
            ("/txn", &self.txn),
            ("/sub", &self.sub),
            ("/client_id", &self.client_id),
            ("/sealed_sub", &self.sealed_sub),
            ("/consent/grant_id", &self.consent.grant_id),
            ("/consent/terms_sha256", &self.consent.terms_sha256),
            ("/consent/evidence_sha256", &self.consent.evidence_sha256),
        ] {
            if text.is_empty() {
                return fail("claim_empty", at, "a claim is empty");
            }
        }
        Ok(())
    }
}

/// A data link whose signature has not been checked.
#[derive(Clone)]
pub struct UnverifiedDataLink(UnverifiedJws);

/// What a gateway expects of a link.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The verifier whose key is used: one that the gateway trusts.
    pub issuer: &'a str,
    /// The gateway's canonical resource URI.
    pub resource: &'a str,
    /// The time now.
    pub now: UnixTime,
}

/// A data link that a trusted verifier signed for this resource and that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDataLink {
    claims: DataLinkClaims,
    checks: Checks,
}

impl VerifiedDataLink {
    /// The claims.
    pub const fn claims(&self) -> &DataLinkClaims {
        &self.claims
    }

    /// The checks that held, in order.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl UnverifiedDataLink {
    /// Splits a link.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`].
    pub fn parse(compact: &str) -> Verdict<Self> {
        UnverifiedJws::parse(compact).map(Self)
    }

    /// The verifier that the link claims to be from: look it up among the trusted ones before fetching anything.
    pub fn claimed_issuer(&self) -> Option<String> {
        self.0.claimed("iss")
    }

    /// What the sender says about the key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.0.key_hint()
    }

    /// Checks signature, `typ`, issuer, audience, times and shape, in the order of linkage protocol §9.
    ///
    /// # Errors
    /// `typ_not_allowed`, `signature_invalid`, `claims_malformed` (also when `cnf.jkt` is missing or `aud` is not one
    /// string), `issuer_mismatch`, `audience_mismatch`, `not_yet_valid`, `expired`, `lifetime_too_long` and the other
    /// codes of a broken shape.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
    ) -> Verdict<VerifiedDataLink> {
        let mut checks = Checks::new();
        let claims = checks.record(|checks| self.check(verifier, key, expected, checks))?;
        Ok(VerifiedDataLink { claims, checks })
    }

    fn check(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
        checks: &mut Checks,
    ) -> Verdict<DataLinkClaims> {
        let jws = self.0.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?;
        checks.passed("data-link-signature");
        let claims: DataLinkClaims = jws.parse_claims()?;
        let fail = |code, at: &str, detail: &str, remedy| {
            Err(Failure::new(CHECK, code, detail).at(at).remedy(remedy))
        };
        if claims.iss != expected.issuer {
            return fail(
                "issuer_mismatch",
                "/iss",
                "the link is not from the verifier whose key this is",
                "use the link that the verifier gave you unchanged",
            );
        }
        if claims.aud != expected.resource {
            return fail(
                "audience_mismatch",
                "/aud",
                "the link is for another resource",
                "use the link at the resource that was returned with it",
            );
        }
        checks.passed("data-link-audience");
        let fresh = "mint a fresh link: a link lives minutes";
        if claims.iat.since(expected.now) > CLOCK_SKEW || claims.nbf.since(expected.now) > CLOCK_SKEW {
            return fail("not_yet_valid", "/nbf", "the link is not valid yet", fresh);
        }
        if claims.exp <= expected.now {
            return fail("expired", "/exp", "the link has expired", fresh);
        }
        claims.check_shape()?;
        checks.passed("data-link-time");
        Ok(claims)
    }
}

#[cfg(test)]
mod tests;
