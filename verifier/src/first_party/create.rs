//! `POST /presentations` on the internal listener: the relying party asks its own user to be recognised.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::entropy;
use enishi_credential::verdict::Failure;
use enishi_protocol::vp::RequestObject;
use enishi_service::http::{BodyError, Json, Problem};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{FirstParty, store};
use crate::config::ClientIdPrefix;
use crate::errors::Internal;
use crate::wallet::Exchange;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    #[default]
    Get,
    Post,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Where the wallet sends the person's browser; the result is then read with the `response_code` it brings.
    #[serde(default)]
    redirect_uri: Option<String>,
    /// How the wallet fetches the request object.
    #[serde(default)]
    request_uri_method: Method,
    /// Another client id prefix than the configured one, in development: to try what wallets support.
    #[serde(default)]
    client_id_prefix: Option<ClientIdPrefix>,
}

#[derive(Debug, Serialize)]
struct Created {
    presentation_id: String,
    wallet_uri: String,
    request_uri: String,
    expires_in: i64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CreateError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Refused(#[from] Failure),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl IntoResponse for CreateError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(error) => error.into(),
            Self::Refused(failure) => Problem::from_failure(StatusCode::BAD_REQUEST, &failure),
            Self::Internal(error) => error.into(),
        }
        .into_response()
    }
}

pub(super) async fn create(
    State(first_party): State<Arc<FirstParty>>,
    body: Result<Json<Asked>, BodyError>,
) -> Result<impl IntoResponse, CreateError> {
    let Json(asked) = body?;
    let context = &first_party.context;
    if let Some(redirect) = &asked.redirect_uri {
        let usable = context.urls().check(redirect).is_ok_and(|url| url.fragment().is_none());
        if !usable {
            return Err(refuse(
                "redirect_uri_invalid",
                "/redirect_uri",
                "`redirect_uri` is not an https URL",
            )
            .into());
        }
    }
    let prefix = match asked.client_id_prefix {
        Some(prefix) if prefix != context.wallet.client_id_prefix => {
            let possible = prefix != ClientIdPrefix::X509SanDns || !context.chain().is_empty();
            if !context.development.is_on() || !possible {
                let detail =
                    "another client id prefix can be chosen in development only, with a key that fits";
                return Err(refuse("client_id_prefix_fixed", "/client_id_prefix", detail).into());
            }
            prefix
        }
        _ => context.wallet.client_id_prefix,
    };
    let client = context.client(prefix)?;
    let id = entropy::token(&*context.entropy);
    let now = context.now();
    let lifetime = context.wallet.request_lifetime_seconds;
    let exchange = Exchange::new(context, &client, &id, now.plus(lifetime), |parts| {
        RequestObject::first_party(parts, &first_party.rp)
    })?;
    let sealed = exchange.seal(context, &id)?;
    let mut tx = context.store.begin().await.map_err(Internal::from)?;
    let redirect_uri = asked.redirect_uri.as_deref();
    store::insert(&mut tx, &id, &sealed, redirect_uri, now, now.plus(lifetime))
        .await
        .map_err(Internal::from)?;
    tx.commit().await.map_err(Internal::from)?;
    let request_uri = exchange.request_uri(context);
    let created = Created {
        presentation_id: id,
        wallet_uri: client.wallet_uri(&request_uri, asked.request_uri_method == Method::Post),
        request_uri,
        expires_in: lifetime,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], JsonAnswer(created)))
}

fn refuse(code: &'static str, at: &str, detail: &str) -> Failure {
    Failure::new("presentation-request", code, detail)
        .at(at)
        .remedy("send redirect_uri and request_uri_method as the API description says, or leave them out")
}
