//! T-3 and T-6: chains of types, and what a child may change.

use super::*;

fn parent(claims: Value) -> Vec<u8> {
    document("urn:parent", json!({ "claims": claims }))
}

fn child(claims: Value) -> Vec<u8> {
    card(json!({"extends": "urn:parent", "claims": claims}))
}

fn inherited(parent_says: Value, child_says: Value) -> Verdict<ResolvedType> {
    let with_path = |mut it: Value| {
        it["path"] = json!(["a"]);
        json!([it])
    };
    resolve(&[&child(with_path(child_says)), &parent(with_path(parent_says))])
}

#[test]
fn sd_n15_a_circular_chain_is_refused() {
    let on_itself = card(json!({"extends": CARD}));
    assert_eq!(code(resolve(&[&on_itself])), "extends_circular");
    let first = card(json!({"extends": "urn:b"}));
    let (second, third) =
        (document("urn:b", json!({"extends": "urn:c"})), document("urn:c", json!({"extends": "urn:b"})));
    assert_eq!(code(resolve(&[&first, &second, &third])), "extends_circular");
    let back = document("urn:c", json!({"extends": CARD}));
    assert_eq!(code(resolve(&[&first, &second, &back])), "extends_circular");
}

#[test]
fn sd_t3_a_chain_has_an_end() {
    let chain = |length: usize| -> Verdict<ResolvedType> {
        let documents: Vec<Vec<u8>> = (0..length)
            .map(|at| {
                let more =
                    if at + 1 == length { json!({}) } else { json!({"extends": format!("urn:{}", at + 1)}) };
                document(&format!("urn:{at}"), more)
            })
            .collect();
        resolve(&documents.iter().map(Vec::as_slice).collect::<Vec<_>>())
    };
    assert_eq!(chain(MAX_CHAIN).unwrap().types().len(), MAX_CHAIN);
    assert_eq!(code(chain(MAX_CHAIN + 1)), "extends_too_long");
}

#[test]
fn sd_n15_a_child_that_relaxes_sd_is_refused() {
    for (parent, child) in
        [("never", "allowed"), ("never", "always"), ("always", "allowed"), ("always", "never")]
    {
        let failure = inherited(json!({"sd": parent}), json!({"sd": child})).unwrap_err();
        assert_eq!(
            (failure.code, failure.pointer.as_str()),
            ("extends_sd_changed", "/a"),
            "{parent} {child}"
        );
    }
    for (parent, child, effective) in [
        (json!({"sd": "never"}), json!({"sd": "never"}), SdRule::Never),
        (json!({"sd": "always"}), json!({}), SdRule::Always),
        (json!({"sd": "allowed"}), json!({"sd": "never"}), SdRule::Never),
        (json!({}), json!({"sd": "always"}), SdRule::Always),
        (json!({}), json!({}), SdRule::Allowed),
    ] {
        assert_eq!(inherited(parent, child).unwrap().claims()[0].sd(), effective);
    }
}

#[test]
fn sd_t6_what_is_mandatory_stays_mandatory() {
    let refused = inherited(json!({"mandatory": true}), json!({"mandatory": false}));
    assert_eq!(code(refused), "extends_mandatory_dropped");
    for (parent, child, mandatory) in [
        (json!({"mandatory": true}), json!({}), true),
        (json!({"mandatory": false}), json!({"mandatory": true}), true),
        (json!({}), json!({"mandatory": false}), false),
    ] {
        assert_eq!(inherited(parent, child).unwrap().claims()[0].is_mandatory(), mandatory);
    }
}

#[test]
fn sd_t6_rules_reach_through_a_grandparent() {
    let grandparent = document("urn:grandparent", json!({"claims": [{"path": ["a"], "sd": "never"}]}));
    let parent = document("urn:parent", json!({"extends": "urn:grandparent"}));
    let child = child(json!([{"path": ["a"], "sd": "allowed"}]));
    assert_eq!(code(resolve(&[&child, &parent, &grandparent])), "extends_sd_changed");
}

#[test]
fn sd_t6_members_are_replaced_and_never_merged() {
    let label = |locale: &str, label: &str| json!({"locale": locale, "label": label});
    let whole = inherited(
        json!({"display": [label("de", "Name"), label("en", "Name")], "svg_id": "a", "mandatory": true}),
        json!({"display": [label("en", "Full name")]}),
    );
    let whole = whole.unwrap();
    let claim = &whole.claims()[0];
    assert_eq!(claim.display().len(), 1, "the parent's German label is gone");
    assert_eq!(claim.display()[0].label, "Full name");
    assert!(claim.is_mandatory() && claim.svg_id() == Some("a"), "what the child does not say stays");
    let silenced = inherited(json!({"display": [label("en", "Name")]}), json!({"display": []})).unwrap();
    assert!(silenced.claims()[0].display().is_empty());
}

#[test]
fn sd_t4_a_childs_display_replaces_the_parents() {
    let display = |name: &str| json!([{"locale": "en", "name": name}]);
    let parent = document("urn:parent", json!({"display": display("parent")}));
    let shown = |child: Value| resolve(&[&card(child), &parent]).unwrap().display().to_vec();
    assert_eq!(shown(json!({"extends": "urn:parent"}))[0].name, "parent");
    let own = shown(json!({"extends": "urn:parent", "display": display("child")}));
    assert_eq!((own.len(), own[0].name.as_str()), (1, "child"));
    assert!(shown(json!({"extends": "urn:parent", "display": []})).is_empty());
}

#[test]
fn sd_t5_an_svg_id_is_unique_in_the_whole_type() {
    let whole = resolve(&[
        &child(json!([{"path": ["b"], "svg_id": "x"}])),
        &parent(json!([{"path": ["a"], "svg_id": "x"}])),
    ]);
    assert_eq!(code(whole), "svg_id_repeated");
}
