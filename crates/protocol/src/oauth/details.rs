//! Authorization details of type `openid_credential` (RFC 9396, OpenID4VCI 1.0 §5.1.1 and §6.2).

use enishi_credential::encoding::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{ErrorCode, OAuthError};

/// The `type` of an authorization detail that asks for a credential.
pub const CREDENTIAL_DETAIL: &str = "openid_credential";

/// What a wallet asks for. `format`, `vct` and unknown members are ignored (OpenID4VCI 1.0 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialDetail {
    /// Always `openid_credential`.
    #[serde(rename = "type")]
    kind: String,
    /// The configuration in the issuer's metadata.
    pub credential_configuration_id: String,
    /// Where the credential will be fetched: the issuer's identifier, when authorization servers are published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
}

impl CredentialDetail {
    /// Asks for `configuration`.
    pub fn new(configuration: impl Into<String>) -> Self {
        Self {
            kind: CREDENTIAL_DETAIL.to_owned(),
            credential_configuration_id: configuration.into(),
            locations: Vec::new(),
        }
    }

    /// Names the credential issuer in `locations`, for issuers with authorization servers of their own.
    #[must_use]
    pub fn at(mut self, issuer: impl Into<String>) -> Self {
        self.locations = vec![issuer.into()];
        self
    }

    /// Reads the parameter `authorization_details`: a non-empty array of details of this type.
    ///
    /// # Errors
    /// `invalid_authorization_details` for anything else, an unknown type included (RFC 9396 §5).
    pub fn parse_list(text: &str) -> Result<Vec<Self>, OAuthError> {
        let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidAuthorizationDetails, text);
        let Ok(Value::Array(list)) = json::parse(text.as_bytes()) else {
            return Err(refuse("`authorization_details` is not a JSON array"));
        };
        if list.is_empty() || list.len() > 16 {
            return Err(refuse("`authorization_details` has no entries, or more than 16"));
        }
        list.into_iter()
            .map(|entry| {
                if entry.get("type").and_then(Value::as_str) != Some(CREDENTIAL_DETAIL) {
                    return Err(refuse("the type of an authorization detail is not openid_credential"));
                }
                serde_json::from_value(entry)
                    .map_err(|_| refuse("an authorization detail lacks `credential_configuration_id`"))
            })
            .collect()
    }

    /// Writes the parameter `authorization_details`.
    pub fn write_list(list: &[Self]) -> String {
        serde_json::to_string(list).unwrap_or_default()
    }
}

/// What the token response grants: the identifiers under which credentials can be requested (OpenID4VCI 1.0 §6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedDetail {
    #[serde(rename = "type")]
    kind: String,
    /// The configuration that was asked for.
    pub credential_configuration_id: String,
    /// The credentials of this configuration that can be had; one per relying party here.
    pub credential_identifiers: Vec<String>,
    /// The locations of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
}

impl GrantedDetail {
    /// Grants `identifiers` of `configuration`.
    pub fn new(configuration: impl Into<String>, identifiers: Vec<String>) -> Self {
        Self {
            kind: CREDENTIAL_DETAIL.to_owned(),
            credential_configuration_id: configuration.into(),
            credential_identifiers: identifiers,
            locations: Vec::new(),
        }
    }

    /// Whether this is a detail of type `openid_credential` with at least one identifier.
    pub(crate) fn is_well_formed(&self) -> bool {
        self.kind == CREDENTIAL_DETAIL && !self.credential_identifiers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vci_31_a_list_is_written_and_read_and_unknown_members_are_ignored() {
        let list = vec![CredentialDetail::new("linkage_sd_jwt").at("https://issuer.example")];
        assert_eq!(CredentialDetail::parse_list(&CredentialDetail::write_list(&list)).unwrap(), list);
        let extra =
            r#"[{"type":"openid_credential","credential_configuration_id":"a","format":"x","new":[1]}]"#;
        assert_eq!(CredentialDetail::parse_list(extra).unwrap(), vec![CredentialDetail::new("a")]);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "{}",
            "[]",
            "[1]",
            r#"[{"type":"payment"}]"#,
            r#"[{"type":"openid_credential"}]"#,
            r#"[{"type":"openid_credential","credential_configuration_id":7}]"#,
        ] {
            let error = CredentialDetail::parse_list(bad).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidAuthorizationDetails, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = CredentialDetail::parse_list(&text);
        }
    }
}
