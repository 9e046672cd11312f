use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use enishi_credential::sdjwt::ClaimPath;

fn base() -> Value {
    json!({"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:x"]},
        "claims": [{"id": "n", "path": ["name"]}, {"id": "m", "path": ["addresses", null, "city"]}]}]})
}

fn with(change: impl FnOnce(&mut Value)) -> Verdict<Query> {
    let mut query = base();
    change(&mut query);
    Query::parse(&query)
}

fn refused(change: impl FnOnce(&mut Value)) {
    assert_eq!(with(change).unwrap_err().code, "dcql_invalid");
}

#[test]
fn vp_n9_malformed_queries_are_refused() {
    assert!(with(|_| {}).is_ok());
    refused(|q| drop(q["credentials"][0].as_object_mut().unwrap().remove("meta")));
    refused(|q| q["credentials"] = json!([]));
    refused(|q| q["credentials"] = json!([q["credentials"][0], q["credentials"][0]]));
    refused(|q| q["credentials"][0]["id"] = json!("a.b"));
    refused(|q| q["credentials"][0]["id"] = json!(""));
    refused(|q| drop(q["credentials"][0].as_object_mut().unwrap().remove("format")));
    refused(|q| {
        q["credentials"][0]["claim_sets"] = json!([["n"]]);
        q["credentials"][0].as_object_mut().unwrap().remove("claims");
    });
    refused(|q| q["credentials"][0]["claim_sets"] = json!([["unknown"]]));
    refused(|q| q["credentials"][0]["claim_sets"] = json!([[]]));
    refused(|q| q["credentials"][0]["meta"] = json!({"vct_values": []}));
    refused(|q| q["credentials"][0]["meta"] = json!({}));
    for path in [json!([]), json!([-1]), json!([1.5]), json!([true]), json!("name"), json!([{}])] {
        refused(|q| q["credentials"][0]["claims"][0]["path"] = path);
    }
    refused(|q| q["credentials"][0]["claims"] = json!([]));
    refused(|q| q["credentials"][0]["claims"][1]["id"] = json!("n"));
    for values in [json!([]), json!([1.5]), json!([null]), json!([[]])] {
        refused(|q| q["credentials"][0]["claims"][0]["values"] = values);
    }
    refused(|q| q["credential_sets"] = json!([]));
    refused(|q| q["credential_sets"] = json!([{"options": [["b"]]}]));
    refused(|q| q["credential_sets"] = json!([{"options": []}]));
    refused(|q| q["credential_sets"] = json!([{"required": true}]));
    refused(|q| q["credentials"][0]["trusted_authorities"] = json!([{"type": "aki", "values": []}]));
    refused(|q| q["credentials"][0]["multiple"] = json!("true"));
    refused(|q| *q = json!("a string"));
}

#[test]
fn vp_n9_claim_sets_need_an_id_on_every_claim() {
    refused(|q| {
        q["credentials"][0]["claim_sets"] = json!([["n"]]);
        q["credentials"][0]["claims"][1].as_object_mut().unwrap().remove("id");
    });
}

#[test]
fn vp_33_each_format_has_its_own_meta() {
    let format = |format: &str, meta: Value, path: Value| {
        with(|q| {
            q["credentials"][0]["format"] = json!(format);
            q["credentials"][0]["meta"] = meta;
            q["credentials"][0]["claims"] = json!([{"path": path}]);
        })
    };
    assert!(format("mso_mdoc", json!({"doctype_value": "d"}), json!(["ns", "e"])).is_ok());
    assert!(format("mso_mdoc", json!({}), json!(["ns", "e"])).is_err());
    assert!(format("mso_mdoc", json!({"doctype_value": "d"}), json!(["ns", "e", "x"])).is_err());
    assert!(format("ldp_vc", json!({"type_values": [["https://a#T"]]}), json!(["x"])).is_ok());
    assert!(format("ldp_vc", json!({"type_values": [[]]}), json!(["x"])).is_err());
}

#[test]
fn vp_n19_unknown_members_are_ignored() {
    let query = with(|q| {
        q["x"] = json!(1);
        q["credentials"][0]["x"] = json!(1);
        q["credentials"][0]["claims"][0]["x"] = json!(1);
    });
    assert_eq!(query.unwrap(), with(|_| {}).unwrap());
}

#[test]
fn vp_39_paths_select_as_the_specification_says() {
    let doc = json!({"name": "A", "addresses": [{"city": "x"}, {"city": "y"}, {"no": 1}], "n": null, "l": ["p", "q"]});
    let select = |path: Value| {
        ClaimsPath::parse(&path)
            .unwrap()
            .select(&doc)
            .map(|v| v.into_iter().cloned().collect::<Vec<_>>())
            .ok()
    };
    assert_eq!(select(json!(["name"])), Some(vec![json!("A")]));
    assert_eq!(select(json!(["n"])), Some(vec![Value::Null]), "null is a value");
    assert_eq!(select(json!(["addresses", null, "city"])), Some(vec![json!("x"), json!("y")]));
    assert_eq!(select(json!(["l", 1])), Some(vec![json!("q")]));
    assert_eq!(select(json!(["l", 2])), None);
    assert_eq!(select(json!(["absent"])), None);
    assert_eq!(select(json!(["name", "x"])), None, "not an object");
    assert_eq!(select(json!(["name", null])), None, "not an array");
    assert_eq!(select(json!(["l", null, "x"])), None, "not an object");
    assert_eq!(select(json!([0])), None, "an object is not an array");
}

fn candidate(claims: &Value) -> Candidate<'_> {
    Candidate { format: SD_JWT_VC, vct: "urn:x", claims, holder_bound: true, authorities: &[] }
}

#[test]
fn vp_36_claims_are_all_or_one_set_or_none() {
    let held = json!({"name": "A", "age": 20});
    let query = |claims: Value, sets: Value| {
        let mut q = json!({"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:x"]}});
        for (name, value) in [("claims", claims), ("claim_sets", sets)] {
            if !value.is_null() {
                q[name] = value;
            }
        }
        Query::parse(&json!({"credentials": [q]})).unwrap()
    };
    let found =
        |query: Query| query.evaluate(&[candidate(&held)]).choices().map(|c| c[0].matches[0].claims.clone());
    assert_eq!(found(query(Value::Null, Value::Null)), Some(vec![]), "absent claims are not all claims");
    let name = json!({"id": "n", "path": ["name"]});
    let absent = json!({"id": "x", "path": ["x"]});
    assert_eq!(found(query(json!([name, absent]), Value::Null)), None);
    let sets = json!([["x", "n"], ["n"]]);
    assert_eq!(found(query(json!([name, absent]), sets)), Some(vec![ClaimsPath::key("name")]));
    assert_eq!(found(query(json!([name, absent]), json!([["x"]]))), None);
    let twice = json!([{"path": ["name"]}, {"path": ["name"]}]);
    let once = Some(vec![ClaimsPath::key("name")]);
    assert_eq!(found(query(twice, Value::Null)), once, "a claim asked for twice counts once");
}

#[test]
fn vp_37_values_match_in_type_and_value() {
    let held = json!({"age": 20, "text": "20", "flag": true});
    let matches = |name: &str, values: Value| {
        let query = Query::parse(&json!({"credentials": [{"id": "a", "format": "dc+sd-jwt",
            "meta": {"vct_values": ["urn:x"]}, "claims": [{"path": [name], "values": values}]}]}))
        .unwrap();
        query.evaluate(&[candidate(&held)]).choices().is_some()
    };
    assert!(matches("age", json!([19, 20])));
    assert!(!matches("age", json!(["20"])));
    assert!(matches("text", json!(["20"])));
    assert!(!matches("text", json!([20])));
    assert!(matches("flag", json!([true])));
    assert!(!matches("flag", json!(["true", false])));
}

#[test]
fn vp_38_required_sets_decide() {
    let claims = json!({});
    let part = |id: &str, vct: &str| json!({"id": id, "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}});
    let query = |sets: Value| {
        let mut q = json!({"credentials": [part("a", "urn:x"), part("b", "urn:y"), part("c", "urn:x")]});
        if !sets.is_null() {
            q["credential_sets"] = sets;
        }
        Query::parse(&q).unwrap()
    };
    let ids = |query: &Query| {
        let evaluation = query.evaluate(&[candidate(&claims)]);
        evaluation.choices().map(|c| c.iter().map(|c| c.query.id.clone()).collect::<Vec<_>>())
    };
    assert_eq!(ids(&query(Value::Null)), None, "b is not held");
    assert_eq!(ids(&query(json!([{"options": [["b"], ["a", "c"]]}]))), Some(vec!["a".into(), "c".into()]));
    assert_eq!(ids(&query(json!([{"options": [["b"]]}]))), None);
    assert_eq!(ids(&query(json!([{"options": [["b"]], "required": false}]))), Some(vec![]));
    let sets = query(json!([{"options": [["b"], ["a"]]}]));
    assert!(sets.check_complete(&["a"]).is_ok());
    assert_eq!(sets.check_complete(&["c"]).unwrap_err().code, "presentations_incomplete");
    assert!(query(Value::Null).check_complete(&["a", "b"]).is_err());
}

#[test]
fn vp_35_a_named_authority_must_be_known() {
    let claims = json!({});
    let query = with(|q| {
        q["credentials"][0].as_object_mut().unwrap().remove("claims");
        q["credentials"][0]["trusted_authorities"] = json!([{"type": "aki", "values": ["s9tIpP"]}]);
    })
    .unwrap();
    assert!(query.evaluate(&[candidate(&claims)]).choices().is_none());
    let known = [("aki".to_owned(), "s9tIpP".to_owned())];
    let held = Candidate { authorities: &known, ..candidate(&claims) };
    assert!(query.evaluate(&[held]).choices().is_some());
}

#[test]
fn vp_n13_the_verifier_checks_again_what_came_back() {
    let query = CredentialQuery::sd_jwt_vc("a", "urn:x").claim_value("rp", "https://sp").claim("sealed_sub");
    let good = json!({"rp": "https://sp", "sealed_sub": "x"});
    assert!(query.check(SD_JWT_VC, "urn:x", &good).is_ok());
    let code = |format, vct, claims: Value| query.check(format, vct, &claims).unwrap_err().code;
    let expected = "presentation_does_not_match";
    assert_eq!(code(SD_JWT_VC, "urn:y", good.clone()), expected);
    assert_eq!(code("vc+sd-jwt", "urn:x", good), expected);
    assert_eq!(code(SD_JWT_VC, "urn:x", json!({"rp": "https://sp"})), expected);
    assert_eq!(code(SD_JWT_VC, "urn:x", json!({"rp": "https://dp", "sealed_sub": "x"})), expected);
}

#[test]
fn the_examples_of_the_specification_are_valid() {
    for name in [
        "claims_alternatives",
        "complex_mdoc",
        "credentials_alternatives",
        "multi_credentials",
        "simple",
        "simple_mdoc",
        "value_matching_simple",
    ] {
        let Some(text) = crate::testing::vector(&format!("openid4vp/query_lang/{name}.json")) else { return };
        let value: Value = serde_json::from_str(&text).unwrap();
        let query = Query::parse(&value).unwrap();
        assert_eq!(Query::parse(&query.to_value()).unwrap(), query, "written and read again");
    }
}

/// An SD-JWT VC with everything concealable, as its holder has it.
fn held() -> enishi_credential::sdjwt::HeldSdJwt {
    use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;
    use enishi_credential::sdjwt::{HeldSdJwt, SdJwtBuilder, Validation};
    use enishi_credential::time::UnixTime;
    let signer = SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("issuer"))).unwrap();
    let claims = json!({"iss": "https://i.example", "vct": "urn:v", "name": "A",
        "address": {"street": "B", "town": "C"}, "degrees": [{"type": "D", "year": 1}, {"type": "E", "year": 2}]});
    let every = |name: &str| ClaimPath::name("degrees").every().member(name);
    let builder =
        SdJwtBuilder::new(claims.as_object().cloned().unwrap()).conceal(["name"]).conceal(["address"]);
    let builder = builder.conceal(["address", "street"]).conceal(["address", "town"]).conceal(every("year"));
    let builder = builder.conceal(ClaimPath::name("degrees").every()).conceal(every("type"));
    let entropy = SeededEntropy::new("salts");
    let text = ready(builder.sign(&signer, &entropy));
    let validation = Validation::credential("https://i.example", "urn:v", UnixTime::from_secs(0));
    HeldSdJwt::receive(&text, &RustCryptoVerifier, signer.public_jwk(), &validation).unwrap()
}

fn ready(work: impl Future<Output = Result<String, enishi_credential::sdjwt::IssueError>>) -> String {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work).unwrap()
}

#[test]
fn vp_36_the_chosen_claims_are_what_is_presented() {
    use enishi_credential::sdjwt::HeldSdJwt;
    let held = held();
    let claims = Value::Object(held.claims().clone());
    let query = with(|query| {
        query["credentials"][0]["meta"]["vct_values"] = json!(["urn:v"]);
        query["credentials"][0]["claims"] = json!([{"path": ["address", "town"]}, {"path": ["degrees", null, "type"]}, {"path": ["degrees", 1, "year"]}]);
    });
    let query = query.unwrap();
    let choices = query.evaluate(&[Candidate { vct: "urn:v", ..candidate(&claims) }]).choices().unwrap();
    let paths: Vec<ClaimPath> = choices[0].matches[0].claims.iter().map(ClaimPath::from).collect();
    let shown = held.present(&paths).unwrap().into_unbound();
    // Read back as a holder would, since the presentation is not bound.
    let seen = HeldSdJwt::from_storage(&shown).unwrap();
    let mut expected = claims.clone();
    expected.as_object_mut().unwrap().remove("name");
    expected["address"] = json!({"town": "C"});
    expected["degrees"] = json!([{"type": "D"}, {"type": "E", "year": 2}]);
    assert_eq!(Value::Object(seen.claims().clone()), expected);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["credentials", "id", "format", "meta", "dc+sd-jwt", "path", "claims", "a"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec![
                    "credentials",
                    "id",
                    "format",
                    "meta",
                    "vct_values",
                    "claims",
                    "claim_sets",
                    "path",
                    "values",
                    "credential_sets",
                    "options",
                    "trusted_authorities"
                ])
                .prop_map(str::to_owned),
                inner,
                0..6
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_any_json_never_panics(value in any_json()) {
        if let Ok(query) = Query::parse(&value) {
            prop_assert_eq!(Query::parse(&query.to_value()).unwrap(), query);
        }
    }

    #[test]
    fn selecting_never_panics_and_never_selects_nothing(path in any_json(), doc in any_json()) {
        if let Ok(path) = ClaimsPath::parse(&path)
            && let Ok(selected) = path.select(&doc) {
            prop_assert!(!selected.is_empty());
        }
    }
}
