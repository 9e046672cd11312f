//! A request that a wallet has verified, and the wallet's answer to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use enishi_credential::encoding::json as strict_json;
use enishi_credential::entropy::Entropy;
use enishi_credential::jose::jwe::{ContentEncryption, JweBackend, JweError, JweHeader};
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use url::Url;

use crate::consent::ConsentPair;
use crate::dcql::Query;
use crate::web::UrlPolicy;

use super::{ClientId, HASH_ALG, Refusal, TransactionData, WalletError};

/// A request whose signature, sender and rules hold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedRequest {
    /// Who asks, proved.
    pub client_id: ClientId,
    /// The key that proved it.
    pub signing_key: Jwk,
    /// Where the answer goes.
    pub response_uri: Url,
    /// For the KB-JWTs.
    pub nonce: String,
    /// Goes back inside the answer.
    pub state: Option<String>,
    /// What is asked for.
    pub query: Query,
    /// The key that the answer is encrypted to.
    pub encryption_key: Jwk,
    /// The content encryption to use.
    pub encryption: ContentEncryption,
    /// What the holder confirms by presenting; every type is a supported one.
    pub transaction_data: Vec<TransactionData>,
    /// Whether the KB-JWT must name the hash algorithm.
    pub(super) hashes_alg_requested: bool,
    /// Compact JWS declarations from `verifier_info`, unverified.
    pub declarations: Vec<String>,
    /// Until when it can be answered, if the request says so.
    pub exp: Option<UnixTime>,
}

/// What a wallet posts: a form body to a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectPost {
    /// Where to.
    pub uri: Url,
    /// The body, `application/x-www-form-urlencoded`.
    pub body: String,
}

impl VerifiedRequest {
    /// The consent terms, if this is a request for mediated linking.
    ///
    /// # Errors
    /// `invalid_transaction_data` for what [`ConsentPair::read`] refuses, also when there is no transaction data.
    pub fn consent(&self) -> Result<ConsentPair, Refusal> {
        ConsentPair::read(self.transaction_data.iter().map(TransactionData::encoded))
            .map_err(|failure| WalletError::InvalidTransactionData.because(failure))
    }

    /// The claims that the KB-JWT of the presentation for `query_id` must carry because of transaction data
    /// (App. B.3.3.1); empty if none belongs to it.
    pub fn transaction_data_claims(&self, query_id: &str) -> Map<String, Value> {
        let mine = self.transaction_data.iter();
        let mine = mine.filter(|entry| entry.credential_ids().iter().any(|id| id == query_id));
        let hashes: Vec<_> = mine.map(TransactionData::hash).collect();
        let mut claims = Map::new();
        if !hashes.is_empty() {
            claims.insert("transaction_data_hashes".to_owned(), json!(hashes));
            if self.hashes_alg_requested {
                claims.insert("transaction_data_hashes_alg".to_owned(), json!(HASH_ALG));
            }
        }
        claims
    }

    /// Writes the answer: presentations by the id of the Credential Query (§8.1, §8.3.1).
    ///
    /// # Errors
    /// [`JweError`] if the verifier's key cannot be encrypted to, which verification rules out.
    pub fn answer(
        &self,
        presentations: &BTreeMap<String, Vec<String>>,
        jwe: &dyn JweBackend,
        entropy: &dyn Entropy,
    ) -> Result<DirectPost, JweError> {
        self.post(json!({"vp_token": presentations}), jwe, entropy)
    }

    /// Writes an error answer, encrypted like any other, so that a refusal does not stand out.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn decline(
        &self,
        error: WalletError,
        jwe: &dyn JweBackend,
        entropy: &dyn Entropy,
    ) -> Result<DirectPost, JweError> {
        self.post(json!({"error": error}), jwe, entropy)
    }

    fn post(
        &self,
        mut payload: Value,
        jwe: &dyn JweBackend,
        entropy: &dyn Entropy,
    ) -> Result<DirectPost, JweError> {
        if let (Some(state), Some(object)) = (&self.state, payload.as_object_mut()) {
            object.insert("state".to_owned(), json!(state));
        }
        let header = JweHeader::new(self.encryption).kid(self.encryption_key.kid.clone());
        let sealed = jwe.seal(&self.encryption_key, &header, payload.to_string().as_bytes(), entropy)?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.append_pair("response", &sealed).finish();
        Ok(DirectPost { uri: self.response_uri.clone(), body })
    }
}

/// Reads the verifier's reply to a direct post (§8.2): where the browser goes on, if anywhere.
///
/// # Errors
/// `reply_malformed` for a body that is not such an object; `url_malformed` or `url_not_https` for a bad `redirect_uri`.
pub fn parse_direct_post_reply(body: &[u8], urls: UrlPolicy) -> Verdict<Option<Url>> {
    let malformed = |detail: &'static str| {
        Failure::new("direct-post-reply", "reply_malformed", detail)
            .remedy("answer 200 with a JSON object and an optional `redirect_uri`")
    };
    let Ok(Value::Object(reply)) = strict_json::parse(body) else {
        return Err(malformed("not a JSON object"));
    };
    match reply.get("redirect_uri") {
        None => Ok(None),
        Some(Value::String(uri)) => urls.check(uri).map(Some),
        Some(_) => Err(malformed("`redirect_uri` is not a string")),
    }
}
