//! The figures of draft-ietf-oauth-sd-jwt-vc-18: `ietf-sd-jwt-vc/json_figures.json`.

use super::*;
use crate::test_vectors;

/// The octets of a figure: the text as the draft's sources have it, with one line feed at the end.
fn figure(n: u64) -> Option<Vec<u8>> {
    let document = test_vectors::document("ietf-sd-jwt-vc/json_figures.json")?;
    let figures = document["figures"].as_array().unwrap().iter();
    let raw = figures.filter(|figure| figure["n"] == n).map(|figure| figure["raw"].as_str().unwrap()).next();
    Some(format!("{}\n", raw.unwrap().trim_end()).into_bytes())
}

#[test]
fn sd_t2_the_document_of_a_2_hashes_to_the_printed_integrity() {
    let (Some(credential), Some(document)) = (figure(28), figure(29)) else { return };
    let credential: Value = serde_json::from_slice(&credential).unwrap();
    let integrity = credential["vct#integrity"].as_str().unwrap();
    assert_eq!(Integrity::of(&document), integrity);
    let vct = credential["vct"].as_str().unwrap();
    let resolution =
        Resolution::new(reference(vct, Some(integrity))).supply(&document, Source::Fetched).unwrap();
    let parent = resolution.needed().unwrap();
    assert_eq!(parent.vct, "https://galaxy.example.com/galactic-education-credential/v2");
    assert!(parent.integrity.is_some());
    let mut other = document.clone();
    other.push(b'\n');
    assert_eq!(
        code(Resolution::new(reference(vct, Some(integrity))).supply(&other, Source::Fetched)),
        "integrity_mismatch"
    );
}

#[test]
fn the_type_metadata_figures_are_read() {
    for n in [16, 19, 20, 29] {
        let Some(document) = figure(n) else { return };
        let read = TypeDocument::parse(&document).unwrap_or_else(|failure| panic!("figure {n}: {failure}"));
        assert!(read.vct.starts_with("https://"), "figure {n}");
    }
    let whole = TypeDocument::parse(&figure(29).unwrap()).unwrap();
    let display = whole.display.unwrap();
    assert_eq!(display.len(), 2);
    assert_eq!(display[1].svg_templates[0].orientation.as_deref(), Some("landscape"));
    assert_eq!(
        display[0].simple.as_ref().unwrap().logo_alt_text.as_deref(),
        Some("Betelgeuse Ministry of Education logo")
    );
    assert_eq!(whole.claims.len(), 7);
}

#[test]
fn sd_t6_the_extending_type_has_the_printed_claims() {
    let (Some(base), Some(child), Some(effective)) = (figure(19), figure(20), figure(21)) else { return };
    let whole = resolve(&[&child, &base]).unwrap();
    let mut printed: Value = serde_json::from_slice(&effective).unwrap();
    printed["vct"] = "urn:printed".into();
    let printed = TypeDocument::parse(printed.to_string().as_bytes()).unwrap();
    assert_eq!(whole.claims(), printed.claims);
}

#[tokio::test]
async fn sd_t7_the_credential_of_a_2_follows_its_type() {
    let (Some(credential), Some(document)) = (figure(28), figure(29)) else { return };
    let mut document: Value = serde_json::from_slice(&document).unwrap();
    // The parent is not printed.
    document.as_object_mut().unwrap().retain(|name, _| !name.starts_with("extends"));
    let whole = resolve(&[document.to_string().as_bytes()]).unwrap();
    let credential: Value = serde_json::from_slice(&credential).unwrap();
    let mut concealed = vec![json!(["name"]), json!(["address"]), json!(["address", "street_address"])];
    for at in 0..3 {
        concealed.extend([json!(["degrees", at]), json!(["degrees", at, "date_awarded"])]);
    }
    let held = held(credential, &concealed).await;
    whole.check(&IssuedClaims::held(&held)).unwrap();
    for disclosed in
        [vec![], vec![json!(["degrees", 1, "field_of_study"])], vec![json!(["name"]), json!(["address"])]]
    {
        whole.check(&IssuedClaims::presented(&shown(&held, &disclosed))).unwrap();
    }
    let template = "<svg><text>Street address: {{address_street_address}}</text></svg>";
    let filled = SvgTemplate::parse(template).unwrap().fill(&whole, &IssuedClaims::held(&held)).unwrap();
    assert_eq!(filled, "<svg><text>Street address: 42 Galaxy Way</text></svg>");
}

#[test]
fn the_paths_of_the_example_select_what_the_text_says() {
    let Some(example) = figure(18) else { return };
    let example: Value = serde_json::from_slice(&example).unwrap();
    let described = resolve(&[&claims(json!([
        {"path": ["name"], "svg_id": "name"},
        {"path": ["address", "street_address"], "svg_id": "street"},
        {"path": ["degrees", null, "type"], "svg_id": "types"},
    ]))]);
    let described = described.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let held = runtime.block_on(held(example, &[]));
    let text = |id: &str| described.svg_text(id, &IssuedClaims::held(&held));
    assert_eq!(text("name").as_deref(), Some("Arthur Dent"));
    assert_eq!(text("street").as_deref(), Some("42 Market Street"));
    assert_eq!(text("types").as_deref(), Some("Bachelor of Science, Master of Science"));
    assert_eq!(text("nobody"), None);
}
