//! The resident's browser: cookies, pages, forms, redirects, and nothing that a person's browser could not do.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;
use url::Url;

use super::page::{Form, Page, PageError};

/// Why the browser did not get on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    /// The server could not be reached or broke off.
    #[error("{url}: {source}")]
    Http {
        /// Where.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// An answer that no browser could show.
    #[error("{url}: {source}")]
    Page {
        /// Where.
        url: String,
        /// What is wrong with it.
        source: PageError,
    },
    /// A page with an error status.
    #[error("{url}: answered {status}: {text}")]
    Status {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// The text of the page.
        text: String,
    },
    /// Redirects without end, or to no URL.
    #[error("{0}: redirects that lead nowhere")]
    Redirects(String),
    /// An answer that is not JSON.
    #[error("{0}: the answer is not JSON")]
    NotJson(String),
    /// The browser left the web where a page was expected, or stayed where it should have left.
    #[error("{0}: the browser ended up here, which was not expected")]
    Elsewhere(String),
}

/// Where a click led.
#[derive(Debug)]
pub(crate) enum Landing {
    /// A page.
    Page(Page),
    /// A URL that an app takes over: a wallet's redirect URI.
    App(Url),
}

impl Landing {
    /// The page.
    pub(crate) fn page(self) -> Result<Page, BrowserError> {
        match self {
            Self::Page(page) => Ok(page),
            Self::App(url) => Err(BrowserError::Elsewhere(without_query(&url))),
        }
    }

    /// The app's URL.
    #[cfg(test)]
    pub(crate) fn app(self) -> Result<Url, BrowserError> {
        match self {
            Self::App(url) => Ok(url),
            Self::Page(page) => Err(BrowserError::Elsewhere(without_query(&page.url))),
        }
    }
}

/// A browser with its cookies. Cloning gives another window of the same browser.
#[derive(Clone)]
pub(crate) struct Browser {
    client: reqwest::Client,
    /// URLs that begin with one of these go to an app.
    apps: Vec<String>,
}

/// More redirects than this are a loop.
const MOST_REDIRECTS: usize = 10;

impl Browser {
    /// A browser without cookies, in which URLs that begin with one of `apps` are taken over by an app.
    pub(crate) fn new(apps: &[&str]) -> Result<Self, BrowserError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the guarded client is for servers; this is a person's browser, which must reach this machine"
        )]
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .map_err(|source| BrowserError::Http { url: "browser".to_owned(), source })?;
        Ok(Self { client, apps: apps.iter().map(|&app| app.to_owned()).collect() })
    }

    /// Opens `url`.
    pub(crate) async fn open(&self, url: &str) -> Result<Landing, BrowserError> {
        let url = Url::parse(url).map_err(|_| BrowserError::Redirects(url.to_owned()))?;
        if self.goes_to_app(&url) {
            return Ok(Landing::App(url));
        }
        self.follow(self.client.get(url.clone()), url).await
    }

    /// Opens `url`, which is a page.
    pub(crate) async fn page(&self, url: &str) -> Result<Page, BrowserError> {
        self.open(url).await?.page()
    }

    /// Sends `form`.
    pub(crate) async fn send(&self, form: &Form) -> Result<Landing, BrowserError> {
        let url = form.action.clone();
        let request = if form.post {
            self.client.post(url.clone()).form(&form.pairs())
        } else {
            self.client.get(url.clone()).query(&form.pairs())
        };
        self.follow(request, url).await
    }

    /// What a page's script would fetch from its own server.
    pub(crate) async fn json(&self, url: &str) -> Result<Value, BrowserError> {
        let fail = |source| BrowserError::Http { url: url.to_owned(), source };
        let request = self.client.get(url).header(http::header::ACCEPT, "application/json");
        let response = request.send().await.map_err(fail)?;
        let status = response.status();
        let text = response.text().await.map_err(fail)?;
        if !status.is_success() {
            return Err(BrowserError::Status { url: url.to_owned(), status: status.as_u16(), text });
        }
        serde_json::from_str(&text).map_err(|_| BrowserError::NotJson(url.to_owned()))
    }

    /// Sends `pairs` as a form, as a script would, and gives the status and the JSON of the answer.
    #[cfg(test)]
    pub(crate) async fn post_form(
        &self,
        url: &str,
        pairs: &[(&str, &str)],
    ) -> Result<(u16, Value), BrowserError> {
        let fail = |source| BrowserError::Http { url: url.to_owned(), source };
        let response = self.client.post(url).form(pairs).send().await.map_err(fail)?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.map_err(fail)?))
    }

    fn goes_to_app(&self, url: &Url) -> bool {
        !matches!(url.scheme(), "http" | "https") || self.apps.iter().any(|app| url.as_str().starts_with(app))
    }

    async fn follow(&self, request: reqwest::RequestBuilder, at: Url) -> Result<Landing, BrowserError> {
        let (mut request, mut at) = (request, at);
        for _ in 0..MOST_REDIRECTS {
            let fail = |source: reqwest::Error| BrowserError::Http {
                url: without_query(&at),
                source: source.without_url(),
            };
            let response = request.send().await.map_err(fail)?;
            if response.status().is_redirection() {
                let location = response.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
                let next = location.and_then(|to| at.join(to).ok());
                at = next.ok_or_else(|| BrowserError::Redirects(without_query(&at)))?;
                if self.goes_to_app(&at) {
                    return Ok(Landing::App(at));
                }
                request = self.client.get(at.clone());
                continue;
            }
            let status = response.status();
            let html = response.text().await.map_err(fail)?;
            let page = Page::read(at.clone(), &html)
                .map_err(|source| BrowserError::Page { url: without_query(&at), source });
            if !status.is_success() {
                let text = page.map_or(html, |page| page.text);
                return Err(BrowserError::Status { url: without_query(&at), status: status.as_u16(), text });
            }
            return page.map(Landing::Page);
        }
        Err(BrowserError::Redirects(without_query(&at)))
    }
}

/// A URL that can be shown: queries hold codes.
fn without_query(url: &Url) -> String {
    url.as_str().split(['?', '#']).next().unwrap_or_default().to_owned()
}
