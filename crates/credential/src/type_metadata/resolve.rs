//! From a reference to a whole type, parents first (SD-JWT VC §5.3, §5.4), without fetching anything.

use super::claims::{self, ClaimMetadata};
use super::display::TypeDisplay;
use super::document::TypeDocument;
use super::fault;
use super::integrity::Integrity;
use crate::sdjwt::{HeldSdJwt, VerifiedSdJwt};
use crate::verdict::Verdict;

/// The most types in one chain of `extends`, the first included.
pub const MAX_CHAIN: usize = 8;

/// The type whose document is wanted, and what the document must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeReference {
    /// The type, which is a URL to fetch from only if whoever asks decides so.
    pub vct: String,
    /// `vct#integrity` of the credential, or `extends#integrity` of a document that is trusted itself.
    pub integrity: Option<Integrity>,
}

/// Where the octets of a document come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The reader's own configuration, or a registry that it trusts: good without integrity. Integrity that is there is
    /// checked all the same.
    Configured,
    /// Anywhere else. Only integrity makes it good.
    Fetched,
}

/// The way from a credential's `vct` to its whole type. Says which document is needed next, takes it, and goes on.
#[derive(Debug, Clone)]
#[must_use = "nothing of a type is known before `finish`"]
pub struct Resolution {
    /// Child first.
    documents: Vec<TypeDocument>,
    needed: Option<TypeReference>,
}

impl Resolution {
    /// Starts at a reference.
    pub const fn new(reference: TypeReference) -> Self {
        Self { documents: Vec::new(), needed: Some(reference) }
    }

    /// Starts at the type of a verified presentation.
    ///
    /// # Errors
    /// `integrity_malformed` or `integrity_unsupported` for `vct#integrity`; `type_metadata_unavailable` without `vct`.
    pub fn of(credential: &VerifiedSdJwt) -> Verdict<Self> {
        let vct = credential.vct();
        let vct = vct.ok_or_else(|| fault("type_metadata_unavailable", "the credential has no `vct`"))?;
        // Verification lets through strings only; should it ever not, then the empty text is refused here.
        let integrity = credential.claims().get("vct#integrity");
        let integrity = integrity.map(|text| Integrity::parse(text.as_str().unwrap_or_default())).transpose();
        let integrity = integrity.map_err(|failure| failure.at("/vct#integrity"))?;
        Ok(Self::new(TypeReference { vct: vct.to_owned(), integrity }))
    }

    /// Starts at the type of a credential in a wallet.
    ///
    /// # Errors
    /// As [`Resolution::of`].
    pub fn of_held(credential: &HeldSdJwt) -> Verdict<Self> {
        Self::of(credential.verified())
    }

    /// The document that is wanted next; `None` when all are there.
    pub const fn needed(&self) -> Option<&TypeReference> {
        self.needed.as_ref()
    }

    /// Takes the octets of the document that is [needed](Self::needed), exactly as they were received.
    ///
    /// # Errors
    /// `integrity_mismatch`; `type_metadata_untrusted` for a fetched document without integrity; the codes of
    /// [`TypeDocument::parse`]; `type_metadata_vct_mismatch`; `extends_circular`, `extends_too_long`. The credential is
    /// then to be refused.
    pub fn supply(mut self, octets: &[u8], source: Source) -> Verdict<Self> {
        let Some(reference) = self.needed.take() else { return Ok(self) };
        match (&reference.integrity, source) {
            (Some(integrity), _) => integrity.check(octets)?,
            (None, Source::Configured) => {}
            (None, Source::Fetched) => {
                return Err(fault("type_metadata_untrusted", "nothing says what the document must hash to"));
            }
        }
        let document = TypeDocument::parse(octets)?;
        if document.vct != reference.vct {
            return Err(fault("type_metadata_vct_mismatch", "the document describes another type").at("/vct"));
        }
        let parent = document.extends.clone();
        self.documents.push(document);
        if let Some(parent) = &parent {
            if self.documents.iter().any(|document| document.vct == parent.vct) {
                return Err(fault("extends_circular", "the type extends itself").at("/extends"));
            }
            if self.documents.len() >= MAX_CHAIN {
                return Err(fault("extends_too_long", "too many types extend each other").at("/extends"));
            }
        }
        self.needed = parent;
        Ok(self)
    }

    /// The whole type, with what it inherits.
    ///
    /// # Errors
    /// `type_metadata_unavailable` while a document is needed; `extends_sd_changed`, `extends_mandatory_dropped`,
    /// `svg_id_repeated`, `type_metadata_too_large`.
    pub fn finish(self) -> Verdict<ResolvedType> {
        if self.needed.is_some() || self.documents.is_empty() {
            return Err(fault("type_metadata_unavailable", "a document of the type is missing"));
        }
        let types = self.documents.iter().map(|document| document.vct.clone()).collect();
        let (mut display, mut described) = (Vec::new(), Vec::new());
        for document in self.documents.into_iter().rev() {
            display = document.display.unwrap_or(display);
            described = claims::inherit(described, document.claims)?;
        }
        Ok(ResolvedType { types, display, claims: described })
    }
}

/// A type with everything that it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedType {
    types: Vec<String>,
    display: Vec<TypeDisplay>,
    claims: Vec<ClaimMetadata>,
}

impl ResolvedType {
    /// The type and those that it extends, itself first. That an issuer extends a type does not entitle it to issue that
    /// type (§7.6).
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// How to show the type, by language; see [`super::in_language`].
    pub fn display(&self) -> &[TypeDisplay] {
        &self.display
    }

    /// What is said about claims: the parents' first.
    pub fn claims(&self) -> &[ClaimMetadata] {
        &self.claims
    }
}
