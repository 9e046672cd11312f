//! `POST /responses/{id}`: what a wallet answers, checked as a verifier checks it.

use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::verdict::Verdict;
use enishi_protocol::consent::{ConsentPair, DP_LINK, SP_LINK};
use enishi_protocol::linking::{
    FIRST_PARTY_LINK, FirstPartyDemand, LinkingDemand, StatusOutcome, verify_first_party, verify_linking,
};
use enishi_protocol::vp::{IncomingResponse, ResponseExpectation, VpToken, WalletAnswer};
use serde_json::json;

use super::{Asked, FakeVerifier, Received, What, answer};
use crate::{HttpRequest, HttpResponse};

impl FakeVerifier {
    pub(super) fn answered(&self, id: &str, request: &HttpRequest) -> HttpResponse {
        let asked = id.parse().ok().and_then(|id: usize| {
            let mut state = self.state();
            let asked = state.asked.get_mut(id).filter(|asked| !asked.answered)?;
            asked.answered = true;
            Some(asked.clone())
        });
        let Some(asked) = asked else { return answer::not_found() };
        let received = self.judge(&asked, request).unwrap_or_else(Received::Refused);
        if let (Received::Linked(link), What::Link(pair)) = (&received, &asked.what) {
            self.activate(link, pair);
        }
        let response = match &received {
            Received::Refused(failure) => answer::problem(400, failure),
            Received::Declined(_) => answer::json(200, &json!({})),
            _ => answer::json(200, &json!({"redirect_uri": "https://portal.example/back?response_code=1"})),
        };
        self.state().received.push(received);
        response
    }

    fn judge(&self, asked: &Asked, request: &HttpRequest) -> Verdict<Received> {
        let expected = ResponseExpectation {
            key: &asked.response_key,
            state: &asked.object.state,
            query: &asked.object.dcql_query,
        };
        match IncomingResponse::parse(&request.body)?.open(&expected, &RustCryptoJwe)? {
            WalletAnswer::Declined(error) => Ok(Received::Declined(error)),
            WalletAnswer::Presented(token) => match &asked.what {
                What::Link(pair) => self.judge_link(asked, pair, &token),
                What::FirstParty(rp) => self.judge_first_party(asked, rp, &token),
            },
        }
    }

    fn judge_link(&self, asked: &Asked, pair: &ConsentPair, token: &VpToken) -> Verdict<Received> {
        let (issuers, declarations) = (self.town.issuers(), self.town.set());
        let demand = LinkingDemand {
            now: self.now(),
            client_id: &self.client_id(),
            nonce: &asked.object.nonce,
            pair,
            declarations: &declarations,
            issuers: &issuers,
            signatures: &RustCryptoVerifier,
        };
        let pending = verify_linking(token.single(SP_LINK)?, token.single(DP_LINK)?, &demand)?;
        pending.conclude(StatusOutcome::NoStatus, StatusOutcome::NoStatus, &demand).map(Received::Linked)
    }

    fn judge_first_party(&self, asked: &Asked, rp: &str, token: &VpToken) -> Verdict<Received> {
        let demand = FirstPartyDemand {
            now: self.now(),
            client_id: &self.client_id(),
            nonce: &asked.object.nonce,
            rp,
            acr_values: &[],
            issuers: &self.town.issuers(),
            signatures: &RustCryptoVerifier,
        };
        let pending = verify_first_party(token.single(FIRST_PARTY_LINK)?, &demand)?;
        pending.conclude(StatusOutcome::NoStatus, &demand).map(Received::FirstParty)
    }
}
