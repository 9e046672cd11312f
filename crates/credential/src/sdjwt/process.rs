//! The heart of RFC 9901 §7.1: digests are replaced by what was disclosed, and everything that does not fit is refused.
//!
//! Values are moved, not copied: what goes in as payload and disclosures comes out as the processed claims.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::disclosure::Disclosure;
use super::hash::HashAlgorithm;
use super::path::{ClaimPath, PathStep};
use super::{NEVER_CONCEALED, RESERVED_NAMES, fault};
use crate::verdict::Verdict;

/// How deep the processed claims may nest, disclosures inside of disclosures included: bounds the recursion.
const MAX_DEPTH: usize = 64;

/// The processed payload, and what each disclosure turned out to be.
pub(super) struct Processed {
    /// The claims without `_sd`, `_sd_alg` and `...`.
    pub(super) claims: Map<String, Value>,
    /// For each disclosure, in the order in which they were sent, the path of its claim.
    pub(super) paths: Vec<ClaimPath>,
    /// The places of array elements that were not disclosed, see [`super::VerifiedSdJwt::undisclosed_elements`].
    pub(super) undisclosed: Vec<ClaimPath>,
    /// What `_sd_alg` says.
    pub(super) hash: HashAlgorithm,
}

/// Processes the issuer's `payload` with `disclosures` as they were received.
pub(super) fn process(mut payload: Map<String, Value>, disclosures: &[&str]) -> Verdict<Processed> {
    let hash = match payload.remove("_sd_alg") {
        None => HashAlgorithm::default(),
        Some(Value::String(name)) => HashAlgorithm::from_name(&name).ok_or_else(|| {
            fault("sd_alg_unsupported", "`_sd_alg` is not a hash function in use here").at("/_sd_alg")
        })?,
        Some(_) => return Err(fault("sd_alg_unsupported", "`_sd_alg` is not a string").at("/_sd_alg")),
    };
    let mut by_digest = HashMap::with_capacity(disclosures.len());
    for (at, text) in disclosures.iter().enumerate() {
        if by_digest.insert(hash.digest(text), (at, Disclosure::decode(text, at)?)).is_some() {
            return Err(fault("disclosure_repeated", format!("disclosure {at} was sent before")));
        }
    }
    let mut walk = Walk {
        by_digest,
        seen: HashSet::new(),
        path: ClaimPath::default(),
        paths: vec![ClaimPath::default(); disclosures.len()],
        undisclosed: Vec::new(),
    };
    let claims = walk.object(payload, 0, false)?;
    if let Some((at, _)) = walk.by_digest.values().min_by_key(|(at, _)| *at) {
        return Err(fault(
            "disclosure_unreferenced",
            format!(
                "no digest refers to disclosure {at}: it was altered, is not the issuer's, or lacks its parent"
            ),
        ));
    }
    Ok(Processed { claims, paths: walk.paths, undisclosed: walk.undisclosed, hash })
}

struct Walk {
    /// Disclosures that no digest has referred to yet.
    by_digest: HashMap<String, (usize, Disclosure)>,
    /// Every digest that occurred, also those of decoys and of what was not disclosed.
    seen: HashSet<String>,
    /// Where the walk is.
    path: ClaimPath,
    paths: Vec<ClaimPath>,
    undisclosed: Vec<ClaimPath>,
}

impl Walk {
    /// `fixed`: inside of a claim that may not be concealed, not even in part.
    fn object(
        &mut self,
        object: Map<String, Value>,
        depth: usize,
        fixed: bool,
    ) -> Verdict<Map<String, Value>> {
        if depth > MAX_DEPTH {
            return Err(fault("claims_too_deep", "the claims nest too deeply").at(self.path.to_pointer()));
        }
        let mut digests = None;
        let mut out = Map::new();
        for (name, value) in object {
            if name == "_sd" {
                digests = Some(value);
            } else if RESERVED_NAMES.contains(&name.as_str()) {
                // `...` outside of a placeholder, or `_sd_alg` below the top.
                return Err(fault("claim_name_reserved", format!("`{name}` may not be here"))
                    .at(self.path.to_pointer()));
            } else {
                let value = self.member(name.clone(), value, depth, fixed)?;
                out.insert(name, value);
            }
        }
        // Only now, so that a disclosed name meets every plain one.
        let Some(digests) = digests else { return Ok(out) };
        self.may_be_concealed(fixed, None)?;
        let Value::Array(digests) = digests else { return Err(self.digest_malformed()) };
        for digest in digests {
            let Value::String(digest) = digest else { return Err(self.digest_malformed()) };
            let Some((at, disclosure)) = self.take(digest)? else { continue };
            let Disclosure::Member(name, value) = disclosure else {
                return Err(fault(
                    "disclosure_kind",
                    format!("disclosure {at} is of an array element, in `_sd`"),
                )
                .at(self.path.to_pointer()));
            };
            if depth == 0 {
                self.may_be_concealed(NEVER_CONCEALED.contains(&name.as_str()), Some(&name))?;
            }
            if out.contains_key(&name) {
                return Err(fault("claim_name_collision", "a disclosed claim has the name of another")
                    .at(self.path.clone().member(name).to_pointer()));
            }
            self.found(at, PathStep::Name(name.clone()));
            let value = self.member(name.clone(), value, depth, fixed)?;
            out.insert(name, value);
        }
        Ok(out)
    }

    fn member(&mut self, name: String, value: Value, depth: usize, fixed: bool) -> Verdict<Value> {
        let fixed = fixed || (depth == 0 && NEVER_CONCEALED.contains(&name.as_str()));
        self.path.push(PathStep::Name(name));
        let value = self.value(value, depth + 1, fixed)?;
        self.path.pop();
        Ok(value)
    }

    fn value(&mut self, value: Value, depth: usize, fixed: bool) -> Verdict<Value> {
        match value {
            Value::Object(object) => self.object(object, depth, fixed).map(Value::Object),
            Value::Array(array) => self.array(array, depth, fixed).map(Value::Array),
            plain => Ok(plain),
        }
    }

    fn array(&mut self, array: Vec<Value>, depth: usize, fixed: bool) -> Verdict<Vec<Value>> {
        if depth > MAX_DEPTH {
            return Err(fault("claims_too_deep", "the claims nest too deeply").at(self.path.to_pointer()));
        }
        let mut out = Vec::with_capacity(array.len());
        for (issued_at, element) in array.into_iter().enumerate() {
            let element = match placeholder(element) {
                Placeholder::No(element) => element,
                Placeholder::Malformed => return Err(self.digest_malformed()),
                Placeholder::Digest(digest) => {
                    self.may_be_concealed(fixed, None)?;
                    let Some((at, disclosure)) = self.take(digest)? else {
                        self.undisclosed.push(self.path.clone().element(issued_at));
                        continue;
                    };
                    let Disclosure::Element(element) = disclosure else {
                        return Err(fault(
                            "disclosure_kind",
                            format!("disclosure {at} is of an object member, in an array"),
                        )
                        .at(self.path.to_pointer()));
                    };
                    self.found(at, PathStep::Index(out.len()));
                    element
                }
            };
            self.path.push(PathStep::Index(out.len()));
            out.push(self.value(element, depth + 1, fixed)?);
            self.path.pop();
        }
        Ok(out)
    }

    /// Marks `digest` as seen and hands out its disclosure, if it was sent.
    fn take(&mut self, digest: String) -> Verdict<Option<(usize, Disclosure)>> {
        let found = self.by_digest.remove(&digest);
        if self.seen.insert(digest) {
            return Ok(found);
        }
        Err(fault("digest_repeated", "a digest occurs twice").at(self.path.to_pointer()))
    }

    fn found(&mut self, at: usize, step: PathStep) {
        if let Some(path) = self.paths.get_mut(at) {
            path.clone_from(&self.path);
            path.push(step);
        }
    }

    fn may_be_concealed(&self, fixed: bool, name: Option<&str>) -> Verdict<()> {
        if fixed {
            let at = name.map_or_else(|| self.path.clone(), |name| self.path.clone().member(name));
            return Err(fault(
                "claim_never_concealed",
                "a claim that must always be visible is concealed, or has a concealed part",
            )
            .at(at.to_pointer()));
        }
        Ok(())
    }

    fn digest_malformed(&self) -> crate::verdict::Failure {
        fault("digest_malformed", "`_sd` is not an array of strings, or `...` is not a single string")
            .at(self.path.to_pointer())
    }
}

enum Placeholder {
    No(Value),
    Digest(String),
    Malformed,
}

/// `{"...": "<digest>"}`, with no other member. An object with `...` and something else is not a placeholder; it is
/// refused when it is walked, because `...` is reserved.
fn placeholder(element: Value) -> Placeholder {
    match element {
        Value::Object(mut object) if object.len() == 1 => match object.remove("...") {
            Some(Value::String(digest)) => Placeholder::Digest(digest),
            Some(_) => Placeholder::Malformed,
            None => Placeholder::No(Value::Object(object)),
        },
        other => Placeholder::No(other),
    }
}
