//! HTTP as a parameter: the wallet's platform sends the requests, so that the SDK runs in a browser, on a phone and
//! under test alike.

use std::fmt;

use async_trait::async_trait;

/// A request that the platform has to send as it stands: no redirects followed, no cookies, no cache.
///
/// Headers and body hold codes, tokens and presentations; its `Debug` shows none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The absolute URL; the SDK has already refused anything but https (or loopback in development).
    pub url: String,
    /// Header names in lower case, and their values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A GET that wants `accept`.
    pub fn get(url: impl Into<String>, accept: &'static str) -> Self {
        Self {
            method: "GET",
            url: url.into(),
            headers: vec![("accept", accept.to_owned())],
            body: Vec::new(),
        }
    }

    /// A POST of `body`.
    pub fn post(url: impl Into<String>, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            url: url.into(),
            headers: vec![
                ("content-type", content_type.to_owned()),
                ("accept", "application/json".to_owned()),
            ],
            body: body.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What came back. Its `Debug` shows neither headers nor body: they hold tokens and credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| *name).collect();
        write!(f, "HttpRequest({} {url}, {headers:?}, {} bytes)", self.method, self.body.len())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({}, {} bytes)", self.status, self.body.len())
    }
}

/// The longest body that a platform needs to hand over, in bytes. A longer one is an error.
pub const MAX_BODY: usize = 1 << 20;

impl HttpResponse {
    /// The only header called `name`, if there is exactly one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str()).filter(|_| values.next().is_none())
    }

    /// Whether the media type of the body is `wanted`, whatever its parameters.
    pub fn is(&self, wanted: &str) -> bool {
        let found = self.header("content-type").unwrap_or_default();
        found.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(wanted))
    }
}

/// No answer: the network or the platform failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the other side could not be reached: {0}")]
pub struct TransportError(pub String);

/// Sends requests. Implemented by the platform of a wallet.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and waits for the whole answer.
    ///
    /// # Errors
    /// [`TransportError`] if there is no complete answer within the platform's time and size limits.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_occurs_twice_is_not_read() {
        let twice = |n: usize| HttpResponse {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()); n],
            body: Vec::new(),
        };
        assert!(twice(1).is("application/json"));
        assert!(!twice(2).is("application/json"));
        assert!(!twice(0).is("application/json"));
    }

    #[test]
    fn threat_22_messages_do_not_print_what_they_carry() {
        let request = HttpRequest::post("https://v.example/token?code=hidden-1", "text/plain", "hidden-2")
            .header("authorization", "DPoP hidden-3");
        let response = HttpResponse {
            status: 200,
            headers: vec![("x".to_owned(), "hidden-4".to_owned())],
            body: b"hidden-5".to_vec(),
        };
        let shown = format!("{request:?} {response:?}");
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(shown.contains("POST https://v.example/token") && shown.contains("200"));
    }
}
