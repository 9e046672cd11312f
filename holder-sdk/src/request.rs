//! A request that somebody makes to the wallet, verified and understood (OpenID4VP 1.0, wallet side).

use enishi_credential::entropy;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::linkage::{CLAIM_PPID, CLAIM_SEALED_SUB, CLAIM_SUB};
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::{ConsentPair, ConsentTerms, DP_LINK, SP_LINK};
use enishi_protocol::dcql::CredentialQuery;
use enishi_protocol::declaration::DeclarationSet;
use enishi_protocol::linking::FIRST_PARTY_LINK;
use enishi_protocol::vp::{
    ClientId, Refusal, RequestTrust, RequestUri, RequestUriMethod, TrustedVerifier, VerifiedRequest,
    WalletError as ErrorCode, verify_request,
};
use enishi_schemas::messages::Lang;
use url::Url;

use crate::error::WalletError;
use crate::prompt::{self, Prompt};
use crate::transport::HttpRequest;
use crate::wallet::Wallet;

/// A request whose sender and rules hold. Nothing was answered yet: show [`Request::prompt`], then call
/// [`Wallet::approve`] or [`Wallet::decline`].
#[derive(Clone)]
pub struct Request {
    pub(crate) verified: VerifiedRequest,
    pub(crate) kind: Kind,
}

/// Says who asks and what for, and nothing that could mark the session in a log.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("parties", &self.parties()).finish_non_exhaustive()
    }
}

/// What a request wants.
#[derive(Clone)]
pub(crate) enum Kind {
    /// Data from one organisation for another: consent terms.
    Link { pair: Box<ConsentPair>, declarations: Box<DeclarationSet> },
    /// An organisation wants to know its own user.
    FirstParty { rp: String },
}

impl Request {
    /// Who asks, by client id: proved by the request's signature.
    pub fn client_id(&self) -> String {
        self.verified.client_id.to_string()
    }

    /// The consent terms, if data is to flow.
    pub fn terms(&self) -> Option<&ConsentTerms> {
        match &self.kind {
            Kind::Link { pair, .. } => Some(pair.terms()),
            Kind::FirstParty { .. } => None,
        }
    }

    /// The organisations whose credentials are needed, in the order of the request.
    pub fn parties(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Link { pair, .. } => vec![&pair.terms().recipient.id, &pair.terms().provider.id],
            Kind::FirstParty { rp } => vec![rp],
        }
    }
}

fn refused(code: &'static str, detail: impl Into<String>) -> Failure {
    Failure::new("request", code, detail).remedy("start again at the service that sent you here")
}

impl From<Refusal> for WalletError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.failure)
    }
}

impl Wallet {
    /// Reads a request that was scanned or clicked: fetches the request object, proves who sent it, and checks
    /// everything that can be checked before the person is asked.
    ///
    /// # Errors
    /// Every rule of OpenID4VP 1.0 for wallets, with its code ([`enishi_protocol::vp::verify_request`]);
    /// `verifier_untrusted` for a verifier that the wallet does not trust. Then what is asked for: `query_unexpected`,
    /// `not_the_party` for identifiers of another organisation's user, `withdraw_uri_foreign`, and what is wrong with the
    /// terms or their declarations ([`enishi_protocol::consent`]). For these, the sender being proved, it is told at
    /// once with the error code of OpenID4VP 1.0 §8.5.
    pub async fn read_request(&self, uri: &str) -> Result<Request, WalletError> {
        let from = RequestUri::parse(uri, self.urls())?;
        let (compact, wallet_nonce) = self.fetch_request_object(&from).await?;
        let known: Option<Vec<TrustedVerifier>> = self.parts.trust.verifiers.as_ref().map(|list| {
            let entry = |known: &crate::KnownVerifier| TrustedVerifier {
                client_id: known.client_id.clone(),
                response_host: known.response_host.clone(),
            };
            list.iter().map(entry).collect()
        });
        let trust = RequestTrust {
            anchors: &self.parts.trust.verifier_anchors,
            verifiers: known.as_deref(),
            urls: self.urls(),
            signatures: self.signatures.as_ref(),
            now: self.now(),
        };
        let verified = verify_request(&compact, &from, wallet_nonce.as_deref(), &trust)?;
        match self.understand(&verified) {
            Ok(kind) => Ok(Request { verified, kind }),
            Err(refusal) => {
                // The person is not asked at all; the sender learns that the request is at fault, and nothing else.
                let _ = self.post_refusal(&verified, refusal.error).await;
                Err(refusal.into())
            }
        }
    }

    async fn fetch_request_object(&self, from: &RequestUri) -> Result<(String, Option<String>), WalletError> {
        const ACCEPT: &str = "application/oauth-authz-req+jwt";
        let (request, nonce) = match from.method {
            RequestUriMethod::Get => (HttpRequest::get(from.request_uri.as_str(), ACCEPT), None),
            RequestUriMethod::Post => {
                let nonce = entropy::token(self.entropy());
                let body = format!("wallet_nonce={nonce}");
                let mut request =
                    HttpRequest::post(from.request_uri.as_str(), "application/x-www-form-urlencoded", body);
                request.headers.retain(|(name, _)| *name != "accept");
                (request.header("accept", ACCEPT), Some(nonce))
            }
        };
        let response = self.fetch(request).await?;
        if !response.is(ACCEPT) {
            return Err(refused("not_a_request_object", format!("the answer is not {ACCEPT}")).into());
        }
        let compact = String::from_utf8(response.body)
            .map_err(|_| refused("not_a_request_object", "the request object is not text"))?;
        Ok((compact.trim().to_owned(), nonce))
    }

    fn understand(&self, verified: &VerifiedRequest) -> Result<Kind, Refusal> {
        let ids: Vec<&str> = verified.query.credentials().iter().map(|query| query.id.as_str()).collect();
        if verified.transaction_data.is_empty() && ids == [FIRST_PARTY_LINK] {
            return self.first_party(verified).map_err(|failure| refusal(ErrorCode::InvalidRequest, failure));
        }
        let pair = verified.consent()?;
        if ids != [SP_LINK, DP_LINK] {
            let failure =
                refused("query_unexpected", "terms go with the queries `sp_link` and `dp_link` only");
            return Err(refusal(ErrorCode::InvalidRequest, failure));
        }
        let told = |failure| refusal(ErrorCode::InvalidTransactionData, failure);
        let terms = pair.terms();
        for (id, rp) in [(SP_LINK, &terms.recipient.id), (DP_LINK, &terms.provider.id)] {
            let query = verified.query.credential(id);
            if asked_rp(query) != Some(rp.as_str()) {
                return Err(told(refused(
                    "query_unexpected",
                    format!("`{id}` is not for the party of the terms"),
                )));
            }
            if !asks_exactly(query, &[CLAIM_SEALED_SUB]) {
                let failure =
                    refused("query_unexpected", format!("`{id}` asks for other claims than it may"))
                        .remedy("ask for `rp` and `sealed_sub`: a verifier in the middle gets nothing else");
                return Err(refusal(ErrorCode::InvalidRequest, failure));
            }
        }
        self.check_withdrawal(verified, &terms.withdraw.uri).map_err(told)?;
        let compacts = verified.declarations.iter().map(String::as_str);
        let (trust, signatures) = (&self.parts.trust.parties, self.signatures.as_ref());
        let declarations = DeclarationSet::verify(compacts, trust, signatures, self.now()).map_err(told)?;
        enishi_protocol::consent::Prompt::new(terms, &declarations, self.now()).map_err(told)?;
        Ok(Kind::Link { pair: Box::new(pair), declarations: Box::new(declarations) })
    }

    /// The grant is looked at, and withdrawn, at the verifier that proved who it is, and nowhere else.
    fn check_withdrawal(&self, verified: &VerifiedRequest, uri: &str) -> Result<(), Failure> {
        let uri = self.urls().check(uri).map_err(|failure| failure.at("/withdraw/uri"))?;
        if uri.origin() == verified.response_uri.origin() && uri.query().is_none() && uri.fragment().is_none()
        {
            return Ok(());
        }
        Err(refused("withdraw_uri_foreign", "the grant would be kept at another place than the verifier")
            .at("/withdraw/uri")
            .remedy("name the grant's URL at the verifier, on the origin that answers are posted to"))
    }

    /// A relying party asks for its own credential. Whether it is that relying party is decided by the host that its
    /// certificate proves, or by what the wallet was told about this verifier: `sub` and `ppid` go to nobody else
    /// (linkage protocol §4).
    fn first_party(&self, verified: &VerifiedRequest) -> Result<Kind, Failure> {
        let rp = asked_rp(verified.query.credential(FIRST_PARTY_LINK))
            .ok_or_else(|| refused("query_unexpected", "the query does not say whose credential it wants"))?;
        let client_id = verified.client_id.to_string();
        let told = self.parts.trust.verifiers.iter().flatten();
        let told = told.filter(|known| known.client_id == client_id).find_map(|known| known.rp.as_deref());
        let is_the_party = match (told, &verified.client_id) {
            (Some(own), _) => own == rp,
            (None, ClientId::X509SanDns(host)) => {
                Url::parse(rp).is_ok_and(|url| url.host_str() == Some(host.as_str()))
            }
            (None, _) => false,
        };
        if !asks_exactly(verified.query.credential(FIRST_PARTY_LINK), &[CLAIM_SUB, CLAIM_PPID]) {
            return Err(refused(
                "query_unexpected",
                "`link` asks for other claims than `rp`, `sub` and `ppid`",
            )
            .remedy("ask for exactly these three claims"));
        }
        if is_the_party {
            return Ok(Kind::FirstParty { rp: rp.to_owned() });
        }
        Err(refused("not_the_party", "the verifier wants the identifiers of another organisation's user")
            .remedy("ask for your own credential, or for a link with consent"))
    }
}

/// Whether a query asks for `rp` and exactly these claims, all of them: what a wallet then discloses is what was asked
/// for, no less and no more (OpenID4VP 1.0 §6.4.1).
fn asks_exactly(query: Option<&CredentialQuery>, claims: &[&str]) -> bool {
    let Some(query) = query else { return false };
    let mut asked: Vec<_> = query.claims.iter().map(|claim| claim.path.top_level()).collect();
    let mut wanted: Vec<_> = claims.iter().chain(&["rp"]).copied().map(Some).collect();
    asked.sort_unstable();
    wanted.sort_unstable();
    asked == wanted && query.claim_sets.is_empty() && !query.multiple
}

/// The only relying party whose credential a query takes.
fn asked_rp(query: Option<&CredentialQuery>) -> Option<&str> {
    query?.fixed_value("rp")
}

fn refusal(error: ErrorCode, failure: Failure) -> Refusal {
    Refusal { error, failure }
}

impl Request {
    /// What the person has to read before deciding, in words. Dates are Japan's unless [`Wallet::at_utc_offset`] says
    /// otherwise.
    ///
    /// # Errors
    /// None that a request which [`Wallet::read_request`] returned can cause, as long as there is still time to answer.
    pub fn prompt(&self, lang: Lang, wallet: &Wallet) -> Result<Prompt, WalletError> {
        let reader = prompt::Reader { lang, utc_offset: wallet.utc_offset };
        match &self.kind {
            Kind::FirstParty { rp } => Ok(prompt::first_party(reader, rp)),
            Kind::Link { pair, declarations } => {
                let facts = enishi_protocol::consent::Prompt::new(pair.terms(), declarations, wallet.now())?;
                Ok(prompt::consent(reader, &facts))
            }
        }
    }

    /// The thumbprint that names this wallet's key for the grant, if a grant is asked for.
    pub(crate) fn grant_jkt(&self, wallet: &Wallet) -> Option<Thumbprint> {
        let terms = self.terms()?;
        let key = wallet.parts.seed.grant_key(&self.client_id(), &terms.grant_id);
        Some(key.public().thumbprint())
    }
}
