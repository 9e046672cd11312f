//! Pages for people: words from the catalogue, a strict content security policy, one cookie.

use askama::Template;
use axum::response::{IntoResponse, Response};
use enishi_schemas::messages::{Lang, text};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;

use crate::app::App;

/// The words of one language, for templates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(Lang);

impl Words {
    /// The language that the browser asks for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self(Lang::from_accept_language(header.unwrap_or_default()))
    }

    /// The language's tag, for `lang`.
    pub(super) fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The message of this key.
    pub(super) fn t(self, key: &str) -> String {
        text(self.0, key, &[])
    }

    /// The message of this key about something with a name.
    pub(super) fn named(self, key: &str, name: &str) -> String {
        text(self.0, key, &[("name", name)])
    }

    /// The name in this language.
    pub(super) fn name(self, names: &crate::config::Names) -> String {
        match self.0 {
            Lang::Ja => names.ja.clone(),
            Lang::En => names.en.clone(),
        }
    }
}

/// Where the pages of this issuer are, for links in templates.
pub(super) fn at(app: &App, path: &str) -> String {
    app.url.join(path)
}

/// A page that says what went wrong and what to do.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    pub(super) words: Words,
    pub(super) style: String,
    pub(super) title: String,
    pub(super) text: String,
}

/// An error page: `key` is the catalogue's, with `-title` and `-text`.
pub(super) fn error(app: &App, headers: &HeaderMap, status: StatusCode, key: &str) -> Response {
    let words = Words::of(headers);
    let page = Message {
        words,
        style: at(app, "/assets/issuer.css"),
        title: words.t(&format!("{key}-title")),
        text: words.t(&format!("{key}-text")),
    };
    render(status, &page, None)
}

/// A page. `form_target` is where a form's answer may redirect to: browsers apply `form-action` to that as well.
pub(super) fn render(status: StatusCode, page: &impl Template, form_target: Option<&Url>) -> Response {
    let Ok(body) = page.render() else {
        tracing::error!("a page could not be rendered");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let target = form_target.map_or_else(String::new, |url| match url.origin() {
        origin if origin.is_tuple() => format!(" {}", origin.ascii_serialization()),
        _ => format!(" {}:", url.scheme()),
    });
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
    );
    response
}

/// `GET /assets/issuer.css`.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    (headers, include_str!("../../assets/issuer.css")).into_response()
}

/// Sends the browser on, with GET.
pub(super) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(location) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            response.headers_mut().insert(header::LOCATION, location);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Over https the name binds the cookie to this host and to https (RFC 6265bis §4.1.3).
fn cookie_name(app: &App) -> &'static str {
    if is_https(app) { "__Host-enishi-issuer" } else { "enishi-issuer" }
}

fn is_https(app: &App) -> bool {
    app.url.as_str().starts_with("https:")
}

/// The session id in the browser's cookie.
pub(super) fn session(app: &App, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(app);
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    // Two of them: somebody planted one.
    found.next().filter(|_| found.next().is_none())
}

/// Gives the browser a session id, or takes it away. `Lax`, since the provider sends the browser back from another site.
pub(super) fn set_session(app: &App, mut response: Response, id: Option<&str>) -> Response {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let (value, age) = id.map_or(("", 0), |id| (id, app.config.lifetimes.login));
    let cookie =
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}", cookie_name(app));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
