//! Issuing (RFC 9901 §4, §9.3): which claims the holder may conceal, and the signature over the rest.

use serde_json::{Map, Value};

use super::hash::HashAlgorithm;
use super::path::ClaimPath;
use crate::crypto::{Signer, SignerError};
use crate::entropy::Entropy;
use crate::verdict::Failure;

/// Why nothing was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The claims or the wish to conceal some of them break a rule.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Claims on their way to becoming an SD-JWT.
pub struct SdJwtBuilder {
    claims: Map<String, Value>,
    concealed: Vec<ClaimPath>,
    decoys: usize,
    hash: HashAlgorithm,
    header: Map<String, Value>,
}

impl SdJwtBuilder {
    /// An SD-JWT VC (`typ: dc+sd-jwt`) of `claims`, all of them visible so far.
    pub fn new(claims: Map<String, Value>) -> Self {
        Self { claims, concealed: Vec::new(), decoys: 0, hash: HashAlgorithm::default(), header: Map::new() }
    }

    /// Another `typ` than `dc+sd-jwt`.
    #[must_use]
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Adds a header member, e.g. `x5c`. `alg` is the signer's; `kid` is the signer's unless given here.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Another hash function than SHA-256.
    #[must_use]
    pub const fn hash(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// Lets the holder conceal the claim at `path`: an object member or an array element. A path may lie below
    /// another concealed one (recursive disclosure, RFC 9901 §4.2.6); [`super::PathStep::Every`] names every element.
    #[must_use]
    pub fn conceal(mut self, path: impl Into<ClaimPath>) -> Self {
        self.concealed.push(path.into());
        self
    }

    /// Adds `count` decoy digests to every object that has concealed members (RFC 9901 §4.2.5).
    #[must_use]
    pub const fn decoys(mut self, count: usize) -> Self {
        self.decoys = count;
        self
    }

    /// Signs. The result is the SD-JWT with every disclosure, ending in `~`.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn sign(self, signer: &dyn Signer, entropy: &dyn Entropy) -> Result<String, IssueError> {
        todo!("{:?}", (signer.algorithm(), entropy.fill(&mut []), self.decoys))
    }
}
