//! URLs as the specifications of this crate use them: https only, and well-known paths inserted, not appended.

use enishi_credential::verdict::{Failure, Verdict};
use url::{Host, Url};

/// Which URLs may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPolicy {
    /// `https` and nothing else.
    HttpsOnly,
    /// Also `http` to loopback hosts: for development on one machine.
    LoopbackHttpToo,
}

impl UrlPolicy {
    /// Parses `text` and checks its scheme.
    ///
    /// # Errors
    /// `url_malformed` for what is not an absolute URL with a host and without user name; `url_not_https` for a scheme
    /// that the policy does not allow.
    pub fn check(self, text: &str) -> Verdict<Url> {
        let malformed = |detail: &str| {
            Failure::new("url", "url_malformed", detail).remedy("send an absolute https URL with a host")
        };
        let url = Url::parse(text).map_err(|_| malformed("not an absolute URL"))?;
        if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
            return Err(malformed("the URL lacks a host or names a user"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self == Self::LoopbackHttpToo && is_loopback(&url) => Ok(url),
            _ => Err(Failure::new("url", "url_not_https", "the URL is not https").remedy("use https")),
        }
    }

    /// Parses an identifier that is a URL: no query, no fragment (OpenID4VCI 1.0 §12.2.1, RFC 8414 §2).
    ///
    /// # Errors
    /// As [`Self::check`], and `url_malformed` for a query or fragment.
    pub fn check_identifier(self, text: &str) -> Verdict<Url> {
        let url = self.check(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Failure::new("url", "url_malformed", "an identifier has no query and no fragment")
                .remedy("leave out `?` and `#` and what follows them"));
        }
        Ok(url)
    }
}

/// Whether `url` names this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The well-known URL of `identifier`: `/.well-known/<name>` inserted between host and path, without the path's
/// trailing slash (OpenID4VCI 1.0 §12.2.2, RFC 8414 §3.1, SD-JWT VC §4).
pub fn well_known_url(identifier: &Url, name: &str) -> Url {
    let mut url = identifier.clone();
    let path = identifier.path().trim_end_matches('/');
    url.set_path(&format!("/.well-known/{name}{path}"));
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vci_2_the_well_known_path_is_inserted_between_host_and_path() {
        let url = |id: &str| well_known_url(&Url::parse(id).unwrap(), "openid-credential-issuer").to_string();
        assert_eq!(url("https://h/tenant"), "https://h/.well-known/openid-credential-issuer/tenant");
        assert_eq!(url("https://h/a/b/"), "https://h/.well-known/openid-credential-issuer/a/b");
        assert_eq!(url("https://h:8443"), "https://h:8443/.well-known/openid-credential-issuer");
    }

    #[test]
    fn plain_http_is_for_loopback_in_development_only() {
        let ok = |policy: UrlPolicy, text: &str| policy.check(text).is_ok();
        assert!(ok(UrlPolicy::HttpsOnly, "https://issuer.example/a?b"));
        assert!(!ok(UrlPolicy::HttpsOnly, "http://localhost:1"));
        for good in ["http://localhost:1", "http://127.0.0.1/x", "http://[::1]:2/", "https://h"] {
            assert!(ok(UrlPolicy::LoopbackHttpToo, good), "{good}");
        }
        for bad in
            ["http://h", "http://localhost.example", "ftp://localhost", "https://u@h", "x", "https:///"]
        {
            assert!(!ok(UrlPolicy::LoopbackHttpToo, bad), "{bad}");
        }
        assert!(UrlPolicy::HttpsOnly.check_identifier("https://h/?a").is_err());
        assert!(UrlPolicy::HttpsOnly.check_identifier("https://h/#a").is_err());
    }
}
