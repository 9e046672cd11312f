//! `enishi credential …` as a person at a terminal uses it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{ClaimPath, HeldSdJwt, KeyBindingClaims, SdJwtBuilder};
use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_credential::time::UnixTime;
use serde_json::{Map, Value, json};

const NOW: i64 = 1_795_300_000;

struct Sample {
    folder: tempfile::TempDir,
    issued: String,
    presented: String,
}

async fn sample() -> Sample {
    let entropy = SeededEntropy::new("cli");
    let issuer = PrivateJwk::generate_p256(&entropy).map_public(|jwk| jwk.with_kid("k1"));
    let holder = PrivateJwk::generate_p256(&entropy);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jwk.json"), issuer.public().to_value().to_string()).unwrap();
    let set = json!({"keys": [issuer.public()]});
    std::fs::write(folder.path().join("jwks.json"), set.to_string()).unwrap();
    let claims = json!({
        "iss": "https://idp.example", "vct": "urn:enishi:linkage:1", "exp": NOW + 1000,
        "cnf": {"jwk": holder.public()}, "rp": "https://rp.example", "ppid": "a number",
    });
    let signer = SoftwareSigner::new(issuer).unwrap();
    let issued = SdJwtBuilder::new(claims.as_object().unwrap().clone())
        .conceal(ClaimPath::name("ppid"))
        .sign(&signer, &entropy)
        .await
        .unwrap();
    let presentation = HeldSdJwt::from_storage(&issued).unwrap().present(&[ClaimPath::name("ppid")]).unwrap();
    let binding = KeyBindingClaims {
        aud: "x509_san_dns:verifier.example".to_owned(),
        nonce: "n-1".to_owned(),
        iat: UnixTime::from_secs(NOW),
        extra: Map::new(),
    };
    let presented = presentation.bind(&SoftwareSigner::new(holder).unwrap(), binding).await.unwrap();
    Sample { folder, issued, presented }
}

fn enishi(sample: &Sample, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_enishi"))
        .current_dir(sample.folder.path())
        .arg("credential")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read; that is not what is tested here.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn verdict(output: &Output) -> (Option<i32>, Value) {
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

const KB: [&str; 5] = ["--require-kb", "--aud", "x509_san_dns:verifier.example", "--nonce", "n-1"];

#[tokio::test]
async fn a_good_credential_is_valid_with_every_way_to_pass_the_key() {
    let sample = sample().await;
    for keys in [["--issuer-jwk", "jwk.json"], ["--issuer-jwks", "jwks.json"]] {
        let common = ["verify", "--json", "--now", "1795300000", "--vct", "urn:enishi:linkage:1"];
        let no_kb = [&common[..], &keys[..], &["--no-kb"]].concat();
        let (code, found) = verdict(&enishi(&sample, &no_kb, &format!("{}\n", sample.issued)));
        assert_eq!((code, &found["valid"]), (Some(0), &json!(true)), "{found}");
        let kb = [&common[..], &keys[..], &KB[..]].concat();
        let (code, found) = verdict(&enishi(&sample, &kb, &sample.presented));
        assert_eq!((code, &found["claims"]["ppid"]), (Some(0), &json!("a number")), "{found}");
    }
}

#[tokio::test]
async fn what_does_not_hold_exits_1_with_code_check_and_remedy() {
    let sample = sample().await;
    let keys = ["verify", "--json", "--issuer-jwk", "jwk.json", "--now", "1795300000"];
    let other = [&keys[..], &["--require-kb", "--aud", "verifier.example", "--nonce", "n-1"]].concat();
    let late = ["verify", "--json", "--issuer-jwk", "jwk.json", "--no-kb", "--now", "1795309999"];
    let (no_kb, kb) = ([&keys[..], &["--no-kb"]].concat(), [&keys[..], &KB[..]].concat());
    let typ = [&keys[..], &["--no-kb", "--typ", "vc+sd-jwt"]].concat();
    let vct = [&keys[..], &["--no-kb", "--vct", "urn:other"]].concat();
    for (args, input, expected) in [
        (&no_kb, &sample.presented, "kb_not_expected"),
        (&kb, &sample.issued, "kb_missing"),
        (&other, &sample.presented, "kb_audience_mismatch"),
        (&late.to_vec(), &sample.issued, "expired"),
        (&typ, &sample.issued, "typ_not_allowed"),
        (&vct, &sample.issued, "vct_not_expected"),
        (&no_kb, &"x".to_owned(), "sd_jwt_malformed"),
        (&no_kb, &sample.issued.replacen('.', ".e", 1), "signature_invalid"),
    ] {
        let (code, found) = verdict(&enishi(&sample, args, input));
        assert_eq!((code, &found["code"]), (Some(1), &json!(expected)), "{found}");
        assert!(
            !found["check"].as_str().unwrap().is_empty() && !found["remedy"].as_str().unwrap().is_empty()
        );
        assert!(found["pointer"].is_string());
        let checks = found["checks"].as_array().unwrap();
        let failed: Vec<_> = checks.iter().filter(|it| it["outcome"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{found}");
        assert_eq!((&failed[0]["code"], &failed[0]["check"]), (&found["code"], &found["check"]));
    }
}

#[tokio::test]
async fn a_wrong_command_line_exits_2_and_never_judges() {
    let sample = sample().await;
    for args in [
        vec!["verify", "--issuer-jwk", "jwk.json"],
        vec!["verify", "--no-kb", "--require-kb"],
        vec!["verify", "--require-kb", "--aud", "a"],
        vec!["verify", "--no-kb", "--issuer-jwk", "missing.json"],
        vec!["verify", "--no-kb", "--now", "today"],
        vec!["verify", "--no-kb", "--issuer-jwk", "jwk.json", "--issuer-jwks", "jwks.json"],
        vec!["verify", "--no-kb", "--issuer-metadata", "jwks.json"],
        vec!["verify", "--no-kb", "--issuer-metadata", "jwks.json", "--issuer", "https://idp.example"],
        vec!["verify", "--no-kb", "--issuer-did-document", "jwk.json"],
        vec!["verify", "--no-kb", "--issuer-did-document", "jwk.json", "--issuer", "did:web:idp.example"],
        vec!["verify", "--no-kb", "--issuer-jwk", "jwk.json", "--algorithm", "HS256"],
        vec!["verify", "--no-kb", "--profile", "haip", "--issuer-jwk", "jwk.json"],
        vec!["verify", "--no-kb", "--x5c-anchor", "jwk.json"],
        vec!["verify", "--no-kb", "--issuer-jwk", "jwk.json", "--type-metadata", "missing.json"],
        vec!["verify", "--no-kb", "--issuer-jwk", "jwk.json", "--leeway", "-1"],
    ] {
        let output = enishi(&sample, &args, &sample.issued);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(
        enishi(&sample, &["verify", "--no-kb"], "").status.code(),
        Some(2),
        "nothing on standard input"
    );
}

#[tokio::test]
async fn the_status_is_checked_when_its_list_is_passed_and_said_to_be_open_otherwise() {
    let sample = sample().await;
    let entropy = SeededEntropy::new("cli status");
    let issuer = SoftwareSigner::new(PrivateJwk::generate_p256(&entropy)).unwrap();
    let file = |name: &str, text: &str| std::fs::write(sample.folder.path().join(name), text).unwrap();
    file("issuer.json", &issuer.public_jwk().to_value().to_string());
    let uri = "https://idp.example/status/1";
    let claims = json!({
        "iss": "https://idp.example", "vct": "urn:example:card:1",
        "status": {"status_list": {"idx": 5, "uri": uri}},
    });
    let credential =
        SdJwtBuilder::new(claims.as_object().unwrap().clone()).sign(&issuer, &entropy).await.unwrap();
    let mut list = StatusList::new(StatusBits::One, 8).unwrap();
    for (name, revoked) in [("good.jwt", 4), ("revoked.jwt", 5)] {
        list.set(revoked, Status::Invalid).unwrap();
        let at = UnixTime::from_secs(NOW);
        let token = StatusListToken {
            uri,
            issuer: None,
            issued_at: at,
            expires_at: None,
            ttl: None,
            aggregation_uri: None,
            list: &list,
        };
        file(name, &token.sign(&issuer, &[]).await.unwrap());
    }
    let base = ["verify", "--json", "--no-kb", "--now", "1795300000", "--issuer-jwk", "issuer.json"];
    let ask = |more: &[&str]| verdict(&enishi(&sample, &[&base[..], more].concat(), &credential));
    let (code, found) = ask(&[]);
    assert_eq!((code, &found["status"]), (Some(0), &json!("not_checked")), "{found}");
    let (code, found) = ask(&["--status-list", "good.jwt"]);
    assert_eq!((code, &found["status"]), (Some(0), &json!("valid")), "{found}");
    assert_eq!(found["checks"].as_array().unwrap().last().unwrap()["check"], "credential-status");
    let (code, found) = ask(&["--status-list", "revoked.jwt"]);
    assert_eq!((code, &found["code"]), (Some(1), &json!("status_not_valid")), "{found}");
    let (code, found) = ask(&["--status-list", "good.jwt", "--status-list-jwk", "jwk.json"]);
    assert_eq!((code, &found["code"]), (Some(1), &json!("signature_invalid")), "{found}");
    // A credential that does not hold is not looked up.
    let (code, found) = ask(&["--status-list", "revoked.jwt", "--vct", "urn:other"]);
    assert_eq!((code, &found["code"]), (Some(1), &json!("vct_not_expected")), "{found}");
    let text = enishi(&sample, &[&base[..1], &base[2..]].concat(), &credential);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("The status was NOT checked"), "{text}");
}

#[tokio::test]
async fn a_status_that_names_no_place_in_a_list_is_refused_when_a_list_is_passed() {
    let sample = sample().await;
    let entropy = SeededEntropy::new("cli status reference");
    let issuer = SoftwareSigner::new(PrivateJwk::generate_p256(&entropy)).unwrap();
    let file = |name: &str, text: &str| std::fs::write(sample.folder.path().join(name), text).unwrap();
    file("issuer.json", &issuer.public_jwk().to_value().to_string());
    file("list.jwt", "not read");
    let base = ["verify", "--json", "--no-kb", "--now", "1795300000", "--issuer-jwk", "issuer.json"];
    for (status, code, pointer) in [
        (json!({"other": {}}), "status_mechanism_unknown", "/status"),
        (json!({"status_list": []}), "status_reference_malformed", "/status/status_list"),
        (
            json!({"status_list": {"idx": 1, "uri": "status/1"}}),
            "status_reference_malformed",
            "/status/status_list/uri",
        ),
        (
            json!({"status_list": {"idx": "1", "uri": "https://idp.example/status/1"}}),
            "status_reference_malformed",
            "/status/status_list/idx",
        ),
    ] {
        let claims = json!({"iss": "https://idp.example", "vct": "urn:example:card:1", "status": status});
        let claims = claims.as_object().unwrap().clone();
        let credential = SdJwtBuilder::new(claims).sign(&issuer, &entropy).await.unwrap();
        let ask = |more: &[&str]| verdict(&enishi(&sample, &[&base[..], more].concat(), &credential));
        let (exit, found) = ask(&["--status-list", "list.jwt"]);
        assert_eq!((exit, &found["code"], &found["pointer"]), (Some(1), &json!(code), &json!(pointer)));
        let (exit, found) = ask(&[]);
        assert_eq!((exit, &found["status"]), (Some(0), &json!("not_checked")), "{found}");
    }
}

#[tokio::test]
async fn inspect_shows_and_does_not_judge() {
    let sample = sample().await;
    let output = enishi(&sample, &["inspect"], &sample.presented);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.starts_with("NOT VERIFIED") && text.contains("ppid"), "{text}");
    let (code, found) = verdict(&enishi(&sample, &["inspect", "--json"], &sample.issued));
    assert_eq!((code, &found["verified"]), (Some(0), &json!(false)));
    assert_eq!(enishi(&sample, &["inspect"], "nonsense").status.code(), Some(1));
}
