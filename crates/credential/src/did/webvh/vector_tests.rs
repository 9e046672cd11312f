//! The logs of five implementations, and the attacks that a conforming resolver must refuse.

use std::path::Path;

use serde_json::Value;

use super::super::resolution_error;
use super::*;
use crate::crypto::RustCryptoVerifier;
use crate::encoding::json as strict_json;
use crate::test_vectors;

/// After the youngest log.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const IMPLEMENTATIONS: [&str; 5] = ["java", "java-eecc", "python", "rust", "ts"];

/// A file of a vector; `None` where this implementation has none.
fn file(folder: &Path, name: &str) -> Option<Vec<u8>> {
    std::fs::read(folder.join(name)).ok()
}

fn json_of(bytes: &[u8]) -> Value {
    strict_json::parse(bytes).unwrap()
}

/// The DID that the entry `at` of a log has.
fn did_in(log: &[u8], at: usize) -> Did {
    let line = log.split(|byte| *byte == b'\n').nth(at).unwrap();
    Did::parse(json_of(line)["state"]["id"].as_str().unwrap()).unwrap()
}

fn read(folder: &Path, did: &Did) -> Verdict<WebvhLog> {
    let log = file(folder, "did.jsonl").unwrap();
    let log = UnwitnessedLog::read(&log, did, NOW, &RustCryptoVerifier)?;
    assert_eq!(log.needs_witnesses(), folder.join("did-witness.json").exists());
    log.witnessed(file(folder, "did-witness.json").as_deref(), &RustCryptoVerifier)
}

/// Implementations write the two implicit services with relative or absolute ids, and the folder with or without slash.
fn same_services(mut document: Value) -> Value {
    let id = document["id"].as_str().unwrap().to_owned();
    for service in document["service"].as_array_mut().unwrap() {
        let name = service["id"].as_str().unwrap().replace(&id, "");
        service["id"] = name.as_str().into();
        if name == "#files" {
            service["serviceEndpoint"] =
                service["serviceEndpoint"].as_str().unwrap().trim_end_matches('/').into();
        }
    }
    document
}

fn compare(resolution: &Resolution, printed: &Value, name: &str) {
    let document = resolution.document.as_value().clone();
    assert_eq!(same_services(document), same_services(printed["didDocument"].clone()), "{name}");
    compare_metadata(&resolution.metadata, &printed["didDocumentMetadata"], name);
}

fn compare_metadata(metadata: &Metadata, printed: &Value, name: &str) {
    assert_eq!(printed["versionId"], metadata.version_id.as_str(), "{name}");
    assert_eq!(printed["versionNumber"], metadata.version_number, "{name}");
    assert_eq!(printed["versionTime"], metadata.version_time.as_str(), "{name}");
    assert_eq!(printed["created"], metadata.created.as_str(), "{name}");
    for (member, value) in [
        ("scid", Value::from(metadata.scid.as_str())),
        ("portable", metadata.portable.into()),
        ("deactivated", metadata.deactivated.into()),
    ] {
        assert!(printed.get(member).is_none_or(|printed| *printed == value), "{name}: {member}");
    }
}

#[test]
fn did_webvh_logs_of_five_implementations_resolve_to_the_printed_documents() {
    let Some(folder) = test_vectors::folder() else { return };
    let (mut logs, mut witnessed, mut versions) = (0, 0, 0);
    for scenario in [
        "basic-create",
        "basic-update",
        "deactivate",
        "key-rotation",
        "multi-update",
        "multiple-update-keys",
        "portable",
        "portable-move",
        "pre-rotation",
        "pre-rotation-consume",
        "services",
        "witness-threshold",
        "witness-update",
    ] {
        for implementation in IMPLEMENTATIONS {
            let name = format!("{scenario}/{implementation}");
            let folder = folder.join("did-webvh").join(&name);
            let Some(log) = file(&folder, "did.jsonl") else { continue };
            logs += 1;
            witnessed += usize::from(folder.join("did-witness.json").exists());
            let verified =
                read(&folder, &did_in(&log, 0)).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            let printed = json_of(&file(&folder, "resolutionResult.json").unwrap());
            let latest = verified.resolve(&Version::LATEST);
            if let Some(code) = by_the_specification(scenario, implementation) {
                assert_eq!(latest.unwrap_err().code, code, "{name}");
                let before = verified.resolve(&Version::from_query("versionNumber=1").unwrap()).unwrap();
                assert_eq!(before.metadata.deactivated, scenario == "deactivate");
                continue;
            }
            compare(&latest.unwrap(), &printed, &name);
            for number in 1..=2 {
                let Some(printed) = file(&folder, &format!("resolutionResult.{number}.json")) else {
                    continue;
                };
                if implementation == "python" {
                    // It printed the latest version, whichever was asked for.
                    assert_eq!(json_of(&printed)["didDocumentMetadata"]["versionNumber"], 3);
                    continue;
                }
                versions += 1;
                let version = Version::from_query(&format!("versionNumber={number}")).unwrap();
                let resolution = verified.resolve(&version).unwrap();
                compare(&resolution, &json_of(&printed), &name);
                for query in [
                    format!("versionId={}", resolution.metadata.version_id),
                    format!("versionTime={}", resolution.metadata.version_time),
                ] {
                    let again = verified.resolve(&Version::from_query(&query).unwrap()).unwrap();
                    assert_eq!(again.metadata, resolution.metadata, "{name}");
                }
            }
        }
    }
    assert_eq!((logs, witnessed, versions), (64, 10, 8));
}

/// Where we follow the text of the specification and not what every implementation printed.
fn by_the_specification(scenario: &str, implementation: &str) -> Option<&'static str> {
    match (scenario, implementation) {
        // The last document is printed all the same; the text says that there is none.
        ("deactivate", _) => Some("did_deactivated"),
        // One of two witnesses approved the entry that names a new list. The old list is active until after it ("that
        // new list becomes active AFTER the new DID log entry has been published"): `python` and `java-eecc` printed no
        // document, `java` and `ts` did. In the log of `rust` both approved.
        ("witness-update", "java" | "java-eecc" | "python" | "ts") => Some("did_log_witness"),
        _ => None,
    }
}

#[test]
fn did_webvh_moved_logs_resolve_by_the_old_name_and_by_the_new_one() {
    let Some(folder) = test_vectors::folder() else { return };
    for implementation in ["java", "java-eecc"] {
        let folder = folder.join("did-webvh/portable-move").join(implementation);
        let log = file(&folder, "did.jsonl").unwrap();
        let (old, new) = (did_in(&log, 0), did_in(&log, 1));
        assert_ne!(old, new);
        for did in [&old, &new] {
            let resolution = read(&folder, did).unwrap().resolve(&Version::LATEST).unwrap();
            assert_eq!(*resolution.document.did(), new);
        }
    }
}

/// Attacks of which there is a log: it is refused with the error that the suite expects.
#[test]
fn did_webvh_negative_logs_are_refused_with_the_expected_error() {
    let Some(folder) = test_vectors::folder() else { return };
    for (scenario, code) in [
        ("cross-did-witness-replay", "did_log_witness"),
        ("did-key-body-fragment-mismatch", "did_log_proof"),
        ("duplicate-witness-ids", "did_log_parameters"),
        ("portable-scid-swap", "did_log_did"),
        ("pre-rotation-omit-updatekeys", "did_log_parameters"),
        ("scid-mismatch-genesis", "did_log_did"),
        ("unknown-method-version", "did_log_version"),
        ("versiontime-future", "did_log_time"),
        ("versiontime-non-monotonic", "did_log_time"),
        ("wrong-cryptosuite", "did_log_proof"),
        ("zero-witness-threshold", "did_log_parameters"),
    ] {
        let folder = folder.join(format!("did-webvh/negative-{scenario}/ts"));
        let log = file(&folder, "did.jsonl").unwrap();
        let printed = json_of(&file(&folder, "resolutionResult.json").unwrap());
        let line = json_of(log.split(|byte| *byte == b'\n').next().unwrap());
        // By the SCID that the log claims; where the document claims another, by that one too.
        let scid = line["parameters"]["scid"].as_str().unwrap();
        let did = Did::parse(&format!("did:webvh:{scid}:example.com")).unwrap();
        let failure = UnwitnessedLog::read(&log, &did, NOW, &RustCryptoVerifier)
            .and_then(|log| log.witnessed(file(&folder, "did-witness.json").as_deref(), &RustCryptoVerifier))
            .and_then(|log| log.resolve(&Version::LATEST))
            .unwrap_err();
        assert_eq!(failure.code, code, "{scenario}: {failure}");
        assert_eq!(printed["didResolutionMetadata"]["error"], resolution_error(&failure), "{scenario}");
        let claimed = did_in(&log, 0);
        assert!(claimed == did || UnwitnessedLog::read(&log, &claimed, NOW, &RustCryptoVerifier).is_err());
    }
}

/// Attacks that are in the DID itself: refused before anything is fetched.
#[test]
fn did_webvh_negative_dids_are_refused_before_anything_is_fetched() {
    let mut read = 0;
    for scenario in [
        "fragment-leaks-into-domain",
        "lowercase-pct-port-ip",
        "path-traversal-did",
        "pct-encoded-ip-host",
        "pct-encoded-traversal",
    ] {
        let Some(script) = test_vectors::text(&format!("did-webvh/negative-{scenario}/script.yaml")) else {
            return;
        };
        for line in script.lines().filter_map(|line| line.trim().strip_prefix("did: ")) {
            let text = line.trim_matches('"');
            let failure = Did::parse(text).and_then(|did| check(&did)).unwrap_err();
            assert_eq!(resolution_error(&failure), "invalidDid", "{text}");
            // The SCID of these is no hash; with a right one it is the place that is refused.
            let scid = multihash::base58("x");
            let placeholder = "Qm0000000000000000000000000000000000000000000000";
            assert!(text.contains(placeholder));
            let did = Did::parse(&text.replace(placeholder, &scid));
            assert_eq!(did.and_then(|did| check(&did)).unwrap_err().code, "did_invalid", "{text}");
            read += 1;
        }
    }
    assert_eq!(read, 9);
}
