//! A wallet made of the protocol's own wallet side.

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::linkage::HeldLinkage;
use enishi_credential::time::Clock as _;
use enishi_protocol::dpop::{self, ProofRequest};
use enishi_protocol::oauth::{TokenRequest, TokenResponse};
use enishi_protocol::vci::{
    CredentialOffer, CredentialRequest, CredentialResponse, IssuedCredential, KeyBinding, NonceResponse,
    OfferSource, RequestTarget, create_proof,
};
use enishi_protocol::web::UrlPolicy;
use serde_json::{Value, json};

use super::world::{Answer, World};

pub(crate) struct Wallet<'a> {
    pub(crate) world: &'a World,
    pub(crate) dpop: Option<SoftwareSigner>,
    pub(crate) client_id: Option<String>,
}

pub(crate) fn key(world: &World) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&*world.entropy)).unwrap()
}

impl<'a> Wallet<'a> {
    /// A wallet that uses DPoP and does not name itself.
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, dpop: Some(key(world)), client_id: None }
    }

    pub(crate) fn bearer(world: &'a World) -> Self {
        Self { dpop: None, ..Self::new(world) }
    }

    pub(crate) async fn dpop_header(&self, path: &str, access_token: Option<&str>) -> Option<String> {
        let url = self.world.url(path);
        let request = ProofRequest { method: "POST", url: &url, access_token, nonce: None };
        match &self.dpop {
            None => None,
            Some(key) => {
                Some(dpop::create(key, request, self.world.clock.now(), &*self.world.entropy).await.unwrap())
            }
        }
    }

    /// POST of a form, with a proof if this wallet uses DPoP.
    pub(crate) async fn post_form(&self, path: &str, form: &str) -> Answer {
        let mut request = self
            .world
            .http
            .post(self.world.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        if let Some(proof) = self.dpop_header(path, None).await {
            request = request.header("dpop", proof);
        }
        self.world.send(request).await
    }

    pub(crate) async fn token(&self, request: &TokenRequest) -> Answer {
        self.post_form("/token", request.to_form().expose()).await
    }

    /// The form of a token request for an offer.
    pub(crate) fn pre_authorized_form(offer: &Value, tx_code: Option<&str>) -> String {
        let code = pre_authorized_code(offer);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code");
        form.append_pair("pre-authorized_code", &code);
        if let Some(tx_code) = tx_code {
            form.append_pair("tx_code", tx_code);
        }
        form.finish()
    }

    /// A good token for an offer.
    pub(crate) async fn redeem(&self, offer: &Value) -> TokenResponse {
        let tx_code = offer.get("tx_code").and_then(Value::as_str);
        let answer = self.post_form("/token", &Self::pre_authorized_form(offer, tx_code)).await;
        self.token_of(&answer)
    }

    pub(crate) fn token_of(&self, answer: &Answer) -> TokenResponse {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        TokenResponse::parse(answer.body.as_bytes(), self.dpop.is_some()).unwrap()
    }

    pub(crate) async fn nonce(&self) -> String {
        let answer = self.world.send(self.world.http.post(self.world.url("/nonce"))).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        NonceResponse::parse(answer.body.as_bytes()).unwrap().c_nonce
    }

    pub(crate) async fn proof(&self, key: &SoftwareSigner, binding: &KeyBinding, nonce: &str) -> String {
        let (issuer, now) = (&self.world.issuer, self.world.clock.now());
        create_proof(key, binding, issuer, Some(nonce), self.client_id.as_deref(), now).await.unwrap()
    }

    /// POST to a protected endpoint with this access token.
    pub(crate) async fn protected(&self, path: &str, access_token: &str, body: &Value) -> Answer {
        let request = self.world.http.post(self.world.url(path)).json(body);
        let request = match self.dpop_header(path, Some(access_token)).await {
            Some(proof) => {
                request.header("authorization", format!("DPoP {access_token}")).header("dpop", proof)
            }
            None => request.bearer_auth(access_token),
        };
        self.world.send(request).await
    }

    /// Asks for credentials with these proofs.
    pub(crate) async fn ask(&self, token: &TokenResponse, identifier: &str, proofs: Vec<String>) -> Answer {
        let target = RequestTarget::Identifier(identifier.to_owned());
        let request = CredentialRequest { target, proofs };
        self.protected("/credential", token.access_token.expose(), &request.to_value()).await
    }

    /// Credentials for one relying party: one by the pairwise DID and `more` instance keys.
    pub(crate) async fn batch(
        &self,
        token: &TokenResponse,
        rp: &str,
        did_key: &SoftwareSigner,
        more: usize,
    ) -> Vec<IssuedCredential> {
        let nonce = self.nonce().await;
        let did = Did::jwk(did_key.public_jwk());
        let mut proofs =
            vec![self.proof(did_key, &KeyBinding::Did(did.verification_method().unwrap()), &nonce).await];
        for _ in 0..more {
            proofs.push(self.proof(&key(self.world), &KeyBinding::Jwk, &nonce).await);
        }
        let answer = self.ask(token, &identifier(token, rp), proofs).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        match CredentialResponse::parse(answer.body.as_bytes()).unwrap() {
            CredentialResponse::Issued { credentials, .. } => credentials,
            CredentialResponse::Deferred { .. } => panic!("deferred"),
        }
    }

    /// Takes a credential in as a wallet does: by the issuer's own metadata.
    pub(crate) async fn receive(&self, issued: &IssuedCredential) -> HeldLinkage {
        let metadata = self.world.get("/.well-known/jwt-vc-issuer").await.json();
        assert_eq!(metadata["issuer"], json!(self.world.issuer));
        let key = serde_json::from_value(metadata["jwks"]["keys"][0].clone()).unwrap();
        HeldLinkage::receive(
            &issued.credential,
            &RustCryptoVerifier,
            &self.world.issuer,
            &key,
            self.world.clock.now(),
        )
        .unwrap()
    }
}

/// The identifier for a relying party among those of a token response.
pub(crate) fn identifier(token: &TokenResponse, rp: &str) -> String {
    let mut identifiers =
        token.authorization_details.iter().flat_map(|detail| &detail.credential_identifiers);
    identifiers.find(|identifier| identifier.contains(rp)).expect("an identifier for this party").clone()
}

pub(crate) fn offer_of(offer: &Value) -> CredentialOffer {
    let uri = offer["offer_uri_by_value"].as_str().unwrap();
    match OfferSource::parse(uri, UrlPolicy::LoopbackHttpToo).unwrap() {
        OfferSource::Value(offer) => *offer,
        OfferSource::Reference(_) => panic!("not by value"),
    }
}

pub(crate) fn pre_authorized_code(offer: &Value) -> String {
    offer_of(offer).grants.pre_authorized.unwrap().code.expose().clone()
}
