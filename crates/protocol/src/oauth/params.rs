//! Form and query parameters, read strictly (RFC 6749 §3.1, §3.2).

use std::collections::BTreeMap;

use url::form_urlencoded;

use super::error::{ErrorCode, OAuthError};

/// The parameters of a request. A name occurs once; a parameter without a value counts as omitted.
#[derive(Clone, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Takes decoded pairs.
    ///
    /// # Errors
    /// `invalid_request` for a name that occurs twice (RFC 6749 §3.1).
    pub fn from_pairs<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Result<Self, OAuthError> {
        let mut map = BTreeMap::new();
        for (name, value) in pairs {
            if map.insert(name, value).is_some() {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "a parameter occurs twice"));
            }
        }
        map.retain(|_, value| !value.is_empty());
        Ok(Self(map))
    }

    /// Reads `application/x-www-form-urlencoded` text: a body or a query.
    ///
    /// # Errors
    /// As [`Self::from_pairs`].
    pub fn parse(form: &[u8]) -> Result<Self, OAuthError> {
        Self::from_pairs(form_urlencoded::parse(form).into_owned())
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of `name`, taken out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// The value of `name`, taken out.
    ///
    /// # Errors
    /// `invalid_request` if it is missing.
    pub fn require(&mut self, name: &'static str) -> Result<String, OAuthError> {
        self.take(name).ok_or_else(|| {
            OAuthError::new(ErrorCode::InvalidRequest, format!("the parameter `{name}` is missing"))
        })
    }
}

/// Writes a form from those pairs that have a value.
pub(crate) fn write_form(pairs: &[(&str, Option<&str>)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_is_omitted() {
        let error = Params::parse(b"a=1&b=2&a=1").err().unwrap();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        let mut params = Params::parse(b"a=1&b=&c=x+y%26").unwrap();
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.take("b"), None);
        assert_eq!(params.require("c").unwrap(), "x y&");
        assert_eq!(params.require("c").err().unwrap().code, ErrorCode::InvalidRequest);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(form: Vec<u8>) {
            let _ = Params::parse(&form);
        }

        #[test]
        fn what_is_written_is_read(a in ".+", b in ".*") {
            let text = write_form(&[("a", Some(&a)), ("b", Some(&b)), ("c", None)]);
            let params = Params::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(params.get("a"), Some(a.as_str()));
            prop_assert_eq!(params.get("b"), Some(b.as_str()).filter(|b| !b.is_empty()));
            prop_assert_eq!(params.get("c"), None);
        }
    }
}
