//! A row of the table `grants` as a type.

use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::time::UnixTime;
use enishi_protocol::grant::State;
use enishi_protocol::grant::access::Access;
use enishi_protocol::grant::messages::DeclarationRef;
use enishi_service::store::StoreError;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// What was asked for, in the words of the declarations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    /// The DP's service.
    pub(crate) service: DeclarationRef,
    /// The SP's purpose.
    pub(crate) purpose: DeclarationRef,
    /// Ids of the items.
    pub(crate) items: Vec<String>,
    /// Once or how often.
    pub(crate) access: Access,
    /// The service's canonical resource URI.
    pub(crate) resource: String,
}

/// A request, or the grant that it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantRow {
    /// The grant id; also the id of the request.
    pub(crate) id: String,
    /// Where it stands.
    pub(crate) state: State,
    /// The SP.
    pub(crate) recipient: String,
    /// The DP.
    pub(crate) provider: String,
    /// Hash of the service declaration.
    pub service_sha256: String,
    /// Hash of the purpose declaration.
    pub purpose_sha256: String,
    /// What was asked for.
    pub(crate) details: Details,
    /// The key that may mint links.
    pub(crate) dpop_jkt: Thumbprint,
    /// Hash of the consent terms.
    pub terms_sha256: String,
    /// When the SP asked.
    pub(crate) created_at: UnixTime,
    /// Until when the wallet may answer.
    pub(crate) answer_by: UnixTime,
    /// When the grant ends.
    pub(crate) not_after: UnixTime,
    /// What the request object is made from, encrypted; gone once answered.
    pub(crate) exchange: Option<String>,
    /// Where the person's browser goes afterwards.
    pub(crate) redirect_uri: Option<String>,
    /// What the SP must show to read the result, if there is a `redirect_uri`.
    pub(crate) response_code: Option<String>,
    /// The consent, once given.
    pub(crate) consent: Option<Consent>,
    /// Links minted so far.
    pub(crate) links_minted: u64,
    /// When the grant ended.
    pub(crate) ended_at: Option<UnixTime>,
}

/// What a given consent adds to the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consent {
    /// When.
    pub(crate) given_at: UnixTime,
    /// Thumbprint of the wallet's per-grant key.
    pub(crate) grant_jkt: Thumbprint,
    /// Hash of the evidence bundle.
    pub evidence_sha256: String,
    /// The assurance of the DP's credential.
    pub(crate) acr: String,
    /// The person at the SP, sealed to the SP; empty once the grant has ended.
    pub(crate) sp_sealed_sub: String,
    /// The person at the DP, sealed to the DP; empty once the grant has ended.
    pub(crate) dp_sealed_sub: String,
    /// The grant's entry in the status list.
    pub(crate) status: StatusPlace,
}

/// A place in one of the status lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StatusPlace {
    /// Number of the list.
    pub(crate) list: i64,
    /// Index of the entry.
    pub(crate) idx: i64,
}

pub(super) const COLUMNS: &str = "id, state, recipient, provider, service_sha256, purpose_sha256, details, dpop_jkt, \
    terms_sha256, created_at, answer_by, not_after, exchange, redirect_uri, response_code, given_at, grant_jkt, \
    evidence_sha256, acr, sp_sealed_sub, dp_sealed_sub, status_list, status_idx, links_minted, ended_at";

fn malformed(what: &str) -> StoreError {
    StoreError::Malformed(format!("grants: {what}"))
}

impl GrantRow {
    pub(super) fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let text = |name: &str| row.try_get::<String, _>(name);
        let time = |name: &str| row.try_get::<i64, _>(name).map(UnixTime::from_secs);
        let key = |text: &str| Thumbprint::parse(text).map_err(|_| malformed("a thumbprint"));
        let consent = match row.try_get::<Option<i64>, _>("given_at")? {
            None => None,
            Some(given_at) => Some(Consent {
                given_at: UnixTime::from_secs(given_at),
                grant_jkt: key(&text("grant_jkt")?)?,
                evidence_sha256: text("evidence_sha256")?,
                acr: text("acr")?,
                sp_sealed_sub: text("sp_sealed_sub")?,
                dp_sealed_sub: text("dp_sealed_sub")?,
                status: StatusPlace { list: row.try_get("status_list")?, idx: row.try_get("status_idx")? },
            }),
        };
        Ok(Self {
            id: text("id")?,
            state: text("state")?.parse().map_err(|_| malformed("state"))?,
            recipient: text("recipient")?,
            provider: text("provider")?,
            service_sha256: text("service_sha256")?,
            purpose_sha256: text("purpose_sha256")?,
            details: serde_json::from_str(&text("details")?).map_err(|_| malformed("details"))?,
            dpop_jkt: key(&text("dpop_jkt")?)?,
            terms_sha256: text("terms_sha256")?,
            created_at: time("created_at")?,
            answer_by: time("answer_by")?,
            not_after: time("not_after")?,
            exchange: row.try_get("exchange")?,
            redirect_uri: row.try_get("redirect_uri")?,
            response_code: row.try_get("response_code")?,
            consent,
            links_minted: row
                .try_get::<i64, _>("links_minted")?
                .try_into()
                .map_err(|_| malformed("count"))?,
            ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(UnixTime::from_secs),
        })
    }

    /// Whether the grant was ever given: what was not given is unknown to everybody who asks for a grant, so that
    /// declined, lapsed and never asked look the same (linkage protocol §12.6).
    pub(crate) const fn was_given(&self) -> bool {
        self.consent.is_some()
    }
}
