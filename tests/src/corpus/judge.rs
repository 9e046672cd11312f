//! Judges a text by a policy of the corpus, with the library.

use enishi_credential::crypto::{Algorithm, SignatureVerifier};
use enishi_credential::did::{self, Did, DidUrl, Relationship};
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_credential::sdjwt::{ExpectedVct, KeyBindingPolicy, UnverifiedSdJwt, Validation, VerifiedSdJwt};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use super::policy::{CredentialPolicy, Keys, Policy};

/// Whether `policy` accepts `text`.
///
/// # Errors
/// The library's refusal.
pub fn judge(policy: &Policy, text: &str, verifier: &dyn SignatureVerifier) -> Verdict<()> {
    match policy {
        Policy::SdJwt(policy) => credential(policy, text, verifier).map(drop),
    }
}

fn credential(
    policy: &CredentialPolicy,
    text: &str,
    verifier: &dyn SignatureVerifier,
) -> Verdict<VerifiedSdJwt> {
    let credential = UnverifiedSdJwt::parse(text)?;
    let key = issuer_key(&policy.keys, &credential)?;
    let algorithms: Vec<Algorithm> =
        policy.algorithms.iter().map(|name| Algorithm::from_name(name).expect("a known algorithm")).collect();
    let validation = Validation {
        now: UnixTime::from_secs(policy.now),
        leeway: policy.leeway,
        typ: policy.typ.clone(),
        legacy_typ: policy.legacy_typ,
        vct: policy.vct.clone().map_or(ExpectedVct::Any, |vct| ExpectedVct::OneOf(vec![vct])),
        issuer: policy.issuer.clone(),
        audience: None,
        require_exp: policy.require_exp,
        algorithms: algorithms.clone(),
        holder_algorithms: algorithms,
    };
    let key_binding = match &policy.key_binding {
        None => KeyBindingPolicy::NotRequired,
        Some(presenter) => KeyBindingPolicy::Required {
            aud: presenter.aud.clone(),
            nonce: presenter.nonce.clone(),
            max_age: presenter.max_age,
            leeway: policy.leeway,
        },
    };
    credential.verify(verifier, &key, &validation, &key_binding)
}

fn issuer_key(keys: &Keys, credential: &UnverifiedSdJwt) -> Verdict<Jwk> {
    let unknown = |detail: &str| Failure::new("issuer-key", "issuer_key_unknown", detail);
    let kid = credential.key_hint().kid;
    match keys {
        Keys::Jwk(jwk) => Ok(Jwk::from_value(jwk).expect("the policy's key")),
        Keys::Jwks(set) => {
            let set: JwkSet = serde_json::from_value(set.clone()).expect("the policy's keys");
            kid.and_then(|kid| set.find(kid).cloned())
                .ok_or_else(|| unknown("no single key has this `kid`").at("/kid"))
        }
        Keys::Did => {
            let issuer = credential.claimed_issuer().ok_or_else(|| unknown("no issuer is named"))?;
            let did = Did::parse(&issuer).map_err(|_| unknown("the issuer is not a DID"))?;
            let Some(kid) = kid.filter(|kid| kid.starts_with("did:")) else {
                return did.resolve_key(Relationship::AssertionMethod);
            };
            let url = DidUrl::parse(kid)?;
            if url.did() != did {
                return Err(unknown("`kid` is a key of another DID than `iss`").at("/kid"));
            }
            did::resolve_key(&url, Relationship::AssertionMethod)
        }
    }
}
