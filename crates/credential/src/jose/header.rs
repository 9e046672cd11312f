//! The protected header of a JWS (RFC 7515 §4): read once, strictly, into what a verifier needs of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::jws_parts::{alg_not_allowed, malformed};
use crate::crypto::Algorithm;
use crate::encoding::{EncodingError, json};
use crate::jose::jwk::Jwk;
use crate::verdict::{Failure, Verdict};

/// The most certificates that an `x5c` may have.
const MAX_CHAIN: usize = 8;

/// A well-formed header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    /// The JSON text, for those who ask for all of it.
    text: Vec<u8>,
    pub(crate) algorithm: Algorithm,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    pub(crate) jwk: Option<Jwk>,
    /// DER certificates, leaf first; empty when absent.
    pub(crate) x5c: Vec<Vec<u8>>,
    /// The claims that the header repeats (RFC 7519 §5.3).
    pub(crate) repeated: Repeated,
}

/// `iss`, `sub` and `aud`, in this order, where a header has them.
pub(crate) type Repeated = [(&'static str, Option<Value>); 3];

impl Header {
    /// Reads the JSON text of a header.
    ///
    /// # Errors
    /// As [`super::jws::UnverifiedJws::parse`].
    pub(crate) fn read(text: Vec<u8>) -> Verdict<Self> {
        let Found { alg, typ, kid, cty, jwk, x5c, repeated, others } = found(&text)?;
        let alg = match &alg {
            Some(Member::Text(name)) => Algorithm::from_name(name),
            _ => None,
        };
        let algorithm =
            alg.ok_or_else(|| alg_not_allowed("`alg` is not an asymmetric algorithm that is used here"))?;
        if others.contains("crit") || others.contains("b64") {
            let detail = "`crit` and `b64` are not supported";
            return Err(Failure::new("jws-critical", "crit_not_supported", detail)
                .at("/crit")
                .remedy("leave the extension out"));
        }
        let (typ, kid) = (string("typ", typ)?, string("kid", kid)?);
        string("cty", cty)?;
        let jwk = jwk.as_ref().map(Jwk::from_value).transpose().map_err(|error| {
            Failure::new("jws-key", "jwk_invalid", error.to_string())
                .at("/jwk")
                .remedy("send the public key only, as RFC 7517 says")
        })?;
        let x5c = x5c.as_ref().map(certificates).transpose()?.unwrap_or_default();
        Ok(Self { text, algorithm, typ, kid, jwk, x5c, repeated })
    }

    /// All members.
    pub(crate) fn to_members(&self) -> Map<String, Value> {
        // It was read before.
        match json::parse(&self.text) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

/// The members that are looked at, and the names of the others.
#[derive(Default)]
struct Found<'a> {
    alg: Option<Member<'a>>,
    typ: Option<Member<'a>>,
    kid: Option<Member<'a>>,
    cty: Option<Member<'a>>,
    jwk: Option<Value>,
    x5c: Option<Value>,
    repeated: Repeated,
    others: BTreeSet<Cow<'a, str>>,
}

/// A member that should be a string.
enum Member<'a> {
    Text(Cow<'a, str>),
    Other,
}

fn found(text: &[u8]) -> Verdict<Found<'_>> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("the header is not UTF-8"))?;
    let mut source = serde_json::Deserializer::from_str(text);
    let mut found = Found { repeated: [("iss", None), ("sub", None), ("aud", None)], ..Found::default() };
    source
        .deserialize_map(&mut found)
        .and_then(|()| source.end())
        .map_err(|error| malformed(format!("the header: {}", EncodingError::json(error))))?;
    Ok(found)
}

impl<'a> Visitor<'a> for &mut Found<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(json::Text)? {
            match name.as_ref() {
                "alg" => once(&mut self.alg, map.next_value_seed(StringMember)?)?,
                "typ" => once(&mut self.typ, map.next_value_seed(StringMember)?)?,
                "kid" => once(&mut self.kid, map.next_value_seed(StringMember)?)?,
                "cty" => once(&mut self.cty, map.next_value_seed(StringMember)?)?,
                "jwk" => once(&mut self.jwk, map.next_value_seed(json::Strict)?)?,
                "x5c" => once(&mut self.x5c, map.next_value_seed(json::Strict)?)?,
                json::NUMBER | json::RAW_VALUE => return Err(json::own_name()),
                other => {
                    let repeated = self.repeated.iter_mut().find(|(name, _)| *name == other);
                    let value = map.next_value_seed(json::Strict)?;
                    match repeated {
                        Some((_, kept)) => once(kept, value)?,
                        None if self.others.insert(name) => {}
                        None => return Err(json::twice()),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Fills `place`, which is empty unless the member occurs twice.
fn once<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(json::twice()),
    }
}

/// Reads a member that should be a string, and anything else as strictly as everything.
struct StringMember;

impl<'a> DeserializeSeed<'a> for StringMember {
    type Value = Member<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(self, de: D) -> Result<Member<'a>, D::Error> {
        de.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for StringMember {
    type Value = Member<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, v: &'a str) -> Result<Member<'a>, E> {
        Ok(Member::Text(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Member<'a>, E> {
        Ok(Member::Text(Cow::Owned(v.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'a>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'a>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'a>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'a>, E> {
        Ok(Member::Other)
    }

    fn visit_unit<E>(self) -> Result<Member<'a>, E> {
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, seq: A) -> Result<Member<'a>, A::Error> {
        json::Strict.visit_seq(seq).map(|_| Member::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Member<'a>, A::Error> {
        json::Strict.visit_map(map).map(|_| Member::Other)
    }
}

fn string(name: &str, member: Option<Member<'_>>) -> Verdict<Option<String>> {
    match member {
        None => Ok(None),
        Some(Member::Text(text)) => Ok(Some(text.into_owned())),
        Some(Member::Other) => Err(malformed(format!("`{name}` is not a string")).at(format!("/{name}"))),
    }
}

fn certificates(value: &Value) -> Verdict<Vec<Vec<u8>>> {
    let fault = || malformed("`x5c` is not a non-empty array of base64 DER certificates").at("/x5c");
    let array = value.as_array().filter(|array| (1..=MAX_CHAIN).contains(&array.len())).ok_or_else(fault)?;
    let decode = |entry: &Value| entry.as_str().and_then(|text| STANDARD.decode(text).ok());
    array.iter().map(|entry| decode(entry).ok_or_else(fault)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Verdict<Header> {
        Header::read(text.as_bytes().to_vec())
    }

    #[test]
    fn what_is_needed_is_kept_and_everything_can_be_asked_for() {
        let text = json!({"alg": "ES256", "typ": "t", "kid": "k", "cty": "c", "iss": "i", "aud": ["a"], "x": {"y": 1}});
        let header = read(&text.to_string()).unwrap();
        assert_eq!((header.typ.as_deref(), header.kid.as_deref()), (Some("t"), Some("k")));
        assert_eq!(header.repeated, [("iss", Some(json!("i"))), ("sub", None), ("aud", Some(json!(["a"])))]);
        assert_eq!(Value::Object(header.to_members()), text);
        assert_eq!(read(r#"{"alg":"ES\u003256","typ":"\u0074"}"#).unwrap().typ.as_deref(), Some("t"));
    }

    #[test]
    fn sd_n1_no_member_may_occur_twice_wherever_it_is() {
        for name in ["alg", "typ", "kid", "cty", "jwk", "x5c", "iss", "sub", "aud", "crit", "x"] {
            let value = if name == "alg" { r#""ES256""# } else { r#""v""# };
            let twice = format!(r#"{{"alg":"ES256","{name}":{value},"{name}":{value}}}"#);
            assert_eq!(read(&twice).unwrap_err().code, "jws_malformed", "{name}");
            let inside = format!(r#"{{"alg":"ES256","{name}":{{"a":1,"a":1}}}}"#);
            assert_eq!(read(&inside).unwrap_err().code, "jws_malformed", "{name}");
        }
    }

    #[test]
    fn sd_n1_members_have_their_types() {
        for name in ["typ", "kid", "cty", "x5c"] {
            for value in ["1", "-1", "1.5", "null", "true", "[]", "{}", "[\"t\"]"] {
                let refused = read(&format!(r#"{{"alg":"ES256","{name}":{value}}}"#)).unwrap_err();
                assert_eq!((refused.code, refused.pointer), ("jws_malformed", format!("/{name}")), "{value}");
            }
        }
        for text in [
            "",
            "1",
            "[]",
            "null",
            "\"x\"",
            "{",
            r#"{"alg":"ES256"} x"#,
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert_eq!(read(text).unwrap_err().code, "jws_malformed", "{text}");
        }
        assert_eq!(Header::read(vec![b'{', 0xff, b'}']).unwrap_err().code, "jws_malformed");
    }
}
