//! How the sample apps and the story speak HTTP: JSON in, JSON out, no redirects, a time limit.

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why there is no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The server could not be reached or broke off.
    #[error("{url}: {source}")]
    Http {
        /// Where.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The server said no.
    #[error("{url}: answered {status}, {code}: {detail}")]
    Refused {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// `code` of the problem, `error` of OAuth, or nothing.
        code: String,
        /// What it says.
        detail: String,
    },
    /// An answer of another shape.
    #[error("{0}: the answer is not what was expected")]
    Shape(String),
    /// A header value that HTTP does not allow.
    #[error("a value does not fit into a header")]
    Header,
}

impl CallError {
    /// The server's code, where it refused.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// What the server says about it, where it refused.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Refused { detail, .. } => detail,
            _ => "",
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Call {
    /// A request without body.
    pub(crate) fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: HeaderMap::new(), body: Vec::new() }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, CallError> {
        self.headers.insert(name, HeaderValue::from_str(value).map_err(|_| CallError::Header)?);
        Ok(self)
    }

    /// Adds a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.typed("application/json", body.to_string().into_bytes())
    }

    /// Adds a form.
    pub(crate) fn form(self, body: impl Into<Vec<u8>>) -> Self {
        self.typed("application/x-www-form-urlencoded", body.into())
    }

    /// Adds a body whose type a header tells.
    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    fn typed(mut self, media_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body(body)
    }
}

/// The answer to a [`Call`], whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    url: String,
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body of a success as `T`.
    pub(crate) fn ok<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|_| CallError::Shape(self.url.clone()))
    }

    /// The answer as a refusal, with the server's code and text.
    pub(crate) fn refusal(&self) -> CallError {
        let value = self.value();
        let member = |names: [&str; 3]| {
            let found = names.iter().find_map(|name| value.get(name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        CallError::Refused {
            url: self.url.clone(),
            status: self.status,
            code: member(["code", "error", "type"]),
            detail: member(["detail", "error_description", "title"]),
        }
    }
}

/// The town's HTTP client. Cloning shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct Net(reqwest::Client);

impl Net {
    /// A client without proxy and redirects.
    pub(crate) fn new() -> Result<Self, CallError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the guarded client keeps servers away from this machine; the town is on this machine"
        )]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build();
        client.map(Self).map_err(|source| CallError::Http { url: String::new(), source })
    }

    /// Sends `call`.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let Call { method, url, headers, body } = call;
        let fail =
            |source: reqwest::Error| CallError::Http { url: url.clone(), source: source.without_url() };
        let mut request = self.0.request(method, &url).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let response = request.send().await.map_err(fail)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(fail)?.to_vec();
        Ok(Answer { url, status, headers, body })
    }
}
