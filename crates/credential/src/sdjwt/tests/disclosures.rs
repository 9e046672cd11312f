//! Disclosures and digests: N3–N8, N18.

use super::*;

/// An SD-JWT with `parts` as its only disclosure, under `_sd`.
fn member(parts: Value) -> String {
    let text = disclosure(parts);
    craft(json!({"_sd": [digest(&text)]}), &[&text])
}

/// An SD-JWT with `parts` as its only disclosure, as an array element.
fn element(parts: Value) -> String {
    let text = disclosure(parts);
    craft(json!({"list": [{"...": digest(&text)}]}), &[&text])
}

#[test]
fn sd_n3_disclosures_of_the_wrong_length_or_kind_are_refused() {
    assert_eq!(code(&member(json!(["salt"]))), "disclosure_malformed");
    assert_eq!(code(&member(json!([]))), "disclosure_malformed");
    assert_eq!(code(&member(json!(["salt", "name", 1, 2]))), "disclosure_malformed");
    assert_eq!(code(&member(json!({"salt": "name"}))), "disclosure_malformed");
    assert_eq!(code(&member(json!("salt"))), "disclosure_malformed");
    assert_eq!(code(&member(json!([7, "name", 1]))), "disclosure_malformed");
    assert_eq!(code(&member(json!(["salt", 7, 1]))), "disclosure_malformed");
    assert_eq!(code(&member(json!(["salt", "an element's value"]))), "disclosure_kind");
    assert_eq!(code(&element(json!(["salt", "name", 1]))), "disclosure_kind");
    assert_eq!(code(&element(json!([null, 1]))), "disclosure_malformed");
    assert!(verify(&member(json!(["", "name", 1]))).is_ok());
    assert!(verify(&element(json!(["salt", 1]))).is_ok());
}

#[test]
fn sd_n2_a_padded_or_otherwise_encoded_disclosure_is_refused() {
    for text in [
        "WyJzIiwgIm4iLCAxXQ==",
        "WyJzIiwibiIsMV0=",
        "WyJz IiwibiIsMV0",
        "WyJzIiwibiIsMV1",
        "++++",
        "bm90IGpzb24",
    ] {
        assert_eq!(code(&craft(json!({"_sd": [digest(text)]}), &[text])), "disclosure_malformed", "{text}");
    }
    let twice = b64::encode(r#"["salt","name",{"a":1,"a":2}]"#);
    assert_eq!(code(&craft(json!({"_sd": [digest(&twice)]}), &[&twice])), "disclosure_malformed");
}

#[test]
fn sd_n3_reserved_names_are_refused() {
    for name in ["_sd", "...", "_sd_alg"] {
        assert_eq!(code(&member(json!(["salt", name, 1]))), "claim_name_reserved");
    }
    assert_eq!(code(&craft(json!({"a": {"...": "x"}}), &[])), "claim_name_reserved");
    assert_eq!(code(&craft(json!({"...": "x"}), &[])), "claim_name_reserved");
}

#[test]
fn an_object_that_serde_json_would_take_for_a_number_is_refused() {
    for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        for object in [json!({name: "1"}), json!({"!": 1, name: "1"})] {
            assert_eq!(code(&craft(json!({"a": object}), &[])), "claim_name_reserved", "{object}");
            assert_eq!(code(&craft(json!({"a": [object]}), &[])), "claim_name_reserved", "{object}");
        }
        assert_eq!(code(&member(json!(["salt", name, "1"]))), "claim_name_reserved");
    }
}

#[test]
fn sd_n3_names_that_collide_are_refused() {
    let name = disclosure(json!(["salt", "name", "B"]));
    assert_eq!(code(&craft(json!({"name": "A", "_sd": [digest(&name)]}), &[&name])), "claim_name_collision");
    let other = disclosure(json!(["tlas", "name", "B"]));
    let both = craft(json!({"_sd": [digest(&name), digest(&other)]}), &[&name, &other]);
    assert_eq!(code(&both), "claim_name_collision");
    // The same name in another object is another claim.
    assert!(verify(&craft(json!({"name": "A", "x": {"_sd": [digest(&name)]}}), &[&name])).is_ok());
}

#[test]
fn sd_n3_malformed_digests_are_refused() {
    for claims in [
        json!({"_sd": "digest"}),
        json!({"_sd": [7]}),
        json!({"_sd": {"a": 1}}),
        json!({"_sd": null}),
        json!({"a": [{"...": 7}]}),
        json!({"a": [{"...": ["x"]}]}),
    ] {
        assert_eq!(code(&craft(claims, &[])), "digest_malformed");
    }
}

#[test]
fn sd_n4_a_digest_that_occurs_twice_is_refused_wherever_it_is() {
    let name = disclosure(json!(["salt", "name", 1]));
    let d = digest(&name);
    let inner = disclosure(json!(["salt", "inner", {"_sd": [d]}]));
    let value = disclosure(json!(["salt", 1]));
    for (claims, sent) in [
        (json!({"_sd": [d, d]}), vec![&name]),
        (json!({"_sd": [d, d]}), vec![]),
        (json!({"_sd": [d], "a": {"_sd": [d]}}), vec![&name]),
        (json!({"_sd": [d], "a": [{"...": d}]}), vec![]),
        (json!({"_sd": [d, digest(&inner)]}), vec![&inner]),
        (json!({"a": [{"...": digest(&value)}, {"...": digest(&value)}]}), vec![&value]),
    ] {
        let sent: Vec<&str> = sent.into_iter().map(String::as_str).collect();
        assert_eq!(code(&craft(claims, &sent)), "digest_repeated");
    }
}

#[test]
fn sd_n4_a_disclosure_that_is_sent_twice_is_refused() {
    let name = disclosure(json!(["salt", "name", 1]));
    assert_eq!(code(&craft(json!({"_sd": [digest(&name)]}), &[&name, &name])), "disclosure_repeated");
}

#[test]
fn sd_n5_an_unreferenced_disclosure_and_a_child_without_parent_are_refused() {
    let foreign = disclosure(json!(["salt", "name", 1]));
    assert_eq!(code(&craft(json!({}), &[&foreign])), "disclosure_unreferenced");
    let child = disclosure(json!(["salt", "street", "A"]));
    let parent = disclosure(json!(["salt", "address", {"_sd": [digest(&child)]}]));
    let text = |sent: &[&str]| craft(json!({"_sd": [digest(&parent)]}), sent);
    assert_eq!(code(&text(&[&child])), "disclosure_unreferenced");
    let verified = verify(&text(&[&child, &parent])).unwrap();
    assert_eq!(verified.claims()["address"], json!({"street": "A"}));
    assert_eq!(verified.disclosed(), [["address", "street"].into(), ["address"].into()]);
    assert_eq!(verify(&text(&[&parent])).unwrap().claims()["address"], json!({}));
}

#[test]
fn sd_n6_unknown_and_nested_sd_alg_are_refused() {
    for alg in
        [json!("md5"), json!("SHA-256"), json!("sha-256-32"), json!(""), json!(null), json!(["sha-256"])]
    {
        assert_eq!(code(&craft(json!({"_sd_alg": alg}), &[])), "sd_alg_unsupported");
    }
    assert_eq!(code(&craft(json!({"a": {"_sd_alg": "sha-256"}}), &[])), "claim_name_reserved");
    let nested = disclosure(json!(["salt", "a", {"_sd_alg": "sha-256"}]));
    assert_eq!(code(&craft(json!({"_sd": [digest(&nested)]}), &[&nested])), "claim_name_reserved");
}

#[test]
fn sd_n6_a_disclosure_hashed_with_another_algorithm_is_unreferenced() {
    let name = disclosure(json!(["salt", "name", 1]));
    let with =
        |alg: &str| craft(json!({"_sd_alg": alg, "_sd": [HashAlgorithm::Sha512.digest(&name)]}), &[&name]);
    assert_eq!(code(&with("sha-256")), "disclosure_unreferenced");
    assert_eq!(code(&with("sha-384")), "disclosure_unreferenced");
    let verified = verify(&with("sha-512")).unwrap();
    assert_eq!(verified.claims()["name"], 1);
    assert!(!verified.claims().contains_key("_sd_alg") && !verified.claims().contains_key("_sd"));
}

#[test]
fn sd_n7_a_placeholder_with_another_member_is_not_resolved() {
    let value = disclosure(json!(["salt", 1]));
    let text = craft(json!({"a": [{"...": digest(&value), "x": 1}]}), &[&value]);
    assert_eq!(code(&text), "claim_name_reserved");
    assert_eq!(code(&craft(json!({"a": [{"...": digest(&value), "x": 1}]}), &[])), "claim_name_reserved");
    // An array's placeholder outside of an array is none either.
    assert_eq!(code(&craft(json!({"a": {"...": digest(&value)}}), &[&value])), "claim_name_reserved");
}

#[test]
fn sd_n8_a_tampered_or_rewritten_disclosure_is_refused() {
    let name = disclosure(json!(["salt", "name", "Alice"]));
    let changed = disclosure(json!(["salt", "name", "Alicf"]));
    let rewritten = b64::encode(r#"["salt", "name", "Alice"]"#);
    let escaped = b64::encode("[\"salt\",\"name\",\"\\u0041lice\"]");
    for text in [changed, rewritten, escaped] {
        assert_eq!(code(&craft(json!({"_sd": [digest(&name)]}), &[&text])), "disclosure_unreferenced");
    }
}

#[test]
fn sd_n18_decoys_are_no_fault() {
    let claims = json!({"_sd": ["a-decoy", digest("another")], "list": [{"...": digest("x")}, 1], "_sd_alg": "sha-256"});
    let verified = verify(&craft(claims, &[])).unwrap();
    assert_eq!(verified.claims()["list"], json!([1]));
    assert!(!verified.claims().contains_key("_sd"));
    assert!(verify(&craft(json!({"_sd": []}), &[])).is_ok());
}

#[test]
fn null_values_are_values() {
    let member = disclosure(json!(["salt", "name", null]));
    let element = disclosure(json!(["salt", null]));
    let claims = json!({"_sd": [digest(&member)], "list": [{"...": digest(&element)}]});
    let verified = verify(&craft(claims, &[&member, &element])).unwrap();
    assert_eq!(verified.claims().get("name"), Some(&Value::Null));
    assert_eq!(verified.claims()["list"], json!([null]));
}

#[test]
fn disclosures_nested_without_end_are_refused() {
    let mut text = disclosure(json!(["salt", "leaf", 1]));
    let mut sent = vec![text.clone()];
    for _ in 0..80 {
        text = disclosure(json!(["salt", "deeper", {"_sd": [digest(&text)]}]));
        sent.push(text.clone());
    }
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    assert_eq!(code(&craft(json!({"_sd": [digest(&text)]}), &sent)), "claims_too_deep");
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(code(&craft(json!({"a": deep}), &[])), "claims_too_deep");
}

#[test]
fn a_payload_that_says_one_thing_twice_is_refused() {
    let claims = payload(json!({})).to_string().replacen('{', r#"{"vct":"urn:example:other","#, 1);
    let input = format!("{}.{}", b64::encode(r#"{"alg":"ES256","typ":"dc+sd-jwt"}"#), b64::encode(claims));
    let signature = b64::encode(issuer().sign_now(input.as_bytes()).unwrap());
    assert_eq!(code(&format!("{input}.{signature}~")), "payload_not_json");
}

#[test]
fn sd_t7_elements_that_are_not_disclosed_keep_their_place_in_the_issued_array() {
    let (shown, inner) = (disclosure(json!(["salt", ["x"]])), disclosure(json!(["salt", "inner"])));
    let outer = disclosure(json!(["salt", [{"...": digest(&inner)}, "plain"]]));
    let list = json!([{"...": "hidden"}, {"...": digest(&shown)}, {"...": digest(&outer)}]);
    let verified = verify(&craft(json!({"list": list}), &[&shown, &outer])).unwrap();
    assert_eq!(verified.claims()["list"], json!([["x"], ["plain"]]));
    let place = |array: ClaimPath, issued_at| array.element(issued_at);
    let list = ClaimPath::name("list");
    assert_eq!(verified.undisclosed_elements(), [place(list.clone(), 0), place(list.element(1), 0)]);
}
