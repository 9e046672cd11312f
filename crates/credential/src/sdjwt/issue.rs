//! Issuing (RFC 9901 §4, §9.3): which claims the holder may conceal, and the signature over the rest.

use serde_json::{Map, Value};

use super::claims::{check_shapes, check_type, dates, holder_key};
use super::conceal::{Concealer, Wish};
use super::hash::HashAlgorithm;
use super::path::{ClaimPath, PathStep};
use super::policy::TYP_SD_JWT_VC;
use super::{NEVER_CONCEALED, RESERVED_NAMES, fault};
use crate::crypto::{Signer, SignerError};
use crate::entropy::Entropy;
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
    decoys_at: Vec<(ClaimPath, usize)>,
    hash: HashAlgorithm,
    header: Map<String, Value>,
}

impl SdJwtBuilder {
    /// An SD-JWT VC (`typ: dc+sd-jwt`) of `claims`, all of them visible so far.
    pub fn new(claims: Map<String, Value>) -> Self {
        let (hash, header) = (HashAlgorithm::default(), Map::new());
        Self { claims, concealed: Vec::new(), decoys: 0, decoys_at: Vec::new(), hash, header }
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

    /// Adds `count` decoy digests to every object that has concealed members, and to every array that has concealed
    /// elements (RFC 9901 §4.2.5). In an array they stand at random places, and a reader of type metadata that counts
    /// elements counts them too.
    #[must_use]
    pub const fn decoys(mut self, count: usize) -> Self {
        self.decoys = count;
        self
    }

    /// Adds `count` decoy digests to the object or array at `path`, concealed members or not; the empty path is the top.
    /// The credential must have some concealed claim elsewhere: one that has none has no digests at all (SD-JWT VC §2.2.2).
    #[must_use]
    pub fn decoys_at(mut self, path: impl Into<ClaimPath>, count: usize) -> Self {
        self.decoys_at.push((path.into(), count));
        self
    }

    /// Signs. The result is the SD-JWT with every disclosure, ending in `~`.
    ///
    /// # Errors
    /// `claim_never_concealed`, `claim_not_found`, `claim_name_reserved`, `decoys_without_claims`, `vct_missing`,
    /// `aka_vcts_invalid`, `cnf_invalid`, `claim_type` and `validity_contradictory` as in the [module docs](super);
    /// [`IssueError::Signer`].
    pub async fn sign(self, signer: &dyn Signer, entropy: &dyn Entropy) -> Result<String, IssueError> {
        let Prepared { header, payload, disclosures } = self.prepare(entropy)?;
        let header = with_kid(header, signer);
        let mut text = jws::sign_with_room(signer, header, &payload, 1 + disclosures.len()).await?;
        text.push('~');
        text.push_str(&disclosures);
        Ok(text)
    }

    /// Signs with several keys, e.g. an old and a new one: a JWS in general JSON serialization (RFC 9901 §8). The first
    /// signature is the one that a Key Binding JWT will refer to.
    ///
    /// # Errors
    /// As [`SdJwtBuilder::sign`]; `sd_jwt_malformed` without a signer.
    pub async fn sign_general(
        self,
        signers: &[&dyn Signer],
        entropy: &dyn Entropy,
    ) -> Result<String, IssueError> {
        let Prepared { header, payload, disclosures } = self.prepare(entropy)?;
        let mut signed = Vec::with_capacity(signers.len());
        for signer in signers {
            signed.push(jws::sign(*signer, with_kid(header.clone(), *signer), &payload).await?);
        }
        Ok(super::json_form::general(&signed, &disclosures, None)?)
    }

    fn prepare(self, entropy: &dyn Entropy) -> Verdict<Prepared> {
        let mut header = self.header;
        header.entry("typ").or_insert_with(|| TYP_SD_JWT_VC.into());
        let credential = header.get("typ").and_then(Value::as_str) == Some(TYP_SD_JWT_VC);
        check(&self.claims, &self.concealed, credential)?;
        if credential && self.concealed.is_empty() && !self.decoys_at.is_empty() {
            return Err(fault("decoys_without_claims", "no claim is concealed, so there can be no digests"));
        }
        for (path, _) in &self.decoys_at {
            if !path.names_container(&self.claims) {
                return Err(fault("claim_not_found", "there is no object or array at this path")
                    .at(path.to_pointer()));
            }
            visible_with_all_parts(path)?;
        }
        let conceal = self.concealed.iter().map(|path| Wish::conceal(path.steps()));
        let decoys = self.decoys_at.iter().map(|(path, count)| Wish::decoys(path.steps(), *count));
        let wishes: Vec<Wish<'_>> = conceal.chain(decoys).collect();
        let mut concealer = Concealer::new(self.hash, self.decoys, entropy);
        let mut payload = self.claims;
        concealer.top(&mut payload, &wishes);
        if payload.contains_key("_sd") || concealer.has_digests() {
            payload.insert("_sd_alg".to_owned(), self.hash.as_str().into());
        }
        Ok(Prepared { header, payload: Value::Object(payload), disclosures: concealer.into_disclosures() })
    }
}

/// Everything but the signature.
struct Prepared {
    header: Map<String, Value>,
    payload: Value,
    /// `<D1>~…~<Dn>~`
    disclosures: String,
}

fn with_kid(mut header: Map<String, Value>, signer: &dyn Signer) -> Map<String, Value> {
    if let Some(kid) = &signer.public_jwk().kid {
        header.entry("kid").or_insert_with(|| kid.as_str().into());
    }
    header
}

fn check(claims: &Map<String, Value>, concealed: &[ClaimPath], credential: bool) -> Verdict<()> {
    if credential {
        check_type(claims)?;
    }
    check_shapes(claims)?;
    holder_key(claims)?;
    dates(claims)?;
    no_reserved_names(claims)?;
    for path in concealed {
        if !path.exists_in(claims) {
            return Err(fault("claim_not_found", "there is no claim at this path").at(path.to_pointer()));
        }
        visible_with_all_parts(path)?;
    }
    Ok(())
}

fn visible_with_all_parts(path: &ClaimPath) -> Verdict<()> {
    if let Some(PathStep::Name(name)) = path.steps().first()
        && NEVER_CONCEALED.contains(&name.as_str())
    {
        return Err(fault("claim_never_concealed", "this claim is always visible, with all its parts")
            .at(path.to_pointer()));
    }
    Ok(())
}

fn no_reserved_names(object: &Map<String, Value>) -> Verdict<()> {
    if let Some(name) = object.keys().find(|name| RESERVED_NAMES.contains(&name.as_str())) {
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
