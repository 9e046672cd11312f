//! Credential requests (OpenID4VCI 1.0 §8.2).

use enishi_credential::encoding::json;
use serde_json::{Map, Value, json};

use crate::oauth::{ErrorCode, OAuthError};

/// Which credential is asked for: exactly one way of naming it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestTarget {
    /// By an identifier of the token response.
    Identifier(String),
    /// By a configuration, where the token response had no identifiers.
    Configuration(String),
}

/// A credential request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRequest {
    /// What is asked for.
    pub target: RequestTarget,
    /// The key proofs of type `jwt`; empty when the request has no `proofs`.
    pub proofs: Vec<String>,
}

impl CredentialRequest {
    /// Reads the body (server side). Unknown members are ignored, so the `proof` and `format` of old drafts are too.
    ///
    /// # Errors
    /// `invalid_credential_request` for another shape: both or neither of the two ways to name a credential, several
    /// proof types, no or too many proofs; `invalid_proof` for a proof type other than `jwt`;
    /// `invalid_encryption_parameters` for `credential_response_encryption` in an unencrypted request (§8.2).
    pub fn parse(body: &[u8], batch_size: usize) -> Result<Self, OAuthError> {
        let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidCredentialRequest, text);
        let Ok(Value::Object(members)) = json::parse(body) else {
            return Err(refuse("the body is not a JSON object without repeated members"));
        };
        if members.contains_key("credential_response_encryption") {
            return Err(OAuthError::new(
                ErrorCode::InvalidEncryptionParameters,
                "encrypted responses are not offered, and never in answer to a request in the clear",
            ));
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(refuse(&format!("`{name}` is not a string"))),
        };
        let target = match (text("credential_identifier")?, text("credential_configuration_id")?) {
            (Some(id), None) => RequestTarget::Identifier(id),
            (None, Some(id)) => RequestTarget::Configuration(id),
            _ => {
                return Err(refuse(
                    "exactly one of `credential_identifier` and `credential_configuration_id` is needed",
                ));
            }
        };
        let proofs = match members.get("proofs") {
            None => Vec::new(),
            Some(proofs) => parse_proofs(proofs, batch_size)?,
        };
        Ok(Self { target, proofs })
    }

    /// The identifier, where the token response gave identifiers.
    ///
    /// # Errors
    /// `unknown_credential_configuration` for a configuration of which `is_known` says no; else
    /// `invalid_credential_request` for a configuration although identifiers were given.
    pub fn identifier(&self, is_known: impl Fn(&str) -> bool) -> Result<&str, OAuthError> {
        match &self.target {
            RequestTarget::Identifier(id) => Ok(id),
            RequestTarget::Configuration(id) if is_known(id) => Err(OAuthError::new(
                ErrorCode::InvalidCredentialRequest,
                "the token response gave credential identifiers: name one of them",
            )),
            RequestTarget::Configuration(_) => Err(OAuthError::new(
                ErrorCode::UnknownCredentialConfiguration,
                "there is no such credential configuration",
            )),
        }
    }

    /// The proofs, where the configuration requires some.
    ///
    /// # Errors
    /// `invalid_proof` if there are none.
    pub fn required_proofs(&self) -> Result<&[String], OAuthError> {
        if self.proofs.is_empty() {
            return Err(OAuthError::new(
                ErrorCode::InvalidProof,
                "`proofs` is missing: send key proofs of type jwt with a nonce of the nonce endpoint",
            ));
        }
        Ok(&self.proofs)
    }

    /// Writes the body (wallet side).
    pub fn to_value(&self) -> Value {
        let mut body = Map::new();
        match &self.target {
            RequestTarget::Identifier(id) => {
                body.insert("credential_identifier".to_owned(), id.clone().into())
            }
            RequestTarget::Configuration(id) => {
                body.insert("credential_configuration_id".to_owned(), id.clone().into())
            }
        };
        if !self.proofs.is_empty() {
            body.insert("proofs".to_owned(), json!({"jwt": self.proofs}));
        }
        Value::Object(body)
    }
}

fn parse_proofs(proofs: &Value, batch_size: usize) -> Result<Vec<String>, OAuthError> {
    let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidCredentialRequest, text);
    let proofs = proofs.as_object().ok_or_else(|| refuse("`proofs` is not an object"))?;
    let mut kinds = proofs.iter();
    let (Some((kind, list)), None) = (kinds.next(), kinds.next()) else {
        return Err(refuse("`proofs` needs exactly one proof type"));
    };
    let list = list
        .as_array()
        .filter(|list| !list.is_empty())
        .ok_or_else(|| refuse("the proofs are not a non-empty array"))?;
    if kind != "jwt" {
        return Err(OAuthError::new(ErrorCode::InvalidProof, "the proof type is not supported: use jwt"));
    }
    if list.len() > batch_size {
        return Err(refuse(&format!("more proofs than `batch_size`, which is {batch_size}")));
    }
    list.iter()
        .map(|proof| {
            proof.as_str().map(str::to_owned).ok_or_else(|| {
                OAuthError::new(ErrorCode::InvalidProof, "a proof of type jwt is not a string")
            })
        })
        .collect()
}
