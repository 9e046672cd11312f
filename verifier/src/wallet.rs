//! What wallets see, in both modes: request objects to fetch and a place to answer (OpenID4VP 1.0).

mod answer;
mod exchange;
mod fetch;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::{get, post};
use enishi_credential::verdict::Failure;
use enishi_protocol::vp::WalletAnswer;
use enishi_service::http::wallet_cors;

pub(crate) use exchange::Exchange;

use crate::context::Context;
use crate::errors::Internal;

/// What a mode of the verifier does with a wallet.
#[async_trait]
pub(crate) trait WalletFacing: Send + Sync + 'static {
    /// What both modes share.
    fn context(&self) -> &Context;

    /// What the request object `id` is made from, if it may be fetched (again); the fetch is counted.
    async fn to_fetch(&self, id: &str) -> Result<Option<Exchange>, Internal>;

    /// The same, if it waits for an answer.
    async fn to_answer(&self, id: &str) -> Result<Option<Exchange>, Internal>;

    /// Takes the answer to the request `id`; gives the URI to which the person's browser goes, if there is one.
    async fn answered(
        &self,
        id: &str,
        exchange: &Exchange,
        answer: WalletAnswer,
    ) -> Result<Option<String>, AnswerError>;
}

/// Why an answer is not taken. Nothing has changed then, except that an answer may have come before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// Unknown, answered already, or too late: one answer.
    #[error("there is no request that waits for an answer")]
    Gone,
    /// A check did not hold.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// Our inside.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// The routes that wallets call.
pub(crate) fn routes<M: WalletFacing>(mode: Arc<M>) -> Router {
    Router::new()
        .route("/requests/{id}", get(fetch::by_get::<M>).post(fetch::by_post::<M>))
        .route("/responses/{id}", post(answer::answer::<M>))
        .layer(wallet_cors())
        .with_state(mode)
}

/// `redirect_uri` with the response code that its owner must show (OpenID4VP 1.0 §8.2, §14.2).
pub(crate) fn with_response_code(redirect_uri: &str, code: &str) -> Result<String, Internal> {
    let mut url =
        url::Url::parse(redirect_uri).map_err(|_| Internal::Broken("a stored redirect_uri is no URL"))?;
    url.query_pairs_mut().append_pair("response_code", code);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp_52_the_response_code_is_added_to_what_is_there() {
        let with = |uri: &str| with_response_code(uri, "c").unwrap();
        assert_eq!(with("https://sp.example/back"), "https://sp.example/back?response_code=c");
        assert_eq!(with("https://sp.example/?a=b%20c"), "https://sp.example/?a=b%20c&response_code=c");
    }
}
