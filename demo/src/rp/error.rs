//! What can go wrong in an app of the town, and the page that says so.

use askama::Template;
use axum::response::{IntoResponse, Response};
use enishi_service::store::StoreError;
use http::StatusCode;

use crate::net::CallError;
use crate::web;
use crate::words::Words;

/// Why a page of a relying party says no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RpError {
    /// Nobody is logged in.
    #[error("nobody is logged in in this browser")]
    NotLoggedIn,
    /// A form that does not belong to this session, or lacks a field.
    #[error("the form does not belong to this session, or lacks a field")]
    Form,
    /// There is no such process in this session.
    #[error("this browser's session did not start what is being finished")]
    NotStarted,
    /// Nobody answered, or the answer did not hold.
    #[error("no presentation that holds has arrived")]
    NotPresented,
    /// The person behind the presentation has another account here, or the account belongs to another person.
    #[error("this person is bound to another account here, or this account to another person")]
    BoundOtherwise,
    /// The consent is of somebody else than the account that is logged in (threat 3).
    #[error("the consent was given by another person than the one who is logged in here")]
    AnotherPerson,
    /// A service that is needed refused or failed.
    #[error("{0}")]
    Call(#[from] CallError),
    /// The database.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// A key or a sealed text.
    #[error("{0}")]
    Crypto(String),
}

impl RpError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Self::Form => StatusCode::BAD_REQUEST,
            Self::NotStarted | Self::AnotherPerson => StatusCode::FORBIDDEN,
            Self::NotPresented | Self::BoundOtherwise => StatusCode::CONFLICT,
            Self::Call(_) => StatusCode::BAD_GATEWAY,
            Self::Store(_) | Self::Crypto(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn key(&self) -> &'static str {
        match self {
            Self::NotLoggedIn => "demo-rp-error-login",
            Self::Form | Self::NotStarted => "demo-rp-error-start-again",
            Self::NotPresented => "demo-rp-error-not-presented",
            Self::BoundOtherwise => "demo-rp-error-bound-otherwise",
            Self::AnotherPerson => "demo-rp-error-another-person",
            Self::Call(_) | Self::Store(_) | Self::Crypto(_) => "demo-rp-error-internal",
        }
    }
}

impl From<sqlx::Error> for RpError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(Template)]
#[template(path = "rp_error.html")]
struct ErrorPage {
    words: Words,
    key: &'static str,
    detail: String,
}

impl IntoResponse for RpError {
    fn into_response(self) -> Response {
        if matches!(self, Self::Call(_) | Self::Store(_) | Self::Crypto(_)) {
            tracing::warn!(error = %self, "an app of the town could not go on");
        }
        let page = ErrorPage { words: Words::default(), key: self.key(), detail: self.to_string() };
        web::page(self.status(), &page)
    }
}
