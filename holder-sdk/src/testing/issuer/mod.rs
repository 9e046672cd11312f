//! An issuer in memory (OpenID4VCI 1.0, issuer's side), that can misbehave.

mod credentials;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enishi_credential::commitment::LinkKey;
use enishi_credential::crypto::{RustCryptoVerifier, Signer as _};
use enishi_credential::entropy::{self, SeededEntropy};
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::ppid::PpidKey;
use enishi_credential::secret::Secret;
use enishi_credential::time::{Clock as _, FixedClock, UnixTime};
use enishi_protocol::dpop::{self, DpopError, Expected, VerifiedProof};
use enishi_protocol::fixture::Town;
use enishi_protocol::issuer_keys;
use enishi_protocol::oauth::{
    AuthorizationServerMetadata, GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED, OAuthError,
};
use enishi_protocol::vci::{
    AuthorizationCodeOffer, BatchIssuance, CredentialOffer, Display, IssuerMetadata, LINKAGE_SD_JWT,
    NonceResponse, OfferGrants, PreAuthorizedOffer, TxCode, linkage_configuration,
};
use url::Url;

use super::answer;
use crate::{HttpRequest, HttpResponse};

/// The most proofs that a request may have.
const BATCH_SIZE: u32 = 10;

/// How an issuer misbehaves. A wallet refuses each of these, and keeps nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerFault {
    /// Its credentials are for another relying party.
    ForeignRp,
    /// Their `sub` is somebody else's pairwise DID.
    ForeignSub,
    /// They are bound to a key that the wallet does not have.
    ForeignCnf,
    /// All of a batch are bound to the same key of the wallet.
    OneKeyTwice,
    /// They are signed by another key than the published one.
    ForeignSignature,
    /// Their `kid` names no published key.
    UnknownKid,
    /// There is no opening beside them.
    NoOpening,
    /// The opening is not a scalar.
    BrokenOpening,
    /// The opening belongs to another commitment. A wallet finds out when it makes a proof, not before.
    ForeignOpening,
    /// They have a claim by which their holder could be recognised.
    MarkingClaim,
    /// They come with a Key Binding JWT already.
    KeyBindingAttached,
    /// They ended before they came.
    Expired,
    /// They are promised for later.
    Deferred,
    /// The token is not bound to the wallet's key.
    BearerToken,
    /// The metadata are another issuer's (by a slash).
    ForeignMetadata,
    /// The metadata allow no batches.
    NoBatches,
    /// The authorization server's metadata are another one's.
    ForeignServer,
}

/// The issuer.
pub struct FakeIssuer {
    town: Arc<Town>,
    clock: Arc<FixedClock>,
    entropy: SeededEntropy,
    link_key: LinkKey,
    ppid_key: PpidKey,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fault: Option<IssuerFault>,
    dpop_nonce: Option<String>,
    offers: BTreeMap<String, CredentialOffer>,
    codes: BTreeMap<String, Authorisation>,
    pushed: BTreeMap<String, tokens::Pushed>,
    tokens: BTreeMap<String, tokens::Token>,
    nonces: BTreeSet<String>,
}

/// What a code stands for: a pre-authorized one, or one of a login.
#[derive(Clone)]
struct Authorisation {
    account: String,
    rps: Vec<String>,
    tx_code: Option<String>,
    login: Option<tokens::Pushed>,
}

impl FakeIssuer {
    pub(super) fn new(town: Arc<Town>, clock: Arc<FixedClock>) -> Self {
        Self {
            town,
            clock,
            entropy: SeededEntropy::new("issuer"),
            link_key: LinkKey::new([3; 32].to_vec()).unwrap(),
            ppid_key: PpidKey::new([4; 32].to_vec()).unwrap(),
            state: Mutex::default(),
        }
    }

    /// Misbehaves from now on; `None` behaves again.
    pub fn misbehave(&self, fault: impl Into<Option<IssuerFault>>) {
        self.state().fault = fault.into();
    }

    /// Wants this nonce in every DPoP proof from now on (RFC 9449 §8).
    pub fn demand_dpop_nonce(&self, nonce: &str) {
        self.state().dpop_nonce = Some(nonce.to_owned());
    }

    /// Forgets the nonces that it gave for key proofs, as after a restart.
    pub fn forget_nonces(&self) {
        self.state().nonces.clear();
    }

    /// An offer by value: `account` has logged in and picked `rps`.
    pub fn offer(&self, account: &str, rps: &[&str]) -> String {
        self.pre_authorized(account, rps, None).to_uri()
    }

    /// The same with a transaction code.
    pub fn offer_with_tx_code(&self, account: &str, rps: &[&str], tx_code: &str) -> String {
        self.pre_authorized(account, rps, Some(tx_code)).to_uri()
    }

    /// The same by reference.
    pub fn offer_by_reference(&self, account: &str, rps: &[&str]) -> String {
        let offer = self.pre_authorized(account, rps, None);
        let id = entropy::token(&self.entropy);
        let url = Url::parse(&format!("{}/offers/{id}", self.id())).unwrap();
        self.state().offers.insert(id, offer);
        CredentialOffer::reference_uri(&url)
    }

    /// An offer that leads to a login.
    pub fn offer_to_log_in(&self) -> String {
        let grant =
            AuthorizationCodeOffer { issuer_state: Some("state".to_owned()), authorization_server: None };
        let grants = OfferGrants { authorization_code: Some(grant), pre_authorized: None };
        self.offer_of(grants).to_uri()
    }

    /// The person's browser opens `url` (of [`crate::Login`]), `account` logs in and picks `rps`: the URL that the browser is
    /// then sent to.
    pub fn log_in(&self, url: &Url, account: &str, rps: &[&str]) -> Url {
        let mut state = self.state();
        let (_, reference) = url.query_pairs().find(|(name, _)| name == "request_uri").unwrap();
        let pushed = state.pushed.remove(reference.as_ref()).unwrap();
        let code = entropy::token(&self.entropy);
        let back = pushed.back(&code, self.id());
        let rps = rps.iter().map(|rp| (*rp).to_owned()).collect();
        state.codes.insert(
            code,
            Authorisation { account: account.to_owned(), rps, tx_code: None, login: Some(pushed) },
        );
        back
    }

    fn pre_authorized(&self, account: &str, rps: &[&str], tx_code: Option<&str>) -> CredentialOffer {
        let code = entropy::token(&self.entropy);
        let granted = Authorisation {
            account: account.to_owned(),
            rps: rps.iter().map(|rp| (*rp).to_owned()).collect(),
            tx_code: tx_code.map(str::to_owned),
            login: None,
        };
        self.state().codes.insert(code.clone(), granted);
        let grant = PreAuthorizedOffer {
            code: Secret::new(code),
            tx_code: tx_code.map(|_| TxCode { length: Some(4), ..TxCode::default() }),
            authorization_server: None,
        };
        self.offer_of(OfferGrants { authorization_code: None, pre_authorized: Some(grant) })
    }

    fn offer_of(&self, grants: OfferGrants) -> CredentialOffer {
        CredentialOffer {
            credential_issuer: self.id().to_owned(),
            credential_configuration_ids: vec![LINKAGE_SD_JWT.to_owned()],
            grants,
        }
    }

    fn id(&self) -> &str {
        &self.town.ids.issuer
    }

    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Option<IssuerFault> {
        self.state().fault
    }

    pub(super) async fn handle(&self, path: &str, request: &HttpRequest) -> HttpResponse {
        match (request.method, path) {
            ("GET", "/.well-known/openid-credential-issuer") => answer::json(200, &self.metadata()),
            ("GET", "/.well-known/oauth-authorization-server") => answer::json(200, &self.server()),
            ("GET", "/.well-known/jwt-vc-issuer") => {
                let keys = JwkSet { keys: vec![self.town.issuer.public_jwk().clone()] };
                answer::json(200, &issuer_keys::metadata(self.id(), &keys))
            }
            ("POST", "/nonce") => {
                let c_nonce = entropy::token(&self.entropy);
                self.state().nonces.insert(c_nonce.clone());
                answer::json(200, &NonceResponse { c_nonce })
            }
            ("POST", "/par") => self.par(request),
            ("POST", "/token") => self.token(request),
            ("POST", "/credential") => self.credential(request).await,
            ("GET", path) => {
                let offer = path.strip_prefix("/offers/").and_then(|id| self.state().offers.remove(id));
                offer.map_or_else(answer::not_found, |offer| answer::json(200, &offer.to_value()))
            }
            _ => answer::not_found(),
        }
    }

    fn metadata(&self) -> IssuerMetadata {
        let url = |path: &str| format!("{}{path}", self.id());
        let fault = self.fault();
        let batch = BatchIssuance { batch_size: BATCH_SIZE };
        let name =
            |locale: &str, name: &str| Display { name: name.to_owned(), locale: Some(locale.to_owned()) };
        IssuerMetadata {
            credential_issuer: url(if fault == Some(IssuerFault::ForeignMetadata) { "/" } else { "" }),
            authorization_servers: None,
            credential_endpoint: url("/credential"),
            nonce_endpoint: Some(url("/nonce")),
            deferred_credential_endpoint: None,
            notification_endpoint: None,
            credential_response_encryption: None,
            batch_credential_issuance: (fault != Some(IssuerFault::NoBatches)).then_some(batch),
            display: vec![name("ja", "まちのID"), name("en", "Town ID")],
            credential_configurations_supported: BTreeMap::from([(
                LINKAGE_SD_JWT.to_owned(),
                linkage_configuration("linkage", &[]),
            )]),
        }
    }

    fn server(&self) -> AuthorizationServerMetadata {
        let url = |path: &str| format!("{}{path}", self.id());
        let fault = self.fault();
        AuthorizationServerMetadata {
            issuer: url(if fault == Some(IssuerFault::ForeignServer) { "/" } else { "" }),
            authorization_endpoint: Some(url("/authorize")),
            token_endpoint: Some(url("/token")),
            pushed_authorization_request_endpoint: Some(url("/par")),
            require_pushed_authorization_requests: true,
            response_types_supported: vec!["code".to_owned()],
            grant_types_supported: Some(
                [GRANT_AUTHORIZATION_CODE, GRANT_PRE_AUTHORIZED].map(str::to_owned).to_vec(),
            ),
            code_challenge_methods_supported: vec!["S256".to_owned()],
            dpop_signing_alg_values_supported: dpop::ALGORITHMS.map(str::to_owned).to_vec(),
            authorization_response_iss_parameter_supported: true,
            pre_authorized_grant_anonymous_access_supported: true,
            ..AuthorizationServerMetadata::default()
        }
    }

    /// Checks the proof of a request to `path`, which may have an access token that is bound to a key.
    fn proof(
        &self,
        path: &str,
        request: &HttpRequest,
        token: Option<&tokens::Sent>,
    ) -> Result<VerifiedProof, DpopError> {
        let url = format!("{}{path}", self.id());
        let wanted = self.state().dpop_nonce.clone();
        let current = |nonce: &str| wanted.as_deref() == Some(nonce);
        let mut expected = Expected::new("POST", &url, self.now());
        if let Some(token) = token {
            expected = expected.with_token(&token.text, token.bound_to);
        }
        if wanted.is_some() {
            expected = expected.with_nonce(&current);
        }
        dpop::verify(&answer::headers(request, "dpop"), &RustCryptoVerifier, &expected)
    }

    /// An error with the nonce that the next proof needs.
    fn with_nonce(&self, mut response: HttpResponse) -> HttpResponse {
        if let Some(nonce) = &self.state().dpop_nonce {
            response.headers.push(("dpop-nonce".to_owned(), nonce.clone()));
        }
        response
    }

    fn refuse_proof(&self, error: &DpopError) -> HttpResponse {
        self.with_nonce(answer::oauth(&error.as_token_error()))
    }
}

/// An answer, or the error that it becomes.
fn settle(outcome: Result<HttpResponse, OAuthError>) -> HttpResponse {
    outcome.unwrap_or_else(|error| answer::oauth(&error))
}
