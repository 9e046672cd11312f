//! URLs that we publish or fetch: https, or plain http to this machine in development.

use std::fmt;
use std::net::IpAddr;

use enishi_protocol::web::UrlPolicy;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Whether this process runs for development. Only then plain http to a loopback host is allowed and a missing key
/// file is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Development(pub bool);

impl Development {
    /// `true` for a process that runs for development.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// The same as the protocol crate's rule for URLs.
    pub fn url_policy(self) -> UrlPolicy {
        if self.0 { UrlPolicy::LoopbackHttpToo } else { UrlPolicy::HttpsOnly }
    }
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Not a URL with a host.
    #[error("expected an absolute URL with a host, such as https://issuer.example")]
    NotAUrl,
    /// Neither https nor http.
    #[error("expected a URL that begins with https://")]
    Scheme,
    /// Plain http to another machine.
    #[error("expected https://: plain http is allowed for a loopback host only")]
    PlainHttp,
    /// Plain http outside development.
    #[error("expected https://: plain http to a loopback host needs `development = true`")]
    PlainHttpOutsideDevelopment,
    /// A user name or password.
    #[error("expected a URL without user name and password")]
    Credentials,
    /// A query or fragment.
    #[error("expected a URL without query and fragment")]
    QueryOrFragment,
    /// Not written the way a browser would write it, so that two spellings would name one thing.
    #[error(
        "expected the normal spelling of a URL: lower-case host, no default port, no `..`, no characters to escape"
    )]
    NotNormal,
}

/// A URL as it stands in a configuration. Nothing can be read from it before [`ConfiguredUrl::permit`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ConfiguredUrl(String);

impl ConfiguredUrl {
    /// Takes any text; it is judged by [`ConfiguredUrl::permit`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Judges the text.
    pub fn permit(&self, development: Development) -> Result<PublicUrl, UrlRefusal> {
        PublicUrl::parse(&self.0, development)
    }
}

/// An absolute URL without query and fragment that is https, or http to a loopback host in development.
///
/// It keeps the exact string, because identifiers (`iss`, `rp`, `aud`) are compared as strings: `https://a.example`
/// and `https://a.example/` are two identifiers.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicUrl {
    text: String,
}

impl PublicUrl {
    /// Parses and judges `text`.
    pub fn parse(text: &str, development: Development) -> Result<Self, UrlRefusal> {
        let url = Url::parse(text).map_err(|_| UrlRefusal::NotAUrl)?;
        permit_scheme(&url, development)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Credentials);
        }
        if text.contains(['?', '#']) {
            return Err(UrlRefusal::QueryOrFragment);
        }
        let normal = url.as_str();
        let same = normal == text || (url.path() == "/" && normal.strip_suffix('/') == Some(text));
        if !same {
            return Err(UrlRefusal::NotNormal);
        }
        Ok(Self { text: text.to_owned() })
    }

    /// The exact string.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> &str {
        let authority = self.text.find("://").map_or(0, |at| at + 3);
        let end = self
            .text
            .get(authority..)
            .and_then(|rest| rest.find('/'))
            .map_or(self.text.len(), |at| authority + at);
        self.text.get(..end).unwrap_or(&self.text)
    }

    /// The host name or address, without port.
    pub fn host(&self) -> String {
        Url::parse(&self.text).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The path without a slash at the end; empty for a bare host.
    pub fn path(&self) -> &str {
        self.text.get(self.origin().len()..).unwrap_or_default().trim_end_matches('/')
    }

    /// This URL with `path` (which begins with a slash) appended to its own path.
    pub fn join(&self, path: &str) -> String {
        format!("{}{}/{}", self.origin(), self.path(), path.trim_start_matches('/'))
    }

    /// The well-known URL `name` of this identifier: `/.well-known/name` inserted between host and path
    /// (RFC 8615 as used by OpenID4VCI 1.0 §12.2.2, SD-JWT VC §4 and RFC 8414).
    pub fn well_known(&self, name: &str) -> String {
        format!("{}/.well-known/{name}{}", self.origin(), self.path())
    }

    /// The path under which [`PublicUrl::well_known`] is served.
    pub fn well_known_path(&self, name: &str) -> String {
        format!("/.well-known/{name}{}", self.path())
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}

impl AsRef<str> for PublicUrl {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// The one rule about schemes: https, or http to a loopback host in development.
pub(crate) fn permit_scheme(url: &Url, development: Development) -> Result<(), UrlRefusal> {
    let host = url.host().ok_or(UrlRefusal::NotAUrl)?;
    match url.scheme() {
        "http" if !is_loopback(&host) => Err(UrlRefusal::PlainHttp),
        "http" if !development.is_on() => Err(UrlRefusal::PlainHttpOutsideDevelopment),
        "https" | "http" => Ok(()),
        _ => Err(UrlRefusal::Scheme),
    }
}

/// RFC 6761 §6.3: `localhost` and every name below it are this machine.
pub(crate) fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// `true` for `localhost`, names below it, and addresses of this machine.
pub fn is_loopback_host(host: &str) -> bool {
    is_loopback_name(host)
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_loopback_name(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Development = Development(true);
    const OFF: Development = Development(false);

    #[test]
    fn plain_http_is_for_loopback_in_development_only() {
        assert!(PublicUrl::parse("http://localhost:8080", ON).is_ok());
        assert!(PublicUrl::parse("http://127.0.0.1:8080/x", ON).is_ok());
        assert!(PublicUrl::parse("http://[::1]:8080", ON).is_ok());
        assert!(PublicUrl::parse("http://town.localhost:8080", ON).is_ok());
        let refused = |text, development| PublicUrl::parse(text, development).unwrap_err();
        assert_eq!(refused("http://localhost:8080", OFF), UrlRefusal::PlainHttpOutsideDevelopment);
        assert_eq!(refused("http://issuer.example", ON), UrlRefusal::PlainHttp);
        assert_eq!(refused("http://localhost.example", ON), UrlRefusal::PlainHttp);
        assert_eq!(refused("http://10.0.0.1", ON), UrlRefusal::PlainHttp);
        assert_eq!(refused("ftp://issuer.example", ON), UrlRefusal::Scheme);
    }

    #[test]
    fn only_the_normal_spelling_is_an_identifier() {
        for text in
            ["https://a.example", "https://a.example/", "https://a.example/x", "https://a.example:8443/x/y"]
        {
            assert_eq!(PublicUrl::parse(text, OFF).unwrap().as_str(), text);
        }
        let cases = [
            ("https://A.example", UrlRefusal::NotNormal),
            ("https://a.example:443", UrlRefusal::NotNormal),
            ("https://a.example/x/../y", UrlRefusal::NotNormal),
            (" https://a.example", UrlRefusal::NotNormal),
            ("https://a.example/é", UrlRefusal::NotNormal),
            ("https:a.example", UrlRefusal::NotNormal),
            ("https://a.example?x", UrlRefusal::QueryOrFragment),
            ("https://a.example/#", UrlRefusal::QueryOrFragment),
            ("https://user@a.example", UrlRefusal::Credentials),
            ("a.example", UrlRefusal::NotAUrl),
            ("did:jwk:abc", UrlRefusal::NotAUrl),
        ];
        for (text, refusal) in cases {
            assert_eq!(PublicUrl::parse(text, OFF).unwrap_err(), refusal, "{text}");
        }
    }

    #[test]
    fn well_known_is_inserted_between_host_and_path() {
        let at = |text| PublicUrl::parse(text, OFF).unwrap();
        assert_eq!(at("https://a.example").well_known("x"), "https://a.example/.well-known/x");
        assert_eq!(at("https://a.example/").well_known("x"), "https://a.example/.well-known/x");
        assert_eq!(at("https://a.example:1/t/").well_known("x"), "https://a.example:1/.well-known/x/t");
        assert_eq!(at("https://a.example/t/u").well_known_path("x"), "/.well-known/x/t/u");
        assert_eq!(at("https://a.example/t/").join("/jwks"), "https://a.example/t/jwks");
        assert_eq!(at("https://a.example").join("jwks"), "https://a.example/jwks");
        assert_eq!(at("https://a.example:1/t").host(), "a.example");
    }
}
