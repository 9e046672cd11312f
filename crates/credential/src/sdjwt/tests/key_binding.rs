//! The Key Binding JWT: N11, N12, N17.

use super::*;
use crate::crypto::Algorithm;

/// A sound presentation without its Key Binding JWT, with two disclosures of which one may be left out.
fn presented(with_both: bool) -> String {
    let a = disclosure(json!(["salt", "a", 1]));
    let b = disclosure(json!(["salt", "b", 2]));
    let sent: &[&str] = if with_both { &[&a, &b] } else { &[&a] };
    craft(json!({"_sd": [digest(&a), digest(&b)]}), sent)
}

fn claims(text: &str) -> Value {
    json!({"aud": AUD, "nonce": NONCE, "iat": NOW.secs(), "sd_hash": digest(text)})
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "kb+jwt"})
}

/// `text` with a Key Binding JWT whose claims are those of a sound one with `more` put over them.
fn bound(more: Value) -> String {
    let text = presented(true);
    let mut claims = claims(&text);
    for (name, value) in object(more) {
        claims[name.as_str()] = value;
    }
    text.clone() + &sign(&holder(), &header(), &claims)
}

fn kb_code(text: &str) -> &'static str {
    let refused = verify_with(text, &validation(), &required()).expect_err("refused");
    assert_eq!(refused.check, "key-binding");
    refused_once(&refused)
}

#[test]
fn a_sound_key_binding_is_accepted_and_unknown_claims_are_kept() {
    let text = bound(json!({"transaction_data_hashes": ["x"], "grant_jkt": "y"}));
    let verified = verify_with(&text, &validation(), &required()).unwrap();
    let key_binding = verified.key_binding().unwrap();
    assert_eq!(key_binding.iat, NOW);
    assert_eq!((&key_binding.claims["aud"], &key_binding.claims["nonce"]), (&json!(AUD), &json!(NONCE)));
    assert_eq!(key_binding.claims["grant_jkt"], "y");
    assert_eq!(verified.sd_hash(), digest(&presented(true)));
    assert_eq!(verified.checks().names().last(), Some(&"key-binding"));
}

#[test]
fn sd_n11_absent_although_required_is_refused() {
    assert_eq!(kb_code(&presented(true)), "kb_missing");
}

#[test]
fn sd_n11_other_typ_and_alg_none_are_refused() {
    let text = presented(true);
    for typ in [json!("JWT"), json!("dc+sd-jwt"), json!("KB+JWT"), json!(null)] {
        let mut header = header();
        header["typ"] = typ.clone();
        let expected = if typ.is_null() { "kb_malformed" } else { "kb_typ_not_allowed" };
        assert_eq!(kb_code(&(text.clone() + &sign(&holder(), &header, &claims(&text)))), expected);
    }
    let untyped = sign(&holder(), &json!({"alg": "ES256"}), &claims(&text));
    assert_eq!(kb_code(&(text.clone() + &untyped)), "kb_typ_not_allowed");
    let unsigned = format!("{}.{}.", b64::encode(r#"{"alg":"none","typ":"kb+jwt"}"#), b64::encode("{}"));
    assert_eq!(kb_code(&(text.clone() + &unsigned)), "kb_alg_not_allowed");
    let mut strict = validation();
    strict.holder_algorithms = vec![Algorithm::EdDsa];
    let refused = verify_with(&bound(json!({})), &strict, &required()).unwrap_err();
    assert_eq!(refused.code, "kb_alg_not_allowed");
    assert_eq!(kb_code(&(text + "not-a-jwt")), "kb_malformed");
}

#[test]
fn sd_n11_a_key_other_than_cnf_is_refused() {
    let text = presented(true);
    let stranger = signer("stranger");
    assert_eq!(
        kb_code(&(text.clone() + &sign(&stranger, &header(), &claims(&text)))),
        "kb_signature_invalid"
    );
    // A key in the header is not the key in `cnf`.
    let header = json!({"alg": "ES256", "typ": "kb+jwt", "jwk": stranger.public_jwk()});
    assert_eq!(kb_code(&(text.clone() + &sign(&stranger, &header, &claims(&text)))), "kb_signature_invalid");
}

#[test]
fn sd_n11_wrong_nonce_and_audience_are_refused() {
    assert_eq!(kb_code(&bound(json!({"nonce": "another"}))), "kb_nonce_mismatch");
    assert_eq!(kb_code(&bound(json!({"nonce": 7}))), "kb_malformed");
    assert_eq!(kb_code(&bound(json!({"aud": "verifier.example"}))), "kb_audience_mismatch");
    assert_eq!(kb_code(&bound(json!({"aud": [AUD]}))), "kb_audience_mismatch");
    assert_eq!(kb_code(&bound(json!({"aud": null}))), "kb_audience_mismatch");
}

#[test]
fn sd_n11_iat_outside_of_the_window_is_refused() {
    let at = |offset: i64| bound(json!({"iat": NOW.secs() + offset}));
    assert!(verify_with(&at(10), &validation(), &required()).is_ok());
    assert_eq!(kb_code(&at(11)), "kb_from_the_future");
    assert!(verify_with(&at(-310), &validation(), &required()).is_ok());
    assert_eq!(kb_code(&at(-311)), "kb_too_old");
    assert_eq!(kb_code(&bound(json!({"iat": i64::MIN}))), "kb_too_old");
    assert_eq!(kb_code(&bound(json!({"iat": "now"}))), "kb_malformed");
    assert_eq!(kb_code(&bound(json!({"exp": NOW.secs() - 10}))), "kb_expired");
    assert_eq!(kb_code(&bound(json!({"nbf": NOW.secs() + 11}))), "kb_not_yet_valid");
    assert_eq!(kb_code(&bound(json!({"exp": "later"}))), "kb_malformed");
}

#[test]
fn sd_n11_each_required_claim_must_be_there() {
    let text = presented(true);
    for name in ["aud", "nonce", "iat", "sd_hash"] {
        let mut claims = claims(&text);
        claims.as_object_mut().unwrap().remove(name);
        let code = kb_code(&(text.clone() + &sign(&holder(), &header(), &claims)));
        assert_eq!(code, if name == "aud" { "kb_audience_mismatch" } else { "kb_malformed" }, "{name}");
    }
}

#[test]
fn sd_n11_sd_hash_of_anything_else_is_refused() {
    let text = presented(true);
    let with_kb = bound(json!({}));
    for other in [presented(false), text.trim_end_matches('~').to_owned(), with_kb, String::new()] {
        assert_eq!(kb_code(&bound(json!({"sd_hash": digest(&other)}))), "kb_sd_hash_mismatch");
    }
    let sha512 = HashAlgorithm::Sha512.digest(&text);
    assert_eq!(kb_code(&bound(json!({"sd_hash": sha512}))), "kb_sd_hash_mismatch");
}

#[test]
fn sd_n11_a_disclosure_added_or_removed_after_signing_is_refused() {
    let key_binding = |text: &str| sign(&holder(), &header(), &claims(text));
    assert_eq!(kb_code(&(presented(true) + &key_binding(&presented(false)))), "kb_sd_hash_mismatch");
    assert_eq!(kb_code(&(presented(false) + &key_binding(&presented(true)))), "kb_sd_hash_mismatch");
}

#[test]
fn sd_hash_is_made_with_the_algorithm_of_the_issuer() {
    let text = craft(json!({"_sd_alg": "sha-512"}), &[]);
    let with = |sd_hash: String| {
        let mut claims = claims(&text);
        claims["sd_hash"] = sd_hash.into();
        verify_with(&(text.clone() + &sign(&holder(), &header(), &claims)), &validation(), &required())
    };
    assert!(with(HashAlgorithm::Sha512.digest(&text)).is_ok());
    assert_eq!(with(digest(&text)).unwrap_err().code, "kb_sd_hash_mismatch");
}

#[test]
fn sd_n12_key_binding_needs_a_key_that_can_sign() {
    let with = |cnf: Option<Value>| {
        let mut credential = payload(json!({}));
        match cnf {
            Some(cnf) => credential["cnf"] = cnf,
            None => drop(credential.as_object_mut().unwrap().remove("cnf")),
        }
        let text = format!("{}~", sign(&issuer(), &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &credential));
        let text = text.clone() + &sign(&holder(), &header(), &claims(&text));
        refused_once(&verify_with(&text, &validation(), &required()).unwrap_err())
    };
    assert_eq!(with(None), "cnf_missing");
    assert_eq!(with(Some(json!({"kid": "1"}))), "cnf_missing");
    let x25519 = PrivateJwk::generate_x25519(&SeededEntropy::new("x"));
    assert_eq!(with(Some(json!({"jwk": x25519.public()}))), "cnf_invalid");
    let enc = holder().public_jwk().clone().for_encryption();
    assert_eq!(with(Some(json!({"jwk": enc}))), "cnf_invalid");
}

#[test]
fn sd_n17_a_holder_refuses_a_key_binding_from_the_issuer() {
    let text = bound(json!({}));
    assert_eq!(code(&text), "kb_not_expected");
    let received = HeldSdJwt::receive(&text, &RustCryptoVerifier, issuer().public_jwk(), &validation());
    assert_eq!(received.unwrap_err().code, "kb_not_expected");
    assert_eq!(HeldSdJwt::from_storage(&text).unwrap_err().code, "kb_not_expected");
}

/// A broken text for each check but the first: those before it held, it alone failed, and nobody looked at those after it.
#[test]
fn a_check_that_was_not_reached_is_not_shown_as_one_that_held() {
    use crate::verdict::{Outcome, Report};
    type Change = fn(&mut Validation);

    let sound = bound(json!({}));
    let tilde = sound.find('~').unwrap();
    let mut altered = sound.clone();
    let other = if &sound[tilde - 9..tilde - 8] == "A" { "B" } else { "A" };
    altered.replace_range(tilde - 9..tilde - 8, other);
    let more = sound.replacen('~', &format!("~{}~", disclosure(json!(["salt", "c", 3]))), 1);
    let cases: [(&str, &str, Change); 7] = [
        ("issuer-algorithm", &sound, |validation| validation.algorithms = vec![Algorithm::EdDsa]),
        ("issuer-type", &sound, |validation| validation.typ = "other".to_owned()),
        ("issuer-signature", &altered, |_| {}),
        ("disclosures", &more, |_| {}),
        ("claims", &sound, |validation| validation.vct = ExpectedVct::OneOf(vec!["other".to_owned()])),
        ("validity", &sound, |validation| validation.now = NOW.plus(10_000)),
        ("key-binding", &bound(json!({"nonce": "other"})), |_| {}),
    ];
    assert!(cases.iter().map(|(check, ..)| *check).eq(CHECKS.into_iter().skip(1)));
    for (at, (check, text, change)) in (1..).zip(cases) {
        let mut validation = validation();
        change(&mut validation);
        let failure = verify_with(text, &validation, &required()).unwrap_err();
        let report = Report::from(&failure).planned(&CHECKS);
        let expected = CHECKS.iter().enumerate().map(|(number, name)| match number.cmp(&at) {
            std::cmp::Ordering::Less => (*name, Outcome::Passed),
            std::cmp::Ordering::Equal => (*name, Outcome::Failed),
            std::cmp::Ordering::Greater => (*name, Outcome::NotReached),
        });
        let shown: Vec<_> = report.checks().iter().map(|line| (line.check, line.outcome)).collect();
        assert_eq!(shown, expected.collect::<Vec<_>>(), "{check}: {failure}");
    }
    let verified = verify_with(&sound, &validation(), &required()).unwrap();
    assert_eq!(verified.checks().names(), CHECKS);
}
