//! What the portal keeps: requests, grants, the data link it is using, the data it received, what happened.

use enishi_credential::time::UnixTime;
use enishi_service::store::Store;
use serde::Serialize;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::rp::error::RpError;

/// The portal's tables.
#[derive(Clone)]
pub(crate) struct PortalStore(Store);

/// A request for data, and the grant that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ask {
    /// Ours; also the label of the request's DPoP key.
    pub(crate) id: String,
    /// Whose.
    pub(crate) number: String,
    /// The verifier's id of the request.
    pub(crate) link_request_id: String,
    /// The grant, empty while there is none.
    pub(crate) grant_id: String,
    /// `pending`, `granted`, `not_granted`, `another_person`, `withdrawn`, …
    pub(crate) state: String,
}

/// One attempt to fetch data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fetch {
    /// Under which grant.
    pub(crate) grant_id: String,
    /// When, unix seconds.
    pub(crate) at: i64,
    /// `fetched`, or who refused: `verifier`, `gateway`, `portal`.
    pub(crate) outcome: String,
    /// The refusal's code.
    pub(crate) code: String,
}

impl FromRow<'_, AnyRow> for Ask {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            number: row.try_get("number")?,
            link_request_id: row.try_get("link_request_id")?,
            grant_id: row.try_get("grant_id")?,
            state: row.try_get("state")?,
        })
    }
}

impl FromRow<'_, AnyRow> for Fetch {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            grant_id: row.try_get("grant_id")?,
            at: row.try_get("at")?,
            outcome: row.try_get("outcome")?,
            code: row.try_get("code")?,
        })
    }
}

impl PortalStore {
    /// Opens the tables in `store`.
    pub(super) async fn open(store: Store) -> Result<Self, RpError> {
        for statement in [
            "CREATE TABLE IF NOT EXISTS asks (id TEXT PRIMARY KEY, number TEXT NOT NULL, link_request_id TEXT NOT NULL, \
             grant_id TEXT NOT NULL, state TEXT NOT NULL, asked_at BIGINT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS data_links (grant_id TEXT PRIMARY KEY, access_token TEXT NOT NULL, resource TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS received (grant_id TEXT PRIMARY KEY, body TEXT NOT NULL, at BIGINT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS fetches (id TEXT PRIMARY KEY, grant_id TEXT NOT NULL, at BIGINT NOT NULL, \
             outcome TEXT NOT NULL, code TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS notices (jti TEXT PRIMARY KEY, grant_id TEXT NOT NULL, event TEXT NOT NULL, at BIGINT NOT NULL)",
        ] {
            sqlx::query(statement).execute(store.pool()).await?;
        }
        Ok(Self(store))
    }

    pub(super) async fn add_ask(&self, ask: &Ask, now: UnixTime) -> Result<(), RpError> {
        sqlx::query(
            "INSERT INTO asks (id, number, link_request_id, grant_id, state, asked_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&ask.id)
        .bind(&ask.number)
        .bind(&ask.link_request_id)
        .bind(&ask.grant_id)
        .bind(&ask.state)
        .bind(now.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn ask(&self, id: &str) -> Result<Option<Ask>, RpError> {
        let row =
            sqlx::query_as("SELECT id, number, link_request_id, grant_id, state FROM asks WHERE id = $1");
        Ok(row.bind(id).fetch_optional(self.0.pool()).await?)
    }

    pub(super) async fn ask_of_grant(&self, grant_id: &str) -> Result<Option<Ask>, RpError> {
        let row = sqlx::query_as(
            "SELECT id, number, link_request_id, grant_id, state FROM asks WHERE grant_id = $1",
        );
        Ok(row.bind(grant_id).fetch_optional(self.0.pool()).await?)
    }

    pub(super) async fn asks_of(&self, number: &str) -> Result<Vec<Ask>, RpError> {
        let rows = sqlx::query_as(
            "SELECT id, number, link_request_id, grant_id, state FROM asks WHERE number = $1 ORDER BY asked_at",
        );
        Ok(rows.bind(number).fetch_all(self.0.pool()).await?)
    }

    pub(super) async fn settle(&self, id: &str, grant_id: &str, state: &str) -> Result<(), RpError> {
        sqlx::query("UPDATE asks SET grant_id = $2, state = $3 WHERE id = $1")
            .bind(id)
            .bind(grant_id)
            .bind(state)
            .execute(self.0.pool())
            .await?;
        Ok(())
    }

    pub(super) async fn keep_link(
        &self,
        grant_id: &str,
        access_token: &str,
        resource: &str,
    ) -> Result<(), RpError> {
        sqlx::query(
            "INSERT INTO data_links (grant_id, access_token, resource) VALUES ($1, $2, $3) \
             ON CONFLICT (grant_id) DO UPDATE SET access_token = excluded.access_token, resource = excluded.resource",
        )
        .bind(grant_id)
        .bind(access_token)
        .bind(resource)
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn keep_data(&self, grant_id: &str, body: &Value, now: UnixTime) -> Result<(), RpError> {
        sqlx::query(
            "INSERT INTO received (grant_id, body, at) VALUES ($1, $2, $3) \
             ON CONFLICT (grant_id) DO UPDATE SET body = excluded.body, at = excluded.at",
        )
        .bind(grant_id)
        .bind(body.to_string())
        .bind(now.secs())
        .execute(self.0.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn data_of(&self, grant_id: &str) -> Result<Option<Value>, RpError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM received WHERE grant_id = $1")
            .bind(grant_id)
            .fetch_optional(self.0.pool())
            .await?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
    }

    pub(super) async fn add_fetch(&self, id: &str, fetch: &Fetch) -> Result<(), RpError> {
        sqlx::query("INSERT INTO fetches (id, grant_id, at, outcome, code) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(&fetch.grant_id)
            .bind(fetch.at)
            .bind(&fetch.outcome)
            .bind(&fetch.code)
            .execute(self.0.pool())
            .await?;
        Ok(())
    }

    pub(super) async fn fetches_of(&self, grant_id: &str) -> Result<Vec<Fetch>, RpError> {
        let rows = sqlx::query_as(
            "SELECT grant_id, at, outcome, code FROM fetches WHERE grant_id = $1 ORDER BY at, rowid",
        );
        Ok(rows.bind(grant_id).fetch_all(self.0.pool()).await?)
    }

    /// Takes a notice in: the grant's state changes, and what was received under a withdrawn grant is erased together with
    /// the link. A repeated notice changes nothing more.
    pub(super) async fn take_notice(
        &self,
        jti: &str,
        grant_id: &str,
        event: &str,
        now: UnixTime,
    ) -> Result<(), RpError> {
        let mut tx = self.0.begin().await?;
        let known = sqlx::query("INSERT INTO notices (jti, grant_id, event, at) VALUES ($1, $2, $3, $4) ON CONFLICT (jti) DO NOTHING")
            .bind(jti)
            .bind(grant_id)
            .bind(event)
            .bind(now.secs())
            .execute(&mut *tx)
            .await?
            .rows_affected()
            == 0;
        if !known {
            let state = if event == "resumed" { "granted" } else { event };
            sqlx::query("UPDATE asks SET state = $2 WHERE grant_id = $1")
                .bind(grant_id)
                .bind(state)
                .execute(&mut *tx)
                .await?;
            if event == "withdrawn" {
                sqlx::query("DELETE FROM received WHERE grant_id = $1")
                    .bind(grant_id)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query("DELETE FROM data_links WHERE grant_id = $1")
                    .bind(grant_id)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
