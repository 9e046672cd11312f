//! Grants: found, given, changed, ended.

use enishi_credential::time::UnixTime;
use enishi_protocol::grant::State;
use enishi_service::store::StoreError;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::row::{COLUMNS, Consent, GrantRow, StatusPlace};

/// Finds a request or grant.
pub(crate) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<GrantRow>, StoreError> {
    let row = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM grants WHERE id = $1")))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(GrantRow::read).transpose()
}

/// Finds a request or grant and keeps others from changing it until the transaction ends. An update that changes
/// nothing does that on every database.
pub(crate) async fn lock(connection: &mut AnyConnection, id: &str) -> Result<Option<GrantRow>, StoreError> {
    let statement = format!("UPDATE grants SET fetches = fetches WHERE id = $1 RETURNING {COLUMNS}");
    let row = sqlx::query(AssertSqlSafe(statement)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(GrantRow::read).transpose()
}

/// What makes a request a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activation<'a> {
    /// The consent.
    pub(crate) consent: &'a Consent,
    /// What the SP must show to read the result, if the request has a `redirect_uri`.
    pub(crate) response_code: Option<&'a str>,
    /// The evidence bundle, encrypted.
    pub(crate) sealed_evidence: &'a str,
}

/// Makes the request `id` an active grant, spends its nonce and keys, and stores the evidence. `false`, and nothing is
/// changed, when the request is not waiting for an answer any more: of any number of concurrent callers exactly one
/// is told `true`.
pub(crate) async fn activate(
    connection: &mut AnyConnection,
    id: &str,
    activation: &Activation<'_>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let consent = activation.consent;
    let done = sqlx::query(
        "UPDATE grants SET state = $1, exchange = NULL, response_code = $2, given_at = $3, grant_jkt = $4, \
         evidence_sha256 = $5, acr = $6, sp_sealed_sub = $7, dp_sealed_sub = $8, status_list = $9, status_idx = $10 \
         WHERE id = $11 AND state = $12 AND answer_by > $13",
    )
    .bind(State::Active.as_str())
    .bind(activation.response_code)
    .bind(consent.given_at.secs())
    .bind(consent.grant_jkt.to_string())
    .bind(consent.evidence_sha256.as_str())
    .bind(consent.acr.as_str())
    .bind(consent.sp_sealed_sub.as_str())
    .bind(consent.dp_sealed_sub.as_str())
    .bind(consent.status.list)
    .bind(consent.status.idx)
    .bind(id)
    .bind(State::Requested.as_str())
    .bind(now.secs())
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    sqlx::query("INSERT INTO evidence (grant_id, sha256, sealed) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(consent.evidence_sha256.as_str())
        .bind(activation.sealed_evidence)
        .execute(connection)
        .await?;
    Ok(true)
}

/// Changes the state of the grant `id` from `from` to `to`; `false` when it is not in `from`. With its end the sealed
/// identifiers are erased: the verifier holds them for live grants only (linkage protocol §1).
pub(crate) async fn change_state(
    connection: &mut AnyConnection,
    id: &str,
    from: State,
    to: State,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let ended = "UPDATE grants SET state = $1, ended_at = $4, exchange = NULL, sp_sealed_sub = '', dp_sealed_sub = '' \
                 WHERE id = $2 AND state = $3";
    let goes_on = "UPDATE grants SET state = $1 WHERE id = $2 AND state = $3";
    let query = sqlx::query(if to.is_terminal() { ended } else { goes_on });
    let query = query.bind(to.as_str()).bind(id).bind(from.as_str());
    let query = if to.is_terminal() { query.bind(now.secs()) } else { query };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

/// The number of the newest status list. The first exists from the start, so that a gateway can be set up before the first
/// consent.
pub(crate) async fn newest_status_list(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT MAX(status_list) FROM grants").fetch_one(connection).await?;
    Ok(newest.unwrap_or(1))
}

/// The first of `candidates` that no grant has, in the newest list or, when they are all taken, in a new one. The
/// unique index makes sure that no place is given twice, also between two servers.
pub(crate) async fn claim_status_place(
    connection: &mut AnyConnection,
    candidates: &[i64],
) -> Result<Option<StatusPlace>, StoreError> {
    let list = newest_status_list(connection).await?;
    for idx in candidates {
        let taken = sqlx::query("SELECT id FROM grants WHERE status_list = $1 AND status_idx = $2")
            .bind(list)
            .bind(*idx)
            .fetch_optional(&mut *connection)
            .await?;
        if taken.is_none() {
            return Ok(Some(StatusPlace { list, idx: *idx }));
        }
    }
    Ok(candidates.first().map(|idx| StatusPlace { list: list + 1, idx: *idx }))
}

/// The entries of a status list that are not valid: index and status value; `None` if there is no such list.
pub(crate) async fn status_values(
    connection: &mut AnyConnection,
    list: i64,
) -> Result<Option<Vec<(u64, u8)>>, StoreError> {
    if list < 1 || list > newest_status_list(connection).await? {
        return Ok(None);
    }
    let rows = sqlx::query("SELECT status_idx, state FROM grants WHERE status_list = $1 AND state <> $2")
        .bind(list)
        .bind(State::Active.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let idx = u64::try_from(row.try_get::<i64, _>("status_idx")?)
                .map_err(|_| StoreError::Malformed("grants: status_idx".into()))?;
            let state: State = row
                .try_get::<String, _>("state")?
                .parse()
                .map_err(|_| StoreError::Malformed("grants: state".into()))?;
            Ok((idx, state.status_value()))
        })
        .collect::<Result<Vec<_>, StoreError>>()
        .map(Some)
}
