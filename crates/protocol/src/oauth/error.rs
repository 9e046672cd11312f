//! OAuth errors: a code that the specifications fix, and a description in their restricted character set.

use std::fmt;

use enishi_credential::verdict::Failure;
use serde::{Deserialize, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal;)*) => {
        /// An error code of OAuth 2.0, its extensions, or OpenID4VCI 1.0, with the HTTP status that goes with it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is written on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status of a direct (not redirected) answer with this code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// RFC 6749 §5.2: the request lacks a parameter, repeats one or is malformed.
    InvalidRequest = "invalid_request", 400;
    /// RFC 6749 §5.2: the client is unknown or did not authenticate.
    InvalidClient = "invalid_client", 401;
    /// RFC 6749 §5.2: the code is wrong, expired, used or another client's.
    InvalidGrant = "invalid_grant", 400;
    /// RFC 6749 §5.2: the client may not use this grant.
    UnauthorizedClient = "unauthorized_client", 400;
    /// RFC 6749 §5.2: the grant type is not supported.
    UnsupportedGrantType = "unsupported_grant_type", 400;
    /// RFC 6749 §4.1.2.1: the response type is not supported.
    UnsupportedResponseType = "unsupported_response_type", 400;
    /// RFC 6749 §5.2: the scope is unknown or exceeds what was granted.
    InvalidScope = "invalid_scope", 400;
    /// RFC 6749 §4.1.2.1: the person or the server said no.
    AccessDenied = "access_denied", 403;
    /// RFC 6749 §4.1.2.1: something broke here.
    ServerError = "server_error", 500;
    /// RFC 6749 §4.1.2.1: try again later.
    TemporarilyUnavailable = "temporarily_unavailable", 503;
    /// RFC 9396 §5: the authorization details are malformed or unknown.
    InvalidAuthorizationDetails = "invalid_authorization_details", 400;
    /// RFC 9101 §6: the `request_uri` is unknown, used, expired or another client's.
    InvalidRequestUri = "invalid_request_uri", 400;
    /// RFC 9449 §5: the DPoP proof is invalid.
    InvalidDpopProof = "invalid_dpop_proof", 400;
    /// RFC 9449 §8: repeat the request with the nonce of the `DPoP-Nonce` header.
    UseDpopNonce = "use_dpop_nonce", 400;
    /// RFC 6750 §3.1: the access token is missing, expired or not bound to this sender.
    InvalidToken = "invalid_token", 401;
    /// RFC 6750 §3.1: the access token does not cover this.
    InsufficientScope = "insufficient_scope", 403;
    /// RFC 9470 §3: a stronger login is needed for this.
    InsufficientUserAuthentication = "insufficient_user_authentication", 401;
    /// OpenID4VCI 1.0 §8.3.1.2: the credential request is malformed.
    InvalidCredentialRequest = "invalid_credential_request", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: no such credential configuration.
    UnknownCredentialConfiguration = "unknown_credential_configuration", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: no such credential identifier.
    UnknownCredentialIdentifier = "unknown_credential_identifier", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: a key proof is missing or invalid.
    InvalidProof = "invalid_proof", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: the `c_nonce` of a proof is unknown, expired or used.
    InvalidNonce = "invalid_nonce", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: the encryption parameters are missing or not supported.
    InvalidEncryptionParameters = "invalid_encryption_parameters", 400;
    /// OpenID4VCI 1.0 §8.3.1.2: refused for good.
    CredentialRequestDenied = "credential_request_denied", 400;
    /// OpenID4VCI 1.0 §11.3: no such notification id.
    InvalidNotificationId = "invalid_notification_id", 400;
    /// OpenID4VCI 1.0 §11.3: the notification is malformed.
    InvalidNotificationRequest = "invalid_notification_request", 400;
}

impl ErrorCode {
    /// The code with this name, if it is one of these.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error answer as a server sends it: `{"error", "error_description"}` (RFC 6749 §5.2, OpenID4VCI 1.0 §8.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuthError {
    /// The code.
    #[serde(rename = "error")]
    pub code: ErrorCode,
    #[serde(rename = "error_description", skip_serializing_if = "String::is_empty")]
    description: String,
}

impl OAuthError {
    /// An error with a text for the integrator. Characters that `error_description` may not hold are replaced.
    pub fn new(code: ErrorCode, description: impl AsRef<str>) -> Self {
        Self { code, description: restrict(description.as_ref()) }
    }

    /// The error that a failed check becomes: its detail and its remedy, under the code of the endpoint.
    pub fn from_failure(code: ErrorCode, failure: &Failure) -> Self {
        let remedy = if failure.remedy.is_empty() { String::new() } else { format!("; {}", failure.remedy) };
        Self::new(code, format!("{} ({}): {}{remedy}", failure.check, failure.code, failure.detail))
    }

    /// The text, in the restricted character set.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The HTTP status of a direct answer.
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl std::error::Error for OAuthError {}

/// Brings a text into the character set of `error_description`: %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2).
fn restrict(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '`' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

/// The value of `WWW-Authenticate` for an access token that is missing (`error` = `None`) or no good
/// (RFC 6750 §3). A request without any token gets no error code.
pub fn bearer_challenge(scheme: &str, error: Option<&OAuthError>) -> String {
    match error {
        None => scheme.to_owned(),
        Some(error) => {
            format!("{scheme} error=\"{}\", error_description=\"{}\"", error.code.as_str(), error.description)
        }
    }
}

/// An error answer as a wallet reads it. The code is kept as text: servers may send codes that are not known here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErrorResponse {
    /// `error`.
    pub error: String,
    /// `error_description`: for logs and integrators, never for a page.
    #[serde(default)]
    pub error_description: Option<String>,
}

impl ErrorResponse {
    /// Reads an error body; `None` if it is not one.
    pub fn parse(body: &[u8]) -> Option<Self> {
        enishi_credential::encoding::json::from_slice(body).ok()
    }

    /// The code, if it is a known one.
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_name(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_unique_and_found_by_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::from_name("unsupported_credential_format"), None);
    }

    #[test]
    fn an_error_is_written_and_read() {
        let error = OAuthError::new(ErrorCode::InvalidNonce, "the nonce \"x\" is\nold");
        let body = serde_json::to_vec(&error).unwrap();
        let read = ErrorResponse::parse(&body).unwrap();
        assert_eq!(read.code(), Some(ErrorCode::InvalidNonce));
        assert_eq!(read.error_description.as_deref(), Some("the nonce 'x' is?old"));
        assert_eq!(ErrorResponse::parse(b"<html>"), None);
    }

    proptest! {
        #[test]
        fn descriptions_stay_in_the_allowed_characters(text: String) {
            let error = OAuthError::new(ErrorCode::InvalidRequest, text);
            let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
            prop_assert!(error.description().chars().all(allowed));
            prop_assert!(!bearer_challenge("DPoP", Some(&error)).contains('\n'));
        }

        #[test]
        fn reading_errors_never_panics(body: Vec<u8>) {
            let _ = ErrorResponse::parse(&body);
        }
    }
}
