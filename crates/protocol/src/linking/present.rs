//! The wallet's side: presentations of linkage credentials that answer a verified request.

use serde_json::{Map, json};

use enishi_credential::commitment::Opening;
use enishi_credential::crypto::Signer;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::linkage::HeldLinkage;
use enishi_credential::same_subject::{self, SameSubjectClaim, Statement};
use enishi_credential::sdjwt::{KeyBindingClaims, PresentError};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::consent::{ConsentPair, DP_LINK, SP_LINK};
use crate::vp::VerifiedRequest;

use super::FIRST_PARTY_LINK;

/// Why no presentation was made.
pub type LinkPresentError = PresentError;

/// A credential with what only the wallet has.
#[derive(Clone, Copy)]
pub struct LinkPart<'a> {
    /// The credential.
    pub credential: &'a HeldLinkage,
    /// The opening of its commitment.
    pub opening: &'a Opening,
    /// The instance key in its `cnf`.
    pub signer: &'a dyn Signer,
}

/// Answers a request for mediated linking: the presentations for `sp_link` and `dp_link`, both over the terms, the
/// second with the same-subject proof and the grant's key. Discloses `sealed_sub` and nothing else, whatever was asked.
///
/// # Errors
/// `rp_mismatch` if a credential is for another relying party than the terms say; `openings_do_not_fit`; what
/// [`PresentError`] says.
pub async fn present_linked(
    request: &VerifiedRequest,
    pair: &ConsentPair,
    sp: LinkPart<'_>,
    dp: LinkPart<'_>,
    grant_jkt: &Thumbprint,
    now: UnixTime,
    entropy: &dyn Entropy,
) -> Result<[String; 2], LinkPresentError> {
    check_rp(sp.credential, &pair.terms().recipient.id)?;
    check_rp(dp.credential, &pair.terms().provider.id)?;
    let (for_sp, for_dp) = (sp.credential.present_mediated()?, dp.credential.present_mediated()?);
    let aud = request.client_id.to_string();
    let statement = Statement {
        c_sp: &sp.credential.view().link.commitment,
        c_dp: &dp.credential.view().link.commitment,
        nonce: &request.nonce,
        aud: &aud,
        sd_hash_sp: for_sp.sd_hash(),
        sd_hash_dp: for_dp.sd_hash(),
        terms_hash_sp: &pair.sp_hash(),
        terms_hash_dp: &pair.terms_sha256(),
        grant_jkt,
    };
    let proof = same_subject::prove(&statement, sp.opening, dp.opening, entropy)?;
    let claim = SameSubjectClaim {
        suite: dp.credential.view().link.suite,
        peer_sd_hash: for_sp.sd_hash().to_owned(),
        proof,
    };
    let mut extra = request.transaction_data_claims(DP_LINK);
    extra.insert("grant_jkt".to_owned(), json!(grant_jkt));
    extra.insert("same_subject".to_owned(), json!(claim));
    let kb = |extra| claims(request, now, extra);
    let sp_text = for_sp.bind(sp.signer, kb(request.transaction_data_claims(SP_LINK))).await?;
    let dp_text = for_dp.bind(dp.signer, kb(extra)).await?;
    Ok([sp_text, dp_text])
}

/// Answers a relying party that asks for its own credential: discloses `sub` and `ppid` to it. The caller makes sure that the
/// verifier is that relying party (linkage protocol §4).
///
/// # Errors
/// `rp_mismatch` if the query asks for another relying party's credential; what [`PresentError`] says.
pub async fn present_first_party(
    request: &VerifiedRequest,
    credential: &HeldLinkage,
    signer: &dyn Signer,
    now: UnixTime,
) -> Result<String, LinkPresentError> {
    let asked = request.query.credential(FIRST_PARTY_LINK);
    let all = serde_json::Value::Object(credential.as_sd_jwt().claims().clone());
    let fits = asked.is_some_and(|part| part.check(crate::dcql::SD_JWT_VC, super::VCT, &all).is_ok());
    if !fits {
        return Err(mismatch().into());
    }
    let presentation = credential.present_first_party()?;
    presentation.bind(signer, claims(request, now, Map::new())).await
}

fn claims(
    request: &VerifiedRequest,
    now: UnixTime,
    extra: Map<String, serde_json::Value>,
) -> KeyBindingClaims {
    KeyBindingClaims { aud: request.client_id.to_string(), nonce: request.nonce.clone(), iat: now, extra }
}

fn check_rp(credential: &HeldLinkage, rp: &str) -> Verdict<()> {
    if credential.view().rp == rp { Ok(()) } else { Err(mismatch()) }
}

fn mismatch() -> Failure {
    Failure::new("linkage", "rp_mismatch", "the credential is for another relying party")
        .remedy("present the credential for the relying party that was asked for")
}
