//! The answer to a request as the verifier receives it (OpenID4VP 1.0 §8.3.1): a form with one JWE.

use serde_json::Value;

use enishi_credential::encoding::json;
use enishi_credential::jose::jwe::{Accepted, JweBackend, JweError, UnopenedJwe};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::verdict::{Failure, Verdict};

use crate::dcql::Query;

use super::VpToken;

/// The longest form that is read.
const MAX_LENGTH: usize = 256 * 1024;

/// A form that was posted to `response_uri`.
#[derive(Clone, PartialEq, Eq)]
pub enum IncomingResponse {
    /// `response`: a JWE, not yet opened.
    Encrypted(String),
    /// A wallet that could not encrypt says that there is no answer.
    PlainError {
        /// The code.
        error: String,
        /// `state`.
        state: Option<String>,
    },
}

/// What the verifier remembers of the request.
#[derive(Debug, Clone, Copy)]
pub struct ResponseExpectation<'a> {
    /// The key that was made for this request, with the `kid` that was published.
    pub key: &'a PrivateJwk,
    /// `state` of the request.
    pub state: &'a str,
    /// The query that was asked.
    pub query: &'a Query,
}

/// What a wallet answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalletAnswer {
    /// Presentations, unverified.
    Presented(VpToken),
    /// No. The code is for statistics at most: every "no" looks the same to others (linkage protocol §12.6).
    Declined(String),
}

fn refuse(code: &'static str, detail: &'static str) -> Failure {
    Failure::new("vp-response", code, detail).remedy(
        "post one form field `response`: a JWE (ECDH-ES, A128GCM or A256GCM) to the key in the request's \
         client_metadata, with its `kid`",
    )
}

impl IncomingResponse {
    /// Reads the form.
    ///
    /// # Errors
    /// `response_malformed` for a form that is too long, has a field twice or neither `response` nor `error`;
    /// `response_not_encrypted` for a `vp_token` in plain.
    pub fn parse(body: &[u8]) -> Verdict<Self> {
        if body.len() > MAX_LENGTH {
            return Err(refuse("response_malformed", "the form is too long"));
        }
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|_| refuse("response_malformed", "not a form in UTF-8"))?;
        let one = |name: &str| {
            let mut values = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone());
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(refuse("response_malformed", "a field occurs twice")),
            }
        };
        let (response, error, token) = (one("response")?, one("error")?, one("vp_token")?);
        match (response, error, token) {
            (_, _, Some(_)) => Err(refuse("response_not_encrypted", "the VP Token is not encrypted")),
            (Some(response), None, None) => Ok(Self::Encrypted(response)),
            (None, Some(error), None) => Ok(Self::PlainError { error, state: one("state")? }),
            _ => Err(refuse("response_malformed", "neither `response` nor `error`, or both")),
        }
    }

    /// Opens the answer and checks that it belongs to the request.
    ///
    /// # Errors
    /// `response_malformed`, `response_encryption_not_allowed`, `response_key_unknown`, `response_not_for_this_key`,
    /// `state_mismatch`, and what [`VpToken::parse`] refuses.
    pub fn open(&self, expected: &ResponseExpectation<'_>, jwe: &dyn JweBackend) -> Verdict<WalletAnswer> {
        let sealed = match self {
            Self::Encrypted(sealed) => sealed,
            Self::PlainError { error, state } => {
                check_state(state.as_deref(), expected.state)?;
                return Ok(WalletAnswer::Declined(error.clone()));
            }
        };
        // Key wrap is refused: the key of a request is published for `ECDH-ES` (HAIP 1.0 §5, N7).
        let sealed = UnopenedJwe::parse(sealed, &Accepted::DIRECT).map_err(jwe_failure)?;
        let kid = &sealed.header().kid;
        if kid.is_none() || *kid != expected.key.public().kid {
            return Err(refuse("response_key_unknown", "`kid` is not the key of this request"));
        }
        let opened = jwe.open(expected.key, &sealed).map_err(jwe_failure)?;
        let Ok(Value::Object(members)) = json::parse(&opened.plaintext) else {
            return Err(refuse("response_malformed", "the plaintext is not a JSON object"));
        };
        check_state(members.get("state").and_then(Value::as_str), expected.state)?;
        match (members.get("vp_token"), members.get("error")) {
            (Some(token), None) => VpToken::parse(token, expected.query).map(WalletAnswer::Presented),
            (None, Some(Value::String(error))) => Ok(WalletAnswer::Declined(error.clone())),
            _ => Err(refuse("response_malformed", "neither `vp_token` nor `error`, or both")),
        }
    }
}

fn check_state(found: Option<&str>, expected: &str) -> Verdict<()> {
    if found == Some(expected) {
        return Ok(());
    }
    Err(refuse("state_mismatch", "`state` is not the one of the request"))
}

fn jwe_failure(error: JweError) -> Failure {
    match error {
        JweError::Malformed => refuse("response_malformed", "`response` is not a compact JWE"),
        JweError::NotAllowed => refuse("response_encryption_not_allowed", "`alg` or `enc` was not offered"),
        JweError::WrongKey | JweError::NotForThisKey => {
            refuse("response_not_for_this_key", "the JWE was not made for the key of this request")
        }
    }
}
