//! The issuer's side: the claims, and the credential that is made of them.

use serde_json::{Map, Value, json};

use super::{CLAIM_PPID, CLAIM_SEALED_SUB, CLAIM_SUB, VCT, fault};
use crate::commitment::LinkClaim;
use crate::crypto::Signer;
use crate::did::Did;
use crate::entropy::Entropy;
use crate::jose::jwk::Jwk;
use crate::ppid::Ppid;
use crate::sdjwt::{ClaimPath, IssueError, SdJwtBuilder};
use crate::sealed::{self, Binding};
use crate::status::StatusReference;
use crate::time::{DAY, UnixTime};
use crate::verdict::Verdict;

/// Everything that a linkage credential says. Only the holder sees it whole.
#[derive(Debug, Clone)]
pub struct LinkageClaims {
    /// The issuer's id.
    pub iss: String,
    /// The relying party's id.
    pub rp: String,
    /// The assurance with which the person logged in.
    pub acr: String,
    /// The time now; `iat` will be the start of its UTC day.
    pub issued_at: UnixTime,
    /// How many days after that start `exp` is; at least 1. With 1, a credential ends at the next midnight (UTC).
    pub valid_days: u32,
    /// The instance key.
    pub cnf: Jwk,
    /// The commitment to the person; its opening goes to the wallet beside the credential.
    pub link: LinkClaim,
    /// Where the credential's status stands, for credentials that can be revoked.
    pub status: Option<StatusReference>,
    /// The pairwise DID.
    pub sub: Did,
    /// The pairwise pseudonymous identifier.
    pub ppid: Ppid,
    /// Both, sealed to the relying party with [`sealed::seal`] for this issuer, party and instance key.
    pub sealed_sub: String,
}

impl LinkageClaims {
    /// The credential before it is signed, for callers that add header members such as `x5c`.
    ///
    /// # Errors
    /// `sealed_sub_binding` if `sealed_sub` was made for another credential, `linkage_claim_malformed` if `iss`,
    /// `rp` or `acr` is empty or `valid_days` is 0.
    pub fn to_builder(&self) -> Verdict<SdJwtBuilder> {
        for (name, text) in [("iss", &self.iss), ("rp", &self.rp), ("acr", &self.acr)] {
            if text.is_empty() {
                return Err(
                    fault("linkage_claim_malformed", format!("`{name}` is empty")).at(format!("/{name}"))
                );
            }
        }
        if self.valid_days == 0 {
            return Err(
                fault("linkage_claim_malformed", "the credential would be valid for no day").at("/exp")
            );
        }
        let binding = Binding { iss: self.iss.clone(), rp: self.rp.clone(), jkt: self.cnf.thumbprint() };
        sealed::check_claimed_binding(&self.sealed_sub, &binding)?;
        let mut claims = self.visible();
        claims.insert(CLAIM_SUB.to_owned(), self.sub.as_str().into());
        claims.insert(CLAIM_PPID.to_owned(), self.ppid.expose().into());
        claims.insert(CLAIM_SEALED_SUB.to_owned(), self.sealed_sub.as_str().into());
        Ok([CLAIM_SUB, CLAIM_PPID, CLAIM_SEALED_SUB]
            .into_iter()
            .fold(SdJwtBuilder::new(claims), |builder, name| builder.conceal(ClaimPath::name(name))))
    }

    fn visible(&self) -> Map<String, Value> {
        let iat = self.issued_at.floor_to_day();
        let mut claims = Map::from_iter([
            ("iss".to_owned(), self.iss.as_str().into()),
            ("vct".to_owned(), VCT.into()),
            ("iat".to_owned(), iat.secs().into()),
            ("exp".to_owned(), iat.plus(i64::from(self.valid_days) * DAY).secs().into()),
            // The bare key: a `kid` would be one more value by which to recognise the credential.
            ("cnf".to_owned(), json!({"jwk": Jwk::new(self.cnf.key.clone())})),
            ("rp".to_owned(), self.rp.as_str().into()),
            ("acr".to_owned(), self.acr.as_str().into()),
            ("link".to_owned(), json!(self.link)),
        ]);
        if let Some(status) = &self.status {
            claims.insert("status".to_owned(), json!({"status_list": status}));
        }
        claims
    }
}

/// Issues a linkage credential: the SD-JWT with all three disclosures, for the holder.
///
/// # Errors
/// As [`LinkageClaims::to_builder`], and [`IssueError::Signer`].
pub async fn issue(
    claims: &LinkageClaims,
    signer: &dyn Signer,
    entropy: &dyn Entropy,
) -> Result<String, IssueError> {
    claims.to_builder()?.sign(signer, entropy).await
}
