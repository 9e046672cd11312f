//! What a proof shows, and that nothing else shows it.

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
        Statement { c_sp, c_dp, nonce, aud, sd_hash_sp, sd_hash_dp, terms_hash_sp, terms_hash_dp, grant_jkt }
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
    "Cu1DxPI8A5So0OzmqSYfZpx6GN5jpVK_EBB65XKUp1gI6wId_bg7Bg8fYUs1JZGREpyHGJOLcJnYBgtRsBu0vg";

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
    fn threat_7_any_changed_byte_of_a_commitment_or_of_the_grant_key_is_refused(
        which in 0_usize..3, at in 0_usize..32, flip in 1_u8.., seed: String,
    ) {
        let good = case("a", "a", &seed);
        let proof = proved(&good).unwrap();
        let mut changed = good.0.clone();
        let mut bytes = if which < 2 { *changed.c[which].as_bytes() } else { *changed.jkt.as_bytes() };
        bytes[at] ^= flip;
        if which == 2 {
            changed.jkt = Thumbprint::parse(&b64::encode(bytes)).unwrap();
        } else {
            // Most changed encodings are of no element at all.
            let Ok(other) = Commitment::from_bytes(bytes) else { return Ok(()) };
            changed.c[which] = other;
        }
        prop_assert_eq!(verify(&changed.statement(), &proof), Err(refused()));
    }

    #[test]
    fn a_proof_has_one_spelling(bytes: [u8; 32], at in 0_usize..86, with in "[A-Za-z0-9_-]") {
        let text = b64::encode([bytes, bytes].concat());
        prop_assert_eq!(Proof::parse(&text).unwrap().to_base64url(), text.clone());
        let mut changed = text.clone();
        changed.replace_range(at..=at, &with);
        // Where the changed text is read at all, it is another proof.
        prop_assert!(changed == text || Proof::parse(&changed).ok() != Proof::parse(&text).ok());
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
