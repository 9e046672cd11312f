//! `POST /links`: an SP has a data link minted, by client assertion and the grant's DPoP key (linkage protocol §8).

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enishi_credential::entropy;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Failure;
use enishi_protocol::datalink::{
    self, ACTION_READ, Confirmation, ConsentReference, DETAIL_TYPE, DataLinkClaims, LinkStatus, MintError,
    ReadDetail,
};
use enishi_protocol::grant::holder::Actor;
use enishi_protocol::grant::messages::{MintRequest, MintedLink};
use enishi_service::http::{BodyError, Json, Problem};
use enishi_service::store::{AuditEntry, append_audit};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::errors::Internal;
use crate::linking::Linking;
use crate::linking::auth::AuthError;
use crate::linking::store::{self, Consent, GrantRow, LinkRow};

/// The path of this endpoint, as the proof names it.
pub(super) const PATH: &str = "/links";

#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Not active, not given, another party's, not there: one answer.
    #[error("the grant is not active")]
    NotActive,
    #[error("the proof is by another key than the grant's")]
    WrongKey,
    #[error(transparent)]
    Frequency(Failure),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Auth(error) => error.into(),
            LinkError::Body(error) => error.into(),
            LinkError::NotActive => Self::new(
                StatusCode::FORBIDDEN,
                "grant_not_active",
                "There is no active grant under which to fetch",
            )
            .check("grant-state")
            .remedy("ask for a new consent; a withdrawn, expired or used-up grant does not come back"),
            LinkError::WrongKey => {
                Self::new(StatusCode::FORBIDDEN, "dpop_key_mismatch", "The proof is by another key")
                    .check("dpop-key")
                    .remedy("use the key whose thumbprint was `dpop_jkt` in the link request")
            }
            LinkError::Frequency(failure) => Self::from_failure(StatusCode::FORBIDDEN, &failure),
            LinkError::Internal(error) => error.into(),
        }
    }
}

impl IntoResponse for LinkError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(super) async fn mint(
    State(linking): State<Arc<Linking>>,
    headers: HeaderMap,
    body: Result<Json<MintRequest>, BodyError>,
) -> Result<impl IntoResponse, LinkError> {
    let party = linking.party(&headers).await?;
    let proof = linking.proof(&headers, "POST", PATH)?;
    let Json(asked) = body?;
    let row = linking.find_grant(&asked.grant_id).await?.filter(|row| row.recipient == party);
    let row = row.ok_or(LinkError::NotActive)?;
    let consent = row.consent.clone().ok_or(LinkError::NotActive)?;
    if proof.jkt != row.dpop_jkt {
        return Err(LinkError::WrongKey);
    }
    linking.spend_proof(&proof).await?;
    let minted = linking.mint(&row, &consent).await;
    if let Err(LinkError::NotActive | LinkError::Frequency(_)) = &minted {
        linking.refused(&row.id).await?;
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonAnswer(minted?)))
}

impl Linking {
    /// Signs a link beforehand, and gives it out only when the transaction that re-checks and records it has committed:
    /// no lock is held while signing, and no link exists that was not counted.
    async fn mint(&self, row: &GrantRow, consent: &Consent) -> Result<MintedLink, LinkError> {
        let now = self.context.now();
        self.may_mint(row, now)?;
        let claims = self.link_claims(row, consent, now)?;
        let access_token =
            datalink::mint(&*self.context.signer(), &claims).await.map_err(|error| match error {
                MintError::Signer(error) => Internal::from(error),
                MintError::Refused(failure) => {
                    tracing::error!(%failure, "a link that no gateway would accept");
                    Internal::Broken("a link that no gateway would accept")
                }
            })?;
        self.record(row, &claims.txn, now).await?;
        Ok(MintedLink {
            access_token,
            token_type: "DPoP".to_owned(),
            expires_in: claims.exp.since(now),
            resource: claims.aud,
            sealed_sub: consent.sp_sealed_sub.clone(),
        })
    }

    fn may_mint(&self, row: &GrantRow, now: UnixTime) -> Result<(), LinkError> {
        let holds = row.state.may_mint()
            && now < row.not_after
            && self.declarations_hold(
                &row.service_sha256,
                &row.purpose_sha256,
                &row.recipient,
                &row.provider,
            );
        if holds { Ok(()) } else { Err(LinkError::NotActive) }
    }

    /// State and frequency again, and the record of the mint, in one transaction.
    async fn record(&self, row: &GrantRow, txn: &str, now: UnixTime) -> Result<(), LinkError> {
        let mut tx = self.context.store.begin().await.map_err(Internal::from)?;
        let locked = store::lock(&mut tx, &row.id).await.map_err(Internal::from)?;
        let locked = locked.ok_or(LinkError::NotActive)?;
        self.may_mint(&locked, now)?;
        let access = &locked.details.access;
        let past = store::count_links(&mut tx, &row.id, access.window_start(now)).await;
        access.allow(past.map_err(Internal::from)?).map_err(LinkError::Frequency)?;
        let link = LinkRow { grant_id: &row.id, txn, minted_at: now };
        store::record_mint(&mut tx, &link).await.map_err(Internal::from)?;
        append_audit(&mut tx, &entry("link_issued", &row.id, now)).await.map_err(Internal::from)?;
        tx.commit().await.map_err(Internal::from)?;
        Ok(())
    }

    async fn refused(&self, id: &str) -> Result<(), Internal> {
        let mut tx = self.context.store.begin().await?;
        append_audit(&mut tx, &entry("link_refused", id, self.context.now())).await?;
        tx.commit().await?;
        Ok(())
    }

    fn link_claims(
        &self,
        row: &GrantRow,
        consent: &Consent,
        now: UnixTime,
    ) -> Result<DataLinkClaims, Internal> {
        let context = &self.context;
        let fresh = || entropy::token(&*context.entropy);
        let lifetime = self.link_lifetime.min(row.not_after.since(now));
        Ok(DataLinkClaims {
            iss: context.url.as_str().to_owned(),
            aud: row.details.resource.clone(),
            client_id: row.recipient.clone(),
            sub: fresh(),
            jti: fresh(),
            iat: now,
            nbf: now,
            exp: now.plus(lifetime),
            txn: fresh(),
            cnf: Confirmation { jkt: row.dpop_jkt, xroad_client: None },
            authorization_details: [ReadDetail {
                detail_type: DETAIL_TYPE.to_owned(),
                locations: vec![row.details.resource.clone()],
                actions: vec![ACTION_READ.to_owned()],
                datatypes: row.details.items.clone(),
                purpose: format!("{}@{}", row.details.purpose.id, row.details.purpose.version),
                max_uses: self.link_uses,
            }],
            sealed_sub: consent.dp_sealed_sub.clone(),
            acr: consent.acr.clone(),
            status: LinkStatus { status_list: self.status_reference(consent.status)? },
            consent: ConsentReference {
                grant_id: row.id.clone(),
                terms_sha256: row.terms_sha256.clone(),
                evidence_sha256: consent.evidence_sha256.clone(),
                evidence: None,
                given_at: consent.given_at,
            },
        })
    }
}

fn entry(kind: &str, id: &str, now: UnixTime) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        reference: id.to_owned(),
        at: now,
        detail: json!({"by": Actor::Recipient}),
    }
}
