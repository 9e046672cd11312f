//! The client itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use enishi_credential::encoding::json;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::{ClientConfig, Network, is_public};
use crate::config::{ConfigError, Development, UrlRefusal, is_loopback_name, permit_scheme};

/// Why a call did not bring an answer. The text names no URL, since a URL can hold a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The URL is not one that may be called.
    #[error("the URL may not be called: {0}")]
    Url(#[from] UrlRefusal),
    /// The host has no address that may be called.
    #[error(
        "the host has no public address: allow its network in `client.allowed_networks` if it may be called"
    )]
    NotPublic,
    /// No whole answer in time.
    #[error("no whole answer in time")]
    Timeout,
    /// No connection, no TLS, or not HTTP.
    #[error("the host could not be reached")]
    Unreachable,
    /// A redirect, which is never followed.
    #[error("the answer was a redirect, which is not followed")]
    Redirect,
    /// The answer is longer than is read.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer has another content type.
    #[error("the answer is not {0}")]
    ContentType(String),
    /// The answer has another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The answer cannot be read as what it should be.
    #[error("the answer is malformed: {0}")]
    Malformed(String),
}

/// An answer that was read to its end, whatever its status (never a redirect).
#[derive(Debug, Clone)]
pub struct ClientResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl ClientResponse {
    /// Demands status 200.
    pub fn ok(self) -> Result<Self, ClientError> {
        if self.status == StatusCode::OK { Ok(self) } else { Err(ClientError::Status(self.status.as_u16())) }
    }

    /// Demands this content type (parameters aside).
    pub fn of_type(self, expected: &str) -> Result<Self, ClientError> {
        self.of_any_type(&[expected])
    }

    /// Demands one of these content types (parameters aside).
    pub fn of_any_type(self, expected: &[&str]) -> Result<Self, ClientError> {
        if expected.iter().any(|expected| crate::http::is_type(&self.headers, expected)) {
            Ok(self)
        } else {
            Err(ClientError::ContentType(expected.join(" or ")))
        }
    }

    /// Reads the body as JSON; a member twice is refused. The content type is the caller's to demand.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        json::from_slice(&self.body).map_err(|error| ClientError::Malformed(error.to_string()))
    }

    /// Reads the body as text.
    pub fn text(&self) -> Result<String, ClientError> {
        String::from_utf8(self.body.to_vec()).map_err(|_| ClientError::Malformed("not UTF-8".into()))
    }

    /// A header's value as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Looks up the addresses of a name.
pub(super) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

#[derive(Debug)]
struct Rules {
    development: Development,
    allowed: Vec<Network>,
}

impl Rules {
    fn permit(&self, address: IpAddr) -> bool {
        is_public(address)
            || (self.development.is_on() && address.to_canonical().is_loopback())
            || self.allowed.iter().any(|network| network.contains(address))
    }

    fn permit_url(&self, url: &Url) -> Result<(), ClientError> {
        permit_scheme(url, self.development)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Credentials.into());
        }
        // Names are judged by the resolver, when they are connected to.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) => None,
            None => return Err(UrlRefusal::NotAUrl.into()),
        };
        if literal.is_some_and(|address| !self.permit(address)) {
            return Err(ClientError::NotPublic);
        }
        Ok(())
    }
}

/// The HTTP client of all servers. Cloning it shares the connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    inner: reqwest::Client,
    rules: Arc<Rules>,
    timeout: Duration,
    body_limit: usize,
}

impl GuardedClient {
    /// A client by `config`.
    pub fn new(config: &ClientConfig, development: Development) -> Result<Self, ConfigError> {
        Self::with_lookup(
            config,
            development,
            Arc::new(|name| {
                Box::pin(async move {
                    if is_loopback_name(&name) {
                        // Not every resolver knows that names below `localhost` are this machine (RFC 6761 §6.3).
                        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
                    }
                    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
                })
            }),
        )
    }

    pub(super) fn with_lookup(
        config: &ClientConfig,
        development: Development,
        lookup: Lookup,
    ) -> Result<Self, ConfigError> {
        let rules = Arc::new(Rules { development, allowed: config.allowed_networks.clone() });
        let mut roots = Vec::new();
        if let Some(path) = &config.trusted_roots {
            let pem = std::fs::read(path)
                .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| {
                ConfigError::invalid("client.trusted_roots", "expected a file with certificates in PEM")
            })?;
        }
        let timeout = Duration::from_millis(config.timeout_ms);
        #[expect(clippy::disallowed_methods, reason = "this is the guard that everybody else is told to use")]
        let inner = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("enishi/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(GuardedResolver { rules: Arc::clone(&rules), lookup })
            .tls_certs_merge(roots)
            .build()
            .map_err(|_| ConfigError::invalid("client", "the TLS of this machine could not be set up"))?;
        Ok(Self { inner, rules, timeout, body_limit: config.body_limit })
    }

    /// The same client with other limits, for an answer that is known to be larger or slower.
    #[must_use]
    pub fn with_limits(mut self, body_limit: usize, timeout: Duration) -> Self {
        self.body_limit = body_limit;
        self.timeout = timeout;
        self
    }

    /// GET; the answer must be 200 `application/json`.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &str) -> Result<T, ClientError> {
        self.get(url, "application/json").await?.ok()?.of_type("application/json")?.json()
    }

    /// GET; the answer must be 200 and of the type `accept`, such as `application/statuslist+jwt`.
    pub async fn get_text(&self, url: &str, accept: &str) -> Result<String, ClientError> {
        self.get(url, accept).await?.ok()?.of_type(accept)?.text()
    }

    /// GET with an `Accept` header; any answer that is not a redirect.
    pub async fn get(&self, url: &str, accept: &str) -> Result<ClientResponse, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value(accept)?);
        self.get_with(url, headers).await
    }

    /// GET with any headers; any answer that is not a redirect. "Not modified" is one, and only for the caller to judge.
    pub async fn get_with(&self, url: &str, headers: HeaderMap) -> Result<ClientResponse, ClientError> {
        self.send(Method::GET, url, headers, Vec::new()).await
    }

    /// POST of form parameters.
    pub async fn post_form(
        &self,
        url: &str,
        parameters: &[(&str, &str)],
        headers: HeaderMap,
    ) -> Result<ClientResponse, ClientError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.post_body(url, "application/x-www-form-urlencoded", body.into_bytes(), headers).await
    }

    /// POST of JSON.
    pub async fn post_json<T: Serialize + Sync>(
        &self,
        url: &str,
        body: &T,
        headers: HeaderMap,
    ) -> Result<ClientResponse, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Malformed(error.to_string()))?;
        self.post_body(url, "application/json", body, headers).await
    }

    /// POST of any body.
    pub async fn post_body(
        &self,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
        mut headers: HeaderMap,
    ) -> Result<ClientResponse, ClientError> {
        headers.insert(header::CONTENT_TYPE, value(content_type)?);
        self.send(Method::POST, url, headers, body).await
    }

    /// Any request, for libraries that bring their own requests.
    pub async fn execute(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        let (parts, body) = request.into_parts();
        let answer = self.send(parts.method, &parts.uri.to_string(), parts.headers, body).await?;
        let mut response = Response::new(answer.body.to_vec());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<ClientResponse, ClientError> {
        let url = Url::parse(url).map_err(|_| UrlRefusal::NotAUrl)?;
        self.rules.permit_url(&url)?;
        let request = self.inner.request(method, url).headers(headers).body(body).timeout(self.timeout);
        let response = request.send().await.map_err(|error| sort(&error))?;
        // "Not modified" has a status among the redirects and sends nobody anywhere.
        if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
            return Err(ClientError::Redirect);
        }
        self.read(response).await
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<ClientResponse, ClientError> {
        let announced = response.content_length().unwrap_or(0);
        if announced > self.body_limit as u64 {
            return Err(ClientError::TooLarge);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| sort(&error))? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(ClientError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(ClientResponse {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }
}

fn value(text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(text)
        .map_err(|_| ClientError::Malformed("a header value has control characters".into()))
}

fn sort(error: &reqwest::Error) -> ClientError {
    if error.is_timeout() {
        return ClientError::Timeout;
    }
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<Forbidden>() {
            return ClientError::NotPublic;
        }
        next = error.source();
    }
    ClientError::Unreachable
}

/// None of a name's addresses may be called.
#[derive(Debug, thiserror::Error)]
#[error("no address of this name may be called")]
struct Forbidden;

/// Gives only addresses that may be called, so that what was judged is what is connected to: a name that resolves to
/// another address a moment later gains nothing.
struct GuardedResolver {
    rules: Arc<Rules>,
    lookup: Lookup,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        let looked_up = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let found = looked_up.await?;
            let any = !found.is_empty();
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| rules.permit(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if any && permitted.is_empty() {
                return Err(Forbidden.into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}
