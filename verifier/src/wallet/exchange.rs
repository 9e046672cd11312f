//! One exchange with a wallet: the request object and the key that was made for its answer.

use enishi_credential::did::Did;
use enishi_credential::entropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;
use enishi_protocol::vp::{
    ClientId, RequestObject, RequestParts, RequestSigner, RequestUri, RequestUriMethod, ResponseExpectation,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ClientIdPrefix;
use crate::context::Context;
use crate::errors::Internal;

/// How this verifier names itself, and how the wallet finds the key.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    id: ClientId,
    signer: RequestSigner,
}

impl Client {
    /// The URI that opens a wallet.
    pub(crate) fn wallet_uri(&self, request_uri: &str, post: bool) -> String {
        let method = if post { RequestUriMethod::Post } else { RequestUriMethod::Get };
        RequestUri::to_wallet_uri(&self.id, request_uri, method)
    }
}

impl Context {
    /// The client id with this prefix (OpenID4VP 1.0 §5.9.3).
    pub(crate) fn client(&self, prefix: ClientIdPrefix) -> Result<Client, Internal> {
        match prefix {
            ClientIdPrefix::X509SanDns => Ok(Client {
                id: ClientId::X509SanDns(self.url.host()),
                signer: RequestSigner::Certificate(self.chain().to_vec()),
            }),
            ClientIdPrefix::DecentralizedIdentifier => {
                let did = Did::jwk(self.signer().public_jwk());
                let method = did
                    .verification_method()
                    .map_err(|_| Internal::Broken("the signing key's DID names no key"))?;
                Ok(Client { id: ClientId::DecentralizedIdentifier(did), signer: RequestSigner::Did(method) })
            }
        }
    }
}

/// An exchange: kept, encrypted, as long as an answer is awaited.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    id: String,
    request: RequestObject,
    key: PrivateJwk,
    prefix: ClientIdPrefix,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    request: RequestObject,
    key: Value,
    prefix: ClientIdPrefix,
}

const BROKEN: Internal = Internal::Broken("a stored exchange cannot be read");

fn place(id: &str) -> String {
    format!("exchange/{id}")
}

impl Exchange {
    /// A new exchange with fresh nonce, state and encryption key (HAIP 1.0 §5, OpenID4VP 1.0 §5.2).
    pub(crate) fn new(
        context: &Context,
        client: &Client,
        id: &str,
        answer_by: UnixTime,
        make: impl FnOnce(&RequestParts<'_>) -> Verdict<RequestObject>,
    ) -> Verdict<Self> {
        let entropy = &*context.entropy;
        let kid = entropy::token(entropy);
        let key = PrivateJwk::generate_p256(entropy).map_public(|jwk| jwk.with_kid(kid).for_encryption());
        let request = make(&RequestParts {
            client_id: &client.id,
            response_uri: &context.url.join(&format!("/responses/{id}")),
            nonce: &entropy::token(entropy),
            state: &entropy::token(entropy),
            encryption_key: key.public(),
            iat: context.now(),
            exp: answer_by,
        })?;
        let prefix = match client.id {
            ClientId::X509SanDns(_) => ClientIdPrefix::X509SanDns,
            ClientId::DecentralizedIdentifier(_) => ClientIdPrefix::DecentralizedIdentifier,
        };
        Ok(Self { id: id.to_owned(), request, key, prefix })
    }

    /// The exchange as it is stored.
    pub(crate) fn seal(&self, context: &Context, id: &str) -> Result<String, Internal> {
        let stored =
            Stored { request: self.request.clone(), key: self.key.to_secret_value(), prefix: self.prefix };
        let bytes = serde_json::to_vec(&stored).map_err(|_| BROKEN)?;
        Ok(context.store_key.seal(&place(id), &bytes, &*context.entropy)?)
    }

    /// Reads a stored exchange.
    pub(crate) fn open(context: &Context, id: &str, sealed: &str) -> Result<Self, Internal> {
        let bytes = context.store_key.open(&place(id), sealed)?;
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|_| BROKEN)?;
        let key = PrivateJwk::from_value(&stored.key).map_err(|_| BROKEN)?;
        Ok(Self { id: id.to_owned(), request: stored.request, key, prefix: stored.prefix })
    }

    /// Where the request object is fetched.
    pub(crate) fn request_uri(&self, context: &Context) -> String {
        context.url.join(&format!("/requests/{}", self.id))
    }

    /// The request object as it was made.
    pub(crate) const fn request(&self) -> &RequestObject {
        &self.request
    }

    /// What an answer must fit.
    pub(crate) const fn expectation(&self) -> ResponseExpectation<'_> {
        ResponseExpectation {
            key: &self.key,
            state: self.request.state.as_str(),
            query: &self.request.dcql_query,
        }
    }

    /// Signs the request object for one fetch; `None` when the signing key has changed since and was the client id, so that
    /// no wallet would believe it.
    pub(crate) async fn sign(
        &self,
        context: &Context,
        wallet_nonce: Option<&str>,
    ) -> Result<Option<String>, Internal> {
        let client = context.client(self.prefix)?;
        if client.id.to_string() != self.request.client_id {
            return Ok(None);
        }
        Ok(Some(self.request.sign(&*context.signer(), &client.signer, wallet_nonce).await?))
    }
}
