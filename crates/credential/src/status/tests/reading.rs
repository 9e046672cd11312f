//! What a reader must refuse: the negative tests of the specification's checklist, each with its code.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

use super::*;
use crate::encoding::json;

#[test]
fn tsl_n1_type_algorithm_signature_and_key_must_hold() {
    let good = signed(&claims());
    assert_eq!(verify(&good).unwrap().get(0), Ok(Status::Invalid));
    for typ in ["JWT", "statuslist+cwt", "application/statuslist+jwt", "STATUSLIST+JWT"] {
        let token = block_on(jws::sign(&signer(), jws::header(typ, &signer()), &claims())).unwrap();
        assert_eq!(code(verify(&token)), "typ_not_allowed", "{typ}");
    }
    let without = block_on(jws::sign(&signer(), serde_json::Map::new(), &claims())).unwrap();
    assert_eq!(code(verify(&without)), "typ_not_allowed");
    let none = format!(
        "{}.{}.",
        b64::encode(format!(r#"{{"alg":"none","typ":"{TYP}"}}"#)),
        b64::encode(claims().to_string())
    );
    assert_eq!(code(verify(&none)), "alg_not_allowed");
    let untrusted = PrivateJwk::generate_p256(&SeededEntropy::new("untrusted"));
    assert_eq!(code(verify_with(&good, untrusted.public(), &expected())), "signature_invalid");
    let (input, _) = good.rsplit_once('.').unwrap();
    assert_eq!(code(verify(&format!("{input}.{}", b64::encode([1; 64])))), "signature_invalid");
}

#[test]
fn tsl_n2_sub_must_be_exactly_the_uri() {
    for sub in [
        "https://verifier.example/status-lists/1/",
        "https://verifier.example/status-lists/1?",
        "https://verifier.example/status-lists/1?x=1",
        "https://VERIFIER.example/status-lists/1",
        "https://verifier.example:443/status-lists/1",
        "https://verifier.example/status-lists/2",
        "",
    ] {
        assert_eq!(code(verify(&signed(&with("/sub", json!(sub))))), "status_list_uri", "{sub}");
    }
}

#[test]
fn tsl_n3_missing_claims_wrong_bits_and_other_encodings_are_refused() {
    for (pointer, value) in [
        ("/sub", json!(null)),
        ("/sub", json!(1)),
        ("/iat", json!(null)),
        ("/iat", json!("1800000000")),
        ("/exp", json!("never")),
        ("/status_list", json!(null)),
        ("/status_list", json!([])),
        ("/status_list/bits", json!(null)),
        ("/status_list/bits", json!(3)),
        ("/status_list/bits", json!(0)),
        ("/status_list/bits", json!(16)),
        ("/status_list/bits", json!("1")),
        ("/status_list/bits", json!(-1)),
        ("/status_list/lst", json!(null)),
        ("/status_list/lst", json!([1])),
        ("/status_list/bits", json!(1.0)),
        ("/status_list/bits", json!(true)),
        ("/status_list/bits", json!([1])),
        ("/status_list/aggregation_uri", json!(1)),
        ("/iat", json!(u64::MAX)),
        ("/nbf", json!("1800000000")),
    ] {
        let name = format!("{pointer} {value}");
        assert_eq!(code(verify(&signed(&with(pointer, value)))), "status_list_malformed", "{name}");
    }
    let bytes = [0xc9, 0x44, 0xf9];
    let zlib = compress_to_vec_zlib(&bytes, 9);
    let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], compress_to_vec(&bytes, 9).as_slice()].concat();
    let mut bad_checksum = zlib.clone();
    *bad_checksum.last_mut().unwrap() ^= 1;
    for (name, lst) in [
        ("padded", "eNo76fITAAPfAgc=".to_owned()),
        ("standard alphabet", "eNo76fITAAPfAgc+/".to_owned()),
        ("raw deflate", b64::encode(compress_to_vec(&bytes, 9))),
        ("gzip", b64::encode(gzip)),
        ("not compressed", b64::encode(bytes)),
        ("cut off", b64::encode(&zlib[..zlib.len() - 5])),
        ("bad checksum", b64::encode(bad_checksum)),
        ("empty", String::new()),
        ("stray bits", "eNo76fITAAPfAgd".to_owned()),
        ("a line break", "eNo76fITAAPfAgc\n".to_owned()),
        ("a byte after the stream", b64::encode([zlib.as_slice(), &[0]].concat())),
        ("two streams", b64::encode([zlib.as_slice(), &zlib].concat())),
    ] {
        assert_eq!(
            code(verify(&signed(&with("/status_list/lst", json!(lst))))),
            "status_list_encoding",
            "{name}"
        );
    }
}

#[test]
fn tsl_n4_expired_future_and_senseless_times_are_refused() {
    for (pointer, value, refusal) in [
        ("/exp", json!(NOW.secs()), "status_list_expired"),
        ("/exp", json!(NOW.secs() - 1), "status_list_expired"),
        ("/iat", json!(NOW.secs() + CLOCK_SKEW + 1), "status_list_not_yet_valid"),
        ("/nbf", json!(NOW.secs() + CLOCK_SKEW + 1), "status_list_not_yet_valid"),
        ("/ttl", json!(0), "status_list_malformed"),
        ("/ttl", json!(-60), "status_list_malformed"),
        ("/ttl", json!(-0.5), "status_list_malformed"),
        ("/ttl", json!("60"), "status_list_malformed"),
        ("/ttl", json!(true), "status_list_malformed"),
        ("/ttl", json!(0.0), "status_list_malformed"),
        ("/exp", json!(u64::MAX), "status_list_malformed"),
        // What no double holds exactly is not read at all.
        ("/exp", json!(1e16), "payload_not_json"),
        ("/ttl", json!(1e300), "payload_not_json"),
    ] {
        let name = format!("{pointer} {value}");
        assert_eq!(code(verify(&signed(&with(pointer, value)))), refusal, "{name}");
    }
    let old = signed(&with("/iat", json!(NOW.secs() - 61)));
    let strict = Expected { max_age: Some(60), ..expected() };
    assert_eq!(code(verify_with(&old, signer().public_jwk(), &strict)), "status_list_too_old");
    assert!(verify(&old).is_ok());
}

#[test]
fn threat_9_a_huge_or_missing_ttl_is_capped_and_never_outlives_exp() {
    let fresh_for = |claims: &Value| verify(&signed(claims)).unwrap().fresh_until().since(NOW);
    assert_eq!(fresh_for(&with("/ttl", json!(u64::MAX))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(8e15))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(null))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(1.9))), 1);
    assert_eq!(fresh_for(&with("/exp", json!(NOW.secs() + 10))), 9);
}

#[test]
fn tsl_n5_an_index_outside_of_the_list_is_refused() {
    let list = verify(&signed(&claims())).unwrap();
    assert_eq!(list.get(11), Ok(Status::Other(3)));
    for idx in [12, 13, u64::MAX] {
        assert_eq!(code(list.get(idx)), "status_index_out_of_range", "{idx}");
    }
}

#[test]
fn tsl_n5_a_reference_that_is_not_one_is_refused() {
    // Read leniently, so that it is the reference that refuses: our own reader has no such numbers, and no member twice.
    let reading = |text: &str| StatusReference::from_claim(&serde_json::from_str(text).unwrap());
    for idx in
        ["\"1\"", "-1", "1.5", "1.0", "1e0", "1e30", "-0", "null", "true", "[1]", "18446744073709551616"]
    {
        let claim = format!(r#"{{"status_list":{{"idx":{idx},"uri":"{URI}"}}}}"#);
        let failure = reading(&claim).unwrap_err();
        assert_eq!(failure.code, "status_reference_malformed", "{idx}");
        assert_eq!(failure.pointer, "/status/status_list/idx", "{idx}");
    }
    for claim in [
        "1".to_owned(),
        "[]".to_owned(),
        r#"{"status_list":[]}"#.to_owned(),
        r#"{"status_list":null}"#.to_owned(),
        r#"{"status_list":{}}"#.to_owned(),
        r#"{"status_list":{"idx":1}}"#.to_owned(),
        r#"{"status_list":{"idx":1,"uri":1}}"#.to_owned(),
        r#"{"status_list":{"idx":1,"uri":""}}"#.to_owned(),
        r#"{"status_list":{"idx":1,"uri":"/status-lists/1"}}"#.to_owned(),
        format!(r#"{{"status_list":{{"idx":1,"uri":"{URI}/{}"}}}}"#, "x".repeat(2048)),
    ] {
        assert_eq!(code(reading(&claim)), "status_reference_malformed", "{claim}");
    }
    for claim in ["{}", r#"{"identifier_list":{"id":"a","uri":"https://a.example"}}"#] {
        assert_eq!(code(reading(claim)), "status_mechanism_unknown", "{claim}");
    }
    let twice = r#"{"status_list":{"idx":1,"idx":1,"uri":"https://a.example"}}"#;
    assert!(json::parse(twice.as_bytes()).is_err());
    let good =
        reading(r#"{"x":1,"status_list":{"y":[2],"idx":18446744073709551615,"uri":"https://a.example"}}"#);
    assert_eq!(good, Ok(StatusReference { idx: u64::MAX, uri: "https://a.example".to_owned() }));
}

#[test]
fn tsl_n6_a_decompression_bomb_is_refused_without_being_inflated() {
    let bomb = compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES + 1], 9);
    assert!(bomb.len() < 8192, "{}", bomb.len());
    let claims = with("/status_list/lst", json!(b64::encode(bomb)));
    assert_eq!(code(verify(&signed(&claims))), "status_list_too_large");
    let largest = compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES], 9);
    assert!(StatusList::decode(&encoded(StatusBits::One, b64::encode(largest))).is_ok());
    assert_eq!(code(StatusList::new(StatusBits::Eight, u64::MAX)), "status_list_too_large");
}

#[test]
fn tsl_n9_only_zero_is_valid() {
    let mut list = StatusList::new(StatusBits::Eight, 256).unwrap();
    for value in 0..=255 {
        list.set(value.into(), Status::from_value(value)).unwrap();
        let status = list.get(value.into()).unwrap();
        assert_eq!(status.value(), value);
        assert_eq!(status.is_valid(), value == 0, "{value}");
    }
    assert_eq!(list.get(1), Ok(Status::Invalid));
    assert_eq!(list.get(2), Ok(Status::Suspended));
    assert_eq!(list.get(0x0c), Ok(Status::Other(0x0c)));
}

#[test]
fn a_status_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut list = StatusList::new(StatusBits::One, 8).unwrap();
    assert_eq!(code(list.set(0, Status::Suspended)), "status_value_too_large");
    assert_eq!(code(list.set(8, Status::Invalid)), "status_index_out_of_range");
    assert_eq!(list, StatusList::new(StatusBits::One, 8).unwrap());
    assert_eq!(StatusList::new(StatusBits::One, 0).unwrap().random_place(&SeededEntropy::new("r")), None);
}

#[test]
fn tsl_n3_a_member_twice_or_null_is_refused_and_an_unknown_one_changes_nothing() {
    let text = claims().to_string();
    assert!(verify(&signed_text(&text)).is_ok());
    for (from, to, refusal) in [
        (r#""bits":2"#, r#""bits":2,"bits":2"#, "payload_not_json"),
        (r#""ttl":60"#, r#""ttl":60,"ttl":60"#, "payload_not_json"),
        (r#""sub":"#, r#""sub":"https://a.example","sub":"#, "payload_not_json"),
        (r#""ttl":60"#, r#""ttl":null"#, "status_list_malformed"),
        (r#""ttl":60"#, r#""nbf":null"#, "status_list_malformed"),
        (r#""ttl":60"#, r#""ttl":60,"exp":null"#, "payload_not_json"),
        (r#""bits":2"#, r#""bits":2,"aggregation_uri":null"#, "status_list_malformed"),
        (r#""bits":2"#, r#""bits":null"#, "status_list_malformed"),
        (r#""bits":2"#, r#""bits":2.0"#, "status_list_malformed"),
        (r#""ttl":60"#, r#""ttl":60,"aud":"https://a.example""#, "status_list_audience"),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(code(verify(&signed_text(&text.replace(from, to)))), refusal, "{to}");
    }
    let more = text
        .replace(r#""bits":2"#, r#""bits":2,"more":{"bits":1}"#)
        .replace(r#""ttl":60"#, r#""ttl":60,"x":[]"#);
    assert_eq!(verify(&signed_text(&more)).unwrap().get(0), Ok(Status::Invalid));
}

#[test]
fn tsl_n12_a_cwt_is_no_list_for_an_sd_jwt_vc() {
    let good = signed(&claims());
    let read = |media_type: Option<&str>, body: &[u8]| {
        UnverifiedStatusListToken::from_response(media_type, body).map(|_| ()).map_err(|failure| failure.code)
    };
    for media_type in [MEDIA_TYPE, "Application/StatusList+JWT", "application/statuslist+jwt; charset=utf-8"]
    {
        assert_eq!(read(Some(media_type), good.as_bytes()), Ok(()), "{media_type}");
    }
    for media_type in [CWT_MEDIA_TYPE, "application/statuslist+CWT; x=y"] {
        assert_eq!(read(Some(media_type), good.as_bytes()), Err("status_list_cwt"), "{media_type}");
    }
    // Tagged as COSE_Sign1, as COSE_Mac0, as CWT, whatever the media type says.
    for body in [&[0xd2, 0x84][..], &[0xd1, 0x84], &[0xd8, 0x3d, 0xd2]] {
        assert_eq!(read(Some(MEDIA_TYPE), body), Err("status_list_cwt"));
    }
}

#[test]
fn tsl_n8_an_answer_that_is_no_list_is_refused() {
    let good = signed(&claims());
    let read = |media_type: Option<&str>, body: &[u8]| {
        UnverifiedStatusListToken::from_response(media_type, body).map(|_| ()).map_err(|failure| failure.code)
    };
    for media_type in [
        None,
        Some(""),
        Some("text/html"),
        Some("application/jwt"),
        Some("application/json"),
        Some("application/statuslist+jwtx"),
        Some("application/vc+jwt"),
        Some("statuslist+jwt"),
    ] {
        assert_eq!(read(media_type, good.as_bytes()), Err("status_list_media_type"), "{media_type:?}");
    }
    for body in [
        &b""[..],
        b"<html>",
        b"{}",
        &[0xff, 0xfe],
        format!("{good}\n").as_bytes(),
        format!(" {good}").as_bytes(),
    ] {
        assert_eq!(read(Some(MEDIA_TYPE), body), Err("jws_malformed"));
    }
}
