//! The proof that two credentials are of one person, which tells nothing else (linkage protocol §6).
//!
//! The commitments `C_sp` and `C_dp` of two credentials hold the same `s` exactly when their difference is a multiple of
//! `H` alone:
//!
//! ```text
//! D = C_sp − C_dp = (s_sp − s_dp)·G + (r_sp − r_dp)·H          s_sp = s_dp  ⇒  D = δ·H  with  δ = r_sp − r_dp
//! ```
//!
//! The wallet knows both `r` and proves knowledge of `δ` with a Fiat–Shamir Schnorr proof. Were `s` different, knowing
//! such a `δ` would be knowing the discrete logarithm of `H`, which nobody does. The proof is bound to the request, both
//! presentations, the consent terms and the grant's key: it is worth nothing anywhere else.
//!
//! The proof is the compact form of `sigma-proofs` 0.4.1 (challenge ‖ response, 32 bytes each, big-endian) with the
//! crate's TurboSHAKE128 transcript. The crate's tag is the concatenation of the parts below, each after its length in
//! four bytes, big-endian:
//!
//! ```text
//! "enishi/link/1/same-subject", "CMPT", "sigma-proofs_TurboShake128_ristretto255", suite,
//! C_sp, C_dp, nonce, aud, sd_hash(sp), sd_hash(dp), terms hash(sp), terms hash(dp), grant_jkt
//! ```
//!
//! Group elements are their 32 bytes; everything else is the ASCII text that stands in the messages. That both
//! credentials are of one issuer is not proved here: the verifier checks it (linkage protocol §7).

use std::fmt;

use curve25519_dalek::ristretto::RistrettoPoint;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sigma_proofs::{
    DefaultHash, Instance, LinearRelation, PrivateRng, SessionId, derive_session_id, prove_compact_with,
    verify_compact_with,
};
use zeroize::Zeroizing;

use crate::commitment::{Commitment, H, Opening, SUITE, Suite};
use crate::encoding::b64;
use crate::entropy::{self, Entropy};
use crate::jose::jwk::Thumbprint;
use crate::ppid::length_prefix;
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
    fn session(&self) -> SessionId {
        let jkt = self.grant_jkt.to_string();
        let parts: [&[u8]; 13] = [
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
        ];
        let mut tag = Vec::new();
        for part in parts {
            tag.extend_from_slice(&length_prefix(part.len()));
            tag.extend_from_slice(part);
        }
        derive_session_id::<DefaultHash>(&tag)
    }

    /// `D = δ·H` as the proof system writes it. Equal commitments are refused: `δ = 0` proves nothing.
    fn instance(&self) -> Verdict<Instance<RistrettoPoint>> {
        if self.c_sp == self.c_dp {
            return Err(Failure::new(
                CHECK,
                "commitments_equal",
                "both credentials carry the same commitment, so that there is nothing to prove",
            )
            .remedy("present two credentials that were issued for two relying parties"));
        }
        let mut relation = LinearRelation::new();
        let delta = relation.allocate_scalar();
        let h = relation.allocate_element_with(*H);
        relation.allocate_eq_with(self.c_sp.point() - self.c_dp.point(), delta * h);
        relation.compile().map_err(|_| refused())
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
    let does_not_fit = || {
        Failure::new(CHECK, "openings_do_not_fit", "the openings do not belong to commitments of one person")
            .remedy("use the `link_opening` that came with each credential")
    };
    let instance = statement.instance()?;
    let delta = Zeroizing::new([r_sp.0 - r_dp.0]);
    let mut rng = PrivateRng::<DefaultHash>::from_seed(entropy::bytes(entropy));
    let bytes =
        prove_compact_with::<DefaultHash, _>(&statement.session(), &instance, delta.as_slice(), &mut rng)
            .map_err(|_| does_not_fit())?;
    let proof = Proof(bytes.try_into().map_err(|_| does_not_fit())?);
    verify(statement, &proof).map_err(|_| does_not_fit())?;
    Ok(proof)
}

/// Checks that `proof` shows both commitments to be of one person, in exactly this transaction.
///
/// # Errors
/// `commitments_equal`, `same_subject_proof_invalid`.
pub fn verify(statement: &Statement<'_>, proof: &Proof) -> Verdict<()> {
    let instance = statement.instance()?;
    verify_compact_with::<DefaultHash, _>(&statement.session(), &instance, &proof.0).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::commitment::{LinkClaim, LinkKey, commit, commit_fresh};
    use crate::entropy::SeededEntropy;
    use crate::ppid::UpstreamAccount;

    /// A transaction whose parts can be changed one by one.
    #[derive(Debug, Clone)]
    struct Case {
        c: [Commitment; 2],
        texts: [String; 6],
        jkt: Thumbprint,
    }

    impl Case {
        fn statement(&self) -> Statement<'_> {
            let [nonce, aud, sd_hash_sp, sd_hash_dp, terms_hash_sp, terms_hash_dp] = &self.texts;
            let [c_sp, c_dp] = &self.c;
            let grant_jkt = &self.jkt;
            Statement {
                c_sp,
                c_dp,
                nonce,
                aud,
                sd_hash_sp,
                sd_hash_dp,
                terms_hash_sp,
                terms_hash_dp,
                grant_jkt,
            }
        }
    }

    fn link(sub: &str, seed: &str) -> (Commitment, Opening) {
        let s = LinkKey::new([7; 32]).unwrap().scalar(&UpstreamAccount::new("https://idp.example", sub));
        let (LinkClaim { commitment, .. }, opening) = commit_fresh(&s, &SeededEntropy::new(seed));
        (commitment, opening)
    }

    fn case(sp: &str, dp: &str, seed: &str) -> (Case, Opening, Opening) {
        let (c_sp, r_sp) = link(sp, &format!("{seed}/sp"));
        let (c_dp, r_dp) = link(dp, &format!("{seed}/dp"));
        let texts = ["nonce", "x509_san_dns:v.example", "sd-sp", "sd-dp", "terms-sp", "terms-dp"];
        let jkt = Thumbprint::parse(&b64::encode([9; 32])).unwrap();
        (Case { c: [c_sp, c_dp], texts: texts.map(str::to_owned), jkt }, r_sp, r_dp)
    }

    fn proved(case: &(Case, Opening, Opening)) -> Verdict<Proof> {
        prove(&case.0.statement(), &case.1, &case.2, &SeededEntropy::new("proof"))
    }

    #[test]
    fn one_person_satisfies_it_and_the_bytes_are_known() {
        let good = case("a", "a", "known");
        let proof = proved(&good).unwrap();
        assert_eq!(verify(&good.0.statement(), &proof), Ok(()));
        assert_eq!(Proof::parse(&proof.to_base64url()).unwrap(), proof);
        // A change of the proof system behind the same suite name would part wallets from verifiers.
        assert_eq!(proof.to_base64url(), KNOWN_PROOF);
    }

    const KNOWN_PROOF: &str =
        "B39N84EpaF6R7Bi_8HmpbHAKpq2vsa63EnB9qRwbdwQH4N5YJ1Bcp5aHi8aZCuuyzhrtQA6uBAGF46VYvcAUnQ";

    #[test]
    fn threat_1_two_people_never_satisfy_it() {
        let mixed = case("a", "b", "pool");
        assert_eq!(proved(&mixed).unwrap_err().code, "openings_do_not_fit");
    }

    #[test]
    fn threat_7_equal_commitments_are_refused_also_for_the_zero_proof() {
        let (mut same, r_sp, r_dp) = case("a", "a", "equal");
        same.c[1] = same.c[0];
        assert_eq!(
            prove(&same.statement(), &r_sp, &r_dp, &SeededEntropy::new("p")).unwrap_err().code,
            "commitments_equal"
        );
        assert_eq!(verify(&same.statement(), &Proof([0; 64])).unwrap_err().code, "commitments_equal");
    }

    #[test]
    fn threat_7_swapped_roles_are_refused() {
        let mut good = case("a", "a", "swap");
        let proof = proved(&good).unwrap();
        good.0.c.swap(0, 1);
        assert_eq!(verify(&good.0.statement(), &proof), Err(refused()));
        good.0.texts.swap(2, 3);
        good.0.texts.swap(4, 5);
        assert_eq!(verify(&good.0.statement(), &proof), Err(refused()));
    }

    #[test]
    fn threat_7_a_scalar_that_is_not_reduced_is_refused() {
        // Adding the group's order to a scalar leaves its value and changes its encoding.
        const ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
        let order: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&ORDER[2 * at..2 * at + 2], 16).unwrap()).collect();
        let good = case("a", "a", "canonical");
        let proof = proved(&good).unwrap();
        for half in [0..32, 32..64] {
            let mut changed = proof.clone();
            let mut carry = 0_u16;
            for (byte, add) in changed.0[half].iter_mut().zip(&order).rev() {
                carry += u16::from(*byte) + u16::from(*add);
                *byte = carry.to_be_bytes()[1];
                carry >>= 8;
            }
            assert_eq!(carry, 0);
            assert_ne!(changed, proof);
            assert_eq!(verify(&good.0.statement(), &changed), Err(refused()));
        }
    }

    #[test]
    fn the_claim_is_strict() {
        let good = case("a", "a", "claim");
        let claim = SameSubjectClaim {
            suite: Suite::default(),
            peer_sd_hash: "sd-sp".to_owned(),
            proof: proved(&good).unwrap(),
        };
        let value = serde_json::to_value(&claim).unwrap();
        assert_eq!(serde_json::from_value::<SameSubjectClaim>(value.clone()).unwrap(), claim);
        for (name, bad) in [("suite", "x"), ("proof", "AA"), ("more", "x")] {
            let mut changed = value.clone();
            changed[name] = bad.into();
            assert!(serde_json::from_value::<SameSubjectClaim>(changed).is_err(), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn threat_1_a_wallet_with_other_openings_proves_nothing(a: String, b: String, seed: String) {
            let (mixed, r_sp, r_dp) = case(&a, &b, &seed);
            let result = prove(&mixed.statement(), &r_sp, &r_dp, &SeededEntropy::new(&seed));
            prop_assert_eq!(result.is_ok(), a == b);
            // The openings of others, or the two the wrong way round, do not help.
            let other = Opening::fresh(&SeededEntropy::new(&b));
            prop_assert!(prove(&mixed.statement(), &r_sp, &other, &SeededEntropy::new(&a)).is_err());
            prop_assert!(prove(&mixed.statement(), &r_dp, &r_sp, &SeededEntropy::new(&a)).is_err());
        }

        #[test]
        fn threat_7_any_changed_byte_of_the_transcript_is_refused(
            part in 0_usize..6, at: proptest::sample::Index, flip in 1_u8..128, seed: String,
        ) {
            let good = case("a", "a", &seed);
            let proof = proved(&good).unwrap();
            let mut changed = good.0.clone();
            let mut bytes = changed.texts[part].clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            changed.texts[part] = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(verify(&changed.statement(), &proof), Err(refused()));
            // A byte that moves from one part to the next is a change too.
            let mut moved = good.0.clone();
            let byte = moved.texts[part].pop().unwrap();
            moved.texts[(part + 1) % 6].insert(0, byte);
            prop_assert_eq!(verify(&moved.statement(), &proof), Err(refused()));
            prop_assert_eq!(verify(&good.0.statement(), &proof), Ok(()));
        }

        #[test]
        fn threat_7_other_commitments_or_grant_key_are_refused(which in 0_usize..3, seed: String) {
            let good = case("a", "a", &seed);
            let proof = proved(&good).unwrap();
            let mut changed = good.0.clone();
            if which < 2 {
                changed.c[which] = link("a", "another").0;
            } else {
                changed.jkt = Thumbprint::parse(&b64::encode([8; 32])).unwrap();
            }
            prop_assert_eq!(verify(&changed.statement(), &proof), Err(refused()));
        }

        #[test]
        fn threat_7_any_changed_bit_of_the_proof_is_refused(bit in 0_usize..512) {
            let good = case("a", "a", "bits");
            let mut proof = proved(&good).unwrap();
            proof.0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify(&good.0.statement(), &proof), Err(refused()));
        }

        #[test]
        fn reading_and_verifying_never_panics(text: String, head: [u8; 32], tail: [u8; 32]) {
            let _ = Proof::parse(&text).is_ok();
            let bytes: [u8; 64] = [head, tail].concat().try_into().unwrap();
            prop_assert!(verify(&case("a", "a", "any").0.statement(), &Proof(bytes)).is_err());
        }
    }

    #[test]
    fn a_commitment_to_the_same_blinding_is_still_bound_to_its_person() {
        // Even an issuer's mistake (one r for two people) gives no proof: δ = 0 and D = (s − s')·G.
        let key = LinkKey::new([7; 32]).unwrap();
        let r = Opening::fresh(&SeededEntropy::new("r"));
        let c = ["a", "b"].map(|sub| commit(&key.scalar(&UpstreamAccount::new("i", sub)), &r).unwrap());
        let (mut mixed, ..) = case("a", "b", "r");
        mixed.c = c;
        assert_eq!(
            prove(&mixed.statement(), &r, &r, &SeededEntropy::new("p")).unwrap_err().code,
            "openings_do_not_fit"
        );
    }
}
