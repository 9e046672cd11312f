//! Verifiers that prove themselves by a certificate (`x509_san_dns`, OpenID4VP 1.0 §5.9.3), as organisations do that ask
//! for their own users.

use std::sync::Arc;

use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::x509::TrustAnchors;
use enishi_holder_sdk::testing::{NOW, World};
use enishi_holder_sdk::{HttpResponse, KnownVerifier, Request, Wallet, WalletError};
use enishi_protocol::fixture::{key, signer};
use enishi_protocol::linking::{FIRST_PARTY_LINK, FirstPartyDemand, StatusOutcome, verify_first_party};
use enishi_protocol::vp::{
    ClientId, IncomingResponse, RequestObject, RequestParts, RequestSigner, RequestUri, RequestUriMethod,
    ResponseExpectation, WalletAnswer,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PublicKeyData, SanType, SignatureAlgorithm, SigningKey,
};

const PORTAL: &str = "https://portal.example";

struct Key(Vec<u8>, SoftwareSigner);

impl Key {
    fn of(key: &PrivateJwk) -> Self {
        Self(key.public().key.to_bytes(), SoftwareSigner::new(key.clone()).unwrap())
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.1.sign_now(message).unwrap();
        Ok(p256::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec())
    }
}

fn params(name: &str, id: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    params.serial_number = Some(1_u64.into());
    params.key_identifier_method = KeyIdMethod::PreSpecified(vec![id]);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// An anchor named `root`, and a certificate under it for `host` and the key `portal`.
fn certificate(root: &str, host: &str) -> (TrustAnchors, Vec<u8>) {
    let mut anchor = params(root, 1);
    anchor.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    anchor.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_key = Key::of(&key(root));
    let der = anchor.clone().self_signed(&root_key).unwrap().der().to_vec();
    let mut leaf = params("leaf", 2);
    leaf.subject_alt_names = vec![SanType::DnsName(host.try_into().unwrap())];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let leaf = leaf.signed_by(&Key::of(&key("portal")), &Issuer::new(anchor, root_key)).unwrap();
    (TrustAnchors::from_der([der]).unwrap(), leaf.der().to_vec())
}

/// The organisation at portal.example with a certificate of `root` for `host`.
struct Portal {
    world: Arc<World>,
    wallet: Wallet,
    chain: Vec<Vec<u8>>,
    response_key: PrivateJwk,
}

const CLIENT: &str = "x509_san_dns:portal.example";

impl Portal {
    async fn new(root: &str, host: &str, verifiers: Option<Vec<KnownVerifier>>) -> Self {
        let world = World::new().await;
        let mut parts = world.parts();
        parts.trust.verifiers = verifiers;
        parts.trust.verifier_anchors = certificate("trusted root", "any.example").0;
        let wallet = Wallet::open(parts).unwrap();
        world.fill(&wallet, 1).await;
        Self { world, wallet, chain: vec![certificate(root, host).1], response_key: key("response") }
    }

    /// Asks for the identifiers of `rp`'s user; the answer would go to `response_uri`.
    async fn ask(&self, rp: &str, response_uri: &str) -> Result<Request, WalletError> {
        let client_id = ClientId::parse(CLIENT).unwrap();
        let parts = RequestParts {
            client_id: &client_id,
            response_uri,
            nonce: "nonce",
            state: "state",
            encryption_key: self.response_key.public(),
            iat: NOW,
            exp: NOW.plus(600),
        };
        let how = RequestSigner::Certificate(self.chain.clone());
        let object = RequestObject::first_party(&parts, rp).unwrap();
        let body = object.sign(&signer("portal"), &how, None).await.unwrap();
        let headers = vec![("content-type".to_owned(), "application/oauth-authz-req+jwt".to_owned())];
        let response = HttpResponse { status: 200, headers, body: body.into_bytes() };
        self.world.network.answer_instead("portal.example/requests/", response);
        let uri = format!("{PORTAL}/requests/1");
        self.wallet.read_request(&RequestUri::to_wallet_uri(&client_id, &uri, RequestUriMethod::Get)).await
    }

    async fn code(&self, rp: &str) -> String {
        let error = self.ask(rp, "https://portal.example/responses/1").await.unwrap_err();
        assert_eq!(self.wallet.fresh_credentials(rp), 1);
        error.code().to_owned()
    }
}

#[tokio::test]
async fn an_organisation_with_a_certificate_learns_who_its_own_user_is() {
    let portal = Portal::new("trusted root", "portal.example", None).await;
    let request = portal.ask(PORTAL, "https://portal.example/responses/1").await.unwrap();
    assert_eq!((request.client_id().as_str(), request.parties()), (CLIENT, vec![PORTAL]));
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let taken = HttpResponse { status: 200, headers, body: b"{}".to_vec() };
    portal.world.network.answer_instead("portal.example/responses/", taken);
    portal.wallet.approve(&request).await.unwrap();

    let sent = portal.world.network.sent().pop().unwrap();
    let query = RequestObject::first_party_query(PORTAL).unwrap();
    let expected = ResponseExpectation { key: &portal.response_key, state: "state", query: &query };
    let answer = IncomingResponse::parse(&sent.body).unwrap().open(&expected, &RustCryptoJwe).unwrap();
    let WalletAnswer::Presented(token) = answer else { panic!("{answer:?}") };
    let demand = FirstPartyDemand {
        now: NOW,
        client_id: CLIENT,
        nonce: "nonce",
        rp: PORTAL,
        acr_values: &[],
        issuers: &portal.world.town.issuers(),
        signatures: &RustCryptoVerifier,
    };
    let known = verify_first_party(token.single(FIRST_PARTY_LINK).unwrap(), &demand).unwrap();
    known.conclude(StatusOutcome::NoStatus, &demand).unwrap();
}

#[tokio::test]
async fn privacy_2_a_certificate_is_good_for_its_own_organisation_only() {
    let portal = Portal::new("trusted root", "portal.example", None).await;
    assert_eq!(portal.code("https://health.example").await, "not_the_party");
    // A wallet that was told more follows what it was told.
    let told = |rp: &str| KnownVerifier {
        client_id: CLIENT.to_owned(),
        response_host: None,
        rp: Some(rp.to_owned()),
    };
    let portal =
        Portal::new("trusted root", "portal.example", Some(vec![told("https://health.example")])).await;
    assert_eq!(portal.code(PORTAL).await, "not_the_party");
}

#[tokio::test]
async fn vp_n3_certificates_that_do_not_prove_the_client_id() {
    let other_host = Portal::new("trusted root", "evil.example", None).await;
    assert_eq!(other_host.code(PORTAL).await, "client_id_not_in_certificate");
    let other_root = Portal::new("somebody", "portal.example", None).await;
    assert_eq!(other_root.code(PORTAL).await, "x5c_untrusted");
    let unlisted = Portal::new("trusted root", "portal.example", Some(Vec::new())).await;
    assert_eq!(unlisted.code(PORTAL).await, "verifier_untrusted");
    let portal = Portal::new("trusted root", "portal.example", None).await;
    let elsewhere = portal.ask(PORTAL, "https://evil.example/responses/1").await.unwrap_err();
    assert_eq!(elsewhere.code(), "response_uri_foreign");
}
