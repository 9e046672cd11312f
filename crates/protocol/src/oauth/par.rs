//! Pushed authorization requests (RFC 9126) and the authorization request that refers to one.

use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

use super::details::CredentialDetail;
use super::error::{ErrorCode, OAuthError};
use super::params::{Params, write_form};
use super::pkce::PkceChallenge;

/// An authorization request for credentials, as it is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// The wallet.
    pub client_id: String,
    /// Where the browser goes afterwards.
    pub redirect_uri: String,
    /// The PKCE challenge, always S256.
    pub code_challenge: PkceChallenge,
    /// Comes back in the response.
    pub state: Option<String>,
    /// Credentials asked for by scope.
    pub scope: Vec<String>,
    /// Credentials asked for by configuration.
    pub authorization_details: Vec<CredentialDetail>,
    /// From the credential offer; may have been injected (OpenID4VCI 1.0 §5.1.3).
    pub issuer_state: Option<String>,
    /// The key that the code and the token will be bound to (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
}

impl PushedRequest {
    /// Reads a pushed request (server side). Whether the client and its redirect URI are known is for
    /// the server to find out.
    ///
    /// # Errors
    /// `invalid_request` for a missing parameter, a `request_uri` or `request` in the body (RFC 9126 §2.1), PKCE that is
    /// missing or not S256; `unsupported_response_type`; `invalid_authorization_details`.
    pub fn from_params(mut params: Params) -> Result<Self, OAuthError> {
        let refuse = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
        if params.get("request_uri").is_some() {
            return refuse("`request_uri` must not be pushed");
        }
        if params.get("request").is_some() {
            return refuse("signed request objects are not supported here: push the parameters");
        }
        let client_id = params.require("client_id")?;
        if params.require("response_type")? != "code" {
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "`response_type` must be code"));
        }
        let method = params.take("code_challenge_method");
        let code_challenge = PkceChallenge::parse(params.take("code_challenge"), method.as_deref())?;
        let authorization_details = match params.take("authorization_details") {
            None => Vec::new(),
            Some(text) => CredentialDetail::parse_list(&text)?,
        };
        let dpop_jkt = match params.take("dpop_jkt") {
            None => None,
            Some(text) => Some(Thumbprint::parse(&text).map_err(|_| {
                OAuthError::new(ErrorCode::InvalidRequest, "`dpop_jkt` is not a SHA-256 thumbprint")
            })?),
        };
        Ok(Self {
            client_id,
            redirect_uri: params.require("redirect_uri")?,
            code_challenge,
            state: params.take("state"),
            scope: params
                .take("scope")
                .map(|scope| scope.split_ascii_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            authorization_details,
            issuer_state: params.take("issuer_state"),
            dpop_jkt,
        })
    }

    /// Writes the form (wallet side).
    pub fn to_form(&self) -> String {
        let scope = self.scope.join(" ");
        let details = CredentialDetail::write_list(&self.authorization_details);
        let jkt = self.dpop_jkt.map(|jkt| jkt.to_string());
        write_form(&[
            ("response_type", Some("code")),
            ("client_id", Some(&self.client_id)),
            ("redirect_uri", Some(&self.redirect_uri)),
            ("code_challenge", Some(self.code_challenge.as_str())),
            ("code_challenge_method", Some("S256")),
            ("state", self.state.as_deref()),
            ("scope", Some(scope.as_str()).filter(|scope| !scope.is_empty())),
            (
                "authorization_details",
                Some(details.as_str()).filter(|_| !self.authorization_details.is_empty()),
            ),
            ("issuer_state", self.issuer_state.as_deref()),
            ("dpop_jkt", jkt.as_deref()),
        ])
    }

    /// Checks the redirect URI against those registered for the client, by exact comparison (RFC 9700 §2.1).
    ///
    /// # Errors
    /// `invalid_request` for another one.
    pub fn check_redirect_uri(&self, registered: &[String]) -> Result<(), OAuthError> {
        if registered.contains(&self.redirect_uri) {
            return Ok(());
        }
        Err(OAuthError::new(ErrorCode::InvalidRequest, "`redirect_uri` is not registered for this client"))
    }

    /// Binds the request to the key of a `DPoP` header that came with it (RFC 9449 §10.1).
    ///
    /// # Errors
    /// `invalid_dpop_proof` if `dpop_jkt` names another key.
    pub fn bind_to_proof(&mut self, proof_key: Thumbprint) -> Result<(), OAuthError> {
        match self.dpop_jkt {
            Some(jkt) if jkt != proof_key => Err(OAuthError::new(
                ErrorCode::InvalidDpopProof,
                "`dpop_jkt` is not the key of the DPoP proof",
            )),
            _ => {
                self.dpop_jkt = Some(proof_key);
                Ok(())
            }
        }
    }
}

/// The answer to a pushed request, sent with status 201 (RFC 9126 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedResponse {
    /// The reference to use in the authorization request.
    pub request_uri: String,
    /// Seconds until it ends.
    pub expires_in: u64,
}

impl PushedResponse {
    /// The form of a `request_uri` for `reference`.
    pub fn request_uri(reference: &str) -> String {
        format!("urn:ietf:params:oauth:request_uri:{reference}")
    }

    /// Reads the answer (wallet side).
    ///
    /// # Errors
    /// `par_response_malformed`.
    pub fn parse(body: &[u8]) -> Verdict<Self> {
        json::from_slice(body).map_err(|error| {
            Failure::new("par-response", "par_response_malformed", error.to_string())
                .remedy("answer with request_uri and expires_in")
        })
    }
}

/// The authorization request with which a browser arrives: two parameters, all else was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The wallet; must be the one that pushed.
    pub client_id: String,
    /// The reference to the pushed request.
    pub request_uri: String,
}

impl AuthorizationRequest {
    /// Reads the query (server side).
    ///
    /// # Errors
    /// `invalid_request` if a parameter is missing: requests that were not pushed are refused (RFC 9126 §5).
    pub fn from_params(mut params: Params) -> Result<Self, OAuthError> {
        let client_id = params.require("client_id")?;
        let request_uri = params.take("request_uri").ok_or_else(|| {
            OAuthError::new(
                ErrorCode::InvalidRequest,
                "authorization requests must be pushed first: `request_uri` is missing",
            )
        })?;
        Ok(Self { client_id, request_uri })
    }

    /// The query to append to the authorization endpoint (wallet side).
    pub fn to_query(&self) -> String {
        write_form(&[("client_id", Some(&self.client_id)), ("request_uri", Some(&self.request_uri))])
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::PrivateJwk;
    use proptest::prelude::*;

    use super::super::pkce::PkceVerifier;
    use super::*;

    fn request() -> PushedRequest {
        PushedRequest {
            client_id: "wallet".to_owned(),
            redirect_uri: "https://wallet.example/cb".to_owned(),
            code_challenge: PkceVerifier::generate(&SeededEntropy::new("par")).challenge(),
            state: Some("s t".to_owned()),
            scope: vec!["a".to_owned(), "b".to_owned()],
            authorization_details: vec![CredentialDetail::new("linkage_sd_jwt")],
            issuer_state: Some("i".to_owned()),
            dpop_jkt: Some(jkt("one")),
        }
    }

    fn jkt(seed: &str) -> Thumbprint {
        PrivateJwk::generate_p256(&SeededEntropy::new(seed)).public().thumbprint()
    }

    fn read(form: &str) -> Result<PushedRequest, OAuthError> {
        PushedRequest::from_params(Params::parse(form.as_bytes()).unwrap())
    }

    #[test]
    fn a_request_is_written_and_read() {
        assert_eq!(read(&request().to_form()).unwrap(), request());
    }

    #[test]
    fn dpop_n8_faults_of_a_pushed_request() {
        let form = request().to_form();
        let code = |form: &str| read(form).unwrap_err().code;
        assert_eq!(code(&format!("{form}&request_uri=urn:x")), ErrorCode::InvalidRequest);
        assert_eq!(code(&format!("{form}&request=x")), ErrorCode::InvalidRequest);
        assert_eq!(code(&form.replace("S256", "plain")), ErrorCode::InvalidRequest);
        assert_eq!(code(&form.replace("code_challenge=", "x=")), ErrorCode::InvalidRequest);
        assert_eq!(code(&form.replace("redirect_uri=", "x=")), ErrorCode::InvalidRequest);
        assert_eq!(
            code(&form.replace("response_type=code", "response_type=token")),
            ErrorCode::UnsupportedResponseType
        );
        assert_eq!(code(&form.replace("dpop_jkt=", "dpop_jkt=x")), ErrorCode::InvalidRequest);
        assert!(request().check_redirect_uri(&["https://wallet.example/cb".to_owned()]).is_ok());
        assert!(request().check_redirect_uri(&["https://wallet.example/cb2".to_owned()]).is_err());
    }

    #[test]
    fn dpop_n10_jkt_and_proof_key_must_agree() {
        let mut pushed = request();
        assert_eq!(pushed.bind_to_proof(jkt("two")).unwrap_err().code, ErrorCode::InvalidDpopProof);
        pushed.bind_to_proof(jkt("one")).unwrap();
        pushed.dpop_jkt = None;
        pushed.bind_to_proof(jkt("two")).unwrap();
        assert_eq!(pushed.dpop_jkt, Some(jkt("two")));
    }

    #[test]
    fn haip_n1_requests_that_were_not_pushed_are_refused() {
        let params = Params::parse(request().to_form().as_bytes()).unwrap();
        assert_eq!(AuthorizationRequest::from_params(params).unwrap_err().code, ErrorCode::InvalidRequest);
        let good =
            AuthorizationRequest { client_id: "w".to_owned(), request_uri: PushedResponse::request_uri("r") };
        let read = AuthorizationRequest::from_params(Params::parse(good.to_query().as_bytes()).unwrap());
        assert_eq!(read.unwrap(), good);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(form in "(response_type=code&)?[a-z_]{0,12}=.{0,40}", body: Vec<u8>) {
            if let Ok(params) = Params::parse(form.as_bytes()) {
                let _ = PushedRequest::from_params(params.clone());
                let _ = AuthorizationRequest::from_params(params);
            }
            let _ = PushedResponse::parse(&body);
        }
    }
}
