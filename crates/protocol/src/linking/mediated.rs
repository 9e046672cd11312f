//! Mediated linking: two presentations that one person signed under one set of terms (linkage protocol §7).

use serde_json::Value;

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::linkage::{self, LinkageDemand, MediatedLinkage};
use enishi_credential::same_subject::{self, SameSubjectClaim, Statement};
use enishi_credential::sdjwt::{KeyBinding, UnverifiedSdJwt};
use enishi_credential::status::StatusReference;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Checks, Failure, Verdict};

use crate::consent::ConsentPair;
use crate::declaration::DeclarationSet;
use crate::vp::HASH_ALG;

use super::{CLOCK_SKEW, IssuerKeys, KB_MAX_AGE, StatusOutcome, check_acr};

/// What both presentations must satisfy. The verifier takes it from the request that it sent, the gateway from the
/// evidence.
#[derive(Clone, Copy)]
pub struct LinkingDemand<'a> {
    /// The time now; in a gateway the time of the presentation.
    pub now: UnixTime,
    /// The verifier's full client id.
    pub client_id: &'a str,
    /// The nonce of the request.
    pub nonce: &'a str,
    /// The terms as they were sent.
    pub pair: &'a ConsentPair,
    /// The declarations that the terms name.
    pub declarations: &'a DeclarationSet,
    /// The trusted issuers.
    pub issuers: &'a IssuerKeys,
    /// Checks signatures.
    pub signatures: &'a dyn SignatureVerifier,
}

/// Both presentations hold and are of one person; the credentials' status is still to be asked for.
#[derive(Debug)]
#[must_use = "nothing is verified before `conclude`"]
pub struct PendingLink {
    sp: MediatedLinkage,
    dp: MediatedLinkage,
    grant_jkt: Thumbprint,
    checks: Checks,
}

/// A consent that holds: every check of linkage protocol §7 but the database's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedLink {
    /// The grant that the terms become.
    pub grant_id: String,
    /// The hash of the terms.
    pub terms_sha256: String,
    /// The person at the service provider, sealed to it.
    pub sealed_sub_sp: String,
    /// The person at the data provider, sealed to it.
    pub sealed_sub_dp: String,
    /// The thumbprint of the instance key of the service provider's credential.
    pub sp_jkt: Thumbprint,
    /// The thumbprint of the instance key of the data provider's credential.
    pub dp_jkt: Thumbprint,
    /// The issuer of both credentials.
    pub issuer: String,
    /// The holder's key for this grant.
    pub grant_jkt: Thumbprint,
    /// The assurance of the data provider's credential.
    pub acr: String,
    /// When the holder signed.
    pub given_at: UnixTime,
    /// The checks that held, in order.
    pub checks: Checks,
}

/// Checks the presentations for `sp_link` and `dp_link`, in the order of linkage protocol §7 up to the status.
///
/// # Errors
/// The codes of [`enishi_credential::issuer_key`]; those of [`enishi_credential::sdjwt`] and
/// [`enishi_credential::linkage`]; `transaction_data_hash_mismatch`; `link_domain_mismatch`; `grant_jkt_missing`;
/// `same_subject_missing`, `same_subject_peer_mismatch` and the codes of [`enishi_credential::same_subject`].
pub fn verify_linking(sp: &str, dp: &str, demand: &LinkingDemand<'_>) -> Verdict<PendingLink> {
    let mut checks = Checks::new();
    let (sp, dp, grant_jkt) = checks.record(|checks| check_linking(sp, dp, demand, checks))?;
    Ok(PendingLink { sp, dp, grant_jkt, checks })
}

fn check_linking(
    sp: &str,
    dp: &str,
    demand: &LinkingDemand<'_>,
    checks: &mut Checks,
) -> Verdict<(MediatedLinkage, MediatedLinkage, Thumbprint)> {
    let terms = demand.pair.terms();
    let sp = verify_one(sp, &terms.recipient.id, &demand.pair.sp_hash(), demand)
        .map_err(|failure| at_query(failure, "sp_link"))?;
    checks.extend(&sp.checks);
    checks.passed("sp-link-terms-hash");
    let dp = verify_one(dp, &terms.provider.id, &demand.pair.terms_sha256(), demand)
        .map_err(|failure| at_query(failure, "dp_link"))?;
    checks.extend(&dp.checks);
    checks.passed("dp-link-terms-hash");
    if sp.view.iss != dp.view.iss || sp.view.link.suite != dp.view.link.suite {
        return Err(Failure::new(
            "link-domain",
            "link_domain_mismatch",
            "the credentials are of two issuers, whose commitments cannot be compared",
        )
        .remedy("present two credentials of one issuer"));
    }
    checks.passed("link-domain");
    let grant_jkt = grant_jkt(&dp.key_binding)?;
    check_same_subject(&sp, &dp, &grant_jkt, demand)?;
    checks.passed(same_subject::CHECK);
    Ok((sp, dp, grant_jkt))
}

fn at_query(failure: Failure, id: &str) -> Failure {
    let pointer = format!("/vp_token/{id}{}", failure.pointer);
    failure.at(pointer)
}

fn verify_one(
    presentation: &str,
    rp: &str,
    terms_hash: &str,
    demand: &LinkingDemand<'_>,
) -> Verdict<MediatedLinkage> {
    let presentation = UnverifiedSdJwt::parse(presentation)?;
    let (issuer, key) = demand.issuers.key_for(&presentation, demand.now)?.into_parts();
    let linkage = LinkageDemand {
        issuer,
        rp: rp.to_owned(),
        aud: demand.client_id.to_owned(),
        nonce: demand.nonce.to_owned(),
        now: demand.now,
        max_age: KB_MAX_AGE,
        leeway: CLOCK_SKEW,
    };
    let verified = linkage::verify_mediated(presentation, demand.signatures, &key, &linkage)?;
    check_terms_hash(&verified.key_binding, terms_hash)?;
    Ok(verified)
}

/// The KB-JWT carries exactly this hash of transaction data (OpenID4VP 1.0 App. B.3.3.1).
fn check_terms_hash(binding: &KeyBinding, expected: &str) -> Verdict<()> {
    let hashes = binding.claims.get("transaction_data_hashes").and_then(Value::as_array);
    let exactly =
        hashes.is_some_and(|hashes| hashes.len() == 1 && hashes.iter().all(|hash| hash == expected));
    let algorithm = binding.claims.get("transaction_data_hashes_alg").and_then(Value::as_str);
    if exactly && algorithm == Some(HASH_ALG) {
        return Ok(());
    }
    Err(Failure::new(
        "terms-hash",
        "transaction_data_hash_mismatch",
        "the KB-JWT does not carry the hash of the terms that were sent",
    )
    .at("/transaction_data_hashes")
    .remedy(
        "hash the transaction data string as received, with sha-256, and name `transaction_data_hashes_alg`",
    ))
}

fn grant_jkt(binding: &KeyBinding) -> Verdict<Thumbprint> {
    let text = binding.claims.get("grant_jkt").and_then(Value::as_str);
    text.and_then(|text| Thumbprint::parse(text).ok()).ok_or_else(|| {
        Failure::new(
            "grant-key",
            "grant_jkt_missing",
            "the KB-JWT of `dp_link` has no thumbprint `grant_jkt`",
        )
        .at("/grant_jkt")
        .remedy("make a key for this grant and put its SHA-256 thumbprint into the KB-JWT of `dp_link`")
    })
}

fn check_same_subject(
    sp: &MediatedLinkage,
    dp: &MediatedLinkage,
    grant_jkt: &Thumbprint,
    demand: &LinkingDemand<'_>,
) -> Verdict<()> {
    let refuse = |code, detail: &'static str| {
        Failure::new(same_subject::CHECK, code, detail).at("/vp_token/dp_link/same_subject").remedy(
            "prove in the KB-JWT of `dp_link` that both credentials are of one person (linkage protocol §6)",
        )
    };
    let claim = dp.key_binding.claims.get("same_subject");
    let claim = claim.ok_or_else(|| refuse("same_subject_missing", "there is no same-subject proof"))?;
    let claim: SameSubjectClaim = serde_json::from_value(claim.clone())
        .map_err(|_| refuse("same_subject_missing", "`same_subject` is malformed"))?;
    if claim.peer_sd_hash != sp.sd_hash {
        return Err(refuse("same_subject_peer_mismatch", "the proof belongs to another presentation"));
    }
    if claim.suite != dp.view.link.suite {
        return Err(refuse("same_subject_missing", "the proof is of another suite than the commitments"));
    }
    let statement = Statement {
        c_sp: &sp.view.link.commitment,
        c_dp: &dp.view.link.commitment,
        nonce: demand.nonce,
        aud: demand.client_id,
        sd_hash_sp: &sp.sd_hash,
        sd_hash_dp: &dp.sd_hash,
        terms_hash_sp: &demand.pair.sp_hash(),
        terms_hash_dp: &demand.pair.terms_sha256(),
        grant_jkt,
    };
    same_subject::verify(&statement, &claim.proof)
}

impl PendingLink {
    /// Where the status of the service provider's credential stands.
    pub const fn sp_status(&self) -> Option<&StatusReference> {
        self.sp.view.status.as_ref()
    }

    /// Where the status of the data provider's credential stands.
    pub const fn dp_status(&self) -> Option<&StatusReference> {
        self.dp.view.status.as_ref()
    }

    /// The issuer of both credentials, whose status lists count.
    pub fn issuer(&self) -> &str {
        &self.sp.view.iss
    }

    /// Makes the remaining checks: status, `acr`, declarations, and that the terms could still be answered.
    ///
    /// # Errors
    /// The status failure; `status_unknown`; `acr_insufficient`; what [`DeclarationSet::for_terms`] refuses;
    /// `answer_too_late`.
    pub fn conclude(
        self,
        sp_status: StatusOutcome,
        dp_status: StatusOutcome,
        demand: &LinkingDemand<'_>,
    ) -> Verdict<VerifiedLink> {
        let Self { sp, dp, grant_jkt, mut checks } = self;
        let given_at = dp.key_binding.iat;
        checks.record(|checks| {
            let with_status = [(&sp, sp_status, "sp_link"), (&dp, dp_status, "dp_link")];
            for (link, status, id) in with_status {
                let accepted = status.accept(link.view.status.is_some(), checks);
                accepted.map_err(|failure| at_query(failure, id))?;
            }
            check_terms(&sp, &dp, demand, checks)
        })?;
        let terms = demand.pair.terms();
        Ok(VerifiedLink {
            grant_id: terms.grant_id.clone(),
            terms_sha256: demand.pair.terms_sha256(),
            sealed_sub_sp: sp.sealed_sub,
            sealed_sub_dp: dp.sealed_sub,
            sp_jkt: sp.view.jkt,
            dp_jkt: dp.view.jkt,
            issuer: dp.view.iss,
            grant_jkt,
            acr: dp.view.acr,
            given_at,
            checks,
        })
    }
}

/// `acr`, declarations, and that the terms could be answered when they were.
fn check_terms(
    sp: &MediatedLinkage,
    dp: &MediatedLinkage,
    demand: &LinkingDemand<'_>,
    checks: &mut Checks,
) -> Verdict<()> {
    let terms = demand.pair.terms();
    let declarations = demand.declarations.for_terms(terms, demand.now)?;
    let acceptable = &declarations.service.body.acr_values;
    check_acr(&sp.view.acr, acceptable)?;
    check_acr(&dp.view.acr, acceptable)?;
    checks.passed("acr");
    checks.passed("declarations");
    let late = terms.answer_by <= demand.now;
    let early = terms.issued_at.since(dp.key_binding.iat) > CLOCK_SKEW;
    if late || early {
        return Err(Failure::new(
            "consent-time",
            "answer_too_late",
            "the terms were not open for an answer then",
        )
        .at("/answer_by")
        .remedy("start again at the service"));
    }
    checks.passed("terms");
    Ok(())
}
