//! From the compact text to something that can be believed (RFC 9901 §4, §7.1, §7.3).

use std::borrow::Cow;

use super::claims::{check_header, check_holder_key, check_identity, check_times, holder_key};
use super::fault;
use super::key_binding::{self, Demand};
use super::policy::{KeyBindingPolicy, TYP_SD_JWT_VC, TYP_SD_JWT_VC_LEGACY, Validation};
use super::process::{Processed, process};
use super::verified::VerifiedSdJwt;
use crate::crypto::SignatureVerifier;
use crate::jose::jwk::Jwk;
use crate::jose::jws::{Expected, KeyHint, MAX_LENGTH};
use crate::jose::jws_parts::JwsParts;
use crate::verdict::{Checks, Failure, Verdict};

/// The most disclosures that are read. A linkage credential has three, an identity card some forty.
const MAX_DISCLOSURES: usize = 1024;

/// An SD-JWT that was split into its parts. Nothing can be read from it but where to look for the issuer's key.
#[derive(Clone)]
pub struct UnverifiedSdJwt<'a> {
    /// `<JWT>~<D1>~…~<Dn>~`, exactly as received: what `sd_hash` is made of.
    text: Cow<'a, str>,
    issuer_jwt: JwsParts,
    /// How much of `text` the issuer signed.
    issuer_input: usize,
    /// How much of `text` stands before the first disclosure, and how many follow.
    disclosures: (usize, usize),
    key_binding: Option<(JwsParts, Cow<'a, str>)>,
}

impl<'a> UnverifiedSdJwt<'a> {
    /// Splits `compact`: `<JWT>~<D1>~…~<Dn>~` with an optional Key Binding JWT after the last `~`.
    ///
    /// # Errors
    /// `sd_jwt_malformed`, `kb_malformed`, and the codes of [`crate::jose::jws::UnverifiedJws::parse`].
    pub fn parse(compact: &'a str) -> Verdict<Self> {
        let malformed = |detail: &str| fault("sd_jwt_malformed", detail);
        if compact.len() > MAX_LENGTH {
            return Err(malformed("the text is too long"));
        }
        let mut ends = memchr::memchr_iter(b'~', compact.as_bytes());
        let first = ends.next().ok_or_else(|| malformed("there is no `~`"))?;
        let jwt = compact.get(..first).unwrap_or_default();
        let (issuer_jwt, input) = JwsParts::parse(jwt).map_err(as_issuer)?;
        let (mut last, mut count) = (first, 0);
        for end in ends {
            count += 1;
            if end == last + 1 {
                return Err(malformed("there is an empty part between two `~`"));
            }
            last = end;
        }
        if count > MAX_DISCLOSURES {
            return Err(malformed("there are too many disclosures"));
        }
        let (text, rest) = compact.split_at(last + 1);
        let key_binding = match rest {
            "" => None,
            jwt => Some(key_binding::parse(jwt).map(|(parts, input)| (parts, Cow::Borrowed(input)))?),
        };
        let (text, issuer_input, disclosures) = (Cow::Borrowed(text), input.len(), (jwt.len() + 1, count));
        Ok(Self { text, issuer_jwt, issuer_input, disclosures, key_binding })
    }

    /// Reads a JWS in JSON serialization, flattened or general (RFC 9901 §8), of which the first signature counts: it is the
    /// one whose unprotected header has the disclosures and the Key Binding JWT. Everything is then as if the SD-JWT had
    /// come in compact form; so is `sd_hash`.
    ///
    /// # Errors
    /// The codes of [`crate::jose::jws_json`]; `sd_jwt_malformed` if the unprotected headers are not as RFC 9901 §8 says; and
    /// as [`UnverifiedSdJwt::parse`].
    pub fn parse_json(text: &str) -> Verdict<UnverifiedSdJwt<'static>> {
        let compact = super::json_form::to_compact(text)?;
        Ok(UnverifiedSdJwt::parse(&compact)?.into_owned())
    }

    /// The same, without a borrow of the text.
    pub fn into_owned(self) -> UnverifiedSdJwt<'static> {
        let Self { text, issuer_jwt, issuer_input, disclosures, key_binding } = self;
        let key_binding = key_binding.map(|(parts, input)| (parts, Cow::Owned(input.into_owned())));
        let text = Cow::Owned(text.into_owned());
        UnverifiedSdJwt { text, issuer_jwt, issuer_input, disclosures, key_binding }
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
        let mut checks = Checks::for_plan(&super::CHECKS);
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
        self.check_issuer(verifier, issuer_key, validation, checks)?;

        let Processed { claims, disclosed, undisclosed, hash } = self.process()?;
        checks.passed("disclosures");
        check_header(&self.issuer_jwt.header.repeated, &claims)?;
        let cnf = check_identity(&claims, validation)?;
        if let (KeyBindingPolicy::Required { .. }, Some(key)) = (key_binding, &cnf) {
            check_holder_key(key)?;
        }
        checks.passed("claims");
        check_times(&claims, validation)?;
        checks.passed("validity");

        let sd_hash = hash.digest_text(&self.text);
        let key_binding = match (key_binding, self.key_binding) {
            (KeyBindingPolicy::Required { aud, nonce, max_age, leeway }, Some((jwt, input))) => {
                let holder_key = cnf
                    .as_ref()
                    .ok_or_else(|| fault("cnf_missing", "the credential names no holder key").at("/cnf"))?;
                let (max_age, leeway) = (*max_age, *leeway);
                let demand = Demand { aud, nonce, max_age, leeway, holder_key, sd_hash: sd_hash.as_str() };
                let held = key_binding::verify(jwt, &input, verifier, validation, &demand)?;
                checks.passed("key-binding");
                Some(held)
            }
            _ => None,
        };
        let (header, checks) = (self.issuer_jwt.header, Checks::new());
        Ok(VerifiedSdJwt { header, claims, cnf, disclosed, undisclosed, hash, key_binding, sd_hash, checks })
    }

    /// Processes a credential that was verified when it was received, without its signature and times.
    pub(super) fn process_as_received(self) -> Verdict<(String, VerifiedSdJwt)> {
        if self.key_binding.is_some() {
            return Err(fault("kb_not_expected", "there is a Key Binding JWT"));
        }
        let Processed { claims, disclosed, undisclosed, hash } = self.process()?;
        let cnf = holder_key(&claims)?;
        let sd_hash = hash.digest_text(&self.text);
        let header = self.issuer_jwt.header;
        let (checks, key_binding) = (Checks::new(), None);
        let read =
            VerifiedSdJwt { header, claims, cnf, disclosed, undisclosed, hash, key_binding, sd_hash, checks };
        Ok((self.text.into_owned(), read))
    }

    /// Puts the disclosures into the claims.
    fn process(&self) -> Verdict<Processed> {
        let (start, count) = self.disclosures;
        process(&self.issuer_jwt.payload, self.text.get(start..).unwrap_or_default(), count)
    }

    /// The text without the Key Binding JWT.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn check_issuer(
        &self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        validation: &Validation,
        checks: &mut Checks,
    ) -> Verdict<()> {
        let jwt = &self.issuer_jwt;
        let legacy = validation.legacy_typ
            && validation.typ == TYP_SD_JWT_VC
            && jwt.typ() == Some(TYP_SD_JWT_VC_LEGACY);
        let typ = if legacy { TYP_SD_JWT_VC_LEGACY } else { &validation.typ };
        let expected = Expected::new(typ, &validation.algorithms);
        jwt.check_algorithm(&expected).map_err(as_issuer)?;
        checks.passed("issuer-algorithm");
        jwt.check_type(&expected).map_err(as_issuer)?;
        checks.passed("issuer-type");
        let input = self.text.get(..self.issuer_input).unwrap_or_default();
        jwt.check_signature(input, verifier, key).map_err(as_issuer)?;
        checks.passed("issuer-signature");
        Ok(())
    }
}

/// Gives a failure of the issuer-signed JWS the check and remedy that belong to it here.
fn as_issuer(failure: Failure) -> Failure {
    fault(failure.code, failure.detail).at(failure.pointer)
}
