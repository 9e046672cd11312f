//! JWS JSON serialization (RFC 9901 §8): N16, and every form of one credential.

use super::*;
use crate::test_vectors;

async fn issued() -> String {
    let claims = object(payload(json!({"a": 1, "b": [2, 3]})));
    let builder = SdJwtBuilder::new(claims).conceal(["a"]).conceal(ClaimPath::name("b").every());
    builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap()
}

async fn presented() -> String {
    let held = HeldSdJwt::receive(&issued().await, &RustCryptoVerifier, issuer().public_jwk(), &validation());
    let claims = KeyBindingClaims { aud: AUD.into(), nonce: NONCE.into(), iat: NOW, extra: Map::new() };
    held.unwrap().present(&[["b"].into()]).unwrap().bind(&holder(), claims).await.unwrap()
}

fn read(text: &str) -> Verdict<VerifiedSdJwt> {
    UnverifiedSdJwt::parse_json(text)?.verify(
        &RustCryptoVerifier,
        issuer().public_jwk(),
        &validation(),
        &required(),
    )
}

fn refused(value: &Value) -> &'static str {
    read(&value.to_string()).map(|verified| verified.claims().len()).expect_err("refused").code
}

#[tokio::test]
async fn one_presentation_is_the_same_in_every_form() {
    let compact = presented().await;
    let expected = verify_with(&compact, &validation(), &required()).unwrap();
    for form in [JsonForm::Flattened, JsonForm::General] {
        let verified = read(&to_json(&compact, form).unwrap()).unwrap();
        assert_eq!(verified.claims(), expected.claims());
        assert_eq!(verified.disclosed(), expected.disclosed());
        assert_eq!(verified.sd_hash(), expected.sd_hash());
        assert_eq!(verified.key_binding(), expected.key_binding());
    }
    assert_eq!(to_json("a.b", JsonForm::General).unwrap_err().code, "sd_jwt_malformed");
    assert_eq!(to_json("a.b~", JsonForm::Flattened).unwrap_err().code, "sd_jwt_malformed");
}

#[tokio::test]
async fn several_signatures_are_over_one_payload_and_the_first_counts() {
    let (old, new) = (issuer(), signer("another issuer key"));
    let builder = SdJwtBuilder::new(object(payload(json!({"a": 1})))).conceal(["a"]);
    let text = builder.sign_general(&[&old, &new], &SeededEntropy::new("s")).await.unwrap();
    let verify = |text: &str, key: &SoftwareSigner| {
        UnverifiedSdJwt::parse_json(text)?.verify(
            &RustCryptoVerifier,
            key.public_jwk(),
            &validation(),
            &KeyBindingPolicy::NotRequired,
        )
    };
    assert_eq!(verify(&text, &old).unwrap().claims()["a"], 1);
    assert_eq!(verify(&text, &new).unwrap_err().code, "signature_invalid");
    let both = crate::jose::jws_json::UnverifiedJwsJson::parse(&text).unwrap();
    assert_eq!(both.len(), 2);
    let none =
        SdJwtBuilder::new(object(payload(json!({})))).sign_general(&[], &SeededEntropy::new("s")).await;
    assert!(matches!(none, Err(IssueError::Refused(failure)) if failure.code == "jws_json_malformed"));
}

#[tokio::test]
async fn sd_n16_disclosures_and_key_binding_stand_only_in_the_first_header() {
    let text = to_json(&presented().await, JsonForm::General).unwrap();
    let good: Value = serde_json::from_str(&text).unwrap();
    assert!(read(&text).is_ok());
    let header = good["signatures"][0]["header"].clone();
    for name in ["disclosures", "kb_jwt"] {
        let mut second = good.clone();
        let mut entry = good["signatures"][0].clone();
        entry["header"] = json!({name: header[name]});
        second["signatures"].as_array_mut().unwrap().push(entry.clone());
        assert_eq!(refused(&second), "sd_jwt_malformed", "{name} in both");
        let mut moved = good.clone();
        moved["signatures"][0]["header"].as_object_mut().unwrap().remove(name);
        moved["signatures"].as_array_mut().unwrap().push(entry);
        assert_eq!(refused(&moved), "sd_jwt_malformed", "{name} only in the second");
    }
    let mut second = good.clone();
    let mut entry = good["signatures"][0].clone();
    entry["header"] = json!({"kid": "2"});
    second["signatures"].as_array_mut().unwrap().push(entry);
    assert!(read(&second.to_string()).is_ok(), "another signature without them is no fault");
}

#[tokio::test]
async fn sd_n16_what_the_unprotected_header_holds_is_what_the_compact_form_would() {
    let good: Value =
        serde_json::from_str(&to_json(&presented().await, JsonForm::Flattened).unwrap()).unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed["header"][name] = value;
        refused(&changed)
    };
    let disclosures = good["header"]["disclosures"].as_array().unwrap().clone();
    assert_eq!(disclosures.len(), 2);
    let joined = format!("{}~{}", disclosures[0].as_str().unwrap(), disclosures[1].as_str().unwrap());
    for bad in [json!("x"), json!([1]), json!([""]), json!([joined]), json!(null)] {
        assert_eq!(with("disclosures", bad), "sd_jwt_malformed");
    }
    assert_eq!(with("disclosures", json!([disclosures[0]])), "kb_sd_hash_mismatch");
    assert_eq!(with("disclosures", json!([disclosures[1], disclosures[0]])), "kb_sd_hash_mismatch");
    assert_eq!(with("kb_jwt", json!("")), "sd_jwt_malformed");
    assert_eq!(with("kb_jwt", json!(7)), "sd_jwt_malformed");
    assert_eq!(with("x5c", json!(["AA"])), "jws_json_unprotected");
    assert_eq!(with("typ", json!("dc+sd-jwt")), "jws_json_unprotected");
    let mut missing = good.clone();
    missing["header"].as_object_mut().unwrap().remove("kb_jwt");
    assert_eq!(refused(&missing), "kb_missing");
    for name in ["payload", "signature"] {
        let mut changed = good.clone();
        let text = good[name].as_str().unwrap();
        changed[name] = format!("{text}~{text}").into();
        assert_eq!(refused(&changed), "jws_json_malformed");
    }
    let mut protected = good.clone();
    let header = json!({"alg": "ES256", "typ": "dc+sd-jwt", "disclosures": []});
    protected["protected"] = b64::encode(header.to_string()).into();
    assert_eq!(refused(&protected), "jws_json_header_repeated");
}

#[test]
fn json_examples_of_rfc_9901_are_their_compact_equivalents() {
    let Some(document) = test_vectors::document("ietf-sd-jwt/examples.json") else { return };
    let issuer_key = crate::jose::jwk::Jwk::from_value(&document["issuer_public_jwk"]).unwrap();
    let examples =
        document["examples"].as_array().unwrap().iter().filter(|example| example.get("json").is_some());
    let mut count = 0;
    for example in examples {
        count += 1;
        let (json, compact) = (&example["json"], example["equivalent_compact"].as_str().unwrap());
        let key_binding = &example["kb_jwt"]["payload"];
        let policy = match key_binding.as_object() {
            None => KeyBindingPolicy::NotRequired,
            Some(_) => KeyBindingPolicy::Required {
                aud: key_binding["aud"].as_str().unwrap().to_owned(),
                nonce: key_binding["nonce"].as_str().unwrap().to_owned(),
                max_age: 0,
                leeway: 0,
            },
        };
        let now = UnixTime::from_secs(key_binding["iat"].as_i64().unwrap_or(1_748_537_243));
        let mut validation = Validation::credential(example["processed"]["iss"].as_str().unwrap(), "", now);
        validation.vct = ExpectedVct::NotACredential;
        "example+sd-jwt".clone_into(&mut validation.typ);
        let verify = |parsed: UnverifiedSdJwt<'_>| {
            parsed.verify(&RustCryptoVerifier, &issuer_key, &validation, &policy).unwrap()
        };
        let from_json = verify(UnverifiedSdJwt::parse_json(&json.to_string()).unwrap());
        assert_eq!(Value::Object(from_json.claims().clone()), example["processed"]);
        assert_eq!(from_json.sd_hash(), verify(UnverifiedSdJwt::parse(compact).unwrap()).sd_hash());
        // What we write is what the example has, but for the further signatures and `kid` of the general one.
        let form = if json.get("signatures").is_some() { JsonForm::General } else { JsonForm::Flattened };
        let written: Value = serde_json::from_str(&to_json(compact, form).unwrap()).unwrap();
        if form == JsonForm::Flattened {
            assert_eq!(written, *json);
        } else {
            assert_eq!(written["payload"], json["payload"]);
            assert_eq!(written["signatures"][0]["signature"], json["signatures"][0]["signature"]);
            let (ours, theirs) = (&written["signatures"][0]["header"], &json["signatures"][0]["header"]);
            assert_eq!((&ours["disclosures"], &ours["kb_jwt"]), (&theirs["disclosures"], &theirs["kb_jwt"]));
        }
    }
    assert_eq!(count, 3);
}
