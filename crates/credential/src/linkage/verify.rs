//! The verifiers' side: in the middle, and at the relying party itself.

use serde_json::{Map, Value};

use super::{CHECK, CHECK_IDENTIFIERS, CLAIM_PPID, CLAIM_SEALED_SUB, CLAIM_SUB, LinkageView, VCT, fault};
use crate::crypto::SignatureVerifier;
use crate::did::Did;
use crate::jose::jwk::Jwk;
use crate::ppid::Ppid;
use crate::sdjwt::{KeyBinding, KeyBindingPolicy, UnverifiedSdJwt, Validation, VerifiedSdJwt};
use crate::sealed::{self, Binding};
use crate::time::UnixTime;
use crate::verdict::{Checks, Verdict};

/// What a presentation must satisfy; decided before it arrives.
#[derive(Debug, Clone)]
pub struct LinkageDemand {
    /// The trusted issuer whose key is passed to the verification.
    pub issuer: String,
    /// The relying party that the credential must be for.
    pub rp: String,
    /// The verifier's full client id, expected in `aud` of the Key Binding JWT.
    pub aud: String,
    /// The nonce of the request.
    pub nonce: String,
    /// The time now; when evidence is checked again, the time at which it was given.
    pub now: UnixTime,
    /// How old the Key Binding JWT may be, in seconds.
    pub max_age: i64,
    /// How many seconds clocks may differ.
    pub leeway: i64,
}

/// A presentation for mediated linking: it says for which relying party a person is known, and not as whom.
#[derive(Debug, Clone)]
pub struct MediatedLinkage {
    /// What everybody sees.
    pub view: LinkageView,
    /// The identifiers, sealed to the relying party; it claims to belong to this credential.
    pub sealed_sub: String,
    /// The holder's signature: its further claims are the caller's to check.
    pub key_binding: KeyBinding,
    /// The hash of the presentation (RFC 9901 §4.3.1).
    pub sd_hash: String,
    /// The checks that held, in order.
    pub checks: Checks,
}

/// A presentation for the relying party itself.
#[derive(Debug, Clone)]
pub struct FirstPartyLinkage {
    /// What everybody sees.
    pub view: LinkageView,
    /// The pairwise DID.
    pub sub: Did,
    /// The pairwise pseudonymous identifier.
    pub ppid: Ppid,
    /// The holder's signature: its further claims are the caller's to check.
    pub key_binding: KeyBinding,
    /// The hash of the presentation (RFC 9901 §4.3.1).
    pub sd_hash: String,
    /// The checks that held, in order.
    pub checks: Checks,
}

/// Verifies a presentation as a verifier that stands between two relying parties.
///
/// # Errors
/// The codes of [`crate::sdjwt`] and of the [module docs](super); `identifier_disclosed` before anything is returned
/// if the wallet disclosed `sub` or `ppid`.
pub fn verify_mediated(
    presentation: UnverifiedSdJwt<'_>,
    verifier: &dyn SignatureVerifier,
    issuer_key: &Jwk,
    demand: &LinkageDemand,
) -> Verdict<MediatedLinkage> {
    let Verified { credential, view, key_binding, mut checks } =
        verify(presentation, verifier, issuer_key, demand)?;
    let sealed_sub = checks.record(|checks| {
        let sealed_sub = only_sealed_sub(credential.claims())?;
        let LinkageView { iss, rp, jkt, .. } = &view;
        sealed::check_claimed_binding(sealed_sub, &Binding { iss: iss.clone(), rp: rp.clone(), jkt: *jkt })?;
        checks.passed(sealed::CHECK);
        Ok(sealed_sub.to_owned())
    })?;
    Ok(MediatedLinkage { view, sealed_sub, key_binding, sd_hash: credential.sd_hash().to_owned(), checks })
}

/// The sealed identifier, where nothing in the clear was disclosed beside it.
fn only_sealed_sub(claims: &Map<String, Value>) -> Verdict<&str> {
    if let Some(name) = [CLAIM_SUB, CLAIM_PPID].into_iter().find(|name| claims.contains_key(*name)) {
        return Err(fault("identifier_disclosed", format!("`{name}` is not for a verifier in the middle"))
            .at(format!("/{name}")));
    }
    let sealed_sub = claims.get(CLAIM_SEALED_SUB).and_then(Value::as_str);
    sealed_sub.ok_or_else(|| fault("sealed_sub_missing", "`sealed_sub` was not disclosed").at("/sealed_sub"))
}

/// Verifies a presentation as the relying party that the credential is for.
///
/// # Errors
/// The codes of [`crate::sdjwt`] and of the [module docs](super); `identifier_missing` if one of `sub` and `ppid` was
/// not disclosed.
pub fn verify_first_party(
    presentation: UnverifiedSdJwt<'_>,
    verifier: &dyn SignatureVerifier,
    issuer_key: &Jwk,
    demand: &LinkageDemand,
) -> Verdict<FirstPartyLinkage> {
    let Verified { credential, view, key_binding, mut checks } =
        verify(presentation, verifier, issuer_key, demand)?;
    let identifier = |name: &'static str| {
        credential.claims().get(name).and_then(Value::as_str).ok_or_else(|| {
            fault("identifier_missing", format!("`{name}` was not disclosed")).at(format!("/{name}"))
        })
    };
    let malformed =
        |name: &str| fault("identifier_malformed", format!("`{name}` is malformed")).at(format!("/{name}"));
    let (sub, ppid) = checks.record(|checks| {
        let sub = Did::parse(identifier(CLAIM_SUB)?).map_err(|_| malformed(CLAIM_SUB))?;
        let ppid = Ppid::parse(identifier(CLAIM_PPID)?).map_err(|_| malformed(CLAIM_PPID))?;
        checks.passed(CHECK_IDENTIFIERS);
        Ok((sub, ppid))
    })?;
    Ok(FirstPartyLinkage { view, sub, ppid, key_binding, sd_hash: credential.sd_hash().to_owned(), checks })
}

struct Verified {
    credential: VerifiedSdJwt,
    view: LinkageView,
    key_binding: KeyBinding,
    checks: Checks,
}

fn verify(
    presentation: UnverifiedSdJwt<'_>,
    verifier: &dyn SignatureVerifier,
    issuer_key: &Jwk,
    demand: &LinkageDemand,
) -> Verdict<Verified> {
    let mut validation = Validation::credential(&demand.issuer, VCT, demand.now);
    validation.leeway = demand.leeway;
    validation.require_exp = true;
    let policy = KeyBindingPolicy::Required {
        aud: demand.aud.clone(),
        nonce: demand.nonce.clone(),
        max_age: demand.max_age,
        leeway: demand.leeway,
    };
    let credential = presentation.verify(verifier, issuer_key, &validation, &policy)?;
    let mut checks = credential.checks().clone();
    let (view, key_binding) = checks.record(|checks| {
        let view = LinkageView::read(&credential)?;
        if view.rp != demand.rp {
            return Err(fault("rp_mismatch", "the credential is for another relying party").at("/rp"));
        }
        let key_binding = credential.key_binding().cloned();
        let key_binding = key_binding.ok_or_else(|| fault("linkage_claim_malformed", "no key binding"))?;
        checks.passed(CHECK);
        Ok((view, key_binding))
    })?;
    Ok(Verified { credential, view, key_binding, checks })
}
