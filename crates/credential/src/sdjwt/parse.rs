//! From the compact text to something that can be believed (RFC 9901 §4, §7.1, §7.3).

use super::claims::{check_identity, check_times};
use super::fault;
use super::key_binding::{self, Demand};
use super::policy::{KeyBindingPolicy, TYP_SD_JWT_VC, TYP_SD_JWT_VC_LEGACY, Validation};
use super::process::{Processed, process};
use super::verified::VerifiedSdJwt;
use crate::crypto::SignatureVerifier;
use crate::jose::jwk::Jwk;
use crate::jose::jws::{Expected, KeyHint, MAX_LENGTH, UnverifiedJws, VerifiedJws};
use crate::verdict::{Checks, Failure, Verdict};

/// The most disclosures that are read. A linkage credential has three, an identity card some forty.
const MAX_DISCLOSURES: usize = 1024;

/// An SD-JWT that was split into its parts. Nothing can be read from it but where to look for the issuer's key.
#[derive(Clone)]
pub struct UnverifiedSdJwt {
    /// `<JWT>~<D1>~…~<Dn>~`, exactly as received: what `sd_hash` is made of.
    text: String,
    issuer_jwt: UnverifiedJws,
    key_binding: Option<UnverifiedJws>,
}

impl UnverifiedSdJwt {
    /// Splits `compact`: `<JWT>~<D1>~…~<Dn>~` with an optional Key Binding JWT after the last `~`.
    ///
    /// # Errors
    /// `sd_jwt_malformed`, `kb_malformed`, and the codes of [`UnverifiedJws::parse`].
    pub fn parse(compact: &str) -> Verdict<Self> {
        let malformed = |detail: &str| fault("sd_jwt_malformed", detail);
        if compact.len() > MAX_LENGTH {
            return Err(malformed("the text is too long"));
        }
        let (body, rest) = compact.rsplit_once('~').ok_or_else(|| malformed("there is no `~`"))?;
        let text = compact.get(..=body.len()).unwrap_or_default();
        let mut parts = body.split('~');
        let issuer_jwt = UnverifiedJws::parse(parts.next().unwrap_or_default()).map_err(as_issuer)?;
        let mut count = 0;
        for part in parts {
            count += 1;
            if part.is_empty() {
                return Err(malformed("there is an empty part between two `~`"));
            }
        }
        if count > MAX_DISCLOSURES {
            return Err(malformed("there are too many disclosures"));
        }
        let key_binding = if rest.is_empty() { None } else { Some(key_binding::parse(rest)?) };
        Ok(Self { text: text.to_owned(), issuer_jwt, key_binding })
    }

    /// What the issuer-signed JWT says about its key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.issuer_jwt.key_hint()
    }

    /// The `iss` that is claimed: good for finding the key among trusted issuers, never for trusting it.
    pub fn claimed_issuer(&self) -> Option<String> {
        self.issuer_jwt.claimed("iss")
    }

    /// Checks everything: issuer signature, type, disclosures, claims, times, and key binding by policy.
    ///
    /// # Errors
    /// See the table in the [module docs](super). Nothing of the credential can be read after a failure.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        issuer_key: &Jwk,
        validation: &Validation,
        key_binding: &KeyBindingPolicy,
    ) -> Verdict<VerifiedSdJwt> {
        let mut checks = Checks::new();
        checks.passed("form");
        let mut verified =
            checks.record(|checks| self.check(verifier, issuer_key, validation, key_binding, checks))?;
        verified.checks = checks;
        Ok(verified)
    }

    /// Makes the checks one after the other, and writes down those that held.
    fn check(
        self,
        verifier: &dyn SignatureVerifier,
        issuer_key: &Jwk,
        validation: &Validation,
        key_binding: &KeyBindingPolicy,
        checks: &mut Checks,
    ) -> Verdict<VerifiedSdJwt> {
        match (key_binding, &self.key_binding) {
            (KeyBindingPolicy::Required { .. }, None) => {
                return Err(fault("kb_missing", "there is no Key Binding JWT"));
            }
            (KeyBindingPolicy::NotRequired, Some(_)) => {
                return Err(fault("kb_not_expected", "there is a Key Binding JWT"));
            }
            _ => {}
        }
        let issuer_jwt = verify_issuer(self.issuer_jwt, verifier, issuer_key, validation)?;
        checks.passed("issuer-algorithm");
        checks.passed("issuer-type");
        checks.passed("issuer-signature");

        let (header, payload) = issuer_jwt.into_parts();
        let Processed { claims, paths, undisclosed, hash } = process(payload, &disclosures(&self.text))?;
        checks.passed("disclosures");
        let cnf = check_identity(&claims, validation)?;
        checks.passed("claims");
        check_times(&claims, validation)?;
        checks.passed("validity");

        let sd_hash = hash.digest(&self.text);
        let key_binding = match (key_binding, self.key_binding) {
            (KeyBindingPolicy::Required { aud, nonce, max_age, leeway }, Some(jwt)) => {
                let holder_key = cnf
                    .as_ref()
                    .ok_or_else(|| fault("cnf_missing", "the credential names no holder key").at("/cnf"))?;
                let (max_age, leeway) = (*max_age, *leeway);
                let demand = Demand { aud, nonce, max_age, leeway, holder_key, sd_hash: &sd_hash };
                let held = key_binding::verify(jwt, verifier, validation, &demand)?;
                checks.passed("key-binding");
                Some(held)
            }
            _ => None,
        };
        let checks = Checks::new();
        Ok(VerifiedSdJwt { header, claims, cnf, paths, undisclosed, hash, key_binding, sd_hash, checks })
    }

    /// Processes a credential that was verified when it was received, without its signature and times.
    pub(super) fn process_as_received(self) -> Verdict<(String, VerifiedSdJwt)> {
        if self.key_binding.is_some() {
            return Err(fault("kb_not_expected", "there is a Key Binding JWT"));
        }
        let (header, payload) = self.issuer_jwt.read_as_verified_before().map_err(as_issuer)?.into_parts();
        let Processed { claims, paths, undisclosed, hash } = process(payload, &disclosures(&self.text))?;
        let cnf = super::claims::holder_key(&claims)?;
        let sd_hash = hash.digest(&self.text);
        let checks = Checks::new();
        let key_binding = None;
        let read =
            VerifiedSdJwt { header, claims, cnf, paths, undisclosed, hash, key_binding, sd_hash, checks };
        Ok((self.text, read))
    }

    /// The text without the Key Binding JWT.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The disclosures in `<JWT>~<D1>~…~<Dn>~`.
pub(super) fn disclosures(text: &str) -> Vec<&str> {
    text.split('~').skip(1).filter(|part| !part.is_empty()).collect()
}

fn verify_issuer(
    jwt: UnverifiedJws,
    verifier: &dyn SignatureVerifier,
    key: &Jwk,
    validation: &Validation,
) -> Verdict<VerifiedJws> {
    let hint = jwt.key_hint();
    let legacy =
        validation.legacy_typ && validation.typ == TYP_SD_JWT_VC && hint.typ == Some(TYP_SD_JWT_VC_LEGACY);
    let typ = if legacy { TYP_SD_JWT_VC_LEGACY } else { &validation.typ };
    jwt.verify(verifier, key, &Expected::new(typ, &validation.algorithms)).map_err(as_issuer)
}

/// Gives a failure of the issuer-signed JWS the check and remedy that belong to it here.
fn as_issuer(failure: Failure) -> Failure {
    fault(failure.code, failure.detail).at(failure.pointer)
}
