//! Pushed requests, codes and tokens.

use enishi_credential::entropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::secret::Secret;
use enishi_protocol::oauth::{
    AuthorizationAnswer, ErrorCode, GrantedDetail, OAuthError, Params, PkceChallenge, PushedRequest,
    PushedResponse, TokenRequest, TokenResponse, authorization_redirect,
};
use enishi_protocol::vci::LINKAGE_SD_JWT;
use url::Url;

use super::{Authorisation, FakeIssuer, IssuerFault, answer, settle};
use crate::{HttpRequest, HttpResponse};

/// A request that was pushed.
#[derive(Clone)]
pub(super) struct Pushed {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    challenge: PkceChallenge,
    jkt: Thumbprint,
}

impl Pushed {
    /// Where the browser goes with `code`.
    pub(super) fn back(&self, code: &str, issuer: &str) -> Url {
        let code = AuthorizationAnswer::Code(code.to_owned());
        authorization_redirect(&self.redirect_uri, &code, self.state.as_deref(), issuer).unwrap()
    }
}

/// A token that was given out.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) account: String,
    pub(super) rps: Vec<String>,
    pub(super) client_id: Option<String>,
    pub(super) jkt: Thumbprint,
}

/// A token as a request brings it.
pub(super) struct Sent {
    pub(super) text: String,
    pub(super) bound_to: Thumbprint,
}

impl FakeIssuer {
    pub(super) fn par(&self, request: &HttpRequest) -> HttpResponse {
        let proof = match self.proof("/par", request, None) {
            Ok(proof) => proof,
            Err(error) => return self.refuse_proof(&error),
        };
        let push = || {
            let mut pushed = PushedRequest::from_params(Params::parse(&request.body)?)?;
            pushed.bind_to_proof(proof.jkt)?;
            let request_uri = PushedResponse::request_uri(&entropy::token(&self.entropy));
            let kept = Pushed {
                client_id: pushed.client_id,
                redirect_uri: pushed.redirect_uri,
                state: pushed.state,
                challenge: pushed.code_challenge,
                jkt: proof.jkt,
            };
            self.state().pushed.insert(request_uri.clone(), kept);
            Ok(answer::json(201, &PushedResponse { request_uri, expires_in: 60 }))
        };
        settle(push())
    }

    pub(super) fn token(&self, request: &HttpRequest) -> HttpResponse {
        let jkt = match self.proof("/token", request, None) {
            Ok(proof) => proof.jkt,
            Err(error) => return self.refuse_proof(&error),
        };
        let grant = || {
            let (code, client_id) = self.redeem(request, jkt)?;
            let access_token = entropy::token(&self.entropy);
            let bearer = self.fault() == Some(IssuerFault::BearerToken);
            let response = TokenResponse {
                access_token: Secret::new(access_token.clone()),
                token_type: if bearer { "Bearer" } else { "DPoP" }.to_owned(),
                expires_in: 300,
                authorization_details: vec![GrantedDetail::new(LINKAGE_SD_JWT, code.rps.clone())],
            };
            let token = Token { account: code.account, rps: code.rps, client_id, jkt };
            self.state().tokens.insert(access_token, token);
            Ok(answer::body(200, "application/json", response.to_json().expose().as_bytes()))
        };
        settle(grant())
    }

    /// Spends the code of a token request.
    fn redeem(
        &self,
        request: &HttpRequest,
        jkt: Thumbprint,
    ) -> Result<(Authorisation, Option<String>), OAuthError> {
        let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidGrant, text);
        let mut state = self.state();
        match TokenRequest::from_params(Params::parse(&request.body)?)? {
            TokenRequest::PreAuthorized(grant) => {
                let code = state.codes.get(grant.code.expose()).filter(|code| code.login.is_none());
                let code = code.cloned().ok_or_else(|| refuse("unknown code"))?;
                let typed = grant.tx_code.as_ref().map(|code| code.expose().as_str());
                if typed.is_some() != code.tx_code.is_some() {
                    return Err(OAuthError::new(ErrorCode::InvalidRequest, "tx_code is missing or too much"));
                }
                if typed != code.tx_code.as_deref() {
                    return Err(refuse("wrong tx_code"));
                }
                state.codes.remove(grant.code.expose());
                Ok((code, grant.client_id))
            }
            TokenRequest::AuthorizationCode(grant) => {
                let code = state.codes.remove(grant.code.expose()).ok_or_else(|| refuse("unknown code"))?;
                let pushed = code.login.clone().ok_or_else(|| refuse("another kind of code"))?;
                pushed.challenge.verify(grant.code_verifier)?;
                let same = grant.client_id == pushed.client_id
                    && grant.redirect_uri.as_deref() == Some(&pushed.redirect_uri)
                    && jkt == pushed.jkt;
                if !same {
                    return Err(refuse("the code was given to somebody else"));
                }
                Ok((code, Some(grant.client_id)))
            }
        }
    }
}
