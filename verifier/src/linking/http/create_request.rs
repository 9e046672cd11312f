//! `POST /link-requests`: an SP asks for data (linkage protocol §6).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::encoding::b64;
use enishi_credential::entropy;
use enishi_credential::verdict::Failure;
use enishi_protocol::consent::{ConsentPair, ConsentTerms, TermsRequest};
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::messages::{LinkRequest, LinkRequestCreated};
use enishi_protocol::vp::RequestObject;
use enishi_protocol::web::UrlPolicy;
use enishi_service::http::{BodyError, Json, Problem};
use enishi_service::store::{AuditEntry, append_audit};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use url::Url;

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;
use crate::linking::store::{self, Details, NewRequest};
use crate::wallet::Exchange;

/// Within how many seconds a withdrawal takes effect: what the terms promise (linkage protocol §10).
const WITHDRAWAL_EFFECT: u32 = 60;

#[derive(Debug, thiserror::Error)]
pub(super) enum CreateError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Refused(#[from] Failure),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Auth(error) => error.into(),
            CreateError::Body(error) => error.into(),
            CreateError::Refused(failure) => Self::from_failure(StatusCode::BAD_REQUEST, &failure),
            CreateError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for CreateError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(super) async fn create_request(
    State(linking): State<Arc<Linking>>,
    headers: HeaderMap,
    body: Result<Json<LinkRequest>, BodyError>,
) -> Result<impl IntoResponse, CreateError> {
    let recipient = linking.party(&headers).await?;
    let Json(asked) = body?;
    check_session(&asked)?;
    check_redirect(&asked, &recipient, linking.context.urls())?;
    let created = linking.create(&recipient, &asked).await?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], JsonAnswer(created)))
}

impl Linking {
    async fn create(&self, recipient: &str, asked: &LinkRequest) -> Result<LinkRequestCreated, CreateError> {
        let context = &self.context;
        let now = context.now();
        let answer_by = now.plus(context.wallet.request_lifetime_seconds);
        let id = entropy::token(&*context.entropy);
        let terms = ConsentTerms::build(
            &self.declarations,
            &TermsRequest {
                terms_id: &entropy::token(&*context.entropy),
                grant_id: &id,
                now,
                answer_by,
                recipient,
                service: &asked.service,
                purpose: &asked.purpose,
                items: &asked.items,
                access: asked.access.clone(),
                not_after: asked.not_after,
                sp_session: &asked.sp_session,
                withdraw_uri: &context.url.join(&format!("/grants/{id}")),
                effect_within: WITHDRAWAL_EFFECT,
            },
        )?;
        let pair = ConsentPair::write(terms)?;
        let terms = pair.terms();
        let declarations = self.declarations.for_terms(terms, now)?;
        let details = Details {
            service: asked.service.clone(),
            purpose: asked.purpose.clone(),
            items: asked.items.clone(),
            access: asked.access.clone(),
            resource: declarations.service.body.resource.clone(),
        };
        let client = context.client(context.wallet.client_id_prefix)?;
        let exchange = Exchange::new(context, &client, &id, answer_by, |parts| {
            RequestObject::linking(parts, &pair, &declarations)
        })?;
        let sealed = exchange.seal(context, &id)?;
        let terms_sha256 = pair.terms_sha256();
        let request = NewRequest {
            id: &id,
            recipient,
            provider: &terms.provider.id,
            service_sha256: &terms.service.sha256,
            purpose_sha256: &terms.purpose.sha256,
            details: &details,
            dpop_jkt: asked.dpop_jkt,
            terms_sha256: &terms_sha256,
            created_at: now,
            answer_by,
            not_after: terms.not_after,
            exchange: &sealed,
            redirect_uri: asked.redirect_uri.as_deref(),
        };
        let entry = AuditEntry {
            kind: "requested".to_owned(),
            reference: id.clone(),
            at: now,
            detail: json!({"by": Actor::Recipient, "items": asked.items}),
        };
        let mut tx = context.store.begin().await.map_err(Internal::from)?;
        store::insert(&mut tx, &request).await.map_err(Internal::from)?;
        append_audit(&mut tx, &entry).await.map_err(Internal::from)?;
        tx.commit().await.map_err(Internal::from)?;

        let request_uri = exchange.request_uri(context);
        Ok(LinkRequestCreated {
            link_request_id: id,
            wallet_uri: client.wallet_uri(&request_uri, false),
            request_uri,
            expires_in: context.wallet.request_lifetime_seconds,
        })
    }
}

fn check_session(asked: &LinkRequest) -> Result<(), Failure> {
    b64::decode_array::<32>(&asked.sp_session).map(|_| ()).map_err(|_| {
        Failure::new("link-request", "sp_session_invalid", "`sp_session` is not a SHA-256 in base64url")
            .at("/sp_session")
            .remedy("hash a fresh random value that is kept in the person's session")
    })
}

/// The browser may only be sent back to the SP itself: same origin as its party id.
fn check_redirect(asked: &LinkRequest, recipient: &str, urls: UrlPolicy) -> Result<(), Failure> {
    let Some(redirect) = &asked.redirect_uri else { return Ok(()) };
    let own = Url::parse(recipient).ok();
    let target = urls.check(redirect).ok().filter(|url| url.fragment().is_none());
    match (own, target) {
        (Some(own), Some(target)) if own.origin().is_tuple() && own.origin() == target.origin() => Ok(()),
        _ => Err(Failure::new(
            "link-request",
            "redirect_uri_foreign",
            "`redirect_uri` is not on the party's own origin",
        )
        .at("/redirect_uri")
        .remedy("use an absolute URI with the scheme, host and port of your party id, without fragment")),
    }
}
