//! Step 10: of the response, only what an agreed item names leaves.
//!
//! The pointers of all items are laid over the response at once, so that members of one array element stay together. What
//! no pointer names is dropped; so is an array element or object of which nothing is left.

use std::collections::BTreeMap;

use enishi_protocol::declaration::{ItemPointer, PointerToken};
use serde_json::{Map, Value};

/// What is kept at one place and below it.
#[derive(Debug, Default)]
struct Kept {
    whole: bool,
    every: Option<Box<Self>>,
    named: BTreeMap<String, Self>,
}

impl Kept {
    fn of(pointers: &[ItemPointer]) -> Self {
        let mut root = Self::default();
        for pointer in pointers {
            let mut place = &mut root;
            for token in pointer.tokens() {
                place = match token {
                    PointerToken::Every => place.every.get_or_insert_default(),
                    PointerToken::Name(name) => place.named.entry(name.clone()).or_default(),
                };
            }
            place.whole = true;
        }
        root
    }
}

/// Keeps what `pointers` name. An empty object or array of the same kind is left if they name nothing in `response`.
pub(crate) fn keep(response: &Value, pointers: &[ItemPointer]) -> Value {
    keep_at(response, &[&Kept::of(pointers)]).unwrap_or_else(|| match response {
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    })
}

/// What any of `rules` keeps of `value`; `None` if nothing.
fn keep_at(value: &Value, rules: &[&Kept]) -> Option<Value> {
    if rules.iter().any(|rule| rule.whole) {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter_map(|(name, value)| {
                let below: Vec<_> = rules.iter().filter_map(|rule| rule.named.get(name)).collect();
                keep_at(value, &below).map(|value| (name.clone(), value))
            });
            let kept: Map<String, Value> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(elements) => {
            let kept = elements.iter().enumerate().filter_map(|(index, value)| {
                let name = index.to_string();
                let named = rules.iter().filter_map(|rule| rule.named.get(&name));
                let every = rules.iter().filter_map(|rule| rule.every.as_deref());
                keep_at(value, &named.chain(every).collect::<Vec<_>>())
            });
            let kept: Vec<Value> = kept.collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pointers(texts: &[&str]) -> Vec<ItemPointer> {
        texts.iter().map(|text| ItemPointer::parse(text).unwrap()).collect()
    }

    #[test]
    fn members_of_one_element_stay_together_and_nothing_else_leaves() {
        let response = json!({
            "name": "…", "checkups": [
                {"date": "2026-04-01", "weight": 60, "note": "…"},
                {"date": "2026-05-01", "note": "…"},
                {"note": "…"}],
            "medication": ["a"]});
        assert_eq!(
            keep(&response, &pointers(&["/checkups/*/date", "/checkups/*/weight"])),
            json!({"checkups": [{"date": "2026-04-01", "weight": 60}, {"date": "2026-05-01"}]})
        );
        assert_eq!(keep(&response, &pointers(&["/medication"])), json!({"medication": ["a"]}));
        assert_eq!(
            keep(&response, &pointers(&["/checkups/1/date"])),
            json!({"checkups": [{"date": "2026-05-01"}]})
        );
        assert_eq!(keep(&response, &pointers(&["/absent", "/name/x"])), json!({}));
        assert_eq!(keep(&json!([1]), &pointers(&["/a"])), json!([]));
        assert_eq!(keep(&json!("secret"), &pointers(&["/a"])), json!({}));
        assert_eq!(keep(&json!({"*": 1, "a": 2}), &pointers(&["/*"])), json!({}), "`*` is for arrays");
        assert_eq!(keep(&json!({"0": 1}), &pointers(&["/0"])), json!({"0": 1}));
    }

    /// The leaves that a pointer selects, found without the code under test.
    fn select(value: &Value, tokens: &[PointerToken], out: &mut BTreeSet<String>) {
        match (tokens, value) {
            ([], value) => leaves(value, out),
            ([PointerToken::Every, rest @ ..], Value::Array(elements)) => {
                for element in elements {
                    select(element, rest, out);
                }
            }
            ([PointerToken::Name(name), rest @ ..], Value::Object(members)) => {
                if let Some(member) = members.get(name) {
                    select(member, rest, out);
                }
            }
            ([PointerToken::Name(name), rest @ ..], Value::Array(elements)) => {
                let mut named = elements.iter().enumerate().filter(|(index, _)| index.to_string() == *name);
                if let Some((_, element)) = named.next() {
                    select(element, rest, out);
                }
            }
            _ => {}
        }
    }

    fn leaves(value: &Value, out: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.values().for_each(|value| leaves(value, out)),
            Value::Array(elements) => elements.iter().for_each(|value| leaves(value, out)),
            leaf => drop(out.insert(leaf.to_string())),
        }
    }

    /// Makes every leaf another number, so that it can be recognised.
    fn number(value: &mut Value, next: &mut u64) {
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| number(value, next)),
            Value::Array(elements) => elements.iter_mut().for_each(|value| number(value, next)),
            leaf => {
                *leaf = json!(*next);
                *next += 1;
            }
        }
    }

    fn any_response() -> impl Strategy<Value = Value> {
        let names = || prop::sample::select(vec!["a", "b", "0", "1", "*", "~", "/"]).prop_map(str::to_owned);
        Just(Value::Null)
            .prop_recursive(5, 48, 4, move |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                    prop::collection::btree_map(names(), inner, 0..4)
                        .prop_map(|members| Value::Object(members.into_iter().collect())),
                ]
            })
            .prop_map(|mut value| {
                number(&mut value, &mut 0);
                value
            })
    }

    fn any_pointers() -> impl Strategy<Value = Vec<ItemPointer>> {
        let token = prop::sample::select(vec!["a", "b", "0", "1", "*", "~0", "~1"]);
        let pointer = prop::collection::vec(token, 1..5)
            .prop_map(|tokens| ItemPointer::parse(&format!("/{}", tokens.join("/"))).unwrap());
        prop::collection::vec(pointer, 0..4)
    }

    proptest! {
        /// Nothing outside of the pointers leaves, and nothing that they name is lost.
        #[test]
        fn exactly_what_the_items_name_leaves(mut response in any_response(), pointers in any_pointers()) {
            number(&mut response, &mut 0);
            let mut wanted = BTreeSet::new();
            for pointer in &pointers {
                select(&response, pointer.tokens(), &mut wanted);
            }
            let mut left = BTreeSet::new();
            leaves(&keep(&response, &pointers), &mut left);
            prop_assert_eq!(left, wanted);
        }
    }
}
