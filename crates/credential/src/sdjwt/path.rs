//! Where a claim is: claims path pointers (SD-JWT VC "Claim Path", OpenID4VP 1.0 §7).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One step of a [`ClaimPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathStep {
    /// The member of an object (a JSON string).
    Name(String),
    /// The element of an array, counted from 0 (a non-negative integer).
    Index(usize),
    /// Every element of an array (`null`).
    Every(()),
}

/// A path from the top of the claims down to one claim, or to several where it says [`PathStep::Every`].
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimPath(Vec<PathStep>);

impl ClaimPath {
    /// The path with these steps.
    pub const fn new(steps: Vec<PathStep>) -> Self {
        Self(steps)
    }

    /// The path of a top-level claim.
    pub fn name(name: impl Into<String>) -> Self {
        Self(vec![PathStep::Name(name.into())])
    }

    /// This path and one step into an object.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.0.push(PathStep::Name(name.into()));
        self
    }

    /// This path and one step into an array.
    #[must_use]
    pub fn element(mut self, index: usize) -> Self {
        self.0.push(PathStep::Index(index));
        self
    }

    /// This path and every element of the array there.
    #[must_use]
    pub fn every(mut self) -> Self {
        self.0.push(PathStep::Every(()));
        self
    }

    /// The steps.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// Whether this path, as a pattern, names `other` itself, something above it, or something below it: the claims
    /// that must, or may, be shown to show what the pattern names.
    pub(super) fn relation(&self, other: &Self) -> Relation {
        let agree = self.0.iter().zip(&other.0).all(|(pattern, step)| match (pattern, step) {
            (PathStep::Every(()), PathStep::Index(_)) => true,
            (pattern, step) => pattern == step,
        });
        match (agree, other.0.len() <= self.0.len()) {
            (false, _) => Relation::Apart,
            (true, true) => Relation::OnTheWay,
            (true, false) => Relation::Below,
        }
    }

    /// Whether `claims` has something at this path. The empty path names nothing.
    pub(super) fn exists_in(&self, claims: &Map<String, Value>) -> bool {
        let mut exists = false;
        self.visit(claims, &mut |_| exists = true);
        exists
    }

    /// Whether everything at this path is an object or an array; the empty path names the claims themselves.
    pub(super) fn names_container(&self, claims: &Map<String, Value>) -> bool {
        let (mut exists, mut all) = (false, true);
        self.visit(claims, &mut |value| {
            exists = true;
            all &= value.is_object() || value.is_array();
        });
        self.0.is_empty() || (exists && all)
    }

    fn visit(&self, claims: &Map<String, Value>, found: &mut impl FnMut(&Value)) {
        if let Some((PathStep::Name(first), rest)) = self.0.split_first()
            && let Some(value) = claims.get(first)
        {
            visit_below(value, rest, found);
        }
    }

    pub(super) fn push(&mut self, step: PathStep) {
        self.0.push(step);
    }

    /// The path as a JSON Pointer (RFC 6901), with `*` for every element.
    pub fn to_pointer(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            out.push('/');
            match step {
                PathStep::Name(name) => out.push_str(&name.replace('~', "~0").replace('/', "~1")),
                PathStep::Index(index) => out.push_str(&index.to_string()),
                PathStep::Every(()) => out.push('*'),
            }
        }
        out
    }
}

/// Calls `found` with everything to which `steps` lead from `value`.
fn visit_below(value: &Value, steps: &[PathStep], found: &mut impl FnMut(&Value)) {
    let Some((step, rest)) = steps.split_first() else { return found(value) };
    match (step, value) {
        (PathStep::Name(name), Value::Object(object)) => {
            if let Some(value) = object.get(name) {
                visit_below(value, rest, found);
            }
        }
        (PathStep::Index(index), Value::Array(array)) => {
            if let Some(value) = array.get(*index) {
                visit_below(value, rest, found);
            }
        }
        (PathStep::Every(()), Value::Array(array)) => {
            for value in array {
                visit_below(value, rest, found);
            }
        }
        _ => {}
    }
}

/// How a claim lies to a wanted path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The claim is the wanted one or contains it.
    OnTheWay,
    /// The claim is part of the wanted one.
    Below,
    /// Neither.
    Apart,
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_pointer())
    }
}

impl<const N: usize> From<[&str; N]> for ClaimPath {
    fn from(names: [&str; N]) -> Self {
        Self(names.into_iter().map(|name| PathStep::Name(name.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_read_and_written_as_the_specifications_write_it() {
        let path: ClaimPath = serde_json::from_value(json!(["a/b", 1, null, "~"])).unwrap();
        assert_eq!(path, ClaimPath::name("a/b").element(1).every().member("~"));
        assert_eq!(serde_json::to_value(&path).unwrap(), json!(["a/b", 1, null, "~"]));
        assert_eq!(path.to_pointer(), "/a~1b/1/*/~0");
        for bad in [json!([-1]), json!([1.5]), json!([true]), json!("a")] {
            assert!(serde_json::from_value::<ClaimPath>(bad).is_err());
        }
    }

    #[test]
    fn what_is_there_is_found_through_every_element_and_what_is_not_is_not() {
        let claims = json!({"list": [{"a": 1}, {"b": {}}], "none": [], "object": {"x": [1]}});
        let claims = claims.as_object().unwrap();
        let path = |path: Value| serde_json::from_value::<ClaimPath>(path).unwrap();
        for there in [
            json!(["list", null]),
            json!(["list", null, "b"]),
            json!(["list", 1, "b"]),
            json!(["object", "x", 0]),
        ] {
            assert!(path(there.clone()).exists_in(claims), "{there}");
        }
        for missing in [
            json!([]),
            json!([null]),
            json!(["none", null]),
            json!(["list", null, "c"]),
            json!(["list", 2]),
            json!(["list", "a"]),
            json!(["object", 0]),
            json!(["object", null]),
        ] {
            assert!(!path(missing.clone()).exists_in(claims), "{missing}");
            assert_eq!(path(missing.clone()).names_container(claims), missing == json!([]), "{missing}");
        }
        assert!(path(json!(["list", null])).names_container(claims));
        assert!(path(json!(["none"])).names_container(claims));
        assert!(!path(json!(["list", null, "a"])).names_container(claims));
        let mixed = json!({"list": [{}, 1]});
        assert!(!path(json!(["list", null])).names_container(mixed.as_object().unwrap()));
    }

    #[test]
    fn what_is_on_the_way_and_what_is_below() {
        let wanted = ClaimPath::name("a").every().member("b");
        let at = |path: ClaimPath| wanted.relation(&path);
        assert_eq!(at(ClaimPath::name("a")), Relation::OnTheWay);
        assert_eq!(at(ClaimPath::name("a").element(3)), Relation::OnTheWay);
        assert_eq!(at(ClaimPath::name("a").element(3).member("b")), Relation::OnTheWay);
        assert_eq!(at(ClaimPath::name("a").element(3).member("b").member("c")), Relation::Below);
        assert_eq!(at(ClaimPath::name("a").element(3).member("c")), Relation::Apart);
        assert_eq!(at(ClaimPath::name("b")), Relation::Apart);
    }
}
