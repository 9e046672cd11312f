//! Grants as their holder sees them: `GET` and `DELETE /grants/{id}`, `GET /grants/{id}/events`.

use enishi_credential::crypto::{RustCryptoVerifier, Signer as _};
use enishi_credential::jose::jwk::{JwkSet, Thumbprint};
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::ConsentPair;
use enishi_protocol::dpop::{self, Expected};
use enishi_protocol::fixture;
use enishi_protocol::grant::State as GrantState;
use enishi_protocol::grant::acknowledgement::{self, Acknowledgement};
use enishi_protocol::grant::holder::{Actor, authorise_holder};
use enishi_protocol::grant::messages::{DeclarationRef, GrantEvent, GrantEvents, GrantStatus, Withdrawn};
use enishi_protocol::linking::VerifiedLink;
use serde_json::json;

use super::{FakeVerifier, answer};
use crate::{HttpRequest, HttpResponse};

/// How an acknowledgement of a withdrawal can be worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcknowledgementFault {
    /// Somebody else's key signs.
    ForeignKey,
    /// It is about another grant.
    OtherGrant,
    /// It is about other terms.
    OtherTerms,
    /// It says another time than the answer around it.
    OtherTime,
    /// It is another verifier's.
    OtherVerifier,
    /// It is no JWS.
    Garbage,
}

/// A grant.
pub(super) struct Grant {
    status: GrantStatus,
    jkt: Thumbprint,
    events: Vec<GrantEvent>,
}

impl FakeVerifier {
    /// Acknowledges withdrawals like this from now on; `None` behaves again.
    pub fn acknowledge_badly(&self, fault: impl Into<Option<AcknowledgementFault>>) {
        self.state().fault = fault.into();
    }

    /// Signs with a new key from now on, and publishes it.
    pub fn rotate_key(&self) {
        self.state().rotated = Some(fixture::signer("verifier-2"));
    }

    /// How a grant stands.
    pub fn grant_state(&self, grant_id: &str) -> Option<GrantState> {
        self.state().grants.get(grant_id).map(|grant| grant.status.state)
    }

    pub(super) fn activate(&self, link: &VerifiedLink, pair: &ConsentPair) {
        let terms = pair.terms();
        let reference =
            |id: &str, version: &str| DeclarationRef { id: id.to_owned(), version: version.to_owned() };
        let status = GrantStatus {
            grant_id: link.grant_id.clone(),
            state: GrantState::Active,
            recipient: terms.recipient.id.clone(),
            provider: terms.provider.id.clone(),
            service: reference(&terms.service.id, &terms.service.version),
            purpose: reference(&terms.purpose.id, &terms.purpose.version),
            items: terms.items.iter().map(|item| item.id.clone()).collect(),
            access: terms.access.clone(),
            given_at: link.given_at,
            not_after: terms.not_after,
            terms_sha256: link.terms_sha256.clone(),
            links_minted: 0,
            ended_at: None,
        };
        let granted = self.event("granted");
        let grant = Grant { status, jkt: link.grant_jkt, events: vec![granted] };
        self.state().grants.insert(link.grant_id.clone(), grant);
    }

    fn event(&self, event: &str) -> GrantEvent {
        let (by, event) = (Actor::Holder, event.to_owned());
        GrantEvent { at: self.now(), event, by, items: Vec::new(), detail: None }
    }

    pub(super) async fn grant(&self, rest: &str, request: &HttpRequest) -> HttpResponse {
        let (id, below) = rest.split_once('/').map_or((rest, ""), |(id, below)| (id, below));
        let proof = {
            let expected = Expected::new(request.method, &request.url, self.now());
            dpop::verify(&answer::headers(request, "dpop"), &RustCryptoVerifier, &expected)
        };
        let proof = match proof {
            Ok(proof) => proof,
            Err(error) => return answer::json(401, &error.as_resource_error()),
        };
        let withdrawn = {
            let withdrawal = self.event("withdrawn");
            let mut state = self.state();
            let grant = state.grants.get_mut(id);
            let Some(grant) = grant.filter(|grant| authorise_holder(&proof.jkt, &grant.jkt).is_ok()) else {
                return answer::problem(
                    404,
                    &Failure::new("grant", "grant_unknown", "there is no such grant"),
                );
            };
            match (request.method, below) {
                ("GET", "") => return answer::json(200, &grant.status),
                ("GET", "events") => {
                    let events = GrantEvents { grant_id: id.to_owned(), events: grant.events.clone() };
                    return answer::json(200, &events);
                }
                ("DELETE", "") => {
                    if grant.status.state != GrantState::Withdrawn {
                        grant.status.state = GrantState::Withdrawn;
                        grant.status.ended_at = Some(withdrawal.at);
                        grant.events.push(withdrawal);
                    }
                    grant.status.clone()
                }
                _ => return answer::not_found(),
            }
        };
        self.acknowledge(&withdrawn).await
    }

    async fn acknowledge(&self, grant: &GrantStatus) -> HttpResponse {
        let withdrawn_at = grant.ended_at.unwrap_or_else(|| self.now());
        let (fault, rotated) = {
            let state = self.state();
            (state.fault, state.rotated.clone())
        };
        let is = |kind| fault == Some(kind);
        let said = Acknowledgement {
            iss: if is(AcknowledgementFault::OtherVerifier) { "https://other.example" } else { self.id() }
                .to_owned(),
            iat: self.now(),
            grant_id: if is(AcknowledgementFault::OtherGrant) { "other" } else { &grant.grant_id }.to_owned(),
            terms_sha256: if is(AcknowledgementFault::OtherTerms) { "other" } else { &grant.terms_sha256 }
                .to_owned(),
            state: GrantState::Withdrawn,
            withdrawn_at: withdrawn_at.plus(i64::from(is(AcknowledgementFault::OtherTime))),
        };
        let signer = if is(AcknowledgementFault::ForeignKey) {
            fixture::signer("stranger")
        } else {
            rotated.unwrap_or_else(|| self.town.verifier.clone())
        };
        let acknowledgement = if is(AcknowledgementFault::Garbage) {
            "thank you".to_owned()
        } else {
            acknowledgement::create(&signer, &said).await.unwrap()
        };
        answer::json(200, &Withdrawn { state: GrantState::Withdrawn, withdrawn_at, acknowledgement })
    }

    pub(super) fn metadata(&self) -> HttpResponse {
        answer::json(200, &json!({"issuer": self.id(), "jwks_uri": format!("{}/jwks", self.id())}))
    }

    pub(super) fn jwks(&self) -> HttpResponse {
        let rotated = self.state().rotated.as_ref().map(|signer| signer.public_jwk().clone());
        let keys = [self.town.verifier.public_jwk().clone()].into_iter().chain(rotated).collect();
        answer::json(200, &JwkSet { keys })
    }
}
