//! One type metadata document (SD-JWT VC §5.2).

use super::claims::{self, ClaimMetadata};
use super::display::TypeDisplay;
use super::integrity::Integrity;
use super::read::At;
use super::resolve::TypeReference;
use super::{MAX_DOCUMENT, fault};
use crate::encoding::json;
use crate::verdict::Verdict;

/// One document, as its publisher wrote it: nothing is inherited yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDocument {
    /// The type that it describes.
    pub vct: String,
    /// A name for developers.
    pub name: Option<String>,
    /// A description for developers.
    pub description: Option<String>,
    /// The type that it extends, with what the parent's document hashes to.
    pub extends: Option<TypeReference>,
    /// How to show the type, where the document says so; replaces what the parent says.
    pub display: Option<Vec<TypeDisplay>>,
    /// What it says about claims.
    pub claims: Vec<ClaimMetadata>,
}

impl TypeDocument {
    /// Reads a document. Members that are not known are ignored, at every level (§5.2); what is known must be right.
    ///
    /// # Errors
    /// `type_metadata_too_large`, `type_metadata_malformed`, `claim_metadata_malformed`, `claim_metadata_repeated`,
    /// `svg_id_invalid`, `svg_id_repeated`, `integrity_malformed`, `integrity_unsupported`.
    pub fn parse(octets: &[u8]) -> Verdict<Self> {
        if octets.len() > MAX_DOCUMENT {
            return Err(fault("type_metadata_too_large", "the document is larger than is read"));
        }
        let value =
            json::parse(octets).map_err(|error| fault("type_metadata_malformed", error.to_string()))?;
        let top = At::top(&value);
        let extends = match top.member("extends")? {
            Some(parent) => {
                Some(TypeReference { vct: parent.name()?.to_owned(), integrity: integrity(&top, "extends")? })
            }
            None if top.member("extends#integrity")?.is_some() => {
                return Err(top.fault("`extends#integrity` without `extends`"));
            }
            None => None,
        };
        let claims = top.optional_list("claims", |entry| {
            ClaimMetadata::read(&entry.with_code("claim_metadata_malformed"))
        });
        let document = Self {
            vct: top.required("vct")?.name()?.to_owned(),
            name: top.optional_text("name")?,
            description: top.optional_text("description")?,
            extends,
            display: top.optional_list("display", |entry| TypeDisplay::read(&entry))?,
            claims: claims?.unwrap_or_default(),
        };
        claims::check_list(&document.claims)?;
        Ok(document)
    }
}

/// `<name>#integrity` of `object`, if it is there.
fn integrity(object: &At<'_>, name: &str) -> Verdict<Option<Integrity>> {
    let Some(member) = object.member(&format!("{name}#integrity"))? else { return Ok(None) };
    let integrity = Integrity::parse(member.text()?);
    integrity.map(Some).map_err(|failure| member.with_code(failure.code).fault(&failure.detail))
}
