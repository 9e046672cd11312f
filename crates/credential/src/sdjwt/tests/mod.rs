//! The negative tests of the checklist (N1–N12, N17, N18), the specifications' own examples, and properties.
//!
//! Texts that no honest issuer or holder writes are made by hand here, with real signatures, so that what is refused is
//! the one thing that the test is about.

mod disclosures;
mod issuer;
mod issuing;
mod json_form;
mod key_binding;
mod present;
mod properties;
mod strict;
mod vectors;

use serde_json::{Map, Value, json};

use super::*;
use crate::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;
use crate::time::UnixTime;
use crate::verdict::Verdict;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://issuer.example";
const VCT: &str = "urn:example:card:1";
const AUD: &str = "x509_san_dns:verifier.example";
const NONCE: &str = "n-0S6_WzA2Mj";

fn signer(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new(name))).unwrap()
}

fn issuer() -> SoftwareSigner {
    signer("issuer")
}

fn holder() -> SoftwareSigner {
    signer("holder")
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// Signs any header and payload, as an issuer or holder that breaks rules would.
fn sign(signer: &SoftwareSigner, header: &Value, payload: &Value) -> String {
    let input = format!("{}.{}", b64::encode(header.to_string()), b64::encode(payload.to_string()));
    let signature = signer.sign_now(input.as_bytes()).unwrap();
    format!("{input}.{}", b64::encode(signature))
}

/// The claims of a sound credential, with `more` put over them.
fn payload(more: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "vct": VCT, "exp": NOW.secs() + 1000, "cnf": {"jwk": holder().public_jwk()},
    });
    for (name, value) in object(more) {
        claims[name.as_str()] = value;
    }
    claims
}

/// An SD-JWT of these claims with these disclosures, whatever they are.
fn craft(more: Value, disclosures: &[&str]) -> String {
    let jwt = sign(&issuer(), &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &payload(more));
    [&[jwt.as_str()], disclosures, &[""]].concat().join("~")
}

fn disclosure(parts: Value) -> String {
    b64::encode(parts.to_string())
}

fn digest(text: &str) -> String {
    HashAlgorithm::Sha256.digest(text)
}

fn validation() -> Validation {
    Validation::credential(ISSUER, VCT, NOW)
}

fn required() -> KeyBindingPolicy {
    KeyBindingPolicy::Required { aud: AUD.to_owned(), nonce: NONCE.to_owned(), max_age: 300, leeway: 10 }
}

fn verify_with(
    text: &str,
    validation: &Validation,
    key_binding: &KeyBindingPolicy,
) -> Verdict<VerifiedSdJwt> {
    UnverifiedSdJwt::parse(text)?.verify(&RustCryptoVerifier, issuer().public_jwk(), validation, key_binding)
}

fn verify(text: &str) -> Verdict<VerifiedSdJwt> {
    verify_with(text, &validation(), &KeyBindingPolicy::NotRequired)
}

/// The code with which `text` is refused, without key binding.
fn code(text: &str) -> &'static str {
    let verdict = verify(text).map(|verified| Value::Object(verified.into_claims()));
    refused_once(&verdict.expect_err("refused"))
}

/// The code of a failure whose check is not also one that held.
fn refused_once(failure: &crate::verdict::Failure) -> &'static str {
    assert!(!failure.held_before().contains(&failure.check), "{failure} after {:?}", failure.held_before());
    failure.code
}

#[test]
fn what_is_crafted_here_is_sound_unless_a_test_breaks_it() {
    let name = disclosure(json!(["salt", "name", "A"]));
    let text = craft(json!({"_sd": [digest(&name)]}), &[&name]);
    let verified = verify(&text).unwrap();
    assert_eq!(verified.claims()["name"], "A");
    assert_eq!(verified.issuer(), Some(ISSUER));
    assert_eq!(verified.vct(), Some(VCT));
    assert_eq!(verified.cnf_thumbprint(), Some(holder().public_jwk().thumbprint()));
    assert_eq!(verified.disclosed(), [ClaimPath::name("name")]);
    assert_eq!(verified.checks().names(), &CHECKS[..7], "all but the key binding that was not demanded");
    assert!(!format!("{verified:?}").contains("name"), "claims do not show in logs");
}

/// The codes of the table in the module docs, each with its check.
fn documented() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.flat_map(|row| {
        let mut cells = row.split(" | ");
        let (codes, check) = (cells.next().unwrap(), cells.next().unwrap());
        codes.split(", ").map(move |code| (code.trim_matches('`'), check))
    })
    .collect()
}

#[test]
fn every_code_is_documented_with_its_check_and_has_a_remedy() {
    for (code, check) in documented() {
        let failure = fault(code, "");
        assert_eq!(failure.check, check, "{code}");
        assert!(!failure.remedy.is_empty());
    }
    let sources = [
        include_str!("../claims.rs"),
        include_str!("../disclosure.rs"),
        include_str!("../issue.rs"),
        include_str!("../json_form.rs"),
        include_str!("../key_binding.rs"),
        include_str!("../parse.rs"),
        include_str!("../present.rs"),
        include_str!("../process.rs"),
        include_str!("../read.rs"),
    ];
    let calls = sources.iter().flat_map(|source| source.split("fault(").skip(1));
    let used: Vec<&str> =
        calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next()).collect();
    assert!(used.len() > 30);
    for code in used {
        assert!(documented().iter().any(|(documented, _)| *documented == code), "{code}");
    }
}
