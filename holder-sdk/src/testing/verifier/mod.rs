//! A verifier in memory (OpenID4VP 1.0, verifier's side; linkage protocol §6 to §10), whose requests can be tampered with.

mod answers;
mod grants;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::entropy::{self, SeededEntropy};
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::jose::jws;
use enishi_credential::time::{Clock as _, FixedClock, UnixTime};
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::{ConsentPair, ConsentTerms, TermsRequest};
use enishi_protocol::fixture::Town;
use enishi_protocol::grant::access::{Access, Period};
use enishi_protocol::grant::messages::DeclarationRef;
use enishi_protocol::linking::{VerifiedFirstParty, VerifiedLink};
use enishi_protocol::oauth::Params;
use enishi_protocol::vp::{ClientId, REQUEST_TYP, RequestObject, RequestParts, RequestUri, RequestUriMethod};
use serde_json::{Map, Value};

use super::answer;
use crate::{HttpRequest, HttpResponse};

pub use grants::AcknowledgementFault;

/// A request for data that a service provider makes.
#[derive(Debug, Clone)]
pub struct LinkAsk {
    /// The grant that it is to become.
    pub grant_id: String,
    /// Ids of items of the town's service.
    pub items: Vec<String>,
    /// Once or how often.
    pub access: Access,
    /// Whether the wallet is asked to fetch the request by POST.
    pub by_post: bool,
}

impl LinkAsk {
    /// Blood pressure and weight, once a day at most, under a grant of this name.
    pub fn new(grant_id: &str) -> Self {
        Self {
            grant_id: grant_id.to_owned(),
            items: ["blood_pressure", "weight"].map(str::to_owned).to_vec(),
            access: Access::periodic(1, Period::Day),
            by_post: false,
        }
    }
}

type Change<T> = Box<dyn FnOnce(&mut T)>;

/// What is done to a request before it is signed.
#[derive(Default)]
pub struct Tampering {
    terms: Option<Change<ConsentTerms>>,
    claims: Option<Change<Map<String, Value>>>,
    signer: Option<SoftwareSigner>,
    typ: Option<&'static str>,
}

impl Tampering {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The terms are changed after they were made from the declarations.
    #[must_use]
    pub fn terms(mut self, change: impl FnOnce(&mut ConsentTerms) + 'static) -> Self {
        self.terms = Some(Box::new(change));
        self
    }

    /// The claims of the request object are changed.
    #[must_use]
    pub fn claims(mut self, change: impl FnOnce(&mut Map<String, Value>) + 'static) -> Self {
        self.claims = Some(Box::new(change));
        self
    }

    /// Another key signs, under the verifier's name.
    #[must_use]
    pub fn signed_by(mut self, signer: SoftwareSigner) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Another `typ`.
    #[must_use]
    pub const fn typ(mut self, typ: &'static str) -> Self {
        self.typ = Some(typ);
        self
    }
}

/// What a wallet answered.
#[derive(Debug, Clone)]
pub enum Received {
    /// A consent of which every check held.
    Linked(VerifiedLink),
    /// The user of a relying party.
    FirstParty(VerifiedFirstParty),
    /// No, with the error code.
    Declined(String),
    /// Something that did not hold.
    Refused(Failure),
}

/// The verifier.
pub struct FakeVerifier {
    town: Arc<Town>,
    clock: Arc<FixedClock>,
    entropy: SeededEntropy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    received: Vec<Received>,
    grants: BTreeMap<String, grants::Grant>,
    fault: Option<AcknowledgementFault>,
    rotated: Option<SoftwareSigner>,
}

/// A request that waits for its answer.
#[derive(Clone)]
struct Asked {
    object: RequestObject,
    claims: Map<String, Value>,
    typ: &'static str,
    signer: SoftwareSigner,
    response_key: PrivateJwk,
    what: What,
    answered: bool,
}

#[derive(Clone)]
enum What {
    Link(Box<ConsentPair>),
    FirstParty(String),
}

impl FakeVerifier {
    pub(super) fn new(town: Arc<Town>, clock: Arc<FixedClock>) -> Self {
        Self { town, clock, entropy: SeededEntropy::new("verifier"), state: Mutex::default() }
    }

    /// The client id: a DID.
    pub fn client_id(&self) -> String {
        ClientId::DecentralizedIdentifier(self.did()).to_string()
    }

    /// Asks for data: what the wallet is to open.
    pub fn ask(&self, ask: &LinkAsk) -> String {
        self.ask_tampered(ask, Tampering::none())
    }

    /// Asks for data, with a request that is not as it should be.
    pub fn ask_tampered(&self, ask: &LinkAsk, mut tampering: Tampering) -> String {
        let reference = |id: &str| DeclarationRef { id: id.to_owned(), version: "1".to_owned() };
        let terms = TermsRequest {
            terms_id: &format!("terms-of-{}", ask.grant_id),
            grant_id: &ask.grant_id,
            now: self.now(),
            answer_by: self.now().plus(600),
            recipient: &self.town.sp.id,
            service: &reference("checkup"),
            purpose: &reference("advice"),
            items: &ask.items,
            access: ask.access.clone(),
            not_after: None,
            sp_session: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            withdraw_uri: &format!("{}/grants/{}", self.id(), ask.grant_id),
            effect_within: 60,
        };
        let set = self.town.set();
        let mut terms = ConsentTerms::build(&set, &terms).unwrap();
        let declarations = set.for_terms(&terms, self.now()).unwrap();
        if let Some(change) = tampering.terms.take() {
            change(&mut terms);
        }
        let pair = ConsentPair::write(terms).unwrap();
        let make = |parts: &RequestParts<'_>| RequestObject::linking(parts, &pair, &declarations).unwrap();
        self.keep(make, What::Link(Box::new(pair.clone())), tampering, ask.by_post)
    }

    /// Asks for the identifiers of `rp`'s user.
    pub fn ask_first_party(&self, rp: &str, tampering: Tampering) -> String {
        let make = |parts: &RequestParts<'_>| RequestObject::first_party(parts, rp).unwrap();
        self.keep(make, What::FirstParty(rp.to_owned()), tampering, false)
    }

    /// What wallets answered so far.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    fn keep(
        &self,
        make: impl FnOnce(&RequestParts<'_>) -> RequestObject,
        what: What,
        tampering: Tampering,
        by_post: bool,
    ) -> String {
        let client_id = ClientId::DecentralizedIdentifier(self.did());
        let response_key =
            PrivateJwk::generate_p256(&self.entropy).map_public(|jwk| jwk.with_kid("response"));
        let mut state = self.state();
        let number = state.asked.len();
        let object = make(&RequestParts {
            client_id: &client_id,
            response_uri: &format!("{}/responses/{number}", self.id()),
            nonce: &entropy::token(&self.entropy),
            state: &entropy::token(&self.entropy),
            encryption_key: response_key.public(),
            iat: self.now(),
            exp: self.now().plus(600),
        });
        let Ok(Value::Object(mut claims)) = serde_json::to_value(&object) else { unreachable!() };
        if let Some(change) = tampering.claims {
            change(&mut claims);
        }
        state.asked.push(Asked {
            object,
            claims,
            typ: tampering.typ.unwrap_or(REQUEST_TYP),
            signer: tampering.signer.unwrap_or_else(|| self.town.verifier.clone()),
            response_key,
            what,
            answered: false,
        });
        let method = if by_post { RequestUriMethod::Post } else { RequestUriMethod::Get };
        RequestUri::to_wallet_uri(&client_id, &format!("{}/requests/{number}", self.id()), method)
    }

    fn did(&self) -> Did {
        Did::jwk(&Jwk::new(self.town.verifier.public_jwk().key.clone()))
    }

    fn id(&self) -> &str {
        &self.town.ids.verifier
    }

    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn handle(&self, path: &str, request: &HttpRequest) -> HttpResponse {
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        match (request.method, parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
            ("GET" | "POST", "requests", id) => self.request_object(id, request).await,
            ("POST", "responses", id) => self.answered(id, request),
            ("GET" | "DELETE", "grants", rest) => self.grant(rest, request).await,
            ("GET", ".well-known", "enishi-verifier") => self.metadata(),
            ("GET", "jwks", "") => self.jwks(),
            _ => answer::not_found(),
        }
    }

    async fn request_object(&self, id: &str, request: &HttpRequest) -> HttpResponse {
        let asked = id.parse().ok().and_then(|id: usize| self.state().asked.get(id).cloned());
        let Some(mut asked) = asked.filter(|asked| !asked.answered) else { return answer::not_found() };
        if request.method == "POST" {
            let nonce = Params::parse(&request.body).ok().and_then(|mut form| form.take("wallet_nonce"));
            // A tampered request may have one already.
            asked.claims.entry("wallet_nonce").or_insert_with(|| nonce.unwrap_or_default().into());
        }
        let mut header = jws::header(asked.typ, &asked.signer);
        header.insert("kid".to_owned(), self.did().verification_method().unwrap().as_str().into());
        let compact = jws::sign(&asked.signer, header, &Value::Object(asked.claims)).await.unwrap();
        answer::body(200, "application/oauth-authz-req+jwt", compact)
    }
}
