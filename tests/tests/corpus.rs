//! The negative corpus: what is committed is what is made, every broken text is refused for the right reason, and the
//! accepted text beside it is accepted under the same policy; with both signature backends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier};
use enishi_service::keys::AwsVerifier;
use enishi_tests::corpus::{self, Expect, Family, judge};
use enishi_tests::outside::workspace_root;
use serde_json::Value;

/// The requirements of the checklists that have a table of negative tests, and that one text can break.
const REQUIRED: &[&str] = &[
    "SD-N1",
    "SD-N2",
    "SD-N3",
    "SD-N4",
    "SD-N5",
    "SD-N6",
    "SD-N7",
    "SD-N8",
    "SD-N9",
    "SD-N10",
    "SD-N11",
    "SD-N12",
    "SD-N13",
    "SD-N14",
    "SD-N15",
    "SD-N16",
    "SD-N17",
    "V-1",
    "V-2",
    "V-3",
    "V-4",
    "V-7",
    "T-2",
    "T-6",
    "T-7",
    "DID-KEY",
    "DID-JWK",
    "DID-WEB",
    "DID-WEBVH",
    "DID-PEER",
    "DID-ISSUER",
    "DID-CORE",
    "LP-4",
    "TSL-N1",
    "TSL-N2",
    "TSL-N3",
    "TSL-N4",
    "TSL-N5",
    "TSL-N6",
    "TSL-N8",
    "TSL-N9",
    "TSL-N12",
];

/// What must be accepted, although too strict a reader would refuse it.
const MUST_BE_ACCEPTED: &[&str] = &["sd-n18-decoys-only", "sd-n18-decoys-inside"];

fn folder() -> PathBuf {
    workspace_root().join("schemas/corpus")
}

/// The committed corpus, by file name.
fn committed() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder()).expect("the corpus is committed").flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap();
            (file.file_name().into_string().unwrap(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

#[test]
fn the_committed_corpus_is_the_one_that_is_made() {
    let made: BTreeMap<String, Family> =
        corpus::families().into_iter().map(|family| (format!("{}.json", family.family), family)).collect();
    if std::env::var_os("ENISHI_WRITE_CORPUS").is_some() {
        for (name, family) in &made {
            std::fs::write(folder().join(name), family.to_json()).unwrap();
        }
    }
    let committed = committed();
    assert!(
        made.keys().eq(committed.keys()),
        "files: {:?} are made, {:?} committed",
        made.keys(),
        committed.keys()
    );
    for (name, family) in made {
        let made = serde_json::to_value(&family).unwrap();
        assert!(
            made == committed[&name],
            "{name} differs: run this test with ENISHI_WRITE_CORPUS=1 and look at the change"
        );
    }
}

fn read() -> Vec<Family> {
    committed().into_values().map(|family| serde_json::from_value(family).unwrap()).collect()
}

/// Every deviation from what the corpus says, with one backend.
fn deviations(families: &[Family], verifier: &dyn SignatureVerifier) -> Vec<String> {
    let mut out = Vec::new();
    for family in families {
        for accepted in &family.accepted {
            if let Err(failure) = judge(family.policy(&accepted.policy), &accepted.text, verifier) {
                out.push(format!(
                    "{} must be accepted, but: {failure} at {:?}",
                    accepted.id, failure.pointer
                ));
            }
        }
        for case in &family.refused {
            let policy = family.policy(&case.policy);
            if let Err(failure) = judge(policy, &family.control(&case.control).text, verifier) {
                out.push(format!("{}: its control {} is refused: {failure}", case.id, case.control));
            }
            let mut once = BTreeSet::new();
            match judge(policy, &case.text, verifier) {
                Ok(()) => out.push(format!("{} was ACCEPTED", case.id)),
                Err(failure) => {
                    let mut shown = failure.held_before().to_vec();
                    shown.push(failure.check);
                    if !shown.iter().all(|check| once.insert(*check)) {
                        out.push(format!("{}: a check is there twice in {shown:?}", case.id));
                    }
                    let found = Expect {
                        code: failure.code.to_owned(),
                        check: failure.check.to_owned(),
                        pointer: failure.pointer.clone(),
                    };
                    if found != case.expect {
                        out.push(format!(
                            "{}: {:?}, expected {:?} ({})",
                            case.id, found, case.expect, failure.detail
                        ));
                    }
                }
            }
        }
    }
    out
}

#[test]
fn every_case_is_refused_for_its_reason_and_its_control_accepted_by_both_backends() {
    let families = read();
    assert!(families.iter().all(|family| !family.accepted.is_empty() && !family.refused.is_empty()));
    for (name, verifier) in
        [("RustCrypto", &RustCryptoVerifier as &dyn SignatureVerifier), ("aws-lc-rs", &AwsVerifier)]
    {
        let deviations = deviations(&families, verifier);
        assert!(deviations.is_empty(), "{name}:\n{}", deviations.join("\n"));
    }
}

#[test]
fn threat_8_lax_sd_jwt_corpus_is_refused() {
    let mut refused = 0;
    for family in read() {
        for case in &family.refused {
            let verdict = judge(family.policy(&case.policy), &case.text, &AwsVerifier);
            assert!(verdict.is_err(), "{} was accepted: {}", case.id, case.broken);
            refused += 1;
        }
    }
    assert!(refused >= 150, "{refused} cases");
}

/// A reader that looked at nothing would be noticed: the tests above can fail.
#[test]
fn a_reader_that_takes_or_refuses_everything_would_be_seen() {
    struct Says(bool);
    impl SignatureVerifier for Says {
        fn verify(
            &self,
            _: enishi_credential::crypto::Algorithm,
            _: &enishi_credential::jose::jwk::Jwk,
            _: &[u8],
            _: &[u8],
        ) -> Result<(), enishi_credential::crypto::SignatureError> {
            if self.0 { Ok(()) } else { Err(enishi_credential::crypto::SignatureError) }
        }
    }
    let families = read();
    let lax = deviations(&families, &Says(true));
    assert!(
        lax.iter().any(|line| line.starts_with("sd-n1-signature-of-another-key was ACCEPTED")),
        "{lax:?}"
    );
    assert!(lax.iter().any(|line| line.starts_with("sd-n11-key-of-a-stranger was ACCEPTED")), "{lax:?}");
    assert!(deviations(&families, &Says(false)).len() > lax.len());
}

#[test]
fn the_cases_differ_and_every_requirement_has_one() {
    let families = read();
    let (mut ids, mut texts) = (BTreeSet::new(), BTreeMap::new());
    let mut requirements = BTreeSet::new();
    for family in &families {
        for accepted in &family.accepted {
            assert!(ids.insert(accepted.id.clone()), "{} occurs twice", accepted.id);
        }
        for case in &family.refused {
            assert!(ids.insert(case.id.clone()), "{} occurs twice", case.id);
            assert!(case.broken.ends_with('.'), "{}: one sentence", case.id);
            let start = format!("{}-", case.requirement.to_lowercase());
            assert!(case.id.starts_with(&start), "{} does not begin with its requirement", case.id);
            requirements.insert(case.requirement.clone());
            if let Some(other) = texts.insert(&case.text, &case.id) {
                panic!("{} and {other} are the same text", case.id);
            }
            assert_ne!(case.text, family.control(&case.control).text, "{}", case.id);
        }
    }
    let missing: Vec<_> = REQUIRED.iter().filter(|name| !requirements.contains(**name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    for id in MUST_BE_ACCEPTED {
        assert!(families.iter().any(|family| family.accepted.iter().any(|it| it.id == *id)), "no {id}");
    }
}
