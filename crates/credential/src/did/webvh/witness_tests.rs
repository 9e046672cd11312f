//! Witnesses: who must approve, from when, and what does not count as approval.

use serde_json::{Value, json};

use super::tests::{NOW, first, key, mb, next, text, wait};
use super::*;
use crate::crypto::RustCryptoVerifier;

fn rule(threshold: usize, seeds: &[&str]) -> Value {
    let witnesses: Vec<_> =
        seeds.iter().map(|seed| json!({ "id": format!("did:key:{}", mb(seed)) })).collect();
    json!({ "threshold": threshold, "witnesses": witnesses })
}

fn approval(entry: &LogEntry, seed: &str) -> Value {
    wait(Author::new(&key(seed)).unwrap().approve(&entry.version_id)).unwrap()
}

/// The file with these witnesses' approvals of these entries.
fn file(approvals: &[(&LogEntry, &[&str])]) -> Value {
    approvals
        .iter()
        .map(|(entry, seeds)| {
            let proofs: Vec<_> = seeds.iter().map(|seed| approval(entry, seed)).collect();
            json!({ "versionId": entry.version_id, "proof": proofs })
        })
        .collect()
}

fn read(entries: &[&LogEntry], file: Option<&Value>) -> Verdict<WebvhLog> {
    let log = UnwitnessedLog::read(&text(entries), &entries[0].did, NOW, &RustCryptoVerifier)?;
    let bytes = file.map(|file| file.to_string().into_bytes());
    log.witnessed(bytes.as_deref(), &RustCryptoVerifier)
}

/// The number of the latest version, or the code and place of the refusal.
fn latest(entries: &[&LogEntry], file: &Value) -> Result<usize, (&'static str, String)> {
    read(entries, Some(file))
        .and_then(|log| log.resolve(&Version::LATEST))
        .map(|resolution| resolution.metadata.version_number)
        .map_err(|failure| (failure.code, failure.pointer))
}

fn lacks(entries: &[&LogEntry], file: &Value, at: usize) {
    assert_eq!(latest(entries, file), Err(("did_log_witness", format!("/{at}"))));
}

#[test]
fn did_webvh_a_threshold_of_different_witnesses_must_approve() {
    let one = first(&json!({ "witness": rule(2, &["w1", "w2", "w3"]) }));
    assert_eq!(latest(&[&one], &file(&[(&one, &["w1", "w3"])])), Ok(1));
    lacks(&[&one], &file(&[(&one, &["w1"])]), 0);
    lacks(&[&one], &file(&[(&one, &["w1", "w1"])]), 0);
    lacks(&[&one], &file(&[(&one, &["w1"]), (&one, &["w1"])]), 0);
    lacks(&[&one], &file(&[(&one, &["w1", "stranger"])]), 0);
    lacks(&[&one], &json!([]), 0);
    assert_eq!(read(&[&one], None).unwrap_err().code, "did_log_witness");
    let log = UnwitnessedLog::read(&text(&[&one]), &one.did, NOW, &RustCryptoVerifier).unwrap();
    assert!(log.needs_witnesses());
    assert_eq!(
        read(&[&one], Some(&file(&[(&one, &["w1", "w2"])])))
            .unwrap()
            .resolve(&Version::LATEST)
            .unwrap()
            .metadata
            .witness_threshold,
        2
    );
}

#[test]
fn did_webvh_an_approval_stands_for_all_entries_before_and_for_none_after() {
    let one = first(&json!({ "witness": rule(1, &["w1", "w2"]) }));
    let two = next(&one, 1, "a", &json!({}));
    let three = next(&two, 2, "a", &json!({}));
    let all = [&one, &two, &three];
    assert_eq!(latest(&all, &file(&[(&three, &["w1"])])), Ok(3));
    assert_eq!(latest(&all, &file(&[(&two, &["w1"]), (&three, &["w2"])])), Ok(3));
    lacks(&all, &file(&[(&two, &["w1"])]), 2);
    // The versions that were approved can still be asked for.
    let log = read(&all, Some(&file(&[(&two, &["w1"])]))).unwrap();
    assert!(log.resolve(&Version::from_query("versionNumber=2").unwrap()).is_ok());
    assert_eq!(
        log.resolve(&Version::from_query("versionNumber=3").unwrap()).unwrap_err().code,
        "did_log_witness"
    );
}

#[test]
fn did_webvh_a_new_list_is_active_after_its_entry_and_the_first_one_at_once() {
    let one = first(&json!({ "witness": rule(1, &["w1"]) }));
    let two = next(&one, 1, "a", &json!({ "witness": rule(1, &["w2"]) }));
    let three = next(&two, 2, "a", &json!({}));
    lacks(&[&one, &two], &file(&[(&one, &["w1"]), (&two, &["w2"])]), 1);
    assert_eq!(latest(&[&one, &two], &file(&[(&two, &["w1"])])), Ok(2));
    lacks(&[&one, &two, &three], &file(&[(&three, &["w1"])]), 2);
    assert_eq!(latest(&[&one, &two, &three], &file(&[(&two, &["w1"]), (&three, &["w2"])])), Ok(3));

    // From no witnesses to some: the entry that names them needs them.
    let one = first(&json!({}));
    let two = next(&one, 1, "a", &json!({ "witness": rule(1, &["w1"]) }));
    lacks(&[&one, &two], &json!([]), 1);
    assert_eq!(latest(&[&one, &two], &file(&[(&two, &["w1"])])), Ok(2));

    // And back: the entry that dismisses them needs them, the next one does not.
    let three = next(&two, 2, "a", &json!({ "witness": {} }));
    let four = next(&three, 3, "a", &json!({}));
    lacks(&[&one, &two, &three], &file(&[(&two, &["w1"])]), 2);
    assert_eq!(latest(&[&one, &two, &three, &four], &file(&[(&three, &["w1"])])), Ok(4));
}

#[test]
fn did_webvh_approvals_of_other_logs_and_unpublished_versions_do_not_count() {
    let one = first(&json!({ "witness": rule(1, &["w1"]) }));
    let two = next(&one, 1, "a", &json!({}));
    let elsewhere = first(&json!({ "witness": rule(1, &["w1"]), "ttl": 1 }));
    lacks(&[&one], &file(&[(&elsewhere, &["w1"])]), 0);
    // Signed, but not published here: it says nothing about the entries before it.
    lacks(&[&one], &file(&[(&two, &["w1"])]), 0);
    // The witness's approval of one version under the name of another.
    let mut moved = file(&[(&one, &["w1"])]);
    moved[0]["versionId"] = json!(two.version_id);
    lacks(&[&one, &two], &moved, 0);
    // A version that is published and broken does not count either.
    let broken = next(&two, 2, "stranger", &json!({}));
    lacks_all(&[&one, &two, &broken], &file(&[(&broken, &["w1"])]));
}

fn lacks_all(entries: &[&LogEntry], file: &Value) {
    assert_eq!(read(entries, Some(file)).unwrap_err().code, "did_log_witness");
}

#[test]
fn did_webvh_proofs_of_witnesses_that_do_not_verify_count_for_nothing() {
    let one = first(&json!({ "witness": rule(1, &["w1"]) }));
    for (name, value) in [
        ("cryptosuite", json!("eddsa-rdfc-2022")),
        ("proofPurpose", json!("authentication")),
        ("proofValue", json!(mb("a"))),
        ("created", json!("2026-01-01T00:00:00Z")),
        ("verificationMethod", json!(format!("did:key:{}#{}", mb("x"), mb("w1")))),
    ] {
        let mut spoilt = file(&[(&one, &["w1"])]);
        spoilt[0]["proof"][0][name] = value;
        lacks(&[&one], &spoilt, 0);
        // Beside a good one it does no harm.
        spoilt[0]["proof"].as_array_mut().unwrap().push(approval(&one, "w1"));
        assert_eq!(latest(&[&one], &spoilt), Ok(1), "{name}");
    }
}

#[test]
fn did_webvh_a_malformed_file_of_witnesses_is_refused() {
    let one = first(&json!({ "witness": rule(1, &["w1"]) }));
    let good = file(&[(&one, &["w1"])]);
    for bad in [
        json!({}),
        json!([1]),
        json!([{ "versionId": one.version_id }]),
        json!([{ "versionId": one.version_id, "proof": good[0]["proof"][0] }]),
        json!([{ "versionId": one.version_id, "proof": [], "more": 1 }]),
    ] {
        assert_eq!(latest(&[&one], &bad).unwrap_err().0, "did_log_witness");
    }
    let log = UnwitnessedLog::read(&text(&[&one]), &one.did, NOW, &RustCryptoVerifier).unwrap();
    assert_eq!(log.witnessed(Some(b"<html>"), &RustCryptoVerifier).unwrap_err().code, "did_log_witness");
}

/// Files in which the approval is there, but too much beside it.
#[test]
fn did_webvh_a_file_of_witnesses_has_limits() {
    let one = first(&json!({ "witness": rule(1, &["w1"]) }));
    let good = file(&[(&one, &["w1"])]);
    let with_proofs = |count: usize| {
        let mut proofs = vec![good[0]["proof"][0].clone()];
        proofs.resize(count, json!({}));
        latest(&[&one], &json!([{ "versionId": one.version_id, "proof": proofs }])).map_err(|(code, _)| code)
    };
    assert_eq!((with_proofs(1024), with_proofs(1025)), (Ok(1), Err("did_log_witness")));
    let of_length = |length: usize| {
        let mut bytes = good.to_string().into_bytes();
        bytes.resize(length, b' ');
        let log = UnwitnessedLog::read(&text(&[&one]), &one.did, NOW, &RustCryptoVerifier).unwrap();
        log.witnessed(Some(&bytes), &RustCryptoVerifier).map(drop).map_err(|failure| failure.code)
    };
    let (most, more) = (of_length(MAX_WITNESS_FILE), of_length(MAX_WITNESS_FILE + 1));
    assert_eq!((most, more), (Ok(()), Err("did_log_witness")));
}

#[test]
fn did_webvh_zero_thresholds_and_duplicate_witnesses_are_refused() {
    let good = rule(1, &["w1", "w2"]);
    let mut bare = good.clone();
    bare["witnesses"][1]["id"] = json!(mb("w1"));
    let with = |name: &str, value: Value| {
        let mut rule = good.clone();
        rule[name] = value;
        rule
    };
    for witness in [
        rule(0, &["w1"]),
        rule(2, &["w1"]),
        rule(2, &["w1", "w1"]),
        rule(1, &[]),
        bare,
        with("threshold", json!("1")),
        with("threshold", json!(1.5)),
        with("threshold", json!(-1)),
        with("threshold", Value::Null),
        with("witnesses", Value::Null),
        with("witnesses", json!([{ "id": "did:web:witness.example" }])),
        with("witnesses", json!([{ "id": format!("did:key:{}", mb("w1")), "weight": 1 }])),
        with("more", json!(1)),
        json!({ "threshold": 1 }),
        json!({ "witnesses": [] }),
    ] {
        let entry = first(&json!({ "witness": witness }));
        let read = UnwitnessedLog::read(&text(&[&entry]), &entry.did, NOW, &RustCryptoVerifier);
        assert_eq!(read.unwrap_err().code, "did_log_parameters", "{witness}");
    }
}
