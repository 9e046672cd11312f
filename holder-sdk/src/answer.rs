//! Saying yes or no.

use std::collections::BTreeMap;

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::linkage::HeldLinkage;
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::{ConsentPair, DP_LINK, SP_LINK};
use enishi_protocol::linking::{FIRST_PARTY_LINK, LinkPart, present_first_party, present_linked};
use enishi_protocol::vp::{DirectPost, VerifiedRequest, WalletError as ErrorCode, parse_direct_post_reply};
use url::Url;

use crate::error::WalletError;
use crate::issuance::signer;
use crate::request::{Kind, Request};
use crate::state::{StoredCredential, StoredGrant};
use crate::transport::HttpRequest;
use crate::wallet::Wallet;

/// The verifier took the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Where the person's browser goes on, if anywhere.
    pub redirect_uri: Option<Url>,
    /// The grant that the person gave, if the request was for data.
    pub grant_id: Option<String>,
}

/// A credential taken out of the store, ready to be shown once.
struct Taken {
    credential: HeldLinkage,
    signer: SoftwareSigner,
    stored: StoredCredential,
}

impl Taken {
    fn part(&self) -> LinkPart<'_> {
        LinkPart { credential: &self.credential, opening: &self.stored.opening, signer: &self.signer }
    }
}

impl Wallet {
    /// The person agrees. Credentials are used up before they are sent, and the grant is in the vault before the verifier
    /// hears of it, so that a crash at any moment loses no consent and shows no credential twice.
    ///
    /// # Errors
    /// `no_credential` if the wallet lacks a fresh credential for a party, and `answer_too_late` when the time to answer is
    /// over: then nothing was used up. What a credential's own issuer got wrong (`openings_do_not_fit`). The verifier's
    /// refusal, 4xx: there is no grant. `already_answered`. After any other error it is not known whether the verifier took the answer: the
    /// grant stays listed, not [`confirmed`](crate::GrantSummary::confirmed), and [`Wallet::grant_status`] tells.
    pub async fn approve(&self, request: &Request) -> Result<Answered, WalletError> {
        match &request.kind {
            Kind::FirstParty { rp } => {
                self.check_in_time(request)?;
                let [taken] = self.take([rp.as_str()])?;
                let text =
                    present_first_party(&request.verified, &taken.credential, &taken.signer, self.now())
                        .await?;
                let presentations = BTreeMap::from([(FIRST_PARTY_LINK.to_owned(), vec![text])]);
                let redirect_uri = self.post_answer(&request.verified, &presentations).await?;
                Ok(Answered { redirect_uri, grant_id: None })
            }
            Kind::Link { pair, .. } => self.approve_link(request, pair).await,
        }
    }

    async fn approve_link(&self, request: &Request, pair: &ConsentPair) -> Result<Answered, WalletError> {
        let terms = pair.terms();
        let grant_id = terms.grant_id.clone();
        let jkt = request.grant_jkt(self).ok_or_else(|| no_credential(&grant_id))?;
        self.check_in_time(request)?;
        if self.keeper.read(|state| state.grants.iter().any(|had| had.grant_id == grant_id && had.confirmed))
        {
            return Err(Failure::new(
                "grant",
                "already_answered",
                "this request was answered with yes before",
            )
            .remedy("look at the grant instead")
            .into());
        }
        let [sp, dp] = self.take([terms.recipient.id.as_str(), terms.provider.id.as_str()])?;
        let (now, entropy) = (self.now(), self.entropy());
        let [for_sp, for_dp] =
            present_linked(&request.verified, pair, sp.part(), dp.part(), &jkt, now, entropy).await?;
        let grant = StoredGrant {
            grant_id: grant_id.clone(),
            verifier: request.client_id(),
            verifier_key: request.verified.signing_key.clone(),
            confirmed: false,
            terms_sha256: pair.terms_sha256(),
            grant_uri: terms.withdraw.uri.clone(),
            given_at: now,
            withdrawn_at: None,
            acknowledgement: None,
            terms: serde_json::to_value(terms).unwrap_or_default(),
        };
        let first_try = self.keeper.change(|state| {
            let before = state.grants.len();
            state.grants.retain(|other| other.grant_id != grant_id);
            let first_try = state.grants.len() == before;
            state.grants.push(grant);
            first_try
        })?;
        let presentations =
            BTreeMap::from([(SP_LINK.to_owned(), vec![for_sp]), (DP_LINK.to_owned(), vec![for_dp])]);
        match self.post_answer(&request.verified, &presentations).await {
            Ok(redirect_uri) => {
                self.confirm(&grant_id)?;
                Ok(Answered { redirect_uri, grant_id: Some(grant_id) })
            }
            Err(error) => {
                // Only a 4xx says that the answer was not taken: a proxy's 502 may come after it was. And the 4xx to a
                // second try may say just that: the first one was taken.
                if first_try && matches!(error, WalletError::Server { status: 400..=499, .. }) {
                    self.keeper.change(|state| state.grants.retain(|grant| grant.grant_id != grant_id))?;
                }
                Err(error)
            }
        }
    }

    /// The person does not agree. To the organisation that asked this looks the same as no answer and as no credential.
    ///
    /// # Errors
    /// The verifier's answer, or none.
    pub async fn decline(&self, request: &Request) -> Result<Option<Url>, WalletError> {
        self.post_refusal(&request.verified, ErrorCode::AccessDenied).await
    }

    pub(crate) async fn post_refusal(
        &self,
        request: &VerifiedRequest,
        error: ErrorCode,
    ) -> Result<Option<Url>, WalletError> {
        let post = request.decline(error, self.jwe.as_ref(), self.entropy()).map_err(cannot_encrypt)?;
        self.send_direct_post(post).await
    }

    async fn post_answer(
        &self,
        request: &VerifiedRequest,
        presentations: &BTreeMap<String, Vec<String>>,
    ) -> Result<Option<Url>, WalletError> {
        let post =
            request.answer(presentations, self.jwe.as_ref(), self.entropy()).map_err(cannot_encrypt)?;
        self.send_direct_post(post).await
    }

    async fn send_direct_post(&self, post: DirectPost) -> Result<Option<Url>, WalletError> {
        let request = HttpRequest::post(post.uri.as_str(), "application/x-www-form-urlencoded", post.body);
        let response = self.fetch(request).await?;
        Ok(parse_direct_post_reply(&response.body, self.urls())?)
    }

    /// Nothing is used up for a request whose time is over.
    fn check_in_time(&self, request: &Request) -> Result<(), Failure> {
        let terms = request.terms().map(|terms| terms.answer_by);
        if [terms, request.verified.exp].into_iter().flatten().any(|end| end <= self.now()) {
            return Err(Failure::new("consent-time", "answer_too_late", "the time to answer is over")
                .at("/answer_by")
                .remedy("start again at the service"));
        }
        Ok(())
    }

    /// Takes one fresh credential for each of `rps` and marks them as shown: all or none.
    fn take<const N: usize>(&self, rps: [&str; N]) -> Result<[Taken; N], WalletError> {
        let now = self.now();
        let stored = self.keeper.try_change(|state| {
            let mut places = Vec::with_capacity(N);
            for rp in rps {
                let place = state.credentials.iter().position(|held| held.is_fresh(rp, now));
                places.push(place.ok_or_else(|| no_credential(rp))?);
            }
            let mut taken = Vec::with_capacity(N);
            for place in places {
                if let Some(held) = state.credentials.get_mut(place) {
                    held.shown = true;
                    taken.push(held.clone());
                }
            }
            Ok::<_, WalletError>(taken)
        })?;
        let mut taken = Vec::with_capacity(N);
        for stored in stored {
            let credential = HeldLinkage::from_storage(stored.sd_jwt.expose())?;
            let key = PrivateJwk::from_value(stored.key.expose())
                .map_err(|error| Failure::new("wallet-key", "stored_key_malformed", error.to_string()))?;
            taken.push(Taken { credential, signer: signer(key)?, stored });
        }
        taken.try_into().map_err(|_| no_credential("").into())
    }
}

fn no_credential(rp: &str) -> Failure {
    Failure::new("credential", "no_credential", format!("no fresh linkage credential for {rp}"))
        .remedy("connect to the issuer and get new credentials")
}

fn cannot_encrypt(error: enishi_credential::jose::jwe::JweError) -> WalletError {
    Failure::new("response-encryption", "cannot_encrypt", error.to_string())
        .remedy("the verifier's encryption key is unusable")
        .into()
}
