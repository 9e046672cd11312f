//! From an offer to credentials (OpenID4VCI 1.0, wallet side; linkage protocol §5).
//!
//! ```text
//! read_offer ──▶ Offer ──redeem(tx_code)──────────────▶ credentials      pre-authorized code
//!                   └────begin_login ─▶ Login ─(browser)─▶ finish_login ─▶ credentials      authorization code
//! ```

mod client;
mod parked;
mod receive;

use std::collections::BTreeSet;

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Secret;
use enishi_credential::verdict::Failure;
use enishi_protocol::oauth::{
    AuthorizationCodeGrant, AuthorizationRequest, AuthorizationResponseCheck, AuthorizationServerMetadata,
    CredentialDetail, GrantedDetail, PkceVerifier, PreAuthorizedGrant, PushedRequest, PushedResponse,
    TokenRequest,
};
use enishi_protocol::vci::{
    CredentialOffer, FORMAT_SD_JWT, IssuerMetadata, LINKAGE_SD_JWT, LINKAGE_VCT, OfferSource,
    ProofTypeMetadata, TxCode,
};
use url::Url;

use crate::error::WalletError;
use crate::transport::HttpRequest;
use crate::wallet::{CredentialSummary, Wallet};
use client::{DpopClient, Token};

/// An offer whose issuer is trusted and whose metadata were read. Nothing was taken yet.
#[derive(Debug, Clone)]
pub struct Offer {
    content: CredentialOffer,
    issuer: IssuerMetadata,
    server: AuthorizationServerMetadata,
}

impl Offer {
    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer.credential_issuer
    }

    /// What the issuer calls itself in `lang` (a BCP 47 tag), else in its first language.
    pub fn issuer_name(&self, lang: &str) -> Option<&str> {
        let display = &self.issuer.display;
        let wanted =
            display.iter().find(|entry| entry.locale.as_deref().is_some_and(|l| l.starts_with(lang)));
        wanted.or(display.first()).map(|entry| entry.name.as_str())
    }

    /// Whether the person has a code already and needs no login now.
    pub fn is_pre_authorized(&self) -> bool {
        self.content.grants.pre_authorized.is_some()
    }

    /// The transaction code that the person has to type in, if one is needed.
    pub fn tx_code(&self) -> Option<&TxCode> {
        self.content.grants.pre_authorized.as_ref()?.tx_code.as_ref()
    }
}

/// A login that is under way in the person's browser. Keep it until the browser comes back; where the wallet itself ends
/// meanwhile, [`Wallet::park_login`] keeps it.
pub struct Login {
    /// Where to send the browser.
    pub url: Url,
    offer: Offer,
    state: String,
    pkce: PkceVerifier,
    dpop_key: PrivateJwk,
}

fn unusable(detail: &str) -> Failure {
    Failure::new("issuer", "issuer_unusable", detail).remedy("use an issuer that offers linkage credentials")
}

impl Wallet {
    /// Reads an offer that was scanned or clicked, and everything that is needed to take it.
    ///
    /// # Errors
    /// `issuer_not_trusted` before anything is fetched from an issuer that is not in [`crate::Trust::issuers`]
    /// (threat 10); `issuer_unusable` for an issuer without linkage credentials in batches; the failures of [`CredentialOffer`], [`IssuerMetadata`] and [`AuthorizationServerMetadata`].
    pub async fn read_offer(&self, uri: &str) -> Result<Offer, WalletError> {
        let offer = match OfferSource::parse(uri, self.urls())? {
            OfferSource::Value(offer) => *offer,
            OfferSource::Reference(url) => {
                self.check_trusted_origin(&url)?;
                let response = self.fetch(HttpRequest::get(url.as_str(), "application/json")).await?;
                let content_type = response.header("content-type").unwrap_or_default();
                CredentialOffer::parse_fetched(content_type, &response.body, self.urls())?
            }
        };
        self.prepare(offer).await
    }

    /// Begins without an offer: the wallet asks `issuer` for linkage credentials by itself, to refill.
    ///
    /// # Errors
    /// As [`Wallet::read_offer`].
    pub async fn ask_issuer(&self, issuer: &str) -> Result<Offer, WalletError> {
        let offer = CredentialOffer {
            credential_issuer: issuer.to_owned(),
            credential_configuration_ids: vec![LINKAGE_SD_JWT.to_owned()],
            grants: enishi_protocol::vci::OfferGrants { authorization_code: None, pre_authorized: None },
        };
        self.prepare(offer).await
    }

    async fn prepare(&self, offer: CredentialOffer) -> Result<Offer, WalletError> {
        let id = offer.credential_issuer.as_str();
        if !offer.credential_configuration_ids.iter().any(|id| id == LINKAGE_SD_JWT) {
            return Err(unusable("the offer is not for linkage credentials").into());
        }
        if !self.parts.trust.issuers.iter().any(|trusted| trusted == id) {
            return Err(Failure::new("issuer-trust", "issuer_not_trusted", "this issuer is not trusted")
                .at("/credential_issuer")
                .remedy("add the issuer to the wallet's trusted issuers if you trust it")
                .into());
        }
        let body = self.fetch_json(&IssuerMetadata::url(id, self.urls())?).await?;
        let issuer = IssuerMetadata::parse(&body, id, self.urls())?;
        offer.check(&issuer)?;
        check_configuration(&issuer)?;
        let grants = &offer.grants;
        let named = match (&grants.pre_authorized, &grants.authorization_code) {
            (Some(grant), _) => grant.authorization_server.as_deref(),
            (None, Some(grant)) => grant.authorization_server.as_deref(),
            (None, None) => None,
        };
        let server_id = issuer.authorization_server(named)?.to_owned();
        let body = self.fetch_json(&AuthorizationServerMetadata::url(&server_id, self.urls())?).await?;
        let server = AuthorizationServerMetadata::parse(&body, &server_id, self.urls())?;
        Ok(Offer { content: offer, issuer, server })
    }

    /// Takes a pre-authorized offer: `batch` credentials for each organisation in it.
    ///
    /// # Errors
    /// `tx_code_required`; the server's errors (`invalid_grant` for a wrong code); whatever is wrong with what it issues.
    /// Credentials that were received and verified before an error are kept.
    pub async fn redeem(
        &self,
        offer: &Offer,
        tx_code: Option<&str>,
        batch: usize,
    ) -> Result<Vec<CredentialSummary>, WalletError> {
        let grant = offer.content.grants.pre_authorized.as_ref().ok_or_else(|| {
            unusable("the offer has no pre-authorized code").remedy("log in instead: begin_login")
        })?;
        if grant.tx_code.is_some() && tx_code.is_none() {
            return Err(Failure::new("tx-code", "tx_code_required", "the offer wants a transaction code")
                .remedy("ask the person for the code that the issuer gave on another way")
                .into());
        }
        let client = DpopClient::new(self, signer(PrivateJwk::generate_p256(self.entropy()))?);
        let request = TokenRequest::PreAuthorized(PreAuthorizedGrant {
            code: grant.code.clone(),
            tx_code: tx_code.map(|code| Secret::new(code.to_owned())),
            client_id: None,
            authorization_details: offer.details(),
        });
        let token = client.token(&offer.server, &request).await?;
        self.collect(&client, offer, &token, None, batch).await
    }

    /// Pushes an authorization request; the person then logs in at the returned URL and picks organisations.
    ///
    /// # Errors
    /// `issuer_unusable` if the server does not take pushed requests; the server's errors.
    pub async fn begin_login(&self, offer: &Offer) -> Result<Login, WalletError> {
        let (Some(par), Some(authorize)) =
            (&offer.server.pushed_authorization_request_endpoint, &offer.server.authorization_endpoint)
        else {
            return Err(unusable("the authorization server takes no pushed authorization requests").into());
        };
        let dpop_key = PrivateJwk::generate_p256(self.entropy());
        let pkce = PkceVerifier::generate(self.entropy());
        let state = entropy::token(self.entropy());
        let grant = offer.content.grants.authorization_code.as_ref();
        let request = PushedRequest {
            client_id: self.parts.client_id.clone(),
            redirect_uri: self.parts.redirect_uri.clone(),
            code_challenge: pkce.challenge(),
            state: Some(state.clone()),
            scope: Vec::new(),
            authorization_details: offer.details(),
            issuer_state: grant.and_then(|grant| grant.issuer_state.clone()),
            dpop_jkt: None,
        };
        let client = DpopClient::new(self, signer(dpop_key.clone())?);
        let pushed = PushedResponse::parse(&client.post_form(par, request.to_form()).await?.body)?;
        let query =
            AuthorizationRequest { client_id: self.parts.client_id.clone(), request_uri: pushed.request_uri }
                .to_query();
        let mut url = self.urls().check(authorize)?;
        url.set_query(Some(&query));
        Ok(Login { url, offer: offer.clone(), state, pkce, dpop_key })
    }

    /// Goes on where the browser came back: `redirected_to` is the whole URL that it was sent to.
    ///
    /// # Errors
    /// `state_mismatch`, `iss_mismatch`, `authorization_refused`; then as [`Wallet::redeem`].
    pub async fn finish_login(
        &self,
        login: Login,
        redirected_to: &str,
        batch: usize,
    ) -> Result<Vec<CredentialSummary>, WalletError> {
        let Login { offer, state, pkce, dpop_key, .. } = login;
        let url = Url::parse(redirected_to).map_err(|_| {
            Failure::new("authorization-response", "authorization_response_malformed", "not a URL")
        })?;
        let code = AuthorizationResponseCheck {
            state: &state,
            issuer: &offer.server.issuer,
            iss_required: offer.server.authorization_response_iss_parameter_supported,
        }
        .code(&url)?;
        let request = TokenRequest::AuthorizationCode(AuthorizationCodeGrant {
            code: Secret::new(code),
            redirect_uri: Some(self.parts.redirect_uri.clone()),
            code_verifier: Some(pkce.expose().to_owned()),
            client_id: self.parts.client_id.clone(),
            authorization_details: Vec::new(),
        });
        let client = DpopClient::new(self, signer(dpop_key)?);
        let token = client.token(&offer.server, &request).await?;
        self.collect(&client, &offer, &token, Some(&self.parts.client_id), batch).await
    }

    /// Asks for a batch of credentials for every organisation that the token names.
    async fn collect(
        &self,
        client: &DpopClient<'_>,
        offer: &Offer,
        token: &Token,
        client_id: Option<&str>,
        batch: usize,
    ) -> Result<Vec<CredentialSummary>, WalletError> {
        let keys = self.issuer_keys(offer.issuer()).await?;
        let mut received = Vec::new();
        let ours = |detail: &&GrantedDetail| detail.credential_configuration_id == LINKAGE_SD_JWT;
        let rps: BTreeSet<&String> =
            token.details.iter().filter(ours).flat_map(|detail| &detail.credential_identifiers).collect();
        for rp in rps {
            let plan = receive::Plan { issuer: &offer.issuer, keys: &keys, rp, client_id, batch };
            received.extend(self.receive(client, token, &plan).await?);
        }
        if received.is_empty() {
            return Err(unusable("the issuer authorised no linkage credential").into());
        }
        Ok(received)
    }

    fn check_trusted_origin(&self, url: &Url) -> Result<(), WalletError> {
        let same = |issuer: &String| Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
        if self.parts.trust.issuers.iter().any(same) {
            return Ok(());
        }
        Err(Failure::new("issuer-trust", "issuer_not_trusted", "the offer is not at a trusted issuer")
            .at("/credential_offer_uri")
            .remedy("add the issuer to the wallet's trusted issuers if you trust it")
            .into())
    }
}

/// What a wallet needs of an issuer: linkage credentials, against proofs of its own keys, several at a time. One at a
/// time could not be: a batch is covered by one proof of the pairwise DID (linkage protocol §5).
fn check_configuration(issuer: &IssuerMetadata) -> Result<(), Failure> {
    let Some(configuration) = issuer.credential_configurations_supported.get(LINKAGE_SD_JWT) else {
        return Err(unusable("the issuer has no configuration of linkage credentials"));
    };
    if configuration.format != FORMAT_SD_JWT || configuration.vct.as_deref() != Some(LINKAGE_VCT) {
        return Err(unusable("the configuration is not that of linkage credentials"));
    }
    let proofs = configuration.proof_types_supported.as_ref().and_then(|types| types.get("jwt"));
    let takes = |proofs: &ProofTypeMetadata| {
        proofs.key_attestations_required.is_none()
            && proofs.proof_signing_alg_values_supported.iter().any(|alg| alg == "ES256")
    };
    if !proofs.is_some_and(takes) {
        return Err(unusable("the issuer does not take proofs by ES256 keys without attestation"));
    }
    if issuer.batch_size() < 2 {
        return Err(unusable("the issuer does not issue batches"));
    }
    Ok(())
}

impl Offer {
    fn details(&self) -> Vec<CredentialDetail> {
        let located = self.issuer.authorization_servers.is_some();
        let detail = CredentialDetail::new(LINKAGE_SD_JWT);
        vec![if located { detail.at(self.issuer()) } else { detail }]
    }
}

/// A signer of a key that can sign.
pub(crate) fn signer(key: PrivateJwk) -> Result<SoftwareSigner, WalletError> {
    SoftwareSigner::new(key).ok_or_else(|| {
        WalletError::Signer(enishi_credential::crypto::SignerError("the key cannot sign".to_owned()))
    })
}
