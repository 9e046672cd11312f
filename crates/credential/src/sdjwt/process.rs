//! The heart of RFC 9901 §7.1: digests are replaced by what was disclosed, and everything that does not fit is refused.
//!
//! Payload and disclosures are read once, from the bytes straight into the processed claims: a digest is looked up where
//! it stands, and its disclosure is read at that place. Digests are compared as text and never copied.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};
use serde_json::{Map, Value};

use super::disclosure::{self, Kind};
use super::fault;
use super::hash::{DigestText, HashAlgorithm};
use super::path::ClaimPath;
use super::place::{Place, Places};
use super::read::{Digests, Found, Lone, Member, Node, declared_hash};
use crate::encoding::{EncodingError, b64, json};
use crate::verdict::{Failure, Verdict};

/// How deep the processed claims may nest, disclosures inside of disclosures included: bounds the recursion.
const MAX_DEPTH: usize = 64;

/// The processed payload, and what each disclosure turned out to be.
pub(super) struct Processed {
    /// The claims without `_sd`, `_sd_alg` and `...`.
    pub(super) claims: Map<String, Value>,
    /// For each disclosure, in the order in which they were sent, the place of its claim.
    pub(super) disclosed: Places,
    /// The places of array elements that were not disclosed, see [`super::VerifiedSdJwt::undisclosed_elements`].
    pub(super) undisclosed: Vec<ClaimPath>,
    /// What `_sd_alg` says.
    pub(super) hash: HashAlgorithm,
}

/// Processes the issuer's `payload` with `disclosures`, `<D1>~…~<Dn>~` as received, which are `count`.
pub(super) fn process(payload: &[u8], disclosures: &str, count: usize) -> Verdict<Processed> {
    // Before anything inside is judged: a fault in there would be the wrong reason.
    let not_json = |detail: &str| fault("payload_not_json", detail);
    let payload = std::str::from_utf8(payload).map_err(|_| not_json("the payload is not UTF-8"))?;
    if !payload.trim_ascii_start().starts_with('{') {
        return Err(not_json("the payload is not an object"));
    }
    let hash = declared_hash(payload.as_bytes())?;
    // Room for all of it, and not for more: large pieces of memory take longer to get.
    let mut decoded = Vec::with_capacity(disclosures.len() / 4 * 3 + 3);
    let mut sent = Vec::with_capacity(count);
    for (at, disclosure) in split(disclosures).enumerate() {
        let start = decoded.len();
        b64::decode_into(disclosure, &mut decoded)
            .map_err(|_| disclosure::malformed(at, "not base64url without padding"))?;
        let digest = hash.digest_text(disclosure);
        sent.push(Sent { digest, at, decoded: start..decoded.len(), used: false });
    }
    sent.sort_unstable_by(|one, other| one.digest.as_bytes().cmp(other.digest.as_bytes()));
    for (one, other) in sent.iter().zip(sent.iter().skip(1)) {
        if one.digest.as_bytes() == other.digest.as_bytes() {
            let at = one.at.max(other.at);
            return Err(fault("disclosure_repeated", format!("disclosure {at} was sent before")));
        }
    }
    let mut reader = Reader {
        decoded: &decoded,
        disclosed: Places::with_room(sent.len()),
        sent,
        others: BTreeSet::new(),
        undisclosed: Vec::new(),
        failure: None,
    };
    let mut source = serde_json::Deserializer::from_str(payload);
    let claims =
        Node::top(&mut reader).deserialize(&mut source).and_then(|found| source.end().map(|()| found));
    let claims = match claims {
        Ok(Found::Value(Value::Object(claims))) => claims,
        Ok(_) => return Err(not_json("the payload is not an object")),
        Err(error) => {
            return Err(reader
                .failure
                .take()
                .unwrap_or_else(|| not_json(&EncodingError::json(error).to_string())));
        }
    };
    if let Some(at) = reader.sent.iter().filter(|sent| !sent.used).map(|sent| sent.at).min() {
        return Err(fault(
            "disclosure_unreferenced",
            format!(
                "no digest refers to disclosure {at}: it was altered, is not the issuer's, or lacks its parent"
            ),
        ));
    }
    Ok(Processed { claims, disclosed: reader.disclosed, undisclosed: reader.undisclosed, hash })
}

/// The disclosures in `<D1>~…~<Dn>~`.
pub(super) fn split(disclosures: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b'~', disclosures.as_bytes())
        .map(move |end| disclosures.get(std::mem::replace(&mut start, end + 1)..end).unwrap_or_default())
}

/// A disclosure that was sent.
struct Sent {
    digest: DigestText,
    /// Its number, counted from 0.
    at: usize,
    /// Where its bytes stand in [`Reader::decoded`].
    decoded: Range<usize>,
    /// Whether a digest has referred to it.
    used: bool,
}

/// What is known while the claims are read.
pub(super) struct Reader<'a> {
    /// The decoded disclosures, one after the other.
    decoded: &'a [u8],
    /// The disclosures, sorted by their digests.
    sent: Vec<Sent>,
    /// The digests that occurred and are of no disclosure that was sent: decoys, and what is concealed.
    others: BTreeSet<Cow<'a, str>>,
    disclosed: Places,
    undisclosed: Vec<ClaimPath>,
    /// Why reading stopped, where it was not the form of the JSON: serde's errors carry only text.
    failure: Option<Failure>,
}

impl<'a> Reader<'a> {
    /// Keeps the failure and gives serde something to stop with.
    pub(super) fn stop<E: serde::de::Error>(&mut self, failure: Failure) -> E {
        self.failure.get_or_insert(failure);
        E::custom("refused")
    }

    /// Marks `digest` as seen and hands out its disclosure, by its place in the sorted list, if it was sent.
    fn take<E: serde::de::Error>(
        &mut self,
        digest: Cow<'a, str>,
        place: &Place<'_>,
    ) -> Result<Option<usize>, E> {
        let found = self.sent.binary_search_by(|sent| sent.digest.as_bytes().cmp(digest.as_bytes())).ok();
        let again = match found.and_then(|found| self.sent.get_mut(found)) {
            Some(sent) => std::mem::replace(&mut sent.used, true),
            None => !self.others.insert(digest),
        };
        if again {
            return Err(self.stop(fault("digest_repeated", "a digest occurs twice").at(place.to_pointer())));
        }
        Ok(found)
    }

    /// Refuses digests in claims that must be visible with all their parts.
    pub(super) fn may_be_concealed<E: serde::de::Error>(&mut self, place: &Place<'_>) -> Result<(), E> {
        if place.is_fixed() {
            let detail = "a claim that must always be visible is concealed, or has a concealed part";
            return Err(self.stop(fault("claim_never_concealed", detail).at(place.to_pointer())));
        }
        Ok(())
    }

    pub(super) fn digest_malformed<E: serde::de::Error>(&mut self, place: &Place<'_>) -> E {
        let detail = "`_sd` is not an array of strings, or `...` is not a single string";
        self.stop(fault("digest_malformed", detail).at(place.to_pointer()))
    }

    /// The disclosure number `at` is of the claim at `place`.
    pub(super) fn found(&mut self, at: usize, place: &Place<'_>) {
        self.disclosed.set(at, place);
    }

    /// Reads a disclosure as what its digest stands for; `read` is also told its number.
    fn disclosed<T, E: serde::de::Error>(
        &mut self,
        taken: usize,
        kind: Kind,
        place: &Place<'_>,
        read: impl FnOnce(
            &mut Self,
            usize,
            &mut serde_json::Deserializer<serde_json::de::StrRead<'a>>,
        ) -> serde_json::Result<T>,
    ) -> Result<T, E> {
        let (at, range) = match self.sent.get(taken) {
            Some(sent) => (sent.at, sent.decoded.clone()),
            None => (taken, 0..0),
        };
        let bytes = self.decoded.get(range).unwrap_or_default();
        let outcome = std::str::from_utf8(bytes).ok().and_then(|text| {
            let mut source = serde_json::Deserializer::from_str(text);
            read(self, at, &mut source).and_then(|value| source.end().map(|()| value)).ok()
        });
        outcome.ok_or_else(|| {
            let failure = match self.failure.take() {
                Some(failure) => failure,
                None => disclosure::explain(bytes, at, kind, place),
            };
            self.stop(failure)
        })
    }

    fn check_depth<E: serde::de::Error>(&mut self, place: &Place<'_>) -> Result<(), E> {
        if place.depth() > MAX_DEPTH {
            return Err(
                self.stop(fault("claims_too_deep", "the claims nest too deeply").at(place.to_pointer()))
            );
        }
        Ok(())
    }

    /// Reads the members of an object. `first`: a member name that was already read, in an array's element.
    pub(super) fn object<A: MapAccess<'a>>(
        &mut self,
        mut map: A,
        first: Option<Cow<'a, str>>,
        place: &Place<'_>,
    ) -> Result<Map<String, Value>, A::Error> {
        self.check_depth(place)?;
        let mut out = Map::new();
        let mut digests: Option<Vec<Cow<'a, str>>> = None;
        let mut declared = false;
        let mut next = first;
        while let Some(name) = match next.take() {
            Some(name) => Some(name),
            None => map.next_key_seed(json::Text)?,
        } {
            match name.as_ref() {
                "_sd" => {
                    let Ok(list) = map.next_value_seed(Digests) else {
                        return Err(self.digest_malformed(place));
                    };
                    if digests.replace(list).is_some() {
                        return Err(json::twice());
                    }
                }
                "_sd_alg" if place.is_top() => {
                    map.next_value::<IgnoredAny>()?;
                    if std::mem::replace(&mut declared, true) {
                        return Err(json::twice());
                    }
                }
                // `...` outside of a placeholder, `_sd_alg` below the top, or a name that is serde_json's.
                "_sd_alg" | "..." | json::NUMBER | json::RAW_VALUE => {
                    let detail = format!("`{name}` may not be here");
                    return Err(self.stop(fault("claim_name_reserved", detail).at(place.to_pointer())));
                }
                _ => {
                    let name = name.into_owned();
                    let value = map.next_value_seed(Node::member(self, &place.member(&name)))?.value()?;
                    if out.insert(name, value).is_some() {
                        return Err(json::twice());
                    }
                }
            }
        }
        // Only now, so that a disclosed name meets every plain one.
        let Some(digests) = digests else { return Ok(out) };
        self.may_be_concealed(place)?;
        for digest in digests {
            let Some(taken) = self.take(digest, place)? else { continue };
            let (name, value) = self.disclosed(taken, Kind::Member, place, |reader, at, source| {
                Member { reader, place, at, plain: &out }.deserialize(source)
            })?;
            out.insert(name, value);
        }
        Ok(out)
    }

    pub(super) fn array<A: SeqAccess<'a>>(
        &mut self,
        mut seq: A,
        place: &Place<'_>,
    ) -> Result<Vec<Value>, A::Error> {
        self.check_depth(place)?;
        let mut out = Vec::new();
        for issued_at in 0.. {
            let here = place.element(out.len());
            match seq.next_element_seed(Node::element(self, &here))? {
                None => break,
                Some(Found::Value(value)) => out.push(value),
                Some(Found::Digest(digest)) => {
                    self.may_be_concealed(place)?;
                    let Some(taken) = self.take(digest, place)? else {
                        self.undisclosed.push(place.element(issued_at).to_path());
                        continue;
                    };
                    out.push(self.disclosed(taken, Kind::Element, place, |reader, at, source| {
                        Lone { reader, place: &here, at }.deserialize(source)
                    })?);
                }
            }
        }
        Ok(out)
    }
}
