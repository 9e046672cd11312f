//! ssi turns on serde_json's `arbitrary_precision`, and then numbers that are no small integers reach a reader in another
//! form. Ours has to read the same with it, and to refuse the same.

use enishi_credential::encoding::{b64, json};
use enishi_credential::sdjwt::KeyBindingPolicy;
use enishi_peers::{signed, verify};
use serde_json::Value;

/// serde_json's way to pass a number, and how it passes text that is to be written as it is.
const OWN_NAMES: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

#[test]
fn the_feature_is_on_here() {
    let digits = "1.00000000000000000000000000000000000001";
    assert_eq!(serde_json::from_str::<Value>(digits).unwrap().to_string(), digits);
    let forged = format!(r#"{{"{}":"1"}}"#, OWN_NAMES[0]);
    assert!(serde_json::from_str::<Value>(&forged).unwrap().is_number(), "serde_json itself falls for it");
}

#[test]
fn numbers_are_read_as_without_the_feature() {
    for (text, read) in [
        ("0", "0"),
        ("-1", "-1"),
        ("1795300000", "1795300000"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.5", "1.5"),
        ("-0.25e1", "-2.5"),
        ("1.50", "1.5"),
        ("1e2", "100.0"),
        (r#"[1,{"a":2.5}]"#, r#"[1,{"a":2.5}]"#),
    ] {
        assert_eq!(json::parse(text.as_bytes()).unwrap().to_string(), read, "{text}");
    }
    assert_eq!(json::parse(b"7").unwrap().as_i64(), Some(7));
    assert_eq!(json::parse(b"1.5").unwrap().as_f64(), Some(1.5));
    assert_eq!(json::from_slice::<f64>(b"1.5"), Ok(1.5));
    // Too large to be kept exactly, or to be kept at all; and what is no JSON.
    for bad in ["18446744073709551616", "-9223372036854775809", "1e16", "1e999", "01", "NaN", "1.", ".5"] {
        assert!(json::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(json::parse(br#"{"a":1.5,"a":1.5}"#).is_err());
}

#[test]
fn nobody_can_write_a_number_as_serde_json_passes_it() {
    for name in OWN_NAMES {
        for value in [r#""9""#, r#""\u0039""#, "9", "9.5", "{}", "null"] {
            for object in [
                format!(r#"{{"{name}":{value}}}"#),
                format!(r#"{{"!":1,"{name}":{value}}}"#),
                format!(r#"{{"\u0024{}":{value}}}"#, &name[1..]),
            ] {
                assert!(json::parse(object.as_bytes()).is_err(), "{object}");
                assert!(json::parse(format!(r#"{{"exp":[{object}]}}"#).as_bytes()).is_err(), "{object}");
            }
        }
    }
}

/// What an issuer signs reaches the claims in another way than what [`json::parse`] reads.
#[test]
fn claims_of_a_credential_are_read_in_the_same_way() {
    let read = |member: &str, disclosures: &[String]| {
        verify(&signed(member, disclosures), "dc+sd-jwt", &KeyBindingPolicy::NotRequired)
    };
    let height = read(r#""height":1.750,"list":[0.5,3]"#, &[]).unwrap();
    assert_eq!(height.claims()["height"].as_f64(), Some(1.75));
    assert_eq!(height.claims()["height"].to_string(), "1.75");
    assert_eq!(height.claims()["list"].to_string(), "[0.5,3]");

    let disclosure = b64::encode(r#"["salt","height",1.750]"#);
    let digest = enishi_credential::sdjwt::HashAlgorithm::Sha256.digest(&disclosure);
    let height = read(&format!(r#""_sd":["{digest}"]"#), &[disclosure]).unwrap();
    assert_eq!(height.claims()["height"].to_string(), "1.75");

    for name in OWN_NAMES {
        for object in [format!(r#"{{"{name}":"9"}}"#), format!(r#"{{"!":1,"{name}":"9"}}"#)] {
            for member in [format!(r#""a":{object}"#), format!(r#""a":[{object}]"#)] {
                assert_eq!(read(&member, &[]).unwrap_err().code, "claim_name_reserved", "{member}");
            }
        }
    }
    let large = read(r#""a":1e16"#, &[]).unwrap_err();
    assert_eq!(large.code, "payload_not_json");
}
