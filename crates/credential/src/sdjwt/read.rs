//! How serde walks through payloads and disclosures on behalf of [`super::process`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::hash::HashAlgorithm;
use super::place::Place;
use super::process::Reader;
use super::{RESERVED_NAMES, fault};
use crate::encoding::json;
use crate::verdict::Verdict;

/// What stands at a place in an array: a value, or a digest of one.
pub(super) enum Found<'a> {
    Value(Value),
    Digest(Cow<'a, str>),
}

impl Found<'_> {
    /// The value, where there can be no digest.
    pub(super) fn value<E: Error>(self) -> Result<Value, E> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Digest(_) => Err(E::custom("a digest outside of an array")),
        }
    }
}

/// Reads one value at a place.
pub(super) struct Node<'r, 'a, 'p> {
    reader: &'r mut Reader<'a>,
    place: &'p Place<'p>,
    in_array: bool,
}

impl<'r, 'a, 'p> Node<'r, 'a, 'p> {
    /// The claims as a whole.
    pub(super) const fn top(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, place: &Place::TOP, in_array: false }
    }

    /// The value of a member.
    pub(super) const fn member(reader: &'r mut Reader<'a>, place: &'p Place<'p>) -> Self {
        Self { reader, place, in_array: false }
    }

    /// An element of an array, where a digest may stand.
    pub(super) const fn element(reader: &'r mut Reader<'a>, place: &'p Place<'p>) -> Self {
        Self { reader, place, in_array: true }
    }
}

impl<'a> DeserializeSeed<'a> for Node<'_, 'a, '_> {
    type Value = Found<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(self, de: D) -> Result<Found<'a>, D::Error> {
        de.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Node<'_, 'a, '_> {
    type Value = Found<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Found<'a>, E> {
        Ok(Found::Value(v.into()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Found<'a>, E> {
        Ok(Found::Value(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Found<'a>, E> {
        Ok(Found::Value(v.into()))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Found<'a>, E> {
        json::exact(v).map(Found::Value)
    }

    fn visit_str<E>(self, v: &str) -> Result<Found<'a>, E> {
        Ok(Found::Value(v.into()))
    }

    fn visit_unit<E>(self) -> Result<Found<'a>, E> {
        Ok(Found::Value(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, seq: A) -> Result<Found<'a>, A::Error> {
        self.reader.array(seq, self.place).map(|array| Found::Value(Value::Array(array)))
    }

    /// `{"...": "<digest>"}` with no other member is a placeholder. An object with `...` and something else is refused
    /// as every object with that name, because it is reserved.
    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Found<'a>, A::Error> {
        let first = map.next_key_seed(json::Text)?;
        match first.as_deref() {
            Some("...") if self.in_array => return self.placeholder(map).map(Found::Digest),
            Some(json::NUMBER) => return self.number(map).map(Found::Value),
            Some(_) => {}
            None => return Ok(Found::Value(Value::Object(Map::new()))),
        }
        self.reader.object(map, first, self.place).map(|object| Found::Value(Value::Object(object)))
    }
}

impl<'a> Node<'_, 'a, '_> {
    fn placeholder<A: MapAccess<'a>>(self, mut map: A) -> Result<Cow<'a, str>, A::Error> {
        let digest = map.next_value_seed(json::Text);
        let Ok(digest) = digest else { return Err(self.reader.digest_malformed(self.place)) };
        if map.next_key::<IgnoredAny>()?.is_some() {
            let failure = fault("claim_name_reserved", "`...` may not be here").at(self.place.to_pointer());
            return Err(self.reader.stop(failure));
        }
        Ok(digest)
    }

    /// A number that came in the form of an object, see [`json::NUMBER`].
    fn number<A: MapAccess<'a>>(self, mut map: A) -> Result<Value, A::Error> {
        let Ok(digits) = map.next_value_seed(json::Digits) else {
            let detail = format!("`{}` may not be here", json::NUMBER);
            return Err(self.reader.stop(fault("claim_name_reserved", detail).at(self.place.to_pointer())));
        };
        json::number(&digits)
    }
}

/// Reads the strings in `_sd`.
pub(super) struct Digests;

impl<'a> DeserializeSeed<'a> for Digests {
    type Value = Vec<Cow<'a, str>>;

    fn deserialize<D: serde::Deserializer<'a>>(self, de: D) -> Result<Self::Value, D::Error> {
        de.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Digests {
    type Value = Vec<Cow<'a, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of digests")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::with_capacity(16);
        while let Some(digest) = seq.next_element_seed(json::Text)? {
            out.push(digest);
        }
        Ok(out)
    }
}

/// Reads `[salt, name, value]`. Whatever does not fit is told apart afterwards, by [`super::disclosure::explain`].
pub(super) struct Member<'r, 'a, 'p> {
    pub(super) reader: &'r mut Reader<'a>,
    /// The object whose digest refers to it.
    pub(super) place: &'p Place<'p>,
    /// Its number.
    pub(super) at: usize,
    /// The members that the object has already.
    pub(super) plain: &'p Map<String, Value>,
}

impl<'a> DeserializeSeed<'a> for Member<'_, 'a, '_> {
    type Value = (String, Value);

    fn deserialize<D: serde::Deserializer<'a>>(self, de: D) -> Result<Self::Value, D::Error> {
        de.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Member<'_, 'a, '_> {
    type Value = (String, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a salt, a name and a value")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Self { reader, place, at, plain } = self;
        let _salt = seq.next_element_seed(json::Text)?.ok_or_else(|| A::Error::custom("no salt"))?;
        let name =
            seq.next_element_seed(json::Text)?.ok_or_else(|| A::Error::custom("no name"))?.into_owned();
        if RESERVED_NAMES.contains(&name.as_str()) {
            let detail = format!("disclosure {at}: a claim may not be named `{name}`");
            return Err(reader.stop(fault("claim_name_reserved", detail).at(place.to_pointer())));
        }
        let here = place.member(&name);
        reader.may_be_concealed(&here)?;
        if plain.contains_key(&name) {
            let detail = "a disclosed claim has the name of another";
            return Err(reader.stop(fault("claim_name_collision", detail).at(here.to_pointer())));
        }
        reader.found(at, &here);
        let value = seq.next_element_seed(Node::member(reader, &here))?;
        let value = value.ok_or_else(|| A::Error::custom("no value"))?.value()?;
        nothing_more(seq)?;
        Ok((name, value))
    }
}

/// Reads `[salt, value]`.
pub(super) struct Lone<'r, 'a, 'p> {
    pub(super) reader: &'r mut Reader<'a>,
    /// The element of the array whose digest refers to it.
    pub(super) place: &'p Place<'p>,
    /// Its number.
    pub(super) at: usize,
}

impl<'a> DeserializeSeed<'a> for Lone<'_, 'a, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'a>>(self, de: D) -> Result<Value, D::Error> {
        de.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Lone<'_, 'a, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a salt and a value")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Value, A::Error> {
        let Self { reader, place, at } = self;
        let _salt = seq.next_element_seed(json::Text)?.ok_or_else(|| A::Error::custom("no salt"))?;
        reader.found(at, place);
        let value = seq.next_element_seed(Node::member(reader, place))?;
        let value = value.ok_or_else(|| A::Error::custom("no value"))?.value()?;
        nothing_more(seq)?;
        Ok(value)
    }
}

fn nothing_more<'a, A: SeqAccess<'a>>(mut seq: A) -> Result<(), A::Error> {
    match seq.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("too many elements")),
    }
}

/// What the top-level `_sd_alg` says, which must be known before the first digest is compared. Whatever else is wrong with
/// the payload shows when it is read.
pub(super) fn declared_hash(payload: &[u8]) -> Verdict<HashAlgorithm> {
    match json::find(payload, "_sd_alg") {
        None => Ok(HashAlgorithm::default()),
        Some(Value::String(name)) => HashAlgorithm::from_name(&name).ok_or_else(|| {
            fault("sd_alg_unsupported", "`_sd_alg` is not a hash function in use here").at("/_sd_alg")
        }),
        Some(_) => Err(fault("sd_alg_unsupported", "`_sd_alg` is not a string").at("/_sd_alg")),
    }
}
