use enishi_credential::encoding::b64;
use enishi_credential::time::UnixTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Ids, Town};

const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);

async fn pair() -> ConsentPair {
    ConsentPair::write(Town::new(Ids::default(), NOW).await.terms("grant-1")).unwrap()
}

/// Both strings with the same change, and a change of the second alone.
fn changed(pair: &ConsentPair, both: impl Fn(&mut Value), second: impl Fn(&mut Value)) -> [String; 2] {
    let edit = |text: &str, change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&b64::decode(text).unwrap()).unwrap();
        change(&mut value);
        b64::encode(value.to_string())
    };
    let dp = edit(pair.dp(), &both);
    [edit(pair.sp(), &both), edit(&dp, &second)]
}

fn code(strings: &[String]) -> &'static str {
    ConsentPair::read(strings.iter().map(String::as_str)).unwrap_err().code
}

#[tokio::test]
async fn a_pair_is_read_as_it_was_written() {
    let pair = pair().await;
    let strings = pair.strings();
    let read = ConsentPair::read(strings.iter().map(String::as_str)).unwrap();
    assert_eq!(read, pair);
    assert_ne!(pair.sp_hash(), pair.terms_sha256());
    let untouched = changed(&pair, |_| (), |_| ());
    assert!(ConsentPair::read(untouched.iter().map(String::as_str)).is_ok());
}

#[tokio::test]
async fn vp_n10_unknown_types_members_and_foreign_ids_are_refused() {
    let pair = pair().await;
    let nothing = |_: &mut Value| ();
    assert_eq!(code(&changed(&pair, |t| t["also"] = json!("sell it"), nothing)), "terms_malformed");
    assert_eq!(code(&changed(&pair, |t| t["holder_jkt"] = json!("x"), nothing)), "terms_malformed");
    assert_eq!(code(&changed(&pair, |t| t["representation"] = json!({}), nothing)), "terms_malformed");
    assert_eq!(code(&changed(&pair, |t| t["items"][0]["more"] = json!(1), nothing)), "terms_malformed");
    assert_eq!(code(&changed(&pair, |t| t["retention"]["x"] = json!(1), nothing)), "terms_malformed");
    assert_eq!(code(&changed(&pair, |t| t["items"] = json!([]), nothing)), "terms_malformed");
    assert_eq!(
        code(&changed(&pair, |t| drop(t.as_object_mut().unwrap().remove("withdraw")), nothing)),
        "terms_malformed"
    );
    assert_eq!(
        code(&changed(&pair, |t| t["provider"]["id"] = t["recipient"]["id"].clone(), nothing)),
        "terms_malformed"
    );
    let kind = |t: &mut Value| t["type"] = json!("urn:enishi:consent:2");
    assert_eq!(code(&changed(&pair, kind, nothing)), "transaction_data_type_unknown");
    let ids = |t: &mut Value| t["credential_ids"] = json!(["sp_link", "dp_link"]);
    assert_eq!(code(&changed(&pair, nothing, ids)), "credential_ids_foreign");
    let [sp, dp] = pair.strings();
    assert_eq!(code(&[dp.clone(), sp.clone()]), "credential_ids_foreign");
    assert_eq!(code(&[sp.clone(), sp.clone()]), "credential_ids_foreign");
    assert_eq!(code(std::slice::from_ref(&sp)), "terms_malformed");
    assert_eq!(code(&[sp, dp.clone(), dp]), "terms_malformed");
}

#[tokio::test]
async fn the_two_strings_may_not_differ_in_anything_else() {
    let pair = pair().await;
    let later = |t: &mut Value| t["not_after"] = json!(t["not_after"].as_i64().unwrap() + 1);
    assert_eq!(code(&changed(&pair, |_| (), later)), "terms_differ");
}

#[tokio::test]
async fn a_prompt_shows_what_the_declarations_say_and_only_in_time() {
    let town = Town::new(Ids::default(), NOW).await;
    let (terms, set) = (town.terms("g"), town.set());
    let prompt = Prompt::new(&terms, &set, NOW).unwrap();
    assert_eq!(prompt.recipient().name.ja, "まちのポータル");
    assert_eq!(prompt.service_name().ja, "健診情報");
    assert_eq!(prompt.items().len(), 2);
    assert!(!prompt.has_special());
    assert_eq!(Prompt::new(&terms, &set, terms.answer_by).unwrap_err().code, "answer_too_late");
}

#[tokio::test]
async fn the_terms_fit_the_published_schema() {
    let pair = pair().await;
    let schema: Value =
        serde_json::from_str(include_str!("../../../../schemas/json/consent-terms.json")).unwrap();
    let terms: Value = serde_json::from_slice(&b64::decode(pair.dp()).unwrap()).unwrap();
    let known = schema["properties"].as_object().unwrap();
    for name in terms.as_object().unwrap().keys() {
        assert!(known.contains_key(name), "{name} is not in the schema");
    }
    for name in schema["required"].as_array().unwrap() {
        assert!(terms.get(name.as_str().unwrap()).is_some(), "{name} is missing");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(one: String, two: Vec<u8>) {
        let two = b64::encode(two);
        let _ = ConsentPair::read([one.as_str(), two.as_str()]);
    }
}
