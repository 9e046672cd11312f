//! A type's rules about claims, held against a credential (SD-JWT VC §5.6).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::claims::{ClaimMetadata, SdRule};
use super::fault;
use super::resolve::ResolvedType;
use crate::sdjwt::{ClaimPath, HeldSdJwt, PathStep, VerifiedSdJwt};
use crate::verdict::Verdict;

/// The most claims that the paths of one type may select in one credential, counted at every step.
const MAX_SELECTED: usize = 100_000;

/// The claims of a credential as its issuer wrote them, as far as the reader knows.
#[derive(Clone)]
pub struct IssuedClaims<'a> {
    claims: &'a Map<String, Value>,
    disclosed: BTreeSet<ClaimPath>,
    /// By array, in the order of the array: the indices of elements that were not disclosed.
    undisclosed: BTreeMap<ClaimPath, Vec<usize>>,
    /// Whether nothing is missing: then what is not here was not issued.
    complete: bool,
}

impl<'a> IssuedClaims<'a> {
    /// What a verifier knows: a claim that is absent may be there all the same.
    pub fn presented(credential: &'a VerifiedSdJwt) -> Self {
        let mut undisclosed: BTreeMap<ClaimPath, Vec<usize>> = BTreeMap::new();
        for place in credential.undisclosed_elements() {
            if let Some((PathStep::Index(at), array)) = place.steps().split_last() {
                undisclosed.entry(ClaimPath::new(array.to_vec())).or_default().push(*at);
            }
        }
        Self { undisclosed, complete: false, ..Self::held_by(credential) }
    }

    /// What a holder knows: everything. Array elements that no disclosure fills are decoys.
    pub fn held(credential: &'a HeldSdJwt) -> Self {
        Self::held_by(credential.verified())
    }

    fn held_by(credential: &'a VerifiedSdJwt) -> Self {
        Self {
            claims: credential.claims(),
            disclosed: credential.disclosed().into_iter().collect(),
            undisclosed: BTreeMap::new(),
            complete: true,
        }
    }

    /// The claims at `path`, which is about the credential as if everything were disclosed (§5.6.1). None is no error.
    fn select(&self, path: &[PathStep], budget: &mut usize) -> Verdict<Vec<Selected<'a>>> {
        let wrong = |at: &Selected<'_>| {
            fault("claim_path_type", "the type's path expects another JSON type here").at(at.pointer())
        };
        let mut selected = vec![Selected::Root(self.claims)];
        for step in path {
            let mut next = Vec::new();
            for found in &selected {
                match (step, found) {
                    // What is in an element that was not disclosed is not known.
                    (_, Selected::Undisclosed) => {}
                    (PathStep::Name(name), _) => {
                        let members = found.members().ok_or_else(|| wrong(found))?;
                        if let Some(value) = members.get(name) {
                            next.push(Selected::Claim(found.path().member(name), value));
                        }
                    }
                    (PathStep::Index(index), Selected::Claim(at, Value::Array(array))) => {
                        next.extend(self.element(at, array, *index));
                    }
                    (PathStep::Every(()), Selected::Claim(at, Value::Array(array))) => {
                        let hidden = self.undisclosed.get(at).map_or(0, Vec::len);
                        next.extend((0..hidden).map(|_| Selected::Undisclosed));
                        next.extend(
                            array
                                .iter()
                                .enumerate()
                                .map(|(index, value)| Selected::Claim(at.clone().element(index), value)),
                        );
                    }
                    _ => return Err(wrong(found)),
                }
            }
            *budget = budget.checked_sub(next.len()).ok_or_else(|| {
                fault("type_metadata_too_large", "the type's paths select too many claims of this credential")
            })?;
            selected = next;
        }
        Ok(selected)
    }

    /// The element that had `index` in the array as it was issued.
    fn element(&self, at: &ClaimPath, array: &'a [Value], index: usize) -> Option<Selected<'a>> {
        let hidden = self.undisclosed.get(at).map_or(&[] as &[usize], Vec::as_slice);
        if hidden.contains(&index) {
            return Some(Selected::Undisclosed);
        }
        let shown = index.checked_sub(hidden.iter().filter(|hidden| **hidden < index).count())?;
        array.get(shown).map(|value| Selected::Claim(at.clone().element(shown), value))
    }

    fn check(&self, rule: &ClaimMetadata, budget: &mut usize) -> Verdict<()> {
        let selected = self.select(rule.path().steps(), budget)?;
        for found in &selected {
            let disclosable = match found {
                Selected::Claim(at, _) => self.disclosed.contains(at),
                Selected::Undisclosed => true,
                Selected::Root(_) => false,
            };
            let broken = match rule.sd() {
                SdRule::Always if !disclosable => {
                    ("claim_sd_always", "a claim must be selectively disclosable")
                }
                SdRule::Never if disclosable => {
                    ("claim_sd_never", "a claim must not be selectively disclosable")
                }
                _ => continue,
            };
            return Err(fault(broken.0, broken.1).at(rule.path().to_pointer()));
        }
        if rule.is_mandatory() && selected.is_empty() && self.shows_absence(rule, budget)? {
            return Err(fault("claim_missing", "a claim that is mandatory for the type is missing")
                .at(rule.path().to_pointer()));
        }
        Ok(())
    }

    /// Whether a claim that is not here was not issued. A verifier knows this of claims that must be visible wherever
    /// what contains them is; nothing that was concealed by right is ever called missing (§5.6).
    fn shows_absence(&self, rule: &ClaimMetadata, budget: &mut usize) -> Verdict<bool> {
        if self.complete {
            return Ok(true);
        }
        let Some((PathStep::Name(_), container)) = rule.path().steps().split_last() else { return Ok(false) };
        let containers = self.select(container, budget)?;
        let visible = containers.iter().any(|found| found.members().is_some());
        Ok(rule.sd() == SdRule::Never && visible)
    }
}

/// What a path has selected.
enum Selected<'a> {
    Root(&'a Map<String, Value>),
    Claim(ClaimPath, &'a Value),
    /// An array element that was issued and not disclosed.
    Undisclosed,
}

impl<'a> Selected<'a> {
    fn members(&self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Root(members) => Some(members),
            Self::Claim(_, value) => value.as_object(),
            Self::Undisclosed => None,
        }
    }

    fn path(&self) -> ClaimPath {
        match self {
            Self::Claim(at, _) => at.clone(),
            Self::Root(_) | Self::Undisclosed => ClaimPath::default(),
        }
    }

    fn pointer(&self) -> String {
        self.path().to_pointer()
    }
}

impl ResolvedType {
    /// Holds a credential against what the type says about its claims. A credential that fails is to be rejected.
    ///
    /// # Errors
    /// `claim_path_type`, `claim_sd_always`, `claim_sd_never`, `claim_missing`, `type_metadata_too_large`.
    pub fn check(&self, claims: &IssuedClaims<'_>) -> Verdict<()> {
        let mut budget = MAX_SELECTED;
        self.claims().iter().try_for_each(|rule| claims.check(rule, &mut budget))
    }

    /// The text for the placeholder `svg_id`: strings as they are, numbers and booleans as JSON, several with commas
    /// between them. `Some("")` for a claim that is absent, or has no such form; `None` if no claim has this id.
    pub fn svg_text(&self, svg_id: &str, claims: &IssuedClaims<'_>) -> Option<String> {
        let rule = self.claims().iter().find(|rule| rule.svg_id() == Some(svg_id))?;
        let selected = claims.select(rule.path().steps(), &mut MAX_SELECTED.clone()).unwrap_or_default();
        let texts = selected.iter().filter_map(|found| match found {
            Selected::Claim(_, Value::String(text)) => Some(text.clone()),
            Selected::Claim(_, value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            _ => None,
        });
        Some(texts.collect::<Vec<_>>().join(", "))
    }
}

impl std::fmt::Debug for IssuedClaims<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedClaims").field("complete", &self.complete).finish_non_exhaustive()
    }
}
