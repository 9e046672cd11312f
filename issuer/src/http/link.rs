//! `/link`: the page where the person chooses whom to link, and the decision.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use enishi_credential::entropy;
use enishi_protocol::oauth::{AuthorizationAnswer, ErrorCode};
use enishi_service::http::read_body;
use enishi_service::store::StoreError;
use http::{HeaderMap, StatusCode};
use url::{Url, form_urlencoded};

use super::authorize::{redirect_to_wallet, send_back};
use super::page::{self, Words};
use super::start;
use crate::app::{App, Shared};
use crate::parties::Party;
use crate::store::{Asker, Authenticated, IssuedCode};

/// One relying party on the page.
struct Choice {
    id: String,
    name: String,
    /// Whether the login was strong enough.
    possible: bool,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    words: Words,
    style: String,
    action: String,
    issuer: String,
    form_token: String,
    /// Exactly the parties of the offer; the person agrees to them or not.
    fixed: bool,
    choices: Vec<Choice>,
    nothing_chosen: bool,
}

/// Why a decision was not taken.
enum DecideError {
    /// No login in this browser, or a form that this page did not make: page, status 400.
    NoLogin,
    /// Nothing chosen: the page again, status 422.
    NothingChosen(Box<Authenticated>, String),
    /// Status 500.
    Store(StoreError),
}

impl From<StoreError> for DecideError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn form_token(app: &App, session: &str) -> String {
    app.keys.k_state.derive("form", &[session])
}

fn fixed_parties(login: &Authenticated) -> Option<&[String]> {
    match &login.asker {
        Asker::Wallet(request) => request.fixed_rps.as_deref(),
        Asker::Person => None,
    }
}

/// The parties that this login may be about.
fn parties<'a>(app: &'a App, login: &Authenticated) -> Vec<&'a Party> {
    let fixed = fixed_parties(login);
    app.parties.all().iter().filter(|party| fixed.is_none_or(|ids| ids.contains(&party.id))).collect()
}

fn is_enough(app: &App, login: &Authenticated, party: &Party) -> bool {
    app.level(&login.subject.expose().acr) >= party.min_level
}

/// `GET /link`.
pub(super) async fn show(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let Some(session) = page::session(&app, &headers) else {
        return page::error(&app, &headers, StatusCode::BAD_REQUEST, "issuer-error-session");
    };
    match app.logins.get::<Authenticated>(&session, app.clock.now()).await {
        Ok(Some(login)) => {
            let fixed = fixed_parties(&login).is_some();
            if fixed && !parties(&app, &login).iter().all(|party| is_enough(&app, &login, party)) {
                // RFC 9470: the wallet can start again; the provider was asked for the level and did not reach it.
                let code = ErrorCode::InsufficientUserAuthentication;
                return page::set_session(&app, send_back(&app, &headers, &login.asker, code), None);
            }
            form(&app, &headers, &login, &session, StatusCode::OK)
        }
        Ok(None) => page::error(&app, &headers, StatusCode::BAD_REQUEST, "issuer-error-session"),
        Err(error) => failed(&app, &headers, &error),
    }
}

fn form(
    app: &App,
    headers: &HeaderMap,
    login: &Authenticated,
    session: &str,
    status: StatusCode,
) -> Response {
    let words = Words::of(headers);
    let choices = parties(app, login)
        .into_iter()
        .map(|party| Choice {
            id: party.id.clone(),
            name: words.name(&party.names),
            possible: is_enough(app, login, party),
        })
        .collect();
    let page = LinkPage {
        words,
        style: page::at(app, "/assets/issuer.css"),
        action: page::at(app, "/link"),
        issuer: words.name(&app.config.issuance.names),
        form_token: form_token(app, session),
        fixed: fixed_parties(login).is_some(),
        choices,
        nothing_chosen: status != StatusCode::OK,
    };
    let target = match &login.asker {
        Asker::Wallet(request) => Url::parse(&request.redirect_uri).ok(),
        Asker::Person => None,
    };
    page::render(status, &page, target.as_ref())
}

fn failed(app: &App, headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "the store failed");
    page::error(app, headers, StatusCode::INTERNAL_SERVER_ERROR, "issuer-error-internal")
}

/// `POST /link`: form fields `form_token`, `answer` (`agree` or `decline`) and `rp`, once per relying party.
pub(super) async fn decide(State(app): State<Shared>, request: Request) -> Response {
    let headers = request.headers().clone();
    match answer(&app, &headers, request).await {
        Ok(response) => page::set_session(&app, response, None),
        Err(DecideError::NoLogin) => {
            page::error(&app, &headers, StatusCode::BAD_REQUEST, "issuer-error-session")
        }
        Err(DecideError::NothingChosen(login, session)) => {
            form(&app, &headers, &login, &session, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(DecideError::Store(error)) => failed(&app, &headers, &error),
    }
}

async fn answer(app: &App, headers: &HeaderMap, request: Request) -> Result<Response, DecideError> {
    let now = app.clock.now();
    let session = page::session(app, headers).ok_or(DecideError::NoLogin)?;
    let body =
        read_body(request, "application/x-www-form-urlencoded").await.map_err(|_| DecideError::NoLogin)?;
    let decision = Decision::read(&body).ok_or(DecideError::NoLogin)?;
    if !app.keys.k_state.check("form", &[&session], &decision.form_token) {
        return Err(DecideError::NoLogin);
    }
    let login: Authenticated = app.logins.get(&session, now).await?.ok_or(DecideError::NoLogin)?;
    let possible = parties(app, &login);
    let is_possible =
        |id: &String| possible.iter().any(|party| party.id == *id && is_enough(app, &login, party));
    if !decision.rps.iter().all(is_possible) {
        return Err(DecideError::NoLogin);
    }
    if decision.agreed && decision.rps.is_empty() {
        return Err(DecideError::NothingChosen(Box::new(login), session));
    }
    let login: Authenticated = app.logins.consume(&session, now).await?.ok_or(DecideError::NoLogin)?;
    if !decision.agreed {
        return Ok(send_back(app, headers, &login.asker, ErrorCode::AccessDenied));
    }
    match login.asker {
        Asker::Person => Ok(start::show_offer(app, headers, login.subject, decision.rps).await?),
        Asker::Wallet(request) => {
            let code = entropy::token(&*app.entropy);
            let content = IssuedCode { request: *request, subject: login.subject, rps: decision.rps };
            let until = now.plus(i64::from(app.config.lifetimes.code));
            let grant_id = entropy::token(&*app.entropy);
            app.codes.insert(&code, &grant_id, &content, until).await?;
            Ok(redirect_to_wallet(app, headers, &content.request, &AuthorizationAnswer::Code(code)))
        }
    }
}

/// What the person decided.
struct Decision {
    form_token: String,
    agreed: bool,
    rps: Vec<String>,
}

impl Decision {
    /// `None` for a form that this page did not make: a field twice that occurs once, or an answer that is neither.
    fn read(body: &[u8]) -> Option<Self> {
        let (mut token, mut answer, mut rps) = (None, None, Vec::new());
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            let before = match name.as_ref() {
                "form_token" => token.replace(value),
                "answer" => answer.replace(value),
                "rp" if rps.contains(&value) => Some(value),
                "rp" => {
                    rps.push(value);
                    None
                }
                _ => None,
            };
            if before.is_some() {
                return None;
            }
        }
        let agreed = match answer?.as_str() {
            "agree" => true,
            "decline" => false,
            _ => return None,
        };
        Some(Self { form_token: token?, agreed, rps })
    }
}
