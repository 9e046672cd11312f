//! Properties: presenting what was issued loses and invents nothing, and no changed text gets through.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// JSON values two levels deep, with names that need escaping in pointers and in JSON.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z/~\"é]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every path in `value`.
fn all_paths(value: &Value, at: &ClaimPath, out: &mut Vec<ClaimPath>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = at.clone().member(name);
                all_paths(value, &path, out);
                out.push(path);
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                let path = at.clone().element(index);
                all_paths(value, &path, out);
                out.push(path);
            }
        }
        _ => {}
    }
}

fn presentation(content: &Value, conceal: &[ClaimPath], show: &[ClaimPath]) -> String {
    run(async {
        let claims = object(payload(json!({"content": content})));
        let builder =
            conceal.iter().cloned().fold(SdJwtBuilder::new(claims).decoys(1), SdJwtBuilder::conceal);
        let text = builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap();
        let held =
            HeldSdJwt::receive(&text, &RustCryptoVerifier, issuer().public_jwk(), &validation()).unwrap();
        assert_eq!(held.claims()["content"], *content);
        let claims =
            KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: NOW, extra: Map::new() };
        held.present(show).unwrap().bind(&holder(), claims).await.unwrap()
    })
}

fn some_presentation() -> String {
    let content = json!({"a": 1, "b": [true, "x"]});
    let inside =
        |path: ClaimPath| ClaimPath::new([ClaimPath::name("content").steps(), path.steps()].concat());
    let conceal = [inside(ClaimPath::name("a")), inside(ClaimPath::name("b").every())];
    presentation(&content, &conceal, &conceal)
}

/// What a reader sees of `value` when `conceal` was concealable and `show` was chosen.
fn seen(value: &Value, at: &ClaimPath, conceal: &[ClaimPath], show: &[ClaimPath]) -> Value {
    let visible = |path: &ClaimPath| {
        !conceal.contains(path) || show.iter().any(|wanted| wanted.relation(path) != path::Relation::Apart)
    };
    match value {
        Value::Object(object) => {
            let members = object.iter().filter_map(|(name, value)| {
                let path = at.clone().member(name);
                visible(&path).then(|| (name.clone(), seen(value, &path, conceal, show)))
            });
            Value::Object(members.collect())
        }
        Value::Array(array) => {
            let elements = array.iter().enumerate().filter_map(|(index, value)| {
                let path = at.clone().element(index);
                visible(&path).then(|| seen(value, &path, conceal, show))
            });
            elements.collect()
        }
        plain => plain.clone(),
    }
}

fn chosen(paths: &[ClaimPath], mask: u64) -> Vec<ClaimPath> {
    let picked = paths.iter().enumerate().filter(|(at, _)| mask >> (at % 64) & 1 == 1);
    picked.map(|(_, path)| path.clone()).collect()
}

/// Every text in which one bit of one decoded part differs, with the name of the part.
fn one_bit_changes(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let parts: Vec<&str> = text.split(['~', '.']).collect();
    let mut start = 0;
    for (number, part) in parts.iter().enumerate() {
        let bytes = b64::decode(part).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let changed = [&text[..start], &b64::encode(changed), &text[start + part.len()..]].concat();
            out.push((format!("part {number}, byte {at}"), changed));
        }
        start += part.len() + 1;
    }
    out
}

#[test]
fn sd_n8_any_changed_bit_of_any_part_is_refused() {
    let good = some_presentation();
    assert!(verify_with(&good, &validation(), &required()).is_ok());
    let changes = one_bit_changes(&good);
    assert!(changes.len() > 800);
    for (what, changed) in changes {
        assert!(verify_with(&changed, &validation(), &required()).is_err(), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_choice_shows_what_was_chosen_and_what_was_never_concealed(
        content in any_value(), conceal: u64, show: u64,
    ) {
        let mut paths = Vec::new();
        all_paths(&content, &ClaimPath::name("content"), &mut paths);
        let (conceal, show) = (chosen(&paths, conceal), chosen(&paths, show));
        let text = presentation(&content, &conceal, &show);
        let verified = verify_with(&text, &validation(), &required()).unwrap();
        let expected = seen(&content, &ClaimPath::name("content"), &conceal, &show);
        prop_assert_eq!(&verified.claims()["content"], &expected);
        let again = verify_with(&text, &validation(), &required()).unwrap();
        prop_assert_eq!(again.claims(), verified.claims());
    }

    #[test]
    fn issued_and_presented_whole_is_the_same(content in any_value(), mask: u64) {
        let mut paths = Vec::new();
        all_paths(&content, &ClaimPath::name("content"), &mut paths);
        let chosen = chosen(&paths, mask);
        let text = presentation(&content, &chosen, &[ClaimPath::name("content")]);
        let verified = verify_with(&text, &validation(), &required()).unwrap();
        prop_assert_eq!(&verified.claims()["content"], &content);
        prop_assert_eq!(Value::Object(verified.into_claims()), payload(json!({"content": content})));
    }

    #[test]
    fn a_chosen_claim_arrives_with_its_value_and_no_other_concealed_one_does(
        values in btree_map("[a-z]{1,3}", any_value(), 1..5), pick: prop::sample::Index,
    ) {
        let content: Map<String, Value> = values.into_iter().collect();
        let names: Vec<&String> = content.keys().collect();
        let wanted = names[pick.index(names.len())].clone();
        let path = |name: &str| ClaimPath::name("content").member(name);
        let conceal: Vec<ClaimPath> = names.iter().map(|name| path(name)).collect();
        let content_value = Value::Object(content.clone());
        let text = presentation(&content_value, &conceal, &[path(&wanted)]);
        let verified = verify_with(&text, &validation(), &required()).unwrap();
        prop_assert_eq!(&verified.claims()["content"], &json!({wanted.as_str(): content[&wanted]}));
    }

    #[test]
    fn any_changed_character_is_refused(at: prop::sample::Index, with in "[A-Za-z0-9_~.-]") {
        let good = some_presentation();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, &with);
        prop_assume!(changed != good);
        prop_assert!(verify_with(&changed, &validation(), &required()).is_err());
    }

    #[test]
    fn any_missing_or_doubled_character_is_refused(at: prop::sample::Index, double: bool) {
        let mut changed = some_presentation();
        let at = at.index(changed.len());
        let character = changed.remove(at);
        if double {
            changed.insert(at, character);
            changed.insert(at, character);
        }
        prop_assert!(verify_with(&changed, &validation(), &required()).is_err());
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text: String, parts in vec("[A-Za-z0-9_.=-]{0,30}", 0..6)) {
        let _ = UnverifiedSdJwt::parse(&text);
        let _ = UnverifiedSdJwt::parse(&parts.join("~"));
        let _ = UnverifiedSdJwt::parse_json(&text);
        let _ = HeldSdJwt::from_storage(&text);
    }

    #[test]
    fn processing_never_panics_and_leaves_no_digests(claims in any_value(), disclosures in vec(any_value(), 0..3)) {
        let disclosures: Vec<String> = disclosures.into_iter().map(disclosure).collect();
        let digests: Vec<String> = disclosures.iter().map(|text| digest(text)).collect();
        let sent: Vec<&str> = disclosures.iter().map(String::as_str).collect();
        if let Ok(verified) = verify(&craft(json!({"_sd": digests, "a": claims}), &sent)) {
            prop_assert!(!Value::Object(verified.into_claims()).to_string().contains("\"_sd\""));
        }
    }
}
