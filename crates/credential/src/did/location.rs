//! Where a `did:web` or a `did:webvh` is published (did:web §3.2, did:webvh 1.0 "The DID to HTTPS Transformation").
//!
//! The domain and every path segment are percent-decoded once and judged as what they then are, so that no encoding
//! hides an IP address, a `..` or a slash. What does not mean the same to every reader of URLs is refused.

use std::fmt::Write as _;

use url::Host;

use super::{Did, fault};
use crate::verdict::Verdict;

/// The most path segments.
const MAX_SEGMENTS: usize = 16;

/// A host, perhaps a port, and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    host: String,
    port: Option<u16>,
    /// Percent-encoded segments, each with a slash before it.
    path: String,
}

impl Location {
    /// Where the document of a `did:web` is, or the log of a `did:webvh`.
    ///
    /// # Errors
    /// `did_method_unsupported` for another method, `did_invalid` for an IP address, a bad port, a path segment that is
    /// empty or could leave its folder, and for characters that a host does not have.
    pub fn of(did: &Did) -> Verdict<Self> {
        let id = did.method_specific_id();
        match did.method() {
            "web" => Self::parse(id),
            "webvh" => {
                let (_scid, rest) =
                    id.split_once(':').ok_or_else(|| fault("did_invalid", "a did:webvh names a domain"))?;
                Self::parse(rest)
            }
            _ => Err(fault("did_method_unsupported", "only did:web and did:webvh are published on the web")),
        }
    }

    fn parse(text: &str) -> Verdict<Self> {
        let mut segments = text.split(':');
        let authority = decode(segments.next().unwrap_or_default())?;
        let (host, port) = match authority.split_once(':') {
            None => (authority.as_str(), None),
            Some((host, port)) => (host, Some(read_port(port)?)),
        };
        let host = read_host(host)?;
        let mut path = String::new();
        for (at, segment) in segments.enumerate() {
            if at >= MAX_SEGMENTS {
                return Err(fault("did_invalid", "the DID has too many path segments"));
            }
            path.push('/');
            path.push_str(&encode_segment(&decode(segment)?)?);
        }
        Ok(Self { host, port, path })
    }

    /// The host, in lower case and in ASCII (IDNA).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The URL of `file` there: in the DID's path, or in `/.well-known` where it has none. `scheme` is `https` but for
    /// the loopback host of a developer.
    pub fn url(&self, scheme: &str, file: &str) -> String {
        let folder = if self.path.is_empty() { "/.well-known" } else { &self.path };
        format!("{scheme}://{}{folder}/{file}", self.authority())
    }

    /// The folder that DID URLs with a path are relative to, with a slash at the end and never `/.well-known`.
    pub(super) fn folder(&self) -> String {
        format!("https://{}{}/", self.authority(), self.path)
    }

    fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

/// Percent-decodes once; what is still encoded then was encoded twice, which nobody needs.
fn decode(text: &str) -> Verdict<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] => {
                let digit =
                    |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                    return Err(fault("did_invalid", "a percent-encoding is malformed"));
                };
                bytes.push(high << 4 | low);
                rest
            }
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
    let text = String::from_utf8(bytes).map_err(|_| fault("did_invalid", "the DID is not UTF-8"))?;
    if text.contains('%') {
        return Err(fault("did_invalid", "the DID is percent-encoded twice"));
    }
    Ok(text)
}

fn read_port(text: &str) -> Verdict<u16> {
    let canonical = !text.starts_with('0') && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| canonical)
        .ok_or_else(|| fault("did_invalid", "the port is not a number from 1 to 65535"))
}

fn read_host(text: &str) -> Verdict<String> {
    let invalid = || fault("did_invalid", "the domain is not a host name");
    let characters = text.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let labels =
        text.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if !characters || !labels {
        return Err(invalid());
    }
    // The URL Standard's host parser: it applies IDNA, and it knows every way to write an IPv4 address.
    match Host::parse(text).map_err(|_| invalid())? {
        Host::Domain(name) if name.len() <= 253 => Ok(name),
        Host::Domain(_) => Err(invalid()),
        Host::Ipv4(_) | Host::Ipv6(_) => {
            Err(fault("did_invalid", "the domain is an IP address").remedy("use a host name"))
        }
    }
}

fn encode_segment(segment: &str) -> Verdict<String> {
    let leaves = segment.is_empty() || segment == "." || segment == "..";
    let splits = segment.contains(['/', '\\']) || segment.chars().any(char::is_control);
    if leaves || splits || segment.trim() != segment {
        return Err(fault(
            "did_invalid",
            "a path segment of the DID is empty, `.`, `..` or more than one segment",
        ));
    }
    let mut out = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(did: &str) -> Verdict<String> {
        let did = Did::parse(did)?;
        let file = if did.method() == "web" { "did.json" } else { "did.jsonl" };
        Location::of(&did).map(|location| location.url("https", file))
    }

    #[test]
    fn did_web_and_did_webvh_become_urls() {
        for (did, url) in [
            ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
            ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
            ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
            ("did:web:example.com%3a3000", "https://example.com:3000/.well-known/did.json"),
            ("did:web:localhost%3A65535", "https://localhost:65535/.well-known/did.json"),
            ("did:webvh:QmScid:example.com", "https://example.com/.well-known/did.jsonl"),
            ("did:webvh:QmScid:example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
            (
                "did:webvh:QmScid:jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7",
                "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
            ),
            ("did:web:example.com:a%3fb%23c", "https://example.com/a%3Fb%23c/did.json"),
        ] {
            assert_eq!(at(did).as_deref(), Ok(url), "{did}");
        }
    }

    #[test]
    fn did_web_ip_addresses_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.0.0.1%3A8080",
            "127.0.0.1%3a8080",
            "127%2E0%2E0%2E1",
            "127%2e0%2e0%2e1",
            "169%2E254%2E169%2E254",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "%5B%3A%3A1%5D",
            "%5B::1%5D",
            // Full-width digits, which IDNA maps to ASCII.
            "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
            "a.1",
        ] {
            for did in [format!("did:web:{host}"), format!("did:webvh:QmScid:{host}")] {
                assert_eq!(at(&did).unwrap_err().code, "did_invalid", "{did}");
            }
        }
    }

    #[test]
    fn did_web_paths_that_leave_their_folder_are_refused() {
        for path in [
            "..:..:admin",
            "%2E%2E:admin",
            "%2e%2e:admin",
            ".",
            "a%2Fb",
            "a%5Cb",
            "a::b",
            "%00",
            "a%20",
            "%20a",
            "%252e%252e",
        ] {
            for did in [format!("did:web:example.com:{path}"), format!("did:webvh:QmScid:example.com:{path}")]
            {
                assert_eq!(at(&did).unwrap_err().code, "did_invalid", "{did}");
            }
        }
    }

    #[test]
    fn did_web_other_hosts_and_ports_are_refused() {
        for host in [
            "user%40example.com",
            "user%3Apw%40example.com",
            "example.com%2Fpath",
            "example.com%3Fx",
            "example.com%23x",
            "example.com%5C",
            "example.com%20",
            "example.com%00",
            "example.com.",
            ".example.com",
            "example..com",
            "-example.com",
            "exa_mple.com",
            "example.com%3A",
            "example.com%3A0",
            "example.com%3A080",
            "example.com%3A65536",
            "example.com%3A+80",
            "example.com%3A80%3A80",
            "%FF.example.com",
            "https%3A%2F%2Fexample.com",
        ] {
            assert_eq!(at(&format!("did:web:{host}")).unwrap_err().code, "did_invalid", "{host}");
        }
        assert_eq!(at("did:webvh:QmScid").unwrap_err().code, "did_invalid");
        assert_eq!(at("did:jwk:e30").unwrap_err().code, "did_method_unsupported");
    }

    proptest! {
        /// What the HTTP client makes of the URL is the host and the folder that were judged.
        #[test]
        fn a_url_means_to_a_client_what_was_judged(text in "(\\PC|%[0-9a-fA-F]{2}|[a-z.:]){0,40}") {
            if let Ok(location) = Location::parse(&text) {
                let written = location.url("https", "did.json");
                let url = url::Url::parse(&written).unwrap();
                prop_assert_eq!(url.host_str(), Some(location.host()));
                prop_assert!(matches!(url.host(), Some(Host::Domain(_))));
                prop_assert!(written.ends_with(url.path()));
                prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
            }
        }
    }
}
