//! Every credential of the corpus through `enishi credential verify --json`, as a process: the same refusals, and exit codes
//! that a script can rely on. Kinds of texts that the command does not verify are left out, and counted.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use enishi_tests::corpus::{CredentialPolicy, Expect, Family, Keys, Policy, families};
use enishi_tests::process::binary;
use serde_json::Value;

/// Writes what the policy knows into files of `folder`, and says it on the command line.
fn arguments(policy: &CredentialPolicy, folder: &Path, name: &str) -> Vec<String> {
    let file = |kind: &str, content: &str| {
        let path = folder.join(format!("{name}-{kind}"));
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut out = Vec::new();
    let mut say = |flag: &str, value: Option<String>| {
        out.push(flag.to_owned());
        out.extend(value);
    };
    match &policy.keys {
        Keys::Jwk(jwk) => say("--issuer-jwk", Some(file("jwk", &jwk.to_string()))),
        Keys::Jwks(set) => say("--issuer-jwks", Some(file("jwks", &set.to_string()))),
        Keys::Metadata(metadata) => say("--issuer-metadata", Some(file("metadata", &metadata.to_string()))),
        Keys::Certificate { anchors } => {
            say("--x5c-anchor", Some(file("anchors", &anchors.concat())));
            say("--profile", Some("haip".to_owned()));
        }
        Keys::DidDocument(document) => {
            say("--issuer-did-document", Some(file("did-document", &document.to_string())));
        }
        Keys::Did => {}
    }
    for algorithm in &policy.algorithms {
        say("--algorithm", Some(algorithm.clone()));
    }
    for (number, document) in policy.type_metadata.iter().enumerate() {
        say("--type-metadata", Some(file(&format!("type-{number}"), document)));
    }
    say("--now", Some(policy.now.to_string()));
    say("--leeway", Some(policy.leeway.to_string()));
    say("--typ", Some(policy.typ.clone()));
    for (flag, value) in [("--vct", &policy.vct), ("--issuer", &policy.issuer)] {
        if value.is_some() {
            say(flag, value.clone());
        }
    }
    for (flag, wanted) in [("--legacy-typ", policy.legacy_typ), ("--require-exp", policy.require_exp)] {
        if wanted {
            say(flag, None);
        }
    }
    match &policy.key_binding {
        None => say("--no-kb", None),
        Some(presenter) => {
            say("--require-kb", None);
            say("--aud", Some(presenter.aud.clone()));
            say("--nonce", Some(presenter.nonce.clone()));
            say("--kb-max-age", Some(presenter.max_age.to_string()));
        }
    }
    out
}

/// Exit code and answer.
fn ask(arguments: &[String], text: &str) -> (Option<i32>, Value) {
    let mut child = Command::new(binary())
        .args(["credential", "verify", "--json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// The deviations in one family, and how many texts were asked about.
fn deviations(family: &Family, folder: &Path) -> (Vec<String>, usize) {
    let (mut out, mut asked) = (Vec::new(), 0);
    for (name, policy) in &family.policies {
        let Policy::SdJwt(policy) = policy else { continue };
        let arguments = arguments(policy, folder, &format!("{}-{name}", family.family));
        for accepted in family.accepted.iter().filter(|accepted| accepted.policy == *name) {
            asked += 1;
            let (code, answer) = ask(&arguments, &accepted.text);
            if (code, &answer["valid"]) != (Some(0), &Value::Bool(true)) {
                out.push(format!("{} must be accepted: {code:?} {answer}", accepted.id));
            }
        }
        for case in family.refused.iter().filter(|case| case.policy == *name) {
            asked += 1;
            let (code, answer) = ask(&arguments, &case.text);
            let text = |member: &str| answer[member].as_str().unwrap_or("-").to_owned();
            let found = Expect { code: text("code"), check: text("check"), pointer: text("pointer") };
            if (code, &found) != (Some(1), &case.expect) || answer["valid"] != Value::Bool(false) {
                out.push(format!("{}: {code:?} {found:?}, expected {:?}", case.id, case.expect));
            }
            let failed = answer["checks"].as_array().into_iter().flatten();
            if failed.filter(|check| check["outcome"] == "failed").count() != 1 {
                out.push(format!("{}: not exactly one failed check in {}", case.id, answer["checks"]));
            }
        }
    }
    (out, asked)
}

#[test]
fn the_command_refuses_every_credential_of_the_corpus_for_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let families = families();
    let results: Vec<(Vec<String>, usize)> = thread::scope(|scope| {
        let running: Vec<_> =
            families.iter().map(|family| scope.spawn(|| deviations(family, folder.path()))).collect();
        running.into_iter().map(|family| family.join().unwrap()).collect()
    });
    let all: usize = families.iter().map(|family| family.accepted.len() + family.refused.len()).sum();
    let asked: usize = results.iter().map(|(_, asked)| asked).sum();
    println!("{asked} of {all} texts are credentials, and the command verifies them all");
    assert!(asked >= 480, "{asked}");
    let deviations: Vec<String> = results.into_iter().flat_map(|(deviations, _)| deviations).collect();
    assert!(deviations.is_empty(), "{}", deviations.join("\n"));
}
