//! Claims path pointers (OpenID4VP 1.0 §7.1): where in a credential a claim is.

use std::fmt;

use serde_json::Value;

use enishi_credential::sdjwt::{ClaimPath, PathStep};
use enishi_credential::verdict::{Failure, Verdict};

/// One step of a claims path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// The member of this name.
    Key(String),
    /// All elements of an array (`null` in JSON).
    All,
    /// The element at this index.
    Index(u64),
}

/// A claims path pointer: at least one element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimsPath(Vec<PathElement>);

impl ClaimsPath {
    /// The path of a top-level claim.
    pub fn key(name: &str) -> Self {
        Self(vec![PathElement::Key(name.to_owned())])
    }

    /// Reads a path from JSON.
    ///
    /// # Errors
    /// `dcql_invalid` for an empty path and for anything but strings, `null` and non-negative integers.
    pub fn parse(value: &Value) -> Verdict<Self> {
        let fault = |detail: &'static str| {
            Failure::new("dcql-path", "dcql_invalid", detail)
                .at("/path")
                .remedy("write a non-empty array of strings, `null` and non-negative integers")
        };
        let array = value.as_array().ok_or_else(|| fault("the path is not an array"))?;
        if array.is_empty() {
            return Err(fault("the path is empty"));
        }
        let elements = array.iter().map(|element| match element {
            Value::String(name) => Ok(PathElement::Key(name.clone())),
            Value::Null => Ok(PathElement::All),
            Value::Number(number) if number.is_u64() => {
                Ok(PathElement::Index(number.as_u64().unwrap_or_default()))
            }
            _ => Err(fault("a path element is neither a string, `null` nor a non-negative integer")),
        });
        elements.collect::<Verdict<_>>().map(Self)
    }

    /// The elements.
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }

    /// The name, if this is the path of a top-level claim.
    pub fn top_level(&self) -> Option<&str> {
        match self.0.as_slice() {
            [PathElement::Key(name)] => Some(name),
            _ => None,
        }
    }

    /// The elements of `root` that the path selects (§7.1.1); never an empty selection.
    ///
    /// # Errors
    /// `claims_path_unmatched` where the processing of §7.1.1 says "abort": an object or array expected and
    /// something else found, or nothing selected.
    pub fn select<'a>(&self, root: &'a Value) -> Verdict<Vec<&'a Value>> {
        let fault = |detail: &'static str| Failure::new("dcql-path", "claims_path_unmatched", detail);
        let mut selected = vec![root];
        for element in &self.0 {
            let mut next = Vec::new();
            for value in selected {
                match element {
                    PathElement::Key(name) => {
                        let object = value.as_object().ok_or_else(|| fault("an object was expected"))?;
                        next.extend(object.get(name));
                    }
                    PathElement::All => {
                        next.extend(value.as_array().ok_or_else(|| fault("an array was expected"))?);
                    }
                    PathElement::Index(index) => {
                        let array = value.as_array().ok_or_else(|| fault("an array was expected"))?;
                        next.extend(usize::try_from(*index).ok().and_then(|index| array.get(index)));
                    }
                }
            }
            if next.is_empty() {
                return Err(fault("nothing is at this path"));
            }
            selected = next;
        }
        Ok(selected)
    }

    /// The path as JSON.
    pub fn to_value(&self) -> Value {
        let element = |element: &PathElement| match element {
            PathElement::Key(name) => Value::String(name.clone()),
            PathElement::All => Value::Null,
            PathElement::Index(index) => Value::from(*index),
        };
        self.0.iter().map(element).collect()
    }
}

/// What a query asks for is what [`enishi_credential::sdjwt::HeldSdJwt::present`] is told to show.
impl From<&ClaimsPath> for ClaimPath {
    fn from(path: &ClaimsPath) -> Self {
        let step = |element: &PathElement| match element {
            PathElement::Key(name) => PathStep::Name(name.clone()),
            PathElement::All => PathStep::Every(()),
            // No array has an element at an index that this machine cannot count to.
            PathElement::Index(index) => PathStep::Index(usize::try_from(*index).unwrap_or(usize::MAX)),
        };
        Self::new(path.0.iter().map(step).collect())
    }
}

impl fmt::Display for ClaimsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_value())
    }
}
