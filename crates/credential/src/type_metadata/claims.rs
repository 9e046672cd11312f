//! What a type says about claims, and how a child type changes it (SD-JWT VC §5.6).

use std::collections::{BTreeMap, BTreeSet};

use super::display::{Localized, locale};
use super::fault;
use super::read::At;
use crate::sdjwt::ClaimPath;
use crate::verdict::Verdict;

/// The most claims that a type may describe, inherited ones included.
const MAX_CLAIMS: usize = 512;

/// Whether a claim is selectively disclosable (§5.6.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SdRule {
    /// The issuer must make it selectively disclosable.
    Always,
    /// The issuer may.
    #[default]
    Allowed,
    /// The issuer must not.
    Never,
}

/// How to show a claim in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimDisplay {
    /// A language tag (RFC 5646).
    pub locale: String,
    /// The label, for people. To be escaped wherever it is shown.
    pub label: String,
    /// A description, for people.
    pub description: Option<String>,
}

impl Localized for ClaimDisplay {
    fn locale(&self) -> &str {
        &self.locale
    }
}

/// What a type says about the claims at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMetadata {
    path: ClaimPath,
    // `None` is "not said", which a child takes from its parent.
    display: Option<Vec<ClaimDisplay>>,
    mandatory: Option<bool>,
    sd: Option<SdRule>,
    svg_id: Option<String>,
}

impl ClaimMetadata {
    pub(super) fn read(entry: &At<'_>) -> Verdict<Self> {
        let path = entry.required("path")?;
        let steps: ClaimPath = serde_json::from_value(path.value().clone())
            .map_err(|_| path.fault("not an array of strings, null and non-negative integers"))?;
        if steps.steps().is_empty() {
            return Err(path.fault("the path is empty"));
        }
        let sd = entry.member("sd")?.map(|rule| match rule.text()? {
            "always" => Ok(SdRule::Always),
            "allowed" => Ok(SdRule::Allowed),
            "never" => Ok(SdRule::Never),
            _ => Err(rule.fault("not one of always, allowed and never")),
        });
        let svg_id = entry.member("svg_id")?.map(|id| {
            let text = id.text()?;
            if is_svg_id(text) {
                return Ok(text.to_owned());
            }
            Err(id
                .with_code("svg_id_invalid")
                .fault("not letters, digits and `_`, or it starts with a digit"))
        });
        Ok(Self {
            path: steps,
            display: entry.optional_list("display", |entry| {
                Ok(ClaimDisplay {
                    locale: locale(&entry)?,
                    label: entry.required("label")?.text()?.to_owned(),
                    description: entry.optional_text("description")?,
                })
            })?,
            mandatory: entry.member("mandatory")?.map(|flag| flag.boolean()).transpose()?,
            sd: sd.transpose()?,
            svg_id: svg_id.transpose()?,
        })
    }

    /// Which claims this is about.
    pub const fn path(&self) -> &ClaimPath {
        &self.path
    }

    /// How to show them, by language; see [`super::in_language`].
    pub fn display(&self) -> &[ClaimDisplay] {
        self.display.as_deref().unwrap_or_default()
    }

    /// Whether the issuer must include them.
    pub fn is_mandatory(&self) -> bool {
        self.mandatory.unwrap_or_default()
    }

    /// Whether they are selectively disclosable.
    pub fn sd(&self) -> SdRule {
        self.sd.unwrap_or_default()
    }

    /// Their name in SVG templates.
    pub fn svg_id(&self) -> Option<&str> {
        self.svg_id.as_deref()
    }

    /// Takes over what `child` says about the same path (§5.6.5): what it says counts, what it does not say stays.
    fn overridden_by(&mut self, child: Self) -> Verdict<()> {
        let refused = |code, detail| Err(fault(code, detail).at(child.path.to_pointer()));
        if self.sd() != SdRule::Allowed && child.sd.is_some_and(|rule| rule != self.sd()) {
            return refused("extends_sd_changed", "a child type changes an `sd` of always or never");
        }
        if self.is_mandatory() && child.mandatory == Some(false) {
            return refused("extends_mandatory_dropped", "a child type makes a mandatory claim optional");
        }
        self.display = child.display.or_else(|| self.display.take());
        self.mandatory = child.mandatory.or(self.mandatory);
        self.sd = child.sd.or(self.sd);
        self.svg_id = child.svg_id.or_else(|| self.svg_id.take());
        Ok(())
    }
}

/// `[A-Za-z_][A-Za-z0-9_]*` (§5.6).
pub(super) fn is_svg_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// The claims of a child type: the parent's in their order, overridden, and then the child's own.
pub(super) fn inherit(
    mut claims: Vec<ClaimMetadata>,
    child: Vec<ClaimMetadata>,
) -> Verdict<Vec<ClaimMetadata>> {
    let known: BTreeMap<ClaimPath, usize> =
        claims.iter().enumerate().map(|(at, claim)| (claim.path.clone(), at)).collect();
    for claim in child {
        match known.get(&claim.path).and_then(|at| claims.get_mut(*at)) {
            Some(parent) => parent.overridden_by(claim)?,
            None => claims.push(claim),
        }
    }
    check_list(&claims)?;
    Ok(claims)
}

/// No path and no `svg_id` twice: it would be chance which one counts.
pub(super) fn check_list(claims: &[ClaimMetadata]) -> Verdict<()> {
    if claims.len() > MAX_CLAIMS {
        return Err(fault("type_metadata_too_large", "the type describes too many claims").at("/claims"));
    }
    let (mut paths, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for claim in claims {
        if !paths.insert(&claim.path) {
            return Err(fault("claim_metadata_repeated", "two entries are about the same path")
                .at(claim.path.to_pointer()));
        }
        if claim.svg_id().is_some_and(|id| !ids.insert(id)) {
            return Err(
                fault("svg_id_repeated", "two claims have the same `svg_id`").at(claim.path.to_pointer())
            );
        }
    }
    Ok(())
}
