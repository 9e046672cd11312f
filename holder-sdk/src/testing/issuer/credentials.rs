//! The credential endpoint.

use enishi_credential::commitment::{Opening, commit_fresh};
use enishi_credential::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::encoding::{b64, json};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::jose::jws;
use enishi_credential::linkage::{self, DEFAULT_VALID_DAYS, LinkageClaims};
use enishi_credential::ppid::UpstreamAccount;
use enishi_credential::sealed::{self, Binding, SealedSubject};
use enishi_credential::secret::Personal;
use enishi_credential::time::DAY;
use enishi_protocol::dpop::DpopError;
use enishi_protocol::fixture::{self, TestParty};
use enishi_protocol::oauth::{ErrorCode, OAuthError};
use enishi_protocol::vci::{
    BatchItem, BatchPlan, CredentialRequest, CredentialResponse, IssuedCredential, KeyProof, LINKAGE_SD_JWT,
    ProofContext,
};
use serde_json::Value;

use super::tokens::{Sent, Token};
use super::{BATCH_SIZE, FakeIssuer, IssuerFault, answer, settle};
use crate::{HttpRequest, HttpResponse};

impl FakeIssuer {
    pub(super) async fn credential(&self, request: &HttpRequest) -> HttpResponse {
        let unauthorised = |error: &DpopError| {
            let mut response = answer::json(401, &error.as_resource_error());
            response.headers.push(("www-authenticate".to_owned(), error.challenge()));
            self.with_nonce(response)
        };
        let text = answer::headers(request, "authorization");
        let text = text.first().and_then(|text| text.strip_prefix("DPoP ")).unwrap_or_default();
        let Some(token) = self.state().tokens.get(text).cloned() else {
            return unauthorised(&DpopError::Missing);
        };
        let sent = Sent { text: text.to_owned(), bound_to: token.jkt };
        if let Err(error) = self.proof("/credential", request, Some(&sent)) {
            return unauthorised(&error);
        }
        settle(self.issue(&token, request).await)
    }

    async fn issue(&self, token: &Token, request: &HttpRequest) -> Result<HttpResponse, OAuthError> {
        let request = CredentialRequest::parse(&request.body, BATCH_SIZE as usize)?;
        let rp = request.identifier(|id| id == LINKAGE_SD_JWT)?;
        if !token.rps.iter().any(|granted| granted == rp) {
            return Err(OAuthError::new(ErrorCode::UnknownCredentialIdentifier, "not granted"));
        }
        let context = ProofContext::new(self.id(), self.now(), token.client_id.as_deref());
        let proofs = request.required_proofs()?.iter();
        let proofs = proofs.map(|proof| KeyProof::parse(proof)?.verify(&RustCryptoVerifier, &context));
        let plan = BatchPlan::new(proofs.collect::<Result<_, _>>()?)?;
        {
            let mut state = self.state();
            if !plan.nonces.iter().all(|nonce| state.nonces.remove(nonce)) {
                return Err(OAuthError::new(ErrorCode::InvalidNonce, "the nonce is unknown or used"));
            }
        }
        let fault = self.fault();
        if fault == Some(IssuerFault::Deferred) {
            let deferred = CredentialResponse::Deferred { transaction_id: "t".to_owned(), interval: 5 };
            return Ok(answer::body(202, "application/json", deferred.to_json().expose().as_bytes()));
        }
        let mut credentials = Vec::new();
        for item in &plan.items {
            let item =
                if fault == Some(IssuerFault::OneKeyTwice) { plan.items.last().unwrap() } else { item };
            credentials.push(self.make(item, &token.account, rp, fault).await);
        }
        let response = CredentialResponse::Issued { credentials, notification_id: None }.to_json();
        let mut body = response.expose().clone();
        if fault == Some(IssuerFault::BrokenOpening) {
            let mut value: Value = serde_json::from_str(&body).unwrap();
            *value.pointer_mut("/credentials/0/link_opening").unwrap() = b64::encode([0xff; 32]).into();
            body = value.to_string();
        }
        Ok(answer::body(200, "application/json", body))
    }

    async fn make(
        &self,
        item: &BatchItem,
        account: &str,
        rp: &str,
        fault: Option<IssuerFault>,
    ) -> IssuedCredential {
        let is = |kind| fault == Some(kind);
        let party =
            |id: &str| -> &TestParty { if id == self.town.sp.id { &self.town.sp } else { &self.town.dp } };
        let other = if rp == self.town.sp.id { &self.town.dp.id } else { &self.town.sp.id };
        let rp = if is(IssuerFault::ForeignRp) { other } else { rp };
        let stranger = || PrivateJwk::generate_p256(&self.entropy).public().clone();
        let upstream = UpstreamAccount::new("https://idp.example", account);
        let (link, mut opening) = commit_fresh(&self.link_key.scalar(&upstream), &self.entropy);
        if is(IssuerFault::ForeignOpening) {
            opening = Opening::fresh(&self.entropy);
        }
        let ppid = self.ppid_key.derive(&upstream, rp);
        let sub = if is(IssuerFault::ForeignSub) { Did::key(&stranger()) } else { item.sub.clone() };
        let cnf = if is(IssuerFault::ForeignCnf) { stranger() } else { item.key.clone() };
        let binding = Binding { iss: self.id().to_owned(), rp: rp.to_owned(), jkt: cnf.thumbprint() };
        let subject =
            SealedSubject { binding, ppid: ppid.clone(), sub: Personal::new(sub.as_str().to_owned()) };
        let claims = LinkageClaims {
            iss: self.id().to_owned(),
            rp: rp.to_owned(),
            acr: "substantial".to_owned(),
            issued_at: if is(IssuerFault::Expired) { self.now().plus(-30 * DAY) } else { self.now() },
            valid_days: DEFAULT_VALID_DAYS,
            cnf,
            link,
            status: None,
            sub,
            ppid,
            sealed_sub: sealed::seal(&RustCryptoJwe, party(rp).enc.public(), &subject, &self.entropy)
                .unwrap(),
        };
        let signer = match fault {
            Some(IssuerFault::ForeignSignature) => {
                let key = PrivateJwk::generate_p256(&self.entropy);
                let kid = self.town.issuer.public_jwk().kid.clone().unwrap();
                SoftwareSigner::new(key.map_public(|jwk| jwk.with_kid(kid))).unwrap()
            }
            Some(IssuerFault::UnknownKid) => fixture::signer("issuer-0"),
            _ => self.town.issuer.clone(),
        };
        let mut credential = linkage::issue(&claims, &signer, &self.entropy).await.unwrap();
        if is(IssuerFault::MarkingClaim) {
            credential = with_claim(&credential, "mark", &signer).await;
        }
        if is(IssuerFault::KeyBindingAttached) {
            let header = jws::header("kb+jwt", &signer);
            credential += &jws::sign(&signer, header, &serde_json::json!({"iat": 0})).await.unwrap();
        }
        IssuedCredential { credential, link_opening: (!is(IssuerFault::NoOpening)).then_some(opening) }
    }
}

/// The credential, signed again with one more claim.
async fn with_claim(credential: &str, name: &str, signer: &SoftwareSigner) -> String {
    let (jwt, disclosures) = credential.split_once('~').unwrap();
    let payload = b64::decode(jwt.split('.').nth(1).unwrap()).unwrap();
    let mut claims = json::parse(&payload).unwrap();
    claims.as_object_mut().unwrap().insert(name.to_owned(), "a mark".into());
    let jwt = jws::sign(signer, jws::header("dc+sd-jwt", signer), &claims).await.unwrap();
    format!("{jwt}~{disclosures}")
}
