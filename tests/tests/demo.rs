//! `enishi demo` as people and scripts run it.

use std::time::Duration;

use enishi_tests::process::Enishi;
use serde_json::Value;

const LONG_ENOUGH: Duration = Duration::from_mins(1);
const STEPS: usize = 14;

#[tokio::test]
async fn the_demo_tells_one_object_per_step_and_succeeds() {
    let mut demo = Enishi::start(["demo", "--json", "--processes"]);
    assert!(demo.ended(LONG_ENOUGH).await.success(), "{:?}", demo.output());
    let lines = demo.json_lines();
    assert_eq!(lines.len(), demo.output().len(), "nothing but JSON");
    let (last, steps) = lines.split_last().unwrap();
    assert_eq!(steps.len(), STEPS);
    for step in steps {
        assert_eq!(step["ok"], true, "{step}");
        assert_eq!(step["unexpected"], Value::Null, "{step}");
        for member in ["step", "title"] {
            assert!(step[member].as_str().is_some_and(|text| !text.is_empty()), "{step}");
        }
        assert!(!step["happened"].as_array().unwrap().is_empty(), "{step}");
    }
    assert_eq!(last["ok"], true);
    assert_eq!(last["steps"], STEPS);
}

#[tokio::test]
async fn the_demo_in_japanese_is_in_japanese_throughout() {
    let mut demo = Enishi::start(["demo", "--lang", "ja"]);
    assert!(demo.ended(LONG_ENOUGH).await.success(), "{:?}", demo.output());
    let output = demo.output().join("\n");
    let key = output.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).find(|word| {
        ["demo-", "consent-", "issuer-", "wallet-", "verifier-"].iter().any(|area| word.starts_with(area))
    });
    assert_eq!(key, None, "an untranslated key");
    let kana = |c: char| ('\u{3040}'..='\u{30ff}').contains(&c);
    assert!(output.chars().filter(|c| kana(*c)).count() > 500, "{output}");
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis.txt");
    std::fs::write(&thesis, "years of work").unwrap();
    let dir = folder.path().to_str().unwrap();
    let mut demo = Enishi::start(["demo", "--json", "--dir", dir]);
    assert_eq!(demo.ended(LONG_ENOUGH).await.code(), Some(1));
    let said = demo.output().join("\n");
    assert!(said.contains(dir) && said.contains("choose another directory"), "{said}");
    assert_eq!(std::fs::read_to_string(&thesis).unwrap(), "years of work");
}

#[tokio::test]
async fn files_stay_when_they_are_to_stay_and_go_when_they_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let town = folder.path().join("town-to-be");
    let dir = town.to_str().unwrap();
    let mut demo = Enishi::start(["demo", "--json", "--processes", "--keep", "--dir", dir]);
    assert!(demo.ended(LONG_ENOUGH).await.success(), "{:?}", demo.output());
    for file in ["issuer/issuer.log", "verifier/verifier.log", "verifier/verifier.toml", "health/gateway.log"]
    {
        assert!(town.join(file).is_file(), "{file} is kept");
    }
    // An earlier town's folder may be used again; without --keep nothing is left of it.
    let mut demo = Enishi::start(["demo", "--json", "--dir", dir]);
    assert!(demo.ended(LONG_ENOUGH).await.success(), "{:?}", demo.output());
    assert!(!town.exists());
}
