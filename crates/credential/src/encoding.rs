//! The two encodings that everything here is written in: base64url without padding, and JSON read strictly.

/// base64url without padding (RFC 4648 §5, RFC 7515 §2), strict: no padding, no other alphabet, no stray bits.
pub mod b64 {
    use std::sync::LazyLock;

    use base64::engine::general_purpose::NO_PAD;
    use base64::{DecodeSliceError, Engine as _};

    use super::EncodingError;

    /// The quickest engine that the processor has instructions for.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
        LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

    /// Encodes `bytes`.
    pub fn encode(bytes: impl AsRef<[u8]>) -> String {
        ENGINE.encode(bytes)
    }

    /// Decodes `text`.
    ///
    /// # Errors
    /// [`EncodingError::Base64`] for padding, a character of another alphabet, or non-canonical trailing bits.
    pub fn decode(text: &str) -> Result<Vec<u8>, EncodingError> {
        ENGINE.decode(text).map_err(|_| EncodingError::Base64)
    }

    /// Decodes `text` and appends it to `out`.
    ///
    /// # Errors
    /// As [`decode`]; what `out` then ends with is of no use.
    pub fn decode_into(text: &str, out: &mut Vec<u8>) -> Result<(), EncodingError> {
        ENGINE.decode_vec(text, out).map_err(|_| EncodingError::Base64)
    }

    /// Decodes `text` into the front of `out`, and returns the number of bytes.
    ///
    /// # Errors
    /// As [`decode`], and [`EncodingError::Length`] if they do not fit.
    pub fn decode_slice(text: &str, out: &mut [u8]) -> Result<usize, EncodingError> {
        ENGINE.decode_slice(text, out).map_err(|error| match error {
            DecodeSliceError::DecodeError(_) => EncodingError::Base64,
            DecodeSliceError::OutputSliceTooSmall => EncodingError::Length,
        })
    }

    /// Decodes `text` into exactly `N` bytes.
    ///
    /// # Errors
    /// As [`decode`], and [`EncodingError::Length`] for another length.
    pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
        let mut out = [0; N];
        let length = decode_slice(text, &mut out)?;
        if length == N { Ok(out) } else { Err(EncodingError::Length) }
    }

    /// Encodes `bytes` and appends the text to `out`.
    pub fn encode_into(bytes: impl AsRef<[u8]>, out: &mut String) {
        ENGINE.encode_string(bytes, out);
    }

    /// A text of at most `N` characters, in place: what is made for every claim need not be allocated.
    #[derive(Clone, Copy)]
    pub(crate) struct ShortText<const N: usize> {
        text: [u8; N],
        length: usize,
    }

    impl<const N: usize> ShortText<N> {
        /// Encodes `bytes`, which fit: a text of nothing if they do not.
        pub(crate) fn encode(bytes: &[u8]) -> Self {
            let mut text = [0; N];
            let length = ENGINE.encode_slice(bytes, &mut text).unwrap_or_default();
            debug_assert!(bytes.is_empty() || length > 0, "{} bytes in {N} characters", bytes.len());
            Self { text, length }
        }

        /// The text as bytes, to compare with.
        pub(crate) fn as_bytes(&self) -> &[u8] {
            self.text.get(..self.length).unwrap_or_default()
        }

        /// The text.
        pub(crate) fn as_str(&self) -> &str {
            // What was written is ASCII.
            std::str::from_utf8(self.as_bytes()).unwrap_or_default()
        }
    }
}

/// JSON as RFC 8725 §3.12 and RFC 7515 §4 want it read: a member name occurs once in an object.
pub mod json {
    use std::borrow::Cow;
    use std::fmt;

    use serde::Deserializer as _;
    use serde::de::{
        DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
    };
    use serde_json::{Map, Number, Value};

    use super::EncodingError;

    /// Reads one JSON text strictly: UTF-8, nothing after it, no member name twice at any depth.
    ///
    /// # Errors
    /// [`EncodingError::Json`] with what was wrong.
    pub fn parse(bytes: &[u8]) -> Result<Value, EncodingError> {
        // As a whole, which is quicker than string by string.
        let text = std::str::from_utf8(bytes).map_err(|_| EncodingError::Json("not UTF-8".to_owned()))?;
        let mut de = serde_json::Deserializer::from_str(text);
        let value = Strict.deserialize(&mut de).map_err(EncodingError::json)?;
        de.end().map_err(EncodingError::json)?;
        Ok(value)
    }

    /// Writes `value` into memory, with room for `usual` bytes from the start.
    pub(crate) fn write(value: &Value, usual: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(usual);
        // A JSON value can always be written, and writing into memory does not fail.
        let _ = serde_json::to_writer(&mut out, value);
        out
    }

    /// Reads a typed value strictly.
    ///
    /// # Errors
    /// As [`parse`], and for a value of another shape than `T`.
    pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EncodingError> {
        serde_json::from_value(parse(bytes)?).map_err(EncodingError::json)
    }

    /// Reads any value strictly.
    pub(crate) struct Strict;

    impl<'de> DeserializeSeed<'de> for Strict {
        type Value = Value;

        fn deserialize<D: serde::Deserializer<'de>>(self, de: D) -> Result<Value, D::Error> {
            de.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Strict {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
            Ok(Value::Bool(v))
        }

        fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
            Ok(Value::Number(v.into()))
        }

        fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
            Ok(Value::Number(v.into()))
        }

        fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
            exact(v)
        }

        fn visit_str<E>(self, v: &str) -> Result<Value, E> {
            Ok(Value::String(v.to_owned()))
        }

        fn visit_string<E>(self, v: String) -> Result<Value, E> {
            Ok(Value::String(v))
        }

        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
            let mut out = Vec::new();
            while let Some(value) = seq.next_element_seed(Strict)? {
                out.push(value);
            }
            Ok(Value::Array(out))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
            let mut out = Map::new();
            while let Some(name) = map.next_key::<String>()? {
                if name == NUMBER && out.is_empty() {
                    return number(&map.next_value_seed(Digits)?);
                }
                if matches!(name.as_str(), NUMBER | RAW_VALUE) {
                    return Err(own_name());
                }
                let value = map.next_value_seed(Strict)?;
                if out.insert(name, value).is_some() {
                    return Err(twice());
                }
            }
            Ok(Value::Object(out))
        }
    }

    /// When some crate in the program turns on serde_json's `arbitrary_precision`, serde_json passes a number that is no
    /// small integer as an object with one member of this name, which has the digits.
    pub(crate) const NUMBER: &str = "$serde_json::private::Number";

    /// Another name by which serde_json talks to itself. No object in a text may have one of them: serde_json's `Value` would
    /// take a sender's `{"$serde_json::private::Number": "1"}` for the number 1.
    pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

    const OWN_NAME: &str = "a member name that no object may have";

    /// Reads the digits after [`NUMBER`]. serde_json gives them away as a `String`, while what stands in a text comes
    /// borrowed: so nobody can write a number in this way, whether the feature is on or not.
    pub(crate) struct Digits;

    impl<'de> DeserializeSeed<'de> for Digits {
        type Value = String;

        fn deserialize<D: serde::Deserializer<'de>>(self, de: D) -> Result<String, D::Error> {
            de.deserialize_str(self)
        }
    }

    impl Visitor<'_> for Digits {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("another member name")
        }

        fn visit_string<E>(self, v: String) -> Result<String, E> {
            Ok(v)
        }

        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<String, E> {
            Err(own_name())
        }
    }

    /// Reads [`Digits`] as the number that is read without `arbitrary_precision`, or refuses them as without it.
    pub(crate) fn number<E: serde::de::Error>(digits: &str) -> Result<Value, E> {
        let mut de = serde_json::Deserializer::from_str(digits);
        // Asked for a number, serde_json does not pass it as an object.
        de.deserialize_f64(Strict).and_then(|value| de.end().map(|()| value)).map_err(E::custom)
    }

    /// Reads a string, and borrows it from the text where it was written without escapes.
    pub(crate) struct Text;

    impl<'de> DeserializeSeed<'de> for Text {
        type Value = Cow<'de, str>;

        fn deserialize<D: serde::Deserializer<'de>>(self, de: D) -> Result<Self::Value, D::Error> {
            de.deserialize_str(self)
        }
    }

    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(v))
        }

        fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(v.to_owned()))
        }
    }

    /// The member `name` of the JSON object in `bytes`, if it is found before anything that cannot be read: good for what
    /// must be known before the whole is read strictly, and for nothing else.
    pub(crate) fn find(bytes: &[u8], name: &str) -> Option<Value> {
        let mut found = None;
        let mut de = serde_json::Deserializer::from_slice(bytes);
        // The search stops with an error when it has found what it looks for.
        let _ = de.deserialize_map(Find { name, found: &mut found });
        found
    }

    struct Find<'n, 'o> {
        name: &'n str,
        found: &'o mut Option<Value>,
    }

    impl<'de> Visitor<'de> for Find<'_, '_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key_seed(Text)? {
                if name == self.name {
                    *self.found = Some(map.next_value_seed(Strict)?);
                    return Err(A::Error::custom("found"));
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    /// A number that was read as a floating-point one. A whole number that large was perhaps not the one that stood in the
    /// text: nobody may sign one number and have another one read (RFC 7493 §2.2).
    pub(crate) fn exact<E: serde::de::Error>(v: f64) -> Result<Value, E> {
        if v.fract() == 0.0 && v.abs() >= TWO_TO_53 {
            return Err(E::custom("a number that is too large to be kept exactly"));
        }
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("a number that JSON cannot hold"))
    }

    /// From here on floating-point numbers leave out whole numbers.
    const TWO_TO_53: f64 = 9_007_199_254_740_992.0;

    /// An object has a member that has one of serde_json's own names.
    pub(crate) fn own_name<E: serde::de::Error>() -> E {
        E::custom(OWN_NAME)
    }

    /// An object has two members of one name.
    pub(crate) fn twice<E: serde::de::Error>() -> E {
        E::custom("a member name occurs twice in one object")
    }
}

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// Not base64url without padding.
    #[error("not base64url without padding")]
    Base64,
    /// Decodes to another number of bytes than the value has.
    #[error("the value has the wrong length")]
    Length,
    /// Not the JSON that is expected. The text never quotes the input.
    #[error("not the JSON that is expected: {0}")]
    Json(String),
}

impl EncodingError {
    pub(crate) fn json(error: serde_json::Error) -> Self {
        // serde_json quotes offending strings for some type errors; what cannot be shown is cut.
        let text = error.to_string();
        let safe = match error.classify() {
            serde_json::error::Category::Data => {
                text.split(": string \"").next().unwrap_or_default().to_owned()
            }
            _ => text,
        };
        Self::Json(safe)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sd_n2_padding_and_stray_bits_are_refused() {
        assert_eq!(b64::decode("YQ"), Ok(b"a".to_vec()));
        for bad in ["YQ==", "YR", "Y+==", "Y/", "Y Q", "Y"] {
            assert_eq!(b64::decode(bad), Err(EncodingError::Base64), "{bad}");
        }
    }

    #[test]
    fn duplicate_members_are_refused_at_any_depth() {
        for bad in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"a":2}]}"#, r#"{"a":1} x"#, "", "{"] {
            assert!(json::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(json::parse(br#"{"a":{"a":1},"b":[null,1.5,-2,true]}"#).is_ok());
    }

    /// The same with `arbitrary_precision` is tested in `peers`.
    #[test]
    fn what_serde_json_says_to_itself_cannot_be_said_by_a_sender() {
        for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
            for value in [r#""1""#, r#""\u0031""#, "1", "{}", "null"] {
                for bad in [
                    format!(r#"{{"{name}":{value}}}"#),
                    format!(r#"{{"a":1,"{name}":{value}}}"#),
                    format!(r#"[{{"\u0024{}":{value}}}]"#, &name[1..]),
                ] {
                    assert!(json::parse(bad.as_bytes()).is_err(), "{bad}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn base64url_round_trips(bytes: Vec<u8>) {
            prop_assert_eq!(b64::decode(&b64::encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn base64url_has_one_text_for_each_value(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = b64::decode(&text) {
                prop_assert_eq!(b64::encode(&bytes), text.as_str());
                let (mut appended, mut slice) = (Vec::new(), [0; 12]);
                b64::decode_into(&text, &mut appended).unwrap();
                prop_assert_eq!(&appended, &bytes);
                prop_assert_eq!(b64::decode_slice(&text, &mut slice), Ok(bytes.len()));
                prop_assert_eq!(&slice[..bytes.len()], bytes.as_slice());
            }
        }

        #[test]
        fn json_never_panics(bytes: Vec<u8>) {
            let _ = json::parse(&bytes);
        }
    }
}
