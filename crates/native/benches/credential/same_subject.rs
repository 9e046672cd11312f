//! Commitments and same-subject proofs, beside the scalar multiplications that they contain.

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::traits::VartimeMultiscalarMul as _;
use curve25519_dalek::{RistrettoPoint, Scalar};
use enishi_credential::commitment::{Commitment, LinkKey, Opening, commit, commit_fresh};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::same_subject::{Statement, prove, verify};
use sha2::{Digest as _, Sha512};
use sigma_proofs::{
    DefaultHash, LinearRelation, PrivateRng, derive_session_id, prove_compact_with, verify_compact_with,
};

use crate::harness::{Bar, Bench};

const RAW_VERIFY: &str = "one variable-time double multiplication";
const RAW_PROVE: &str = "that, and one constant-time multiplication";

pub(crate) fn run(bench: &mut Bench) {
    let entropy = SeededEntropy::new("bench");
    let account = UpstreamAccount::new("https://idp.example", "resident-1");
    let subject = LinkKey::new([7; 32]).expect("a key").scalar(&account);
    let ((sp, r_sp), (dp, r_dp)) = (commit_fresh(&subject, &entropy), commit_fresh(&subject, &entropy));
    let hashes: Vec<String> = (0..4).map(|byte| b64::encode([byte; 32])).collect();
    let grant_jkt = Thumbprint::parse(&b64::encode([9; 32])).expect("32 bytes");
    let statement = Statement {
        c_sp: &sp.commitment,
        c_dp: &dp.commitment,
        nonce: "n-0S6_WzA2Mj-0S6_WzA2Mj-0S6_WzA2Mj-0S6_WzA2Mj",
        aud: "x509_san_dns:verifier.example",
        sd_hash_sp: &hashes[0],
        sd_hash_dp: &hashes[1],
        terms_hash_sp: &hashes[2],
        terms_hash_dp: &hashes[3],
        grant_jkt: &grant_jkt,
    };
    let proof = prove(&statement, &r_sp, &r_dp, &entropy).expect("one person");

    let h = RistrettoPoint::from_uniform_bytes(&Sha512::digest(b"enishi/link/1/H").into());
    let number = |seed: u8| Scalar::from_bytes_mod_order_wide(&Sha512::digest([seed]).into());
    let (a, b) = (number(1), number(2));
    let other = h * a;
    let double = || RistrettoPoint::vartime_multiscalar_mul([a, b], [h, other]);

    bench.compare(
        "commit",
        Bar::None,
        || commit(&subject, &r_sp),
        "one multiplication of each generator",
        || RistrettoPoint::mul_base(&a) + h * b,
    );
    bench.compare(
        "read a commitment",
        Bar::None,
        || Commitment::from_bytes(*sp.commitment.as_bytes()),
        "",
        || (),
    );
    bench.compare("same-subject: verify", Bar::Ratio(1.2), || verify(&statement, &proof), RAW_VERIFY, double);
    bench.compare(
        "same-subject: prove",
        Bar::Ratio(1.2),
        || prove(&statement, &r_sp, &r_dp, &entropy),
        RAW_PROVE,
        || (h * a, double()),
    );

    // The same statement as the crate compiles it for every proof.
    let delta = [scalar(&r_sp) - scalar(&r_dp)];
    let [c_sp, c_dp] = [&sp, &dp].map(|link| {
        CompressedRistretto(*link.commitment.as_bytes()).decompress().expect("an element of the group")
    });
    let tag = [7_u8; 500];
    let instance = || {
        let mut relation = LinearRelation::new();
        let delta = relation.allocate_scalar();
        let h = relation.allocate_element_with(h);
        let (c_sp, c_dp) = (relation.allocate_element_with(c_sp), relation.allocate_element_with(c_dp));
        relation.append_equation(c_sp, delta * h + c_dp);
        relation.compile().expect("a relation")
    };
    let prove_theirs = || {
        let mut rng = PrivateRng::<DefaultHash>::from_seed([7; 32]);
        let session = derive_session_id::<DefaultHash>(&tag);
        prove_compact_with::<DefaultHash, _>(&session, &instance(), &delta, &mut rng).expect("a proof")
    };
    let theirs = prove_theirs();
    let verify_theirs = |proof: &[u8]| {
        let session = derive_session_id::<DefaultHash>(&tag);
        verify_compact_with::<DefaultHash, _>(&session, &instance(), proof).expect("it holds");
    };
    bench.compare("sigma-proofs: verify", Bar::None, || verify_theirs(&theirs), RAW_VERIFY, double);
    bench.compare(
        "sigma-proofs: prove and verify",
        Bar::None,
        || verify_theirs(&prove_theirs()),
        RAW_PROVE,
        || (h * a, double()),
    );
}

fn scalar(opening: &Opening) -> Scalar {
    let bytes = b64::decode_array(&opening.expose()).expect("32 bytes");
    Option::from(Scalar::from_canonical_bytes(bytes)).expect("a canonical number")
}
