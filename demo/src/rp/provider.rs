//! A data provider: an app with accounts for residents, and a JSON API that only its gateway talks to.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Rp;
use super::error::RpError;
use crate::web;
use crate::words::Words;

/// The header in which the gateway says whose data is asked for.
const SUBJECT: &str = "enishi-subject";

/// A data provider's app. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Inner>);

struct Inner {
    rp: Rp,
    path: &'static str,
}

/// A record that the town starts with: the provider's own number, and what it holds.
pub(crate) type SampleRecord = (&'static str, Value);

impl Provider {
    /// The provider on top of the app `rp`, whose API answers at `path`.
    pub(crate) async fn open(rp: Rp, path: &'static str, samples: &[SampleRecord]) -> Result<Self, RpError> {
        let store = rp.0.accounts.store();
        sqlx::query("CREATE TABLE IF NOT EXISTS records (number TEXT PRIMARY KEY, body TEXT NOT NULL)")
            .execute(store.pool())
            .await?;
        for (number, body) in samples {
            sqlx::query("INSERT INTO records (number, body) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING")
                .bind(*number)
                .bind(body.to_string())
                .execute(store.pool())
                .await?;
        }
        Ok(Self(Arc::new(Inner { rp, path })))
    }

    /// The pages.
    pub(crate) fn routes(self) -> Router {
        let shared = self.0.rp.clone().routes();
        Router::new().route("/", get(home)).with_state(self).merge(shared)
    }

    /// The API, for a listener that only the gateway reaches.
    pub(crate) fn api(self) -> Router {
        let path = self.0.path;
        Router::new().route(path, get(record)).with_state(self)
    }
}

/// `GET` of the API: the whole record. What leaves the house is the gateway's business.
async fn record(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    let Some(ppid) = headers.get(SUBJECT).and_then(|value| value.to_str().ok()) else {
        return problem(StatusCode::UNAUTHORIZED, "no_subject");
    };
    match provider.record_of(ppid).await {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, "not_found"),
        Err(error) => {
            tracing::warn!(%error, "a record could not be read");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
        }
    }
}

fn problem(status: StatusCode, code: &str) -> Response {
    let content_type = [(http::header::CONTENT_TYPE, "application/problem+json")];
    (status, content_type, json!({"code": code}).to_string()).into_response()
}

impl Provider {
    /// The record of the person with this PPID, if the person is known here and has one.
    async fn record_of(&self, ppid: &str) -> Result<Option<Value>, RpError> {
        let accounts = &self.0.rp.0.accounts;
        let Some(number) = accounts.number_of(ppid).await? else { return Ok(None) };
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM records WHERE number = $1")
            .bind(&number)
            .fetch_optional(accounts.store().pool())
            .await?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
    }
}

#[derive(Template)]
#[template(path = "provider_home.html")]
struct HomePage {
    words: Words,
    name: &'static str,
    number: String,
    csrf: String,
    bound: bool,
}

async fn home(State(provider): State<Provider>, headers: HeaderMap) -> Result<Response, RpError> {
    let rp = &provider.0.rp;
    let Ok(session) = rp.session(&headers) else { return Ok(web::see_other("/login")) };
    let words = Words::for_browser(&headers);
    let bound = rp.0.accounts.is_bound(&session.number).await?;
    let page =
        HomePage { words, name: rp.0.profile.name(words), number: session.number, csrf: session.csrf, bound };
    Ok(web::page(StatusCode::OK, &page))
}
