//! The issuer-signed JWT: N1, N2, N9, N10, and the claims that SD-JWT VC rules.

use super::*;
use crate::crypto::Algorithm;

fn with_header(header: Value) -> String {
    format!("{}~", sign(&issuer(), &header, &payload(json!({}))))
}

#[test]
fn sd_n1_alg_none_and_hmac_are_refused() {
    let unsigned = format!(
        "{}.{}.~",
        b64::encode(r#"{"alg":"none","typ":"dc+sd-jwt"}"#),
        b64::encode(payload(json!({})).to_string())
    );
    assert_eq!(code(&unsigned), "alg_not_allowed");
    // The attack where the public key serves as an HMAC secret ends at the name of the algorithm.
    assert_eq!(code(&with_header(json!({"alg": "HS256", "typ": "dc+sd-jwt"}))), "alg_not_allowed");
    assert_eq!(code(&with_header(json!({"alg": "RS256", "typ": "dc+sd-jwt"}))), "alg_not_allowed");
}

#[test]
fn sd_n1_an_algorithm_that_policy_does_not_list_is_refused() {
    let mut strict = validation();
    strict.algorithms = vec![Algorithm::EdDsa];
    let refused = verify_with(&craft(json!({}), &[]), &strict, &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!((refused.code, refused.check), ("alg_not_allowed", "issuer-algorithm"));
}

#[test]
fn sd_n1_wrong_signature_and_wrong_key_are_refused() {
    let text = craft(json!({}), &[]);
    let (jwt, _) = text.rsplit_once('.').unwrap();
    assert_eq!(code(&format!("{jwt}.{}~", b64::encode([7; 64]))), "signature_invalid");
    let forged = sign(&signer("stranger"), &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &payload(json!({})));
    assert_eq!(code(&format!("{forged}~")), "signature_invalid");
}

#[test]
fn sd_n1_a_key_that_the_token_brings_along_is_not_used() {
    let stranger = signer("stranger");
    let header = json!({"alg": "ES256", "typ": "dc+sd-jwt", "jwk": stranger.public_jwk()});
    assert_eq!(code(&format!("{}~", sign(&stranger, &header, &payload(json!({}))))), "signature_invalid");
}

#[test]
fn sd_n1_other_typ_is_refused_and_the_legacy_one_needs_its_switch() {
    for header in [
        json!({"alg": "ES256", "typ": "JWT"}),
        json!({"alg": "ES256"}),
        json!({"alg": "ES256", "typ": "vc+sd-jwt"}),
        json!({"alg": "ES256", "typ": "DC+SD-JWT"}),
    ] {
        assert_eq!(code(&with_header(header)), "typ_not_allowed");
    }
    let mut lenient = validation();
    lenient.legacy_typ = true;
    let legacy = with_header(json!({"alg": "ES256", "typ": "vc+sd-jwt"}));
    assert!(verify_with(&legacy, &lenient, &KeyBindingPolicy::NotRequired).is_ok());
    let other = with_header(json!({"alg": "ES256", "typ": "JWT"}));
    assert!(verify_with(&other, &lenient, &KeyBindingPolicy::NotRequired).is_err());
}

#[test]
fn sd_n2_missing_tilde_and_empty_parts_are_refused() {
    let a = disclosure(json!(["salt", "a", 1]));
    let b = disclosure(json!(["salt", "b", 2]));
    let good = craft(json!({"_sd": [digest(&a), digest(&b)]}), &[&a, &b]);
    assert!(verify(&good).is_ok());
    let jwt = good.split('~').next().unwrap();
    assert_eq!(code(jwt), "sd_jwt_malformed");
    // Without the last `~` the last disclosure stands where a Key Binding JWT would.
    assert_eq!(code(good.trim_end_matches('~')), "kb_malformed");
    assert_eq!(code(&format!("{jwt}~{a}~~{b}~")), "sd_jwt_malformed");
    assert_eq!(code(&format!("{jwt}~~")), "sd_jwt_malformed");
    assert_eq!(code(&format!("~{good}")), "jws_malformed");
    assert_eq!(code("~"), "jws_malformed");
    assert_eq!(code(""), "sd_jwt_malformed");
}

#[test]
fn sd_n2_a_text_that_is_too_long_or_has_too_many_parts_is_refused_before_it_is_read() {
    let jwt = craft(json!({}), &[]);
    let with = |count: usize| code(&format!("{jwt}{}", "YQ~".repeat(count)));
    assert_eq!((with(1024), with(1025)), ("disclosure_repeated", "sd_jwt_malformed"));
    assert_eq!(code(&format!("{}~", "a".repeat(2 << 20))), "sd_jwt_malformed");
}

#[test]
fn sd_n9_expired_and_not_yet_valid_are_refused() {
    let at = |offset: i64| NOW.secs() + offset;
    assert_eq!(code(&craft(json!({"exp": at(-60)}), &[])), "expired");
    assert!(verify(&craft(json!({"exp": at(-59)}), &[])).is_ok(), "within the leeway");
    assert_eq!(code(&craft(json!({"nbf": at(61)}), &[])), "not_yet_valid");
    assert!(verify(&craft(json!({"nbf": at(60)}), &[])).is_ok(), "within the leeway");
    for name in ["exp", "nbf", "iat"] {
        assert_eq!(code(&craft(json!({name: "tomorrow"}), &[])), "claim_type");
        assert_eq!(code(&craft(json!({name: null}), &[])), "claim_type");
        assert_eq!(code(&craft(json!({name: 1e300}), &[])), "payload_not_json");
    }
    assert!(verify(&craft(json!({"exp": 1_800_000_000.5}), &[])).is_ok());
}

#[test]
fn sd_n9_exp_may_be_demanded() {
    let mut claims = payload(json!({}));
    claims.as_object_mut().unwrap().remove("exp");
    let text = format!("{}~", sign(&issuer(), &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &claims));
    let mut strict = validation();
    strict.require_exp = true;
    let refused = verify_with(&text, &strict, &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "exp_missing");
    assert!(verify(&text).is_ok());
}

#[test]
fn sd_n9_claims_that_must_be_visible_are_refused_when_they_come_by_disclosure() {
    for name in ["iss", "aud", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"] {
        let hidden = disclosure(json!(["salt", name, "x"]));
        // The plain claim is taken away, so that only the rule of this test can refuse.
        let mut claims = payload(json!({"_sd": [digest(&hidden)]}));
        claims.as_object_mut().unwrap().remove(name);
        let jwt = sign(&issuer(), &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &claims);
        let refused = verify(&format!("{jwt}~{hidden}~")).unwrap_err();
        assert_eq!(refused.code, "claim_never_concealed", "{name}");
        assert_eq!(refused.pointer, format!("/{name}"));
    }
}

#[test]
fn sd_v3_parts_of_claims_that_must_be_visible_are_refused_even_when_not_disclosed() {
    let hidden = disclosure(json!(["salt", "status_list", {"idx": 1, "uri": "https://s.example"}]));
    let text = |sent: &[&str]| craft(json!({"status": {"_sd": [digest(&hidden)]}}), sent);
    assert_eq!(code(&text(&[&hidden])), "claim_never_concealed");
    assert_eq!(code(&text(&[])), "claim_never_concealed");
    let element = disclosure(json!(["salt", "urn:other"]));
    assert_eq!(code(&craft(json!({"aka_vcts": [{"...": digest(&element)}]}), &[])), "claim_never_concealed");
    // At any depth.
    let decoy = json!({"_sd": [digest("x")]});
    for claim in [json!({"cnf": {"jwk": decoy}}), json!({"status": {"status_list": decoy}})] {
        assert_eq!(code(&craft(claim.clone(), &[])), "claim_never_concealed", "{claim}");
    }
    // A claim with such a name deeper down is an ordinary claim.
    let inner = disclosure(json!(["salt", "iss", "x"]));
    assert!(verify(&craft(json!({"a": {"_sd": [digest(&inner)]}}), &[&inner])).is_ok());
}

#[test]
fn sd_n10_vct_missing_or_not_a_string_is_refused() {
    for vct in [json!(null), json!(7), json!([VCT]), json!("")] {
        assert_eq!(code(&craft(json!({"vct": vct}), &[])), "vct_missing");
    }
    assert_eq!(code(&craft(json!({"vct": "urn:example:other"}), &[])), "vct_not_expected");
    assert_eq!(code(&craft(json!({"vct": VCT.to_uppercase()}), &[])), "vct_not_expected");
    let mut any = validation();
    any.vct = ExpectedVct::Any;
    let of_any_type = |text: &str| verify_with(text, &any, &KeyBindingPolicy::NotRequired);
    assert!(of_any_type(&craft(json!({"vct": "urn:example:other"}), &[])).is_ok());
    assert_eq!(of_any_type(&craft(json!({"vct": 7}), &[])).unwrap_err().code, "vct_missing");
}

#[test]
fn sd_v7_aka_vcts_are_checked() {
    assert!(verify(&craft(json!({"aka_vcts": ["urn:other"]}), &[])).is_ok());
    for bad in [json!([]), json!("urn:other"), json!([1]), json!([VCT])] {
        assert_eq!(code(&craft(json!({"aka_vcts": bad}), &[])), "aka_vcts_invalid");
    }
}

#[test]
fn sd_v4_the_issuer_must_be_the_one_whose_key_was_used() {
    assert_eq!(code(&craft(json!({"iss": "https://issuer.example/"}), &[])), "issuer_mismatch");
    assert_eq!(code(&craft(json!({"iss": 7}), &[])), "claim_type");
    let text = craft(json!({}), &[]);
    let unverified = UnverifiedSdJwt::parse(&text).unwrap();
    assert_eq!(unverified.claimed_issuer().as_deref(), Some(ISSUER));
}

#[test]
fn an_audience_must_be_the_reader() {
    assert_eq!(code(&craft(json!({"aud": "https://reader.example"}), &[])), "audience_mismatch");
    let mut reader = validation();
    reader.audience = Some("https://reader.example".to_owned());
    let read =
        |aud: Value| verify_with(&craft(json!({"aud": aud}), &[]), &reader, &KeyBindingPolicy::NotRequired);
    assert!(read(json!("https://reader.example")).is_ok());
    assert!(read(json!(["https://a.example", "https://reader.example"])).is_ok());
    for bad in [json!("https://other.example"), json!([]), json!([null]), json!(null)] {
        assert_eq!(read(bad).unwrap_err().code, "audience_mismatch");
    }
}

#[test]
fn a_private_or_broken_holder_key_is_refused() {
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("holder")).to_secret_value();
    for cnf in [json!({"jwk": private}), json!({"jwk": {"kty": "EC"}}), json!("key"), json!({"jwk": null})] {
        assert_eq!(code(&craft(json!({"cnf": cnf}), &[])), "cnf_invalid");
    }
}
