//! Token requests and responses for both grants of OpenID4VCI 1.0 §6.

use enishi_credential::encoding::json;
use enishi_credential::secret::Secret;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

use super::details::{CredentialDetail, GrantedDetail};
use super::error::{ErrorCode, OAuthError};
use super::params::{Params, write_form};

/// `grant_type` of the authorization code flow.
pub const GRANT_AUTHORIZATION_CODE: &str = "authorization_code";
/// `grant_type` of the pre-authorized code flow.
pub const GRANT_PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// A token request with the authorization code grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCodeGrant {
    /// The code.
    pub code: Secret<String>,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier; its absence is for [`super::PkceChallenge::verify`] to refuse.
    pub code_verifier: Option<String>,
    /// The wallet; a public client names itself (RFC 6749 §4.1.3).
    pub client_id: String,
    /// Which of the authorized credentials, when not all.
    pub authorization_details: Vec<CredentialDetail>,
}

/// A token request with the pre-authorized code grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreAuthorizedGrant {
    /// The code of the offer.
    pub code: Secret<String>,
    /// What the person typed in.
    pub tx_code: Option<Secret<String>>,
    /// The wallet, where it is not anonymous.
    pub client_id: Option<String>,
    /// Which of the offered credentials, when not all.
    pub authorization_details: Vec<CredentialDetail>,
}

/// A token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3 with RFC 7636.
    AuthorizationCode(AuthorizationCodeGrant),
    /// OpenID4VCI 1.0 §6.1.
    PreAuthorized(PreAuthorizedGrant),
}

impl TokenRequest {
    /// Reads a token request (server side).
    ///
    /// # Errors
    /// `unsupported_grant_type`; `invalid_request` for a missing parameter, or a `tx_code` with the other grant;
    /// `invalid_client` for an authorization code without `client_id`; `invalid_authorization_details`.
    pub fn from_params(mut params: Params) -> Result<Self, OAuthError> {
        let authorization_details = match params.take("authorization_details") {
            None => Vec::new(),
            Some(text) => CredentialDetail::parse_list(&text)?,
        };
        let client_id = params.take("client_id");
        let tx_code = params.take("tx_code").map(Secret::new);
        match params.require("grant_type")?.as_str() {
            GRANT_AUTHORIZATION_CODE => {
                if tx_code.is_some() {
                    return Err(OAuthError::new(
                        ErrorCode::InvalidRequest,
                        "`tx_code` belongs to the pre-authorized code grant",
                    ));
                }
                let code = Secret::new(params.require("code")?);
                let client_id = client_id.ok_or_else(|| {
                    OAuthError::new(ErrorCode::InvalidClient, "`client_id` is missing: name the client")
                })?;
                Ok(Self::AuthorizationCode(AuthorizationCodeGrant {
                    code,
                    redirect_uri: params.take("redirect_uri"),
                    code_verifier: params.take("code_verifier"),
                    client_id,
                    authorization_details,
                }))
            }
            GRANT_PRE_AUTHORIZED => Ok(Self::PreAuthorized(PreAuthorizedGrant {
                code: Secret::new(params.require("pre-authorized_code")?),
                tx_code,
                client_id,
                authorization_details,
            })),
            _ => Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "the grant type is not supported")),
        }
    }

    /// Writes the form (wallet side).
    pub fn to_form(&self) -> Secret<String> {
        let details =
            |list: &[CredentialDetail]| (!list.is_empty()).then(|| CredentialDetail::write_list(list));
        Secret::new(match self {
            Self::AuthorizationCode(grant) => write_form(&[
                ("grant_type", Some(GRANT_AUTHORIZATION_CODE)),
                ("code", Some(grant.code.expose())),
                ("redirect_uri", grant.redirect_uri.as_deref()),
                ("code_verifier", grant.code_verifier.as_deref()),
                ("client_id", Some(&grant.client_id)),
                ("authorization_details", details(&grant.authorization_details).as_deref()),
            ]),
            Self::PreAuthorized(grant) => write_form(&[
                ("grant_type", Some(GRANT_PRE_AUTHORIZED)),
                ("pre-authorized_code", Some(grant.code.expose())),
                ("tx_code", grant.tx_code.as_ref().map(|code| code.expose().as_str())),
                ("client_id", grant.client_id.as_deref()),
                ("authorization_details", details(&grant.authorization_details).as_deref()),
            ]),
        })
    }
}

/// A token response. There is no `c_nonce` in it (OpenID4VCI 1.0 §6.2): that is the nonce endpoint's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret<String>,
    /// `DPoP` for a sender-constrained token (RFC 9449 §5), else `Bearer`.
    pub token_type: String,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// What can be requested with it.
    pub authorization_details: Vec<GrantedDetail>,
}

#[derive(Serialize, Deserialize)]
struct TokenResponseWire {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authorization_details: Vec<serde_json::Value>,
}

impl TokenResponse {
    /// Writes the body (server side). It goes out with `Cache-Control: no-store`.
    pub fn to_json(&self) -> Secret<String> {
        let wire = TokenResponseWire {
            access_token: self.access_token.expose().clone(),
            token_type: self.token_type.clone(),
            expires_in: self.expires_in,
            authorization_details: self
                .authorization_details
                .iter()
                .filter_map(|detail| serde_json::to_value(detail).ok())
                .collect(),
        };
        Secret::new(serde_json::to_string(&wire).unwrap_or_default())
    }

    /// Reads the body (wallet side). Details of other types are skipped.
    ///
    /// # Errors
    /// `token_response_malformed`, also for a token type other than `Bearer` and `DPoP` and for a detail without
    /// identifiers; `token_not_bound` if a DPoP proof was sent and the token is not bound to it.
    pub fn parse(body: &[u8], dpop_sent: bool) -> Verdict<Self> {
        let fail = |detail: String| {
            Failure::new("token-response", "token_response_malformed", detail)
                .remedy("answer as OpenID4VCI 1.0 §6.2 says")
        };
        let wire: TokenResponseWire = json::from_slice(body).map_err(|error| fail(error.to_string()))?;
        let is = |name: &str| wire.token_type.eq_ignore_ascii_case(name);
        if !is("DPoP") && !is("Bearer") {
            return Err(fail("the token type is neither DPoP nor Bearer".to_owned()));
        }
        if dpop_sent && !is("DPoP") {
            return Err(Failure::new(
                "token-response",
                "token_not_bound",
                "a bearer token in answer to DPoP",
            )
            .remedy("bind the token to the key of the DPoP proof"));
        }
        let mut authorization_details = Vec::new();
        for value in wire.authorization_details {
            if value.get("type").and_then(serde_json::Value::as_str) != Some(super::CREDENTIAL_DETAIL) {
                continue;
            }
            let detail: GrantedDetail = serde_json::from_value(value)
                .ok()
                .filter(GrantedDetail::is_well_formed)
                .ok_or_else(|| fail("an authorization detail lacks credential identifiers".to_owned()))?;
            authorization_details.push(detail);
        }
        Ok(Self {
            access_token: Secret::new(wire.access_token),
            token_type: wire.token_type,
            expires_in: wire.expires_in,
            authorization_details,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(form: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::from_params(Params::parse(form.as_bytes()).unwrap())
    }

    #[test]
    fn both_grants_are_written_and_read() {
        let code = TokenRequest::AuthorizationCode(AuthorizationCodeGrant {
            code: Secret::new("c".to_owned()),
            redirect_uri: Some("https://wallet.example/cb".to_owned()),
            code_verifier: Some("v".to_owned()),
            client_id: "wallet".to_owned(),
            authorization_details: vec![CredentialDetail::new("linkage_sd_jwt")],
        });
        let pre = TokenRequest::PreAuthorized(PreAuthorizedGrant {
            code: Secret::new("p".to_owned()),
            tx_code: Some(Secret::new("1234".to_owned())),
            client_id: None,
            authorization_details: Vec::new(),
        });
        for request in [code, pre] {
            assert_eq!(read(request.to_form().expose()).unwrap(), request);
        }
    }

    #[test]
    fn faults_have_their_codes() {
        let code = |form: &str| read(form).unwrap_err().code;
        assert_eq!(code("code=c"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=password"), ErrorCode::UnsupportedGrantType);
        assert_eq!(code("grant_type=authorization_code&code=c"), ErrorCode::InvalidClient);
        assert_eq!(code("grant_type=authorization_code&client_id=w"), ErrorCode::InvalidRequest);
        let pre = "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code";
        assert_eq!(code(pre), ErrorCode::InvalidRequest);
        let tx = "grant_type=authorization_code&client_id=w&code=c&tx_code=1";
        assert_eq!(code(tx), ErrorCode::InvalidRequest, "vci_40");
    }

    #[test]
    fn vci_42_a_response_is_written_and_read() {
        let response = TokenResponse {
            access_token: Secret::new("t".to_owned()),
            token_type: "DPoP".to_owned(),
            expires_in: 300,
            authorization_details: vec![GrantedDetail::new("linkage_sd_jwt", vec!["id".to_owned()])],
        };
        let body = response.to_json();
        assert_eq!(TokenResponse::parse(body.expose().as_bytes(), true).unwrap(), response);
        assert!(!body.expose().contains("c_nonce"), "vci_43");
        let bearer =
            br#"{"access_token":"t","token_type":"bearer","new":1,"authorization_details":[{"type":"x"}]}"#;
        assert!(TokenResponse::parse(bearer, false).unwrap().authorization_details.is_empty());
        assert_eq!(TokenResponse::parse(bearer, true).unwrap_err().code, "token_not_bound");
        let empty = br#"{"access_token":"t","token_type":"DPoP","authorization_details":[
            {"type":"openid_credential","credential_configuration_id":"a","credential_identifiers":[]}]}"#;
        assert_eq!(TokenResponse::parse(empty, true).unwrap_err().code, "token_response_malformed");
    }

    proptest! {
        #[test]
        fn reading_never_panics(form in "(grant_type=authorization_code&)?.{0,60}", body: Vec<u8>) {
            if let Ok(params) = Params::parse(form.as_bytes()) {
                let _ = TokenRequest::from_params(params);
            }
            let _ = TokenResponse::parse(&body, true);
        }
    }
}
