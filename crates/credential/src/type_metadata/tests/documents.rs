//! T-1 to T-5: what a document may look like, and when it is believed.

use proptest::prelude::*;

use super::*;

#[test]
fn sd_t1_unknown_members_are_ignored_at_every_level() {
    let read = TypeDocument::parse(&card(json!({
        "schema_uri": "https://a.example", "x": null,
        "display": [{"locale": "en", "name": "Card", "x": 1, "rendering": {"other": 1, "simple": {"x": 1}}}],
        "claims": [{"path": ["a"], "x": {}, "display": [{"locale": "en", "label": "A", "x": []}]}],
    })));
    let read = read.unwrap();
    assert_eq!((read.vct.as_str(), read.claims.len()), (CARD, 1));
    assert_eq!(TypeDocument::parse(&card(json!({}))).unwrap().display, None);
}

#[test]
fn sd_t1_what_is_known_must_be_right() {
    let malformed = |document: &[u8], pointer: &str| {
        let failure = TypeDocument::parse(document).unwrap_err();
        assert_eq!((failure.code, failure.pointer.as_str()), ("type_metadata_malformed", pointer));
    };
    malformed(b"", "");
    malformed(b"[]", "");
    malformed(br#"{"vct": "a", "vct": "a"}"#, "");
    malformed(b"{}", "");
    malformed(br#"{"vct": 1}"#, "/vct");
    malformed(br#"{"vct": ""}"#, "/vct");
    malformed(&card(json!({"name": null})), "/name");
    malformed(&card(json!({"description": 1})), "/description");
    malformed(&card(json!({"extends": ["a"]})), "/extends");
    malformed(&card(json!({"extends": ""})), "/extends");
    malformed(&card(json!({"extends#integrity": "sha256-"})), "");
    malformed(&card(json!({"display": {}})), "/display");
    malformed(&card(json!({"claims": {}})), "/claims");
    let long = card(json!({"name": "x".repeat(MAX_DOCUMENT)}));
    assert_eq!(code(TypeDocument::parse(&long)), "type_metadata_too_large");
    let many: Vec<_> = (0..513).map(|n| json!({"path": [n.to_string()]})).collect();
    assert_eq!(code(TypeDocument::parse(&claims(json!(many)))), "type_metadata_too_large");
}

#[test]
fn sd_t4_display_is_read_strictly() {
    let display = |entry: Value| {
        let mut all = json!({"locale": "en", "name": "Card"});
        for (name, value) in entry.as_object().unwrap() {
            all[name.as_str()] = value.clone();
        }
        TypeDocument::parse(&card(json!({"display": [all]})))
    };
    let simple = |simple: Value| display(json!({"rendering": {"simple": simple}}));
    let svg = |templates: Value| display(json!({"rendering": {"svg_templates": templates}}));
    let (image, data) =
        (json!({"uri": "https://a.example/i.png"}), json!({"uri": "data:image/png;base64,AA"}));
    for good in [
        display(json!({"locale": "zh-Hant-TW", "description": "A card"})),
        simple(json!({"logo": data, "background_image": image, "background_color": "#1210ffaa"})),
        simple(json!({"text_color": "rgb(1, 2, 3)", "background_color": "rgba(0 0 0 / 50%)"})),
        svg(json!([image])),
        svg(json!([{"uri": "https://a.example/1", "properties": {"contrast": "high", "x": 1}},
                   {"uri": "https://a.example/2", "properties": {"color_scheme": "dark"}}])),
    ] {
        good.unwrap();
    }
    let refused = |document: Verdict<TypeDocument>, pointer: &str| {
        let failure = document.unwrap_err();
        assert_eq!(failure.code, "type_metadata_malformed");
        assert_eq!(failure.pointer, format!("/display/0{pointer}"));
    };
    for locale in ["", "e n", "-en", "en-", "en_US", "a234", "englishish"] {
        refused(display(json!({"locale": locale})), "/locale");
    }
    // `lang` is what drafts before -12 had.
    let old = TypeDocument::parse(&card(json!({"display": [{"lang": "en", "name": "Card"}]})));
    refused(old, "");
    refused(display(json!({"name": 1})), "/name");
    refused(display(json!({"rendering": []})), "/rendering");
    refused(simple(json!({"logo": {"alt_text": "x"}})), "/rendering/simple/logo");
    for uri in ["http://a.example/i.png", "/i.png", "javascript:alert(1)", "https:", "ftp://a.example"] {
        refused(simple(json!({"logo": {"uri": uri}})), "/rendering/simple/logo/uri");
    }
    for color in ["red", "#12", "#ggg", "rgb(url(x))", "#fff;x:y", "rgb(1,2,3);}", "var(--x)"] {
        refused(simple(json!({"background_color": color})), "/rendering/simple/background_color");
    }
    refused(svg(json!({})), "/rendering/svg_templates");
    refused(svg(json!([image, image])), "/rendering");
    let properties = |it: Value| svg(json!([{"uri": "https://a.example/1", "properties": it}]));
    refused(properties(json!({})), "/rendering/svg_templates/0/properties");
    refused(properties(json!({"contrast": "low"})), "/rendering/svg_templates/0/properties/contrast");
    refused(
        simple(json!({"logo": {"uri": "https://a.example/i.png", "uri#integrity": 1}})),
        "/rendering/simple/logo/uri#integrity",
    );
}

#[test]
fn sd_t2_a_resource_is_shown_only_if_it_hashes_to_its_integrity() {
    let logo = |integrity: Value| {
        let logo = json!({"uri": "https://a.example/i.png", "uri#integrity": integrity});
        let display = json!([{"locale": "en", "name": "Card", "rendering": {"simple": {"logo": logo}}}]);
        let read = TypeDocument::parse(&card(json!({"display": display}))).unwrap().display.unwrap();
        read[0].simple.clone().unwrap().logo.unwrap()
    };
    let good = logo(json!(Integrity::of(b"image")));
    assert_eq!(good.check(b"image"), Ok(()));
    assert_eq!(code(good.check(b"other")), "integrity_mismatch");
    assert_eq!(code(logo(json!("sha256-_-")).check(b"image")), "integrity_malformed");
    assert_eq!(code(logo(json!("md5-AAAA")).check(b"image")), "integrity_unsupported");
}

#[test]
fn sd_t5_malformed_claim_metadata_are_refused() {
    for (bad, pointer) in [
        (json!([1]), "/claims/0"),
        (json!([{}]), "/claims/0"),
        (json!([{"path": "a"}]), "/claims/0/path"),
        (json!([{"path": []}]), "/claims/0/path"),
        (json!([{"path": ["a", -1]}]), "/claims/0/path"),
        (json!([{"path": ["a", 1.0]}]), "/claims/0/path"),
        (json!([{"path": ["a", true]}]), "/claims/0/path"),
        (json!([{"path": ["a", {}]}]), "/claims/0/path"),
        (json!([{"path": ["a"], "mandatory": "true"}]), "/claims/0/mandatory"),
        (json!([{"path": ["a"], "mandatory": null}]), "/claims/0/mandatory"),
        (json!([{"path": ["a"], "sd": "Always"}]), "/claims/0/sd"),
        (json!([{"path": ["a"], "sd": true}]), "/claims/0/sd"),
        (json!([{"path": ["a"], "display": [{"label": "A"}]}]), "/claims/0/display/0"),
        (json!([{"path": ["a"], "display": [{"locale": "en"}]}]), "/claims/0/display/0"),
        (json!([{"path": ["a"], "display": {}}]), "/claims/0/display"),
        (json!([{"path": ["b"]}, {"path": ["a"], "svg_id": 1}]), "/claims/1/svg_id"),
    ] {
        let failure = TypeDocument::parse(&claims(bad.clone())).unwrap_err();
        assert_eq!((failure.code, failure.pointer.as_str()), ("claim_metadata_malformed", pointer), "{bad}");
    }
    for id in ["", "1a", "a-b", "ä", "a b", "{{a}}"] {
        let bad = claims(json!([{"path": ["a"], "svg_id": id}]));
        assert_eq!(code(TypeDocument::parse(&bad)), "svg_id_invalid", "{id}");
    }
    let twice = claims(json!([{"path": ["a"], "svg_id": "x"}, {"path": ["b"], "svg_id": "x"}]));
    assert_eq!(code(TypeDocument::parse(&twice)), "svg_id_repeated");
    let twice = claims(json!([{"path": ["a", null]}, {"path": ["a", null]}]));
    assert_eq!(code(TypeDocument::parse(&twice)), "claim_metadata_repeated");
    let good = claims(json!([{"path": ["a", null, 0], "svg_id": "_a1", "sd": "never", "mandatory": true}]));
    let good = TypeDocument::parse(&good).unwrap().claims;
    assert!(good[0].is_mandatory() && good[0].sd() == SdRule::Never && good[0].svg_id() == Some("_a1"));
    let silent = TypeDocument::parse(&claims(json!([{"path": ["a"]}]))).unwrap().claims;
    assert!(!silent[0].is_mandatory() && silent[0].sd() == SdRule::Allowed && silent[0].display().is_empty());
}

#[test]
fn sd_n15_a_document_that_does_not_hash_to_its_integrity_is_refused() {
    let good = card(json!({"name": "Card"}));
    let integrity = Integrity::of(&good);
    for source in [Source::Fetched, Source::Configured] {
        let resolution = || Resolution::new(reference(CARD, Some(&integrity)));
        assert!(resolution().supply(&good, source).unwrap().finish().is_ok());
        let mut other = good.clone();
        other.push(b' ');
        assert_eq!(
            code(resolution().supply(&other, source)),
            "integrity_mismatch",
            "the octets count, not the JSON"
        );
    }
}

#[test]
fn sd_n15_a_fetched_document_without_integrity_is_not_believed() {
    let good = card(json!({}));
    let resolution = Resolution::new(reference(CARD, None));
    assert_eq!(code(resolution.clone().supply(&good, Source::Fetched)), "type_metadata_untrusted");
    assert!(resolution.supply(&good, Source::Configured).unwrap().finish().is_ok());

    // A trusted child vouches for its parent only if it says what the parent hashes to.
    let parent = document("urn:parent", json!({}));
    let child = |integrity: Value| {
        let mut child = json!({"extends": "urn:parent"});
        if !integrity.is_null() {
            child["extends#integrity"] = integrity;
        }
        Resolution::new(reference(CARD, None)).supply(&card(child), Source::Configured)
    };
    assert_eq!(code(child(json!(null)).unwrap().supply(&parent, Source::Fetched)), "type_metadata_untrusted");
    let vouched = child(json!(Integrity::of(&parent))).unwrap();
    assert_eq!(vouched.needed().unwrap().vct, "urn:parent");
    let whole = vouched.supply(&parent, Source::Fetched).unwrap().finish().unwrap();
    assert_eq!(whole.types(), [CARD, "urn:parent"]);
    assert_eq!(code(child(json!("blake3-AAAA"))), "integrity_unsupported");
    let malformed = child(json!("sha256-AAAA")).unwrap_err();
    assert_eq!((malformed.code, malformed.pointer.as_str()), ("integrity_malformed", "/extends#integrity"));
}

#[test]
fn sd_n15_a_document_of_another_type_is_refused() {
    let resolution = || Resolution::new(reference(CARD, None));
    for vct in ["urn:example:card:2", "urn:example:card:1/", "URN:example:card:1"] {
        let other = document(vct, json!({}));
        assert_eq!(
            code(resolution().supply(&other, Source::Configured)),
            "type_metadata_vct_mismatch",
            "{vct}"
        );
    }
    let child = resolution().supply(&card(json!({"extends": "urn:parent"})), Source::Configured).unwrap();
    let other = document("urn:other", json!({}));
    assert_eq!(code(child.supply(&other, Source::Configured)), "type_metadata_vct_mismatch");
}

#[test]
fn sd_t7_a_type_of_which_a_document_is_missing_is_no_type() {
    let resolution = Resolution::new(reference(CARD, None));
    assert_eq!(code(resolution.clone().finish()), "type_metadata_unavailable");
    let child = resolution.supply(&card(json!({"extends": "urn:parent"})), Source::Configured).unwrap();
    assert_eq!(code(child.finish()), "type_metadata_unavailable");
}

#[tokio::test]
async fn the_reference_is_that_of_the_credential() {
    let integrity = Integrity::of(b"x");
    let with = held(json!({"vct#integrity": integrity}), &[]).await;
    let resolution = Resolution::of_held(&with).unwrap();
    assert_eq!(resolution.needed(), Some(&reference(CARD, Some(&integrity))));
    let bad = held(json!({"vct#integrity": "sha256"}), &[]).await;
    assert_eq!(code(Resolution::of_held(&bad)), "integrity_malformed");
    let bad = held(json!({"vct#integrity": "md5-AAAA"}), &[]).await;
    let failure = Resolution::of(&shown(&bad, &[])).unwrap_err();
    assert_eq!((failure.code, failure.pointer.as_str()), ("integrity_unsupported", "/vct#integrity"));
}

#[test]
fn sd_t4_people_get_the_language_that_fits_best() {
    let documents = card(json!({"display": [
        {"locale": "de", "name": "de"}, {"locale": "en-US", "name": "en-US"}, {"locale": "ja", "name": "ja"}]}));
    let display = TypeDocument::parse(&documents).unwrap().display.unwrap();
    let name = |wanted: &[&str]| in_language(&display, wanted).unwrap().name.clone();
    assert_eq!(name(&["JA"]), "ja");
    assert_eq!(name(&["de-CH-1996"]), "de");
    assert_eq!(name(&["en"]), "en-US");
    assert_eq!(name(&["fr", "ja-JP"]), "ja");
    assert_eq!(name(&["fr"]), "de");
    assert_eq!(name(&[]), "de");
    assert_eq!(in_language::<TypeDisplay>(&[], &["de"]), None);
}

proptest! {
    #[test]
    fn reading_never_panics(octets: Vec<u8>, text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        let _ = TypeDocument::parse(&octets);
        let _ = TypeDocument::parse(text.as_bytes());
    }

    #[test]
    fn a_changed_document_is_never_taken_for_a_fetched_one(at: prop::sample::Index, bit in 0_u8..8) {
        let mut octets = card(json!({"claims": [{"path": ["a"], "sd": "always"}]}));
        let resolution = Resolution::new(reference(CARD, Some(&Integrity::of(&octets))));
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        prop_assert!(resolution.supply(&octets, Source::Fetched).is_err());
    }
}
