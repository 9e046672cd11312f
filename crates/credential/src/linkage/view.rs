//! The part of a linkage credential that everybody sees.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault;
use crate::commitment::LinkClaim;
use crate::jose::jwk::Thumbprint;
use crate::sdjwt::VerifiedSdJwt;
use crate::status::StatusReference;
use crate::time::UnixTime;
use crate::verdict::Verdict;

/// What is always visible in a linkage credential, of which every check held.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkageView {
    /// The issuer: the link domain.
    pub iss: String,
    /// The relying party that the credential is for.
    pub rp: String,
    /// The assurance with which the person logged in at the issuer.
    pub acr: String,
    /// The day of issuance.
    pub issued_at: UnixTime,
    /// The end of validity.
    pub expires: UnixTime,
    /// The suite and the commitment to the person.
    pub link: LinkClaim,
    /// The thumbprint of the instance key in `cnf`.
    pub jkt: Thumbprint,
    /// Where the status stands, for credentials that can be revoked. Checking it is the reader's next step.
    pub status: Option<StatusReference>,
}

impl LinkageView {
    pub(super) fn read(credential: &VerifiedSdJwt) -> Verdict<Self> {
        let claims = credential.claims();
        let day = |name: &str, time: Option<UnixTime>| {
            let time = time.ok_or_else(|| malformed(name))?;
            if time == time.floor_to_day() {
                return Ok(time);
            }
            Err(fault("times_not_rounded", format!("`{name}` is not the start of a day"))
                .at(format!("/{name}")))
        };
        Ok(Self {
            iss: text(claims, "iss")?,
            rp: text(claims, "rp")?,
            acr: text(claims, "acr")?,
            issued_at: day("iat", credential.issued_at())?,
            expires: day("exp", credential.expires())?,
            link: optional(claims, "link")?.ok_or_else(|| malformed("link"))?,
            jkt: credential.cnf_thumbprint().ok_or_else(|| malformed("cnf"))?,
            status: StatusReference::of_credential(credential).map_err(|_| malformed("status"))?,
        })
    }
}

fn malformed(name: &str) -> crate::verdict::Failure {
    fault("linkage_claim_malformed", format!("`{name}` is missing or malformed")).at(format!("/{name}"))
}

fn text(claims: &Map<String, Value>, name: &str) -> Verdict<String> {
    let text = claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| malformed(name))
}

fn optional<T: DeserializeOwned>(claims: &Map<String, Value>, name: &str) -> Verdict<Option<T>> {
    claims.get(name).map(|value| T::deserialize(value).map_err(|_| malformed(name))).transpose()
}
