//! Commitments, openings and same-subject proofs.
//!
//! An input is up to twelve lines: the two accounts, a seed, the seven texts of the statement (nonce, audience, the two
//! `sd_hash`es, the two hashes of the terms, and a text for the grant's key), then a proof and a commitment in base64url to try.

use enishi_credential::commitment::{Commitment, LinkClaim, LinkKey, Opening, commit_fresh};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::same_subject::{Proof, SameSubjectClaim, Statement, prove, verify};
use sha2::{Digest as _, Sha256};

use super::{Reached, choice, with_one_character_changed};

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let Ok(text) = std::str::from_utf8(input) else { return Reached::Refused };
    let lines: Vec<&str> = text.split('\n').collect();
    let line = |at: usize| lines.get(at).copied().unwrap_or_default();
    read(line(0));

    let entropy = SeededEntropy::new(line(2));
    let key = LinkKey::new([7; 32]).expect("a key of 32 bytes");
    let link =
        |sub: &str| commit_fresh(&key.scalar(&UpstreamAccount::new("https://idp.example", sub)), &entropy);
    let ((sp, r_sp), (dp, r_dp)) = (link(line(0)), link(line(1)));
    let digest: [u8; 32] = Sha256::digest(line(9)).into();
    let grant_jkt = Thumbprint::parse(&b64::encode(digest)).expect("32 bytes");
    let statement = Statement {
        c_sp: &sp.commitment,
        c_dp: &dp.commitment,
        nonce: line(3),
        aud: line(4),
        sd_hash_sp: line(5),
        sd_hash_dp: line(6),
        terms_hash_sp: line(7),
        terms_hash_dp: line(8),
        grant_jkt: &grant_jkt,
    };

    // A proof that nobody made proves nothing, whatever it is about.
    let given = Proof::parse(line(10)).ok();
    let other = Commitment::parse(line(11)).ok();
    if let Some(given) = &given {
        assert_eq!(given.to_base64url(), line(10), "a proof has one spelling");
        let c_dp = other.as_ref().unwrap_or(statement.c_dp);
        assert!(verify(&Statement { c_dp, ..statement }, given).is_err(), "a forged proof");
    }

    // Who knows both openings of one person can prove it, and nobody else; and only in this transaction.
    let proof = prove(&statement, &r_sp, &r_dp, &entropy);
    assert_eq!(proof.is_ok(), line(0) == line(1));
    let Ok(proof) = proof else { return Reached::Refused };
    assert_eq!(verify(&statement, &proof), Ok(()));
    assert_eq!(Proof::parse(&proof.to_base64url()).as_ref(), Ok(&proof));
    let swapped = Statement { c_sp: statement.c_dp, c_dp: statement.c_sp, ..statement };
    assert!(verify(&swapped, &proof).is_err());
    let changed = with_one_character_changed(&proof.to_base64url(), choice(input));
    // The last character of 64 bytes in base64url carries two bits that must be zero.
    if let Some(changed) = changed.and_then(|text| Proof::parse(&text).ok()) {
        assert!(verify(&statement, &changed).is_err(), "a changed proof");
    }
    let longer = format!("{}x", line(3 + choice(input) % 6));
    let moved = match choice(input) % 6 {
        0 => Statement { nonce: &longer, ..statement },
        1 => Statement { aud: &longer, ..statement },
        2 => Statement { sd_hash_sp: &longer, ..statement },
        3 => Statement { sd_hash_dp: &longer, ..statement },
        4 => Statement { terms_hash_sp: &longer, ..statement },
        _ => Statement { terms_hash_dp: &longer, ..statement },
    };
    assert!(verify(&moved, &proof).is_err(), "another transaction");
    Reached::Accepted
}

/// The encodings: what is read is written the same.
fn read(text: &str) {
    if let Ok(commitment) = Commitment::parse(text) {
        assert_eq!(commitment.to_base64url(), text);
    }
    if let Ok(opening) = Opening::parse(text) {
        assert_eq!(*opening.expose(), text);
    }
    if let Ok(claim) = serde_json::from_str::<LinkClaim>(text) {
        let written = serde_json::to_string(&claim).expect("a claim is written");
        assert_eq!(serde_json::from_str::<LinkClaim>(&written).ok(), Some(claim));
    }
    if let Ok(claim) = serde_json::from_str::<SameSubjectClaim>(text) {
        let written = serde_json::to_string(&claim).expect("a claim is written");
        assert_eq!(serde_json::from_str::<SameSubjectClaim>(&written).ok(), Some(claim));
    }
}
