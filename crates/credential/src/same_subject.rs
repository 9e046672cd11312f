//! The proof that two credentials are of one person, which tells nothing else (linkage protocol §6).
//!
//! The commitments `C_sp` and `C_dp` of two credentials hold the same `s` exactly when their difference is a multiple of
//! `H` alone:
//!
//! ```text
//! C_sp − C_dp = (s_sp − s_dp)·G + (r_sp − r_dp)·H          s_sp = s_dp  ⇒  C_sp − C_dp = δ·H  with  δ = r_sp − r_dp
//! ```
//!
//! The wallet knows both `r` and proves knowledge of `δ` with a Fiat–Shamir Schnorr proof. Were `s` different, knowing
//! such a `δ` would be knowing the discrete logarithm of `H`, which nobody does. The proof is bound to the request, both
//! presentations, the consent terms and the grant's key: it is worth nothing anywhere else.
//!
//! The proof is the compact form of the crate `sigma-proofs` 0.4.1 (challenge ‖ response, 32 bytes each, big-endian) over its
//! TurboSHAKE128 transcript, written out for this one statement in `compact` and tested against the crate. The tag of
//! the transcript is the concatenation of the parts below, each after its length in four bytes, big-endian:
//!
//! ```text
//! "enishi/link/1/same-subject", "CMPT", "sigma-proofs_TurboShake128_ristretto255", suite,
//! C_sp, C_dp, nonce, aud, sd_hash(sp), sd_hash(dp), terms hash(sp), terms hash(dp), grant_jkt
//! ```
//!
//! Group elements are their 32 bytes; everything else is the ASCII text that stands in the messages. That both
//! credentials are of one issuer is not proved here: the verifier checks it (linkage protocol §7).

mod compact;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::compact::{Instance, Session};
use crate::commitment::{Commitment, Opening, SUITE, Suite};
use crate::encoding::b64;
use crate::entropy::Entropy;
use crate::jose::jwk::Thumbprint;
use crate::verdict::{Failure, Verdict};

/// The name of the check, in failures and in the list of an evidence bundle.
pub const CHECK: &str = "same-subject-proof";

/// What is proved, and everything that the proof is bound to. Wallet, verifier and gateway each build it from what
/// they have seen themselves.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The commitment in the credential for the service provider (`sp_link`).
    pub c_sp: &'a Commitment,
    /// The commitment in the credential for the data provider (`dp_link`).
    pub c_dp: &'a Commitment,
    /// The nonce of the presentation request.
    pub nonce: &'a str,
    /// The `aud` of both KB-JWTs: the verifier's full client_id.
    pub aud: &'a str,
    /// The `sd_hash` of the presentation `sp_link`, base64url.
    pub sd_hash_sp: &'a str,
    /// The `sd_hash` of the presentation `dp_link`, base64url.
    pub sd_hash_dp: &'a str,
    /// The hash of the transaction data string of `sp_link`, base64url.
    pub terms_hash_sp: &'a str,
    /// The hash of the transaction data string of `dp_link`, base64url.
    pub terms_hash_dp: &'a str,
    /// The thumbprint of the wallet's key for this grant.
    pub grant_jkt: &'a Thumbprint,
}

impl Statement<'_> {
    /// The parts of the tag, in order.
    fn session(&self) -> Session {
        let jkt = self.grant_jkt.to_string();
        compact::session([
            b"enishi/link/1/same-subject",
            b"CMPT",
            b"sigma-proofs_TurboShake128_ristretto255",
            SUITE.as_bytes(),
            self.c_sp.as_bytes(),
            self.c_dp.as_bytes(),
            self.nonce.as_bytes(),
            self.aud.as_bytes(),
            self.sd_hash_sp.as_bytes(),
            self.sd_hash_dp.as_bytes(),
            self.terms_hash_sp.as_bytes(),
            self.terms_hash_dp.as_bytes(),
            jkt.as_bytes(),
        ])
    }

    /// What the proof is of. Equal commitments are refused: `δ = 0` proves nothing.
    fn instance(&self) -> Verdict<Instance<'_>> {
        let Self { c_sp, c_dp, .. } = *self;
        if c_sp == c_dp {
            return Err(Failure::new(
                CHECK,
                "commitments_equal",
                "both credentials carry the same commitment, so that there is nothing to prove",
            )
            .remedy("present two credentials that were issued for two relying parties"));
        }
        Ok(Instance { session: self.session(), c_sp, c_dp })
    }
}

fn refused() -> Failure {
    Failure::new(
        CHECK,
        "same_subject_proof_invalid",
        "the proof does not show that both credentials are of one person in this transaction",
    )
    .at("/same_subject/proof")
    .remedy("prove over exactly the two presentations, nonce, audience, terms and grant key that are sent")
}

/// A same-subject proof: 64 bytes, serialised as base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof([u8; 64]);

impl Proof {
    /// Reads the base64url form. Whether it proves anything is for [`verify`] to say.
    ///
    /// # Errors
    /// `same_subject_proof_malformed` if `text` is not base64url of 64 bytes.
    pub fn parse(text: &str) -> Verdict<Self> {
        b64::decode_array(text).map(Self).map_err(|_| {
            Failure::new(CHECK, "same_subject_proof_malformed", "the proof is not base64url of 64 bytes")
                .at("/same_subject/proof")
                .remedy("send challenge and response, 32 bytes each, as base64url without padding")
        })
    }

    /// The base64url form.
    pub fn to_base64url(&self) -> String {
        b64::encode(self.0)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The claim `same_subject` in the KB-JWT of `dp_link`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SameSubjectClaim {
    /// The suite of commitments and proof.
    pub suite: Suite,
    /// The `sd_hash` of the presentation `sp_link`: which other presentation this one belongs to.
    pub peer_sd_hash: String,
    /// The proof.
    pub proof: Proof,
}

/// Proves that both commitments are of one person, knowing their openings.
///
/// # Errors
/// `commitments_equal`; `openings_do_not_fit` if the openings are of two people or of other commitments: the proof is
/// verified before it is given out.
pub fn prove(
    statement: &Statement<'_>,
    r_sp: &Opening,
    r_dp: &Opening,
    entropy: &dyn Entropy,
) -> Verdict<Proof> {
    let instance = statement.instance()?;
    let proof = Proof(instance.prove(r_sp, r_dp, entropy));
    // The arithmetic makes a proof of any two openings; only those of one person make one that holds.
    if !instance.verify(&proof.0) {
        return Err(Failure::new(
            CHECK,
            "openings_do_not_fit",
            "the openings do not belong to commitments of one person",
        )
        .remedy("use the `link_opening` that came with each credential"));
    }
    Ok(proof)
}

/// Checks that `proof` shows both commitments to be of one person, in exactly this transaction.
///
/// # Errors
/// `commitments_equal`, `same_subject_proof_invalid`.
pub fn verify(statement: &Statement<'_>, proof: &Proof) -> Verdict<()> {
    if statement.instance()?.verify(&proof.0) { Ok(()) } else { Err(refused()) }
}
