//! What nothing forbids by a number in the checklist, and no strict reader takes: texts that two readers would understand in
//! two ways, and claims that contradict themselves.

use super::*;

/// An SD-JWT whose payload is exactly this text.
fn with_payload(payload: &[u8]) -> String {
    let header = b64::encode(r#"{"alg":"ES256","typ":"dc+sd-jwt"}"#);
    let input = format!("{header}.{}", b64::encode(payload));
    let signature = b64::encode(issuer().sign_now(input.as_bytes()).unwrap());
    format!("{input}.{signature}~")
}

/// The sound payload with this text put in at its beginning.
fn with_members(members: &str) -> String {
    with_payload(payload(json!({})).to_string().replacen('{', &format!("{{{members},"), 1).as_bytes())
}

fn with_header(more: Value) -> String {
    let mut header = json!({"alg": "ES256", "typ": "dc+sd-jwt"});
    for (name, value) in object(more) {
        header[name.as_str()] = value;
    }
    format!("{}~", sign(&issuer(), &header, &payload(json!({"sub": "a", "aud": "r"}))))
}

#[test]
fn a_payload_is_one_json_object_in_utf_8_and_nothing_else() {
    let good = payload(json!({})).to_string();
    assert!(verify(&with_payload(good.as_bytes())).is_ok());
    let broken = |bytes: Vec<u8>| assert_eq!(code(&with_payload(&bytes)), "payload_not_json");
    broken([b"\xef\xbb\xbf", good.as_bytes()].concat());
    broken([good.as_bytes(), b" x"].concat());
    broken([good.as_bytes(), good.as_bytes()].concat());
    broken([b"[", good.as_bytes(), b"]"].concat());
    broken(br#"[{"_sd_alg":"sha-256"}]"#.to_vec());
    broken(b"\"\"".to_vec());
    broken(b"null".to_vec());
    broken(Vec::new());
    broken(good.as_bytes()[..good.len() - 1].to_vec());
    for members in [
        &b"\"a\":\"\xff\""[..],
        b"\"\xff\":1",
        br#""a":"\ud800""#,
        br#""a":"\udc00\ud800""#,
        br#""a":"\x41""#,
        b"\"a\":\"line\nbreak\"",
        b"\"a\":01",
        b"\"a\":1.",
        b"\"a\":.5",
        b"\"a\":NaN",
        b"\"a\":Infinity",
        b"'a':1",
        b"\"a\":1,",
    ] {
        broken([b"{", members, b",", good.trim_start_matches('{').as_bytes()].concat());
    }
    assert!(verify(&with_members(r#""a":"\ud83d\ude00""#)).is_ok(), "a pair of surrogates is a character");
}

#[test]
fn a_member_that_occurs_twice_is_refused_wherever_it_is_and_however_it_is_written() {
    for members in [
        r#""a":1,"a":1"#,
        r#""a":{"b":1,"b":2}"#,
        r#""a":[{"b":1,"\u0062":2}]"#,
        r#""_sd":[],"_sd":[]"#,
        r#""_sd_alg":"sha-256","_sd_alg":"sha-256""#,
        r#""_sd_alg":"sha-256","\u005fsd_alg":"sha-256""#,
        r#""\u0065xp":1"#,
    ] {
        assert_eq!(code(&with_members(members)), "payload_not_json", "{members}");
    }
}

#[test]
fn rfc7517_4_no_member_of_the_key_in_cnf_occurs_twice() {
    let good = payload(json!({})).to_string();
    let at = good.find(r#""cnf":{"jwk":{"#).unwrap();
    let doubled =
        format!("{}{}", &good[..at], good[at..].replacen(r#"{"jwk":{"#, r#"{"jwk":{"crv":"P-256","#, 1));
    assert_eq!(
        serde_json::from_str::<Value>(&doubled).unwrap(),
        payload(json!({})),
        "another reader takes it"
    );
    assert!(verify(&with_payload(good.as_bytes())).is_ok());
    assert_eq!(code(&with_payload(doubled.as_bytes())), "payload_not_json");
}

#[test]
fn an_escaped_name_is_the_name() {
    let name = disclosure(json!(["salt", "name", "A"]));
    let digest = HashAlgorithm::Sha512.digest(&name);
    let text = with_members(&format!(r#""\u005fsd":["{digest}"],"_sd\u005falg":"sha-512""#));
    let verified = verify(&format!("{text}{name}~")).unwrap();
    assert_eq!(verified.claims()["name"], "A");
    assert_eq!(code(&with_members(r#""a":{"\u005fsd_alg":"sha-256"}"#)), "claim_name_reserved");
    assert_eq!(code(&with_members(r#""a":{"\u002e..":"x"}"#)), "claim_name_reserved");
    let hidden = b64::encode(r#"["salt","\u0065xp",1]"#);
    assert_eq!(code(&craft(json!({"_sd": [super::digest(&hidden)]}), &[&hidden])), "claim_never_concealed");
}

#[test]
fn a_number_that_cannot_be_kept_exactly_is_refused() {
    for number in
        ["18446744073709551616", "-9223372036854775809", "1e19", "1e300", "9007199254740993.0", "1e400"]
    {
        assert_eq!(code(&with_members(&format!(r#""a":{number}"#))), "payload_not_json", "{number}");
        let inside = b64::encode(format!(r#"["salt","a",[{number}]]"#));
        assert_eq!(code(&craft(json!({"_sd": [digest(&inside)]}), &[&inside])), "disclosure_malformed");
    }
    for number in
        ["18446744073709551615", "-9223372036854775808", "9007199254740993", "0.1", "-0", "1e3", "1e-300"]
    {
        let verified = verify(&with_members(&format!(r#""a":{number}"#))).unwrap();
        assert_eq!(verified.claims()["a"], serde_json::from_str::<Value>(number).unwrap(), "{number}");
    }
}

#[test]
fn registered_claims_have_their_types() {
    for (name, value) in [
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("jti", json!(["x"])),
        ("status", json!("x")),
        ("status", json!([])),
        ("vct#integrity", json!(1)),
        ("iat", json!("1")),
        ("exp", json!(true)),
        ("nbf", json!([1])),
    ] {
        let refused = verify(&craft(json!({name: value}), &[])).unwrap_err();
        assert_eq!((refused.code, refused.pointer), ("claim_type", format!("/{name}")));
    }
    // Also when a disclosure brings them.
    let sub = disclosure(json!(["salt", "sub", {"name": "A"}]));
    assert_eq!(code(&craft(json!({"_sd": [digest(&sub)]}), &[&sub])), "claim_type");
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    let at = |offset: i64| NOW.secs() + offset;
    for claims in [
        json!({"nbf": at(50), "exp": at(40)}),
        json!({"nbf": at(50), "exp": at(50)}),
        json!({"iat": at(50), "exp": at(40)}),
    ] {
        assert_eq!(code(&craft(claims, &[])), "validity_contradictory");
    }
    assert_eq!(code(&craft(json!({"iat": at(61)}), &[])), "issued_in_the_future");
    assert!(verify(&craft(json!({"iat": at(60)}), &[])).is_ok(), "within the leeway");
    assert!(verify(&craft(json!({"nbf": at(-100), "iat": at(-50)}), &[])).is_ok(), "valid from before");
}

#[test]
fn one_confirmation_is_one_key() {
    let jwk = json!(holder().public_jwk());
    for cnf in
        [json!({"jwk": jwk, "jku": "https://a.example"}), json!({"jwk": jwk, "jwe": "x"}), json!([jwk])]
    {
        assert_eq!(code(&craft(json!({"cnf": cnf}), &[])), "cnf_invalid");
    }
    assert!(verify(&craft(json!({"cnf": {"jwk": jwk, "kid": "1"}}), &[])).is_ok());
    assert!(verify(&craft(json!({"cnf": {}}), &[])).is_ok(), "names no key here");
}

#[test]
fn an_audience_list_has_only_names() {
    let mut reader = validation();
    reader.audience = Some("r".to_owned());
    let read =
        |aud: Value| verify_with(&craft(json!({"aud": aud}), &[]), &reader, &KeyBindingPolicy::NotRequired);
    assert!(read(json!(["q", "r"])).is_ok());
    assert_eq!(read(json!(["r", 7])).unwrap_err().code, "audience_mismatch");
    let hidden = disclosure(json!(["salt", "aud", "r"]));
    let text = craft(json!({"_sd": [digest(&hidden)]}), &[&hidden]);
    assert_eq!(code(&text), "claim_never_concealed", "a holder could leave the audience out");
}

#[test]
fn a_header_that_repeats_claims_says_what_they_say() {
    let mut reader = validation();
    reader.audience = Some("r".to_owned());
    let read = |more: Value| verify_with(&with_header(more), &reader, &KeyBindingPolicy::NotRequired);
    assert!(read(json!({"iss": ISSUER, "sub": "a", "aud": "r"})).is_ok());
    for more in [json!({"iss": "https://other.example"}), json!({"sub": "b"}), json!({"aud": ["r"]})] {
        assert_eq!(read(more).unwrap_err().code, "header_claim_mismatch");
    }
    let header = json!({"alg": "ES256", "typ": "dc+sd-jwt", "sub": "a"});
    let absent = format!("{}~", sign(&issuer(), &header, &payload(json!({}))));
    assert_eq!(code(&absent), "header_claim_mismatch", "the claims say nothing of it");
}

#[test]
fn disclosures_are_read_as_strictly_as_the_payload() {
    for text in [
        &b"\xef\xbb\xbf[\"salt\",\"name\",1]"[..],
        b"[\"salt\",\"name\",\"\xff\"]",
        b"[\"\xff\",\"name\",1]",
        b"[\"salt\",\"n\xff\",1]",
        br#"["salt","name","\ud800"]"#,
        br#"["salt","name",1] "x""#,
        br#"["salt","name",1,]"#,
        br#"["salt","name",{"a":1,"a":2}]"#,
        br#"["salt","name",{"_sd":[],"_sd":[]}]"#,
        b"",
    ] {
        let text = b64::encode(text);
        if text.is_empty() {
            continue;
        }
        assert_eq!(code(&craft(json!({"_sd": [digest(&text)]}), &[&text])), "disclosure_malformed", "{text}");
    }
    let spaced = b64::encode(" [ \"salt\" ,\n\"name\" , 1 ]\t");
    assert!(verify(&craft(json!({"_sd": [digest(&spaced)]}), &[&spaced])).is_ok(), "JSON may have spaces");
}

#[test]
fn text_around_the_parts_is_refused() {
    let good = craft(json!({}), &[]);
    assert!(verify(&good).is_ok());
    for text in [format!(" {good}"), format!("{good} "), format!("{good}\n"), format!("\u{feff}{good}")] {
        assert!(["jws_malformed", "kb_malformed"].contains(&code(&text)), "{text:?}");
    }
    assert_eq!(code(&good.replacen('.', "..", 1)), "jws_malformed");
    assert_eq!(code(&good.replacen('~', ".~", 1)), "jws_malformed");
}

#[test]
fn a_failure_knows_which_checks_held_before_it() {
    let wrong_type = craft(json!({"vct": "urn:example:other"}), &[]);
    let held = ["form", "issuer-algorithm", "issuer-type", "issuer-signature", "disclosures"];
    assert_eq!(verify(&wrong_type).unwrap_err().held_before(), held);
    assert_eq!(verify("~").unwrap_err().held_before(), [""; 0]);
}
