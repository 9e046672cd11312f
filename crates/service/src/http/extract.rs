//! Strict extractors: a member or parameter that occurs twice is an error, and so is another content type.
//!
//! They refuse with a [`BodyError`], which answers as a [`super::Problem`]. An endpoint that answers errors in a shape of
//! its own takes the result and converts:
//!
//! ```text
//! async fn token(form: Result<Form<TokenRequest>, BodyError>) -> Result<…, TokenError> {
//!     let Form(request) = form?; // TokenError: From<BodyError>
//! ```

use std::collections::HashSet;

use axum::extract::{FromRequest, FromRequestParts, Request};
use enishi_credential::encoding::{EncodingError, json};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::body::{BodyError, read_body};

/// A JSON body (`application/json`) of type `T`; a member twice at any depth is refused.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A form body (`application/x-www-form-urlencoded`) of type `T`; a parameter twice is refused.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// The query of the URL as type `T`; a parameter twice is refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = BodyError;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyError> {
        let body = read_body(request, "application/json").await?;
        let value = json::from_slice(&body).map_err(|error| {
            BodyError::Malformed(match error {
                EncodingError::Json(text) => text,
                other => other.to_string(),
            })
        })?;
        Ok(Self(value))
    }
}

impl<S, T> FromRequest<S> for Form<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = BodyError;

    async fn from_request(request: Request, _: &S) -> Result<Self, BodyError> {
        let body = read_body(request, "application/x-www-form-urlencoded").await?;
        Ok(Self(parse_pairs(&body)?))
    }
}

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = BodyError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, BodyError> {
        Ok(Self(parse_pairs(parts.uri.query().unwrap_or_default().as_bytes())?))
    }
}

fn parse_pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T, BodyError> {
    let mut seen = HashSet::new();
    for (name, _) in url::form_urlencoded::parse(text) {
        if !seen.insert(name) {
            return Err(BodyError::Duplicate);
        }
    }
    serde_urlencoded::from_bytes(text)
        .map_err(|error| BodyError::Malformed(without_values(&error.to_string())))
}

/// serde quotes offending values; a name of a parameter stands in backquotes, a value in double quotes.
fn without_values(text: &str) -> String {
    text.split('"').step_by(2).collect::<Vec<_>>().join("…")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Sample {
        a: String,
        n: Option<u8>,
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert_eq!(parse_pairs::<Sample>(b"a=1&n=2").unwrap(), Sample { a: "1".into(), n: Some(2) });
        assert_eq!(parse_pairs::<Sample>(b"a=1&a=1"), Err(BodyError::Duplicate));
        assert_eq!(
            parse_pairs::<Sample>(b"a=1&x=&%78=2"),
            Err(BodyError::Duplicate),
            "also in another spelling"
        );
    }

    #[test]
    fn threat_22_errors_do_not_quote_values() {
        let Err(BodyError::Malformed(text)) = parse_pairs::<Sample>(b"a=1&n=geheim") else {
            panic!("accepted")
        };
        assert!(!text.contains("geheim"), "{text}");
        assert_eq!(
            without_values("invalid type: string \"x\", expected u8"),
            "invalid type: string …, expected u8"
        );
    }

    proptest! {
        #[test]
        fn pairs_never_panic(bytes: Vec<u8>) {
            let _ = parse_pairs::<Sample>(&bytes);
        }
    }
}
