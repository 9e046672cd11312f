//! The compact Schnorr proof of `C_sp − C_dp = δ·H`, byte for byte as `sigma-proofs` 0.4.1 makes and reads it.
//!
//! The crate compiles any linear relation; for this one statement that costs more than the arithmetic that it contains
//! (`docs/adr/0007-proof-arithmetic.md` has the figures). Here are the same bytes with the instance written down and
//! with tables for `H`. The tests compare both in both directions, and with `schemas/vectors`.
//!
//! ```text
//! S(seed, data, n)  the first n bytes of TurboSHAKE128 of seed ‖ 136 zero bytes ‖ data
//! session    S("irtf-cfrg-fiat-shamir/session-id", tag, 32)
//! challenge  S(session, instance ‖ announcement, 48) mod ℓ, little-endian
//! proof      challenge ‖ response, 32 bytes each, big-endian
//! ```

use std::sync::LazyLock;

use curve25519_dalek::ristretto::{RistrettoPoint, VartimeRistrettoPrecomputation};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimePrecomputedMultiscalarMul as _;
use turboshake::TurboShake128;
use turboshake::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::commitment::{Commitment, H, H_TABLE, Opening};
use crate::entropy::{self, Entropy};
use crate::ppid::length_prefix;

/// What `derive_session_id` seeds its sponge with (draft-irtf-cfrg-fiat-shamir).
const SESSION_ID: &[u8; 32] = b"irtf-cfrg-fiat-shamir/session-id";

/// How many bytes TurboSHAKE128 takes in at a time. A seed fills one such block.
const RATE: usize = 168;

/// The relation `1·C_sp + (−1)·C_dp = 1·(δ·H)` as draft-irtf-cfrg-sigma-protocols serialises it: one equation, whose left
/// side has two terms, elements 3 and 4, and whose right side is one times scalar 0 times element 2. Coefficients are
/// big-endian, counts and indices little-endian. The elements themselves, `H`, `C_sp` and `C_dp`, follow.
///
/// Both commitments stand in it as they came, so that nothing is encoded anew but the announcement.
static RELATION: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let [zero, one, two, three, four] = [0, 1, 2, 3, 4].map(u32::to_le_bytes);
    let times = |coefficient: Scalar| {
        let mut bytes = coefficient.to_bytes();
        bytes.reverse();
        bytes
    };
    let left = [&two[..], &three, &times(Scalar::ONE), &four, &times(-Scalar::ONE)];
    let right = [&one[..], &zero, &two, &times(Scalar::ONE)];
    [&one[..], &left.concat(), &right.concat()].concat()
});

/// `H` as the transcript has it.
static H_BYTES: LazyLock<[u8; 32]> = LazyLock::new(|| H.compress().to_bytes());

/// Multiples of `H` for the reader, whose numbers are all public.
static H_VARTIME: LazyLock<VartimeRistrettoPrecomputation> =
    LazyLock::new(|| VartimeRistrettoPrecomputation::new([*H]));

/// The session identifier: everything that a proof is bound to besides the statement.
pub(super) struct Session([u8; 32]);

/// A sponge that has taken in `seed`, padded with zeros to a whole block.
fn sponge(seed: &[u8; 32]) -> TurboShake128 {
    let mut sponge = TurboShake128::default();
    sponge.update(seed);
    sponge.update(&[0; RATE - 32]);
    sponge
}

/// 48 bytes of a sponge, taken as a little-endian number and reduced: uniform but for 2^-128.
fn scalar(sponge: TurboShake128) -> Scalar {
    let mut wide = Zeroizing::new([0; 64]);
    let (low, _) = wide.split_at_mut(48);
    sponge.finalize_xof().read(low);
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The session of a tag: its parts, each after its length.
pub(super) fn session<const N: usize>(parts: [&[u8]; N]) -> Session {
    let mut sponge = sponge(SESSION_ID);
    for part in parts {
        sponge.update(&length_prefix(part.len()));
        sponge.update(part);
    }
    let mut id = [0; 32];
    sponge.finalize_xof().read(&mut id);
    Session(id)
}

/// What is proved, `C_sp − C_dp = δ·H`, and in which session.
pub(super) struct Instance<'a> {
    pub(super) session: Session,
    pub(super) c_sp: &'a Commitment,
    pub(super) c_dp: &'a Commitment,
}

impl Instance<'_> {
    fn challenge(&self, announcement: &RistrettoPoint) -> Scalar {
        let mut sponge = sponge(&self.session.0);
        sponge.update(&RELATION);
        sponge.update(&*H_BYTES);
        sponge.update(self.c_sp.as_bytes());
        sponge.update(self.c_dp.as_bytes());
        sponge.update(announcement.compress().as_bytes());
        scalar(sponge)
    }

    /// The proof for `δ = r_sp − r_dp`, whether or not that is the truth. Nothing secret decides a branch or an address.
    pub(super) fn prove(&self, r_sp: &Opening, r_dp: &Opening, entropy: &dyn Entropy) -> [u8; 64] {
        let seed = Zeroizing::new(entropy::bytes(entropy));
        let mut nonce = scalar(sponge(&seed));
        let challenge = self.challenge(&(&*H_TABLE * &nonce));
        let mut delta = r_sp.0 - r_dp.0;
        let response = nonce + challenge * delta;
        delta.zeroize();
        nonce.zeroize();
        let mut proof = [0; 64];
        let (first, second) = proof.split_at_mut(32);
        for (half, number) in [(first, challenge), (second, response)] {
            half.copy_from_slice(number.as_bytes());
            half.reverse();
        }
        proof
    }

    /// Whether `proof` shows that the difference of the commitments is a multiple of `H`.
    pub(super) fn verify(&self, proof: &[u8; 64]) -> bool {
        let canonical = |half: &[u8]| {
            let mut bytes = <[u8; 32]>::try_from(half).ok()?;
            bytes.reverse();
            Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes))
        };
        let (first, second) = proof.split_at(32);
        let (Some(claimed), Some(response)) = (canonical(first), canonical(second)) else { return false };
        let difference = self.c_sp.point() - self.c_dp.point();
        // The one announcement that the challenge may have been drawn for: `z·H − c·(C_sp − C_dp)`.
        let announcement = H_VARTIME.vartime_mixed_multiscalar_mul([response], [-claimed], [difference]);
        self.challenge(&announcement) == claimed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sigma_proofs::{
        DefaultHash, LinearRelation, PrivateRng, SessionId, derive_session_id, prove_compact_with,
        verify_compact_with,
    };

    use super::*;
    use crate::commitment::{LinkKey, commit};
    use crate::entropy::SeededEntropy;
    use crate::ppid::UpstreamAccount;

    /// A commitment to one person, and its opening.
    fn link(entropy: &SeededEntropy) -> (Commitment, Opening) {
        let subject =
            LinkKey::new([7; 32]).unwrap().scalar(&UpstreamAccount::new("https://idp.example", "a"));
        let opening = Opening::fresh(entropy);
        (commit(&subject, &opening).unwrap(), opening)
    }

    /// `C_sp − C_dp = δ·H` in the words of the crate.
    fn relation(c_sp: &Commitment, c_dp: &Commitment) -> sigma_proofs::Instance<RistrettoPoint> {
        let mut relation = LinearRelation::new();
        let delta = relation.allocate_scalar();
        let h = relation.allocate_element_with(*H);
        let sp = relation.allocate_element_with(*c_sp.point());
        let dp = relation.allocate_element_with(*c_dp.point());
        relation.append_equation(sp, delta * h + dp);
        relation.compile().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_crate_makes_and_reads_the_same_bytes(seed: String, parts: [Vec<u8>; 3], bit in 0_usize..512) {
            let entropy = SeededEntropy::new(&seed);
            let ((c_sp, r_sp), (c_dp, r_dp)) = (link(&entropy), link(&entropy));
            let tag = parts.iter().fold(Vec::new(), |tag, part| [&tag, &length_prefix(part.len())[..], part].concat());
            let theirs = derive_session_id::<DefaultHash>(&tag);
            let session = session([&parts[0], &parts[1], &parts[2]].map(Vec::as_slice));
            prop_assert_eq!(&SessionId::from_bytes(session.0), &theirs);

            let ours = Instance { session, c_sp: &c_sp, c_dp: &c_dp };
            let drawn: [u8; 32] = entropy::bytes(&SeededEntropy::new(&seed));
            let mut rng = PrivateRng::<DefaultHash>::from_seed(drawn);
            let relation = relation(&c_sp, &c_dp);
            let delta = [r_sp.0 - r_dp.0];
            let proof = ours.prove(&r_sp, &r_dp, &SeededEntropy::new(&seed));
            let proved = prove_compact_with::<DefaultHash, _>(&theirs, &relation, &delta, &mut rng);
            prop_assert_eq!(proved.unwrap(), proof);

            let mut changed = proof;
            changed[bit / 8] ^= 1 << (bit % 8);
            for (proof, good) in [(proof, true), (changed, false)] {
                prop_assert_eq!(ours.verify(&proof), good);
                prop_assert_eq!(
                    verify_compact_with::<DefaultHash, _>(&theirs, &relation, &proof).is_ok(),
                    good
                );
            }
        }

        #[test]
        fn the_crate_refuses_what_is_refused_here(seed: String, head: [u8; 32], tail: [u8; 32]) {
            let entropy = SeededEntropy::new(&seed);
            let ((c_sp, _), (c_dp, _)) = (link(&entropy), link(&entropy));
            let proof: [u8; 64] = [head, tail].concat().try_into().unwrap();
            let theirs = derive_session_id::<DefaultHash>(&[]);
            let ours = Instance { session: session([]), c_sp: &c_sp, c_dp: &c_dp };
            prop_assert!(!ours.verify(&proof));
            prop_assert!(verify_compact_with::<DefaultHash, _>(&theirs, &relation(&c_sp, &c_dp), &proof).is_err());
        }
    }
}
