//! T-7: a type's rules, held against credentials of holders and of verifiers.

use super::*;

fn rules(list: Value) -> ResolvedType {
    resolve(&[&claims(list)]).unwrap()
}

fn rule(path: Value, more: Value) -> ResolvedType {
    let mut rule = json!({ "path": path });
    for (name, value) in more.as_object().unwrap() {
        rule[name.as_str()] = value.clone();
    }
    rules(json!([rule]))
}

fn outcome(rules: &ResolvedType, claims: &IssuedClaims<'_>) -> &'static str {
    rules.check(claims).map_or_else(|failure| failure.code, |()| "holds")
}

fn for_holder(rules: &ResolvedType, held: &HeldSdJwt) -> &'static str {
    outcome(rules, &IssuedClaims::held(held))
}

fn for_verifier(rules: &ResolvedType, held: &HeldSdJwt, disclosed: &[Value]) -> &'static str {
    outcome(rules, &IssuedClaims::presented(&shown(held, disclosed)))
}

#[tokio::test]
async fn sd_t7_sd_rules_are_about_the_claim_itself() {
    let credential = held(
        json!({"name": "A", "address": {"city": "B", "street": "C"}, "open": 1}),
        &[json!(["name"]), json!(["address"]), json!(["address", "street"])],
    )
    .await;
    for (path, always, never) in [
        (json!(["name"]), "holds", "claim_sd_never"),
        (json!(["address"]), "holds", "claim_sd_never"),
        (json!(["address", "street"]), "holds", "claim_sd_never"),
        // Not selectively disclosable solely because what contains it is.
        (json!(["address", "city"]), "claim_sd_always", "holds"),
        (json!(["open"]), "claim_sd_always", "holds"),
        (json!(["absent"]), "holds", "holds"),
    ] {
        let all = [json!(["name"]), json!(["address"])];
        for (sd, expected) in [("always", always), ("never", never), ("allowed", "holds")] {
            let rule = rule(path.clone(), json!({"sd": sd}));
            assert_eq!(for_holder(&rule, &credential), expected, "{path} {sd}");
            assert_eq!(for_verifier(&rule, &credential, &all), expected, "{path} {sd}");
        }
        // What a verifier does not see breaks no rule.
        let hidden = rule(json!(["name"]), json!({"sd": "never"}));
        assert_eq!(for_verifier(&hidden, &credential, &[]), "holds");
    }
}

#[tokio::test]
async fn sd_t7_a_mandatory_claim_is_missing_for_those_who_can_tell() {
    let credential = held(json!({"name": "A", "box": {"x": 1}}), &[json!(["name"])]).await;
    let mandatory = |path: Value, sd: &str| rule(path, json!({"mandatory": true, "sd": sd}));
    let present = mandatory(json!(["name"]), "always");
    assert_eq!(for_holder(&present, &credential), "holds");
    assert_eq!(for_verifier(&present, &credential, &[]), "holds", "it may be concealed");

    let absent = mandatory(json!(["birthdate"]), "always");
    assert_eq!(for_holder(&absent, &credential), "claim_missing");
    assert_eq!(for_verifier(&absent, &credential, &[]), "holds", "a verifier cannot tell");
    assert_eq!(for_verifier(&mandatory(json!(["birthdate"]), "allowed"), &credential, &[]), "holds");

    // What must be visible, and is not, was either left out or concealed: both are wrong.
    assert_eq!(for_verifier(&mandatory(json!(["birthdate"]), "never"), &credential, &[]), "claim_missing");
    assert_eq!(for_verifier(&mandatory(json!(["name"]), "never"), &credential, &[]), "claim_missing");
    assert_eq!(for_verifier(&mandatory(json!(["box", "y"]), "never"), &credential, &[]), "claim_missing");
    assert_eq!(for_verifier(&mandatory(json!(["box", "x"]), "never"), &credential, &[]), "holds");
    assert_eq!(for_verifier(&mandatory(json!(["elsewhere", "y"]), "never"), &credential, &[]), "holds");
    assert_eq!(for_holder(&mandatory(json!(["elsewhere", "y"]), "never"), &credential), "claim_missing");
    let failure = absent.check(&IssuedClaims::held(&credential)).unwrap_err();
    assert_eq!(failure.pointer, "/birthdate");
}

#[tokio::test]
async fn sd_t7_null_is_a_value_and_present() {
    let credential = held(json!({"middle_name": null, "list": [null]}), &[]).await;
    for path in [json!(["middle_name"]), json!(["list", 0]), json!(["list", null])] {
        assert_eq!(for_holder(&rule(path, json!({"mandatory": true})), &credential), "holds");
    }
    let empty = held(json!({"list": []}), &[]).await;
    assert_eq!(for_holder(&rule(json!(["list"]), json!({"mandatory": true})), &empty), "holds");
    assert_eq!(for_holder(&rule(json!(["list", null]), json!({"mandatory": true})), &empty), "claim_missing");
}

#[tokio::test]
async fn sd_t7_indices_count_elements_that_are_not_disclosed() {
    let list = json!({"list": ["a", {"x": 1}, "c", {"x": 2}], "other": [["p", "q"]]});
    let concealed = [json!(["list", 0]), json!(["list", 1]), json!(["list", 1, "x"]), json!(["other", 0, 1])];
    let credential = held(list, &concealed).await;
    let always = |path: Value| rule(path, json!({"sd": "always"}));
    let never = |path: Value| rule(path, json!({"sd": "never"}));
    // For the verifier `list` is ["c", {"x": 2}], with two places before them.
    for disclosed in [vec![], vec![json!(["list", 1])], vec![json!(["list", 0])]] {
        for (path, concealed) in [
            (json!(["list", 0]), true),
            (json!(["list", 1]), true),
            (json!(["list", 2]), false),
            (json!(["list", 3]), false),
            (json!(["list", 3, "x"]), false),
            (json!(["other", 0, 0]), false),
            (json!(["other", 0, 1]), true),
        ] {
            let (if_always, if_never) =
                if concealed { ("holds", "claim_sd_never") } else { ("claim_sd_always", "holds") };
            assert_eq!(
                for_verifier(&always(path.clone()), &credential, &disclosed),
                if_always,
                "{path} {disclosed:?}"
            );
            assert_eq!(
                for_verifier(&never(path.clone()), &credential, &disclosed),
                if_never,
                "{path} {disclosed:?}"
            );
            assert_eq!(for_holder(&always(path.clone()), &credential), if_always, "{path}");
        }
    }
    // The content of an element that was not disclosed is not known, and no error.
    assert_eq!(for_verifier(&never(json!(["list", 1, "x"])), &credential, &[]), "holds");
    assert_eq!(for_verifier(&always(json!(["list", null])), &credential, &[]), "claim_sd_always");
    assert_eq!(for_verifier(&never(json!(["list", null])), &credential, &[]), "claim_sd_never");
    // Out of range is the empty set.
    assert_eq!(for_verifier(&always(json!(["list", 4])), &credential, &[]), "holds");
    assert_eq!(for_holder(&always(json!(["list", 4])), &credential), "holds");
}

#[tokio::test]
async fn sd_t7_decoys_in_arrays_are_no_elements_for_a_holder() {
    let claims = json!({"iss": ISSUER, "vct": CARD, "list": [{"...": "ZGVjb3k"}, "a"]});
    let signer = issuer();
    let header = Map::from_iter([("typ".to_owned(), Value::from("dc+sd-jwt"))]);
    let jwt = crate::jose::jws::sign(&signer, header, &claims).await.unwrap();
    let credential =
        HeldSdJwt::receive(&format!("{jwt}~"), &RustCryptoVerifier, signer.public_jwk(), &validation())
            .unwrap();
    assert_eq!(
        for_holder(&rule(json!(["list", 0]), json!({"sd": "never", "mandatory": true})), &credential),
        "holds"
    );
    assert_eq!(
        for_holder(&rule(json!(["list", 1]), json!({"mandatory": true})), &credential),
        "claim_missing"
    );
    assert_eq!(
        for_verifier(&rule(json!(["list", 0]), json!({"sd": "never"})), &credential, &[]),
        "claim_sd_never"
    );
}

#[tokio::test]
async fn sd_t7_a_path_that_meets_another_type_is_an_error_and_not_the_empty_set() {
    let credential = held(json!({"name": "A", "list": [{"x": 1}, "s"], "object": {"x": 1}}), &[]).await;
    for path in [
        json!(["name", "first"]),
        json!(["name", null]),
        json!(["name", 0]),
        json!(["object", null]),
        json!(["object", 0]),
        json!(["list", "x"]),
        json!(["list", null, "x"]),
        json!([0]),
        json!([null]),
    ] {
        let rule = rule(path.clone(), json!({}));
        assert_eq!(for_holder(&rule, &credential), "claim_path_type", "{path}");
        assert_eq!(for_verifier(&rule, &credential, &[]), "claim_path_type", "{path}");
    }
    for path in [json!(["absent", "x", null]), json!(["list", 7, "x"]), json!(["object", "y", 0])] {
        assert_eq!(for_holder(&rule(path.clone(), json!({"sd": "always"})), &credential), "holds", "{path}");
    }
}

#[tokio::test]
async fn a_type_cannot_make_a_reader_work_without_end() {
    let row: Vec<_> = (0..300).collect();
    let credential = held(json!({"list": vec![row; 300]}), &[]).await;
    let wide =
        rules(json!([{"path": ["list", null]}, {"path": ["list", null, null]}, {"path": ["list", 0, null]}]));
    assert_eq!(for_holder(&wide, &credential), "holds");
    let wide = rules(json!([{"path": ["list", null, null]}, {"path": ["list", null, null, 0]}]));
    let failure = wide.check(&IssuedClaims::held(&credential)).unwrap_err();
    assert_eq!(failure.code, "type_metadata_too_large");
}

/// The document of our own type: what it says holds for the credentials that are issued here.
const LINKAGE: &str = include_str!("../../../../../schemas/json/linkage-type-metadata.json");

#[tokio::test]
async fn our_own_type_is_described_and_its_credentials_follow_it() {
    let linkage = crate::linkage::VCT;
    let whole = Resolution::new(reference(linkage, None)).supply(LINKAGE.as_bytes(), Source::Configured);
    let whole = whole.unwrap().finish().unwrap();
    assert_eq!(whole.types(), [linkage]);
    for lang in ["ja", "en"] {
        assert_eq!(in_language(whole.display(), &[lang]).unwrap().locale, lang);
        for claim in whole.claims() {
            assert_eq!(in_language(claim.display(), &[lang]).unwrap().locale, lang, "{}", claim.path());
        }
    }
    let claims = json!({"vct": linkage, "rp": "https://rp.example", "acr": "high", "link": {"suite": "s", "commitment": "c"},
        "sub": "did:example:1", "ppid": "p", "sealed_sub": "j"});
    let hidden = [json!(["sub"]), json!(["ppid"]), json!(["sealed_sub"])];
    let good = held(claims.clone(), &hidden).await;
    assert_eq!(for_holder(&whole, &good), "holds");
    assert_eq!(for_verifier(&whole, &good, &[json!(["sealed_sub"])]), "holds");
    let open = held(claims.clone(), &hidden[..2]).await;
    assert_eq!(for_verifier(&whole, &open, &[]), "claim_sd_always", "an identifier that is always visible");
    let concealed = held(claims, &[hidden.as_slice(), &[json!(["rp"])]].concat()).await;
    assert_eq!(for_holder(&whole, &concealed), "claim_sd_never");
}
