//! Issuing (RFC 9901 §4, §9.3): which claims the holder may conceal, and the signature over the rest.

use serde_json::{Map, Value};

use super::claims::{check_type, date, holder_key};
use super::disclosure::Disclosure;
use super::hash::HashAlgorithm;
use super::path::{ClaimPath, PathStep};
use super::policy::TYP_SD_JWT_VC;
use super::{NEVER_CONCEALED, RESERVED_NAMES, fault};
use crate::crypto::{Signer, SignerError};
use crate::entropy::{self, Entropy};
use crate::jose::jws;
use crate::verdict::{Failure, Verdict};

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
#[derive(Clone)]
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
        let (concealed, hash, header) = (Vec::new(), HashAlgorithm::default(), Map::new());
        Self { claims, concealed, decoys: 0, hash, header }
    }

    /// Another `typ` than `dc+sd-jwt`: an SD-JWT that is no SD-JWT VC and need not have a `vct`.
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
    /// another concealed one (recursive disclosure, RFC 9901 §4.2.6); [`PathStep::Every`] names every element.
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
    /// `claim_never_concealed`, `claim_not_found`, `claim_name_reserved`, `vct_missing`, `aka_vcts_invalid`,
    /// `cnf_invalid` and `claim_type` as in the [module docs](super); [`IssueError::Signer`].
    pub async fn sign(self, signer: &dyn Signer, entropy: &dyn Entropy) -> Result<String, IssueError> {
        let mut header = self.header;
        header.entry("typ").or_insert_with(|| TYP_SD_JWT_VC.into());
        if let Some(kid) = &signer.public_jwk().kid {
            header.entry("kid").or_insert_with(|| kid.as_str().into());
        }
        check(&self.claims, &self.concealed, header.get("typ") == Some(&TYP_SD_JWT_VC.into()))?;

        let (concealed, hash, decoys) = (&self.concealed, self.hash, self.decoys);
        let mut concealer = Concealer { concealed, hash, decoys, entropy, disclosures: Vec::new() };
        let mut payload = concealer.object(self.claims, &mut ClaimPath::default());
        if !concealer.disclosures.is_empty() {
            payload.insert("_sd_alg".to_owned(), self.hash.as_str().into());
        }
        let mut text = jws::sign(signer, header, &Value::Object(payload)).await?;
        text.push('~');
        for disclosure in concealer.disclosures {
            text.push_str(&disclosure);
            text.push('~');
        }
        Ok(text)
    }
}

fn check(claims: &Map<String, Value>, concealed: &[ClaimPath], credential: bool) -> Verdict<()> {
    if credential {
        check_type(claims)?;
    }
    holder_key(claims)?;
    for name in ["iat", "exp", "nbf"] {
        date(claims, name)?;
    }
    no_reserved_names(claims)?;
    for path in concealed {
        if !path.exists_in(claims) {
            return Err(fault("claim_not_found", "there is no claim at this path").at(path.to_pointer()));
        }
        if let Some(PathStep::Name(name)) = path.steps().first()
            && NEVER_CONCEALED.contains(&name.as_str())
        {
            return Err(fault("claim_never_concealed", "this claim is always visible, with all its parts")
                .at(path.to_pointer()));
        }
    }
    Ok(())
}

fn no_reserved_names(object: &Map<String, Value>) -> Verdict<()> {
    if let Some(name) = RESERVED_NAMES.iter().find(|name| object.contains_key(**name)) {
        return Err(fault("claim_name_reserved", format!("a claim may not be named `{name}`")));
    }
    object.values().try_for_each(no_reserved_names_in)
}

fn no_reserved_names_in(value: &Value) -> Verdict<()> {
    match value {
        Value::Object(object) => no_reserved_names(object),
        Value::Array(array) => array.iter().try_for_each(no_reserved_names_in),
        _ => Ok(()),
    }
}

/// Replaces concealed claims by digests, from the inside to the outside.
struct Concealer<'a> {
    concealed: &'a [ClaimPath],
    hash: HashAlgorithm,
    decoys: usize,
    entropy: &'a dyn Entropy,
    disclosures: Vec<String>,
}

impl Concealer<'_> {
    fn object(&mut self, object: Map<String, Value>, path: &mut ClaimPath) -> Map<String, Value> {
        let mut out = Map::new();
        let mut digests = Vec::new();
        for (name, value) in object {
            path.push(PathStep::Name(name.clone()));
            let value = self.value(value, path);
            if self.concealed.iter().any(|wanted| wanted.names(path)) {
                digests.push(self.disclose(Some(&name), &value));
            } else {
                out.insert(name, value);
            }
            path.pop();
        }
        if !digests.is_empty() {
            let (hash, entropy) = (self.hash, self.entropy);
            digests.extend((0..self.decoys).map(|_| hash.digest(&entropy::token(entropy))));
            // Digests are random, so sorting them hides the order of the claims (RFC 9901 §4.2.4.1).
            digests.sort_unstable();
            out.insert("_sd".to_owned(), digests.into());
        }
        out
    }

    fn value(&mut self, value: Value, path: &mut ClaimPath) -> Value {
        match value {
            Value::Object(object) => Value::Object(self.object(object, path)),
            Value::Array(array) => Value::Array(self.array(array, path)),
            plain => plain,
        }
    }

    fn array(&mut self, array: Vec<Value>, path: &mut ClaimPath) -> Vec<Value> {
        let mut out = Vec::with_capacity(array.len());
        for (index, element) in array.into_iter().enumerate() {
            path.push(PathStep::Index(index));
            let element = self.value(element, path);
            if self.concealed.iter().any(|wanted| wanted.names(path)) {
                let digest = self.disclose(None, &element);
                out.push(Value::Object(Map::from_iter([("...".to_owned(), digest.into())])));
            } else {
                out.push(element);
            }
            path.pop();
        }
        out
    }

    fn disclose(&mut self, name: Option<&str>, value: &Value) -> String {
        let disclosure = Disclosure::encode(name, value, self.entropy);
        let digest = self.hash.digest(&disclosure);
        self.disclosures.push(disclosure);
        digest
    }
}
