//! The evidence bundle (linkage protocol §7): everything with which a data provider repeats the verifier's checks.
//!
//! ```text
//! verifier   Evidence::sign ▶ compact JWS, named by sha256 ▶ seal ▶ JWE to the data provider
//! gateway    open ▶ check_name ▶ UnverifiedEvidence ─verify─▶ VerifiedEvidence ─reverify─▶ VerifiedLink
//! ```
//!
//! The verifier's signature says who is answerable. What counts is the holder's: [`VerifiedEvidence::reverify`] makes every
//! check again, so a verifier can delay a release, but not invent or widen one (threat 2).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use enishi_credential::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::{
    Accepted, ContentEncryption, JweBackend, JweError, JweHeader, UnopenedJwe,
};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::jose::jws::{self, KeyHint, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};

use crate::consent::ConsentPair;
use crate::declaration::DeclarationSet;
use crate::linking::{
    CLOCK_SKEW, IssuerHint, IssuerKeys, LinkingDemand, STATUS_CHECK, StatusOutcome, VerifiedLink,
    issuer_hint, verify_linking,
};

/// The `typ` of an evidence bundle.
pub const TYP: &str = "enishi-evidence+jwt";

/// The media type of a sealed bundle.
pub const SEALED_MEDIA_TYPE: &str = "application/jose";

const CHECK: &str = "evidence";

/// The claims of an evidence bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The verifier's issuer id.
    pub iss: String,
    /// When the verifier accepted the presentations.
    pub iat: UnixTime,
    /// The grant.
    pub grant_id: String,
    /// The verifier's full client id: `aud` of both KB-JWTs.
    pub client_id: String,
    /// The nonce of the request.
    pub nonce: String,
    /// The presentation for `sp_link`.
    pub sp_presentation: String,
    /// The presentation for `dp_link`.
    pub dp_presentation: String,
    /// The transaction data strings for `sp_link` and `dp_link`.
    pub transaction_data: [String; 2],
    /// The checks that the verifier made, in order.
    pub checks: Vec<String>,
    /// The hash of the terms.
    pub terms_sha256: String,
}

/// The name of a bundle: base64url(SHA-256(ASCII of the compact JWS)).
pub fn sha256(compact: &str) -> String {
    b64::encode(Sha256::digest(compact.as_bytes()))
}

/// Signs a bundle.
///
/// # Errors
/// [`SignerError`] if the signer fails.
pub async fn sign(signer: &dyn Signer, evidence: &Evidence) -> Result<String, SignerError> {
    let claims = serde_json::to_value(evidence).map_err(|error| SignerError(error.to_string()))?;
    jws::sign(signer, jws::header(TYP, signer), &claims).await
}

/// Seals a bundle to a data provider's encryption key.
///
/// # Errors
/// [`JweError::WrongKey`] if the key is not for key agreement.
pub fn seal(
    compact: &str,
    recipient: &Jwk,
    jwe: &dyn JweBackend,
    entropy: &dyn Entropy,
) -> Result<String, JweError> {
    let header = JweHeader::new(ContentEncryption::A256Gcm).kid(recipient.kid.clone()).member("cty", "JWT");
    jwe.seal(recipient, &header, compact.as_bytes(), entropy)
}

/// Opens a sealed bundle with the data provider's keys; also one that was sealed before a rotation.
///
/// # Errors
/// `evidence_not_for_us` if none of the keys opens it, or it does not contain a text.
pub fn open(sealed: &str, keys: &[PrivateJwk], jwe: &dyn JweBackend) -> Verdict<String> {
    let refused = || {
        Failure::new(CHECK, "evidence_not_for_us", "the evidence was not sealed to this party")
            .remedy("seal the evidence to a current encryption key of the data provider's declaration")
    };
    let jwe_text = UnopenedJwe::parse(sealed, &Accepted::SEALED).map_err(|_| refused())?;
    let kid = &jwe_text.header().kid;
    let named = |key: &&PrivateJwk| kid.is_some() && key.public().kid == *kid;
    let order = keys.iter().filter(named).chain(keys.iter().filter(|key| !named(key)));
    let opened = order.into_iter().find_map(|key| jwe.open(key, &jwe_text).ok()).ok_or_else(refused)?;
    String::from_utf8(opened.plaintext.to_vec()).map_err(|_| refused())
}

/// A bundle whose signature has not been checked.
#[derive(Clone)]
pub struct UnverifiedEvidence {
    jws: UnverifiedJws,
    sha256: String,
}

/// A bundle that a verifier signed. What it says about consent is still to be checked: [`Self::reverify`].
#[derive(Debug, Clone)]
pub struct VerifiedEvidence {
    evidence: Evidence,
    sha256: String,
}

impl UnverifiedEvidence {
    /// Splits a bundle and checks that it is the one that is asked for.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`]; `evidence_hash_mismatch` if its name is not `expected_sha256`.
    pub fn parse(compact: &str, expected_sha256: &str) -> Verdict<Self> {
        let sha256 = sha256(compact);
        if sha256 != expected_sha256 {
            return Err(Failure::new(
                CHECK,
                "evidence_hash_mismatch",
                "this is not the evidence that the link names",
            )
            .remedy("serve the evidence unchanged under its hash"));
        }
        Ok(Self { jws: UnverifiedJws::parse(compact)?, sha256 })
    }

    /// What the signer says about its key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.jws.key_hint()
    }

    /// Checks that `issuer` signed it with `key`.
    ///
    /// # Errors
    /// `typ_not_allowed`, `signature_invalid`, `claims_malformed`, `issuer_mismatch`.
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        issuer: &str,
    ) -> Verdict<VerifiedEvidence> {
        let evidence: Evidence =
            self.jws.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?.parse_claims()?;
        if evidence.iss != issuer {
            return Err(
                Failure::new(CHECK, "issuer_mismatch", "the evidence is of another verifier").at("/iss")
            );
        }
        Ok(VerifiedEvidence { evidence, sha256: self.sha256 })
    }
}

impl VerifiedEvidence {
    /// The claims.
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The bundle's name.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Which issuer keys [`Self::reverify`] will need.
    ///
    /// # Errors
    /// As [`issuer_hint`].
    pub fn issuer_hints(&self) -> Verdict<[IssuerHint; 2]> {
        Ok([issuer_hint(&self.evidence.sp_presentation)?, issuer_hint(&self.evidence.dp_presentation)?])
    }

    /// The terms in it.
    ///
    /// # Errors
    /// As [`ConsentPair::read`].
    pub fn terms(&self) -> Verdict<ConsentPair> {
        ConsentPair::read(self.evidence.transaction_data.iter().map(String::as_str))
    }

    /// Makes every check of linkage protocol §7 again, as of the time of the presentation. The credentials' status then
    /// cannot be asked for any more: the verifier's signed list of checks must say that it was.
    ///
    /// # Errors
    /// `evidence_inconsistent` if grant, terms hash or times contradict the terms; everything that [`verify_linking`] and
    /// [`crate::linking::PendingLink::conclude`] refuse.
    pub fn reverify(
        &self,
        declarations: &DeclarationSet,
        issuers: &IssuerKeys,
        signatures: &dyn SignatureVerifier,
        now: UnixTime,
    ) -> Verdict<VerifiedLink> {
        let evidence = &self.evidence;
        let pair = self.terms()?;
        let inconsistent = |at: &str, detail: &'static str| {
            Failure::new(CHECK, "evidence_inconsistent", detail)
                .at(at)
                .remedy("bundle exactly what was sent and received")
        };
        if pair.terms().grant_id != evidence.grant_id {
            return Err(inconsistent("/grant_id", "the terms are of another grant"));
        }
        if pair.terms_sha256() != evidence.terms_sha256 {
            return Err(inconsistent("/terms_sha256", "the hash is not of the terms"));
        }
        if evidence.iat.since(now) > CLOCK_SKEW {
            return Err(inconsistent("/iat", "the evidence is from the future"));
        }
        let demand = LinkingDemand {
            now: evidence.iat,
            client_id: &evidence.client_id,
            nonce: &evidence.nonce,
            pair: &pair,
            declarations,
            issuers,
            signatures,
        };
        let pending = verify_linking(&evidence.sp_presentation, &evidence.dp_presentation, &demand)?;
        let recorded = evidence.checks.iter().filter(|name| *name == STATUS_CHECK).count();
        let needed = usize::from(pending.sp_status().is_some()) + usize::from(pending.dp_status().is_some());
        if recorded < needed {
            return Err(inconsistent("/checks", "the status of a credential was not checked"));
        }
        let outcome = |has_status: bool| {
            if has_status { StatusOutcome::RecordedInEvidence } else { StatusOutcome::NoStatus }
        };
        let (sp, dp) = (outcome(pending.sp_status().is_some()), outcome(pending.dp_status().is_some()));
        pending.conclude(sp, dp, &demand)
    }
}
