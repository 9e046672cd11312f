//! `trust.issuers`: whose credentials are believed, and how each is recognised.
//!
//! ```toml
//! [trust]
//! # profile = "haip"
//! issuers = [
//!   "https://issuer.example",                                                    # JWT VC Issuer Metadata
//!   { id = "https://pid.example", keys = "x5c", anchors = ["/etc/enishi/pid.pem"] },
//!   { id = "did:jwk:eyJ…", keys = "did" },
//!   { id = "did:web:card.example", keys = "did" },                               # its document is fetched
//! ]
//! ```

use std::fmt;
use std::path::PathBuf;

use enishi_credential::did::{Did, Location, Relationship, webvh};
use enishi_credential::issuer_key::{IssuerTrust, Mechanism, Profile};
use enishi_credential::x509::TrustAnchors;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::config::{ConfigError, Development, PublicUrl};

const KEY: &str = "trust.issuers";

/// What may be configured at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustProfile {
    /// Every way to a key.
    #[default]
    Any,
    /// HAIP 1.0: certificates only.
    Haip,
}

/// One trusted issuer: its id alone, for one that publishes JWT VC Issuer Metadata, or a table.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    pub(super) id: String,
    pub(super) keys: KeySource,
    anchors: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeySource {
    Metadata,
    X5c,
    Did,
}

impl IssuerConfig {
    /// An issuer that publishes JWT VC Issuer Metadata.
    pub fn metadata(id: impl Into<String>) -> Self {
        Self { id: id.into(), keys: KeySource::Metadata, anchors: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for IssuerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            id: String,
            keys: KeySource,
            #[serde(default)]
            anchors: Vec<PathBuf>,
        }
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = IssuerConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an issuer id, or a table { id, keys = \"metadata\" | \"x5c\" | \"did\", anchors }",
                )
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<IssuerConfig, E> {
                Ok(IssuerConfig::metadata(id))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<IssuerConfig, A::Error> {
                let Table { id, keys, anchors } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(IssuerConfig { id, keys, anchors })
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

impl IssuerConfig {
    fn fault(&self, expected: &str) -> ConfigError {
        ConfigError::invalid(KEY, format!("`{}`: {expected}", self.id))
    }

    /// Checks everything but the files.
    fn check(&self, profile: TrustProfile, development: Development) -> Result<(), ConfigError> {
        if profile == TrustProfile::Haip && self.keys != KeySource::X5c {
            return Err(self.fault("expected keys = \"x5c\", since trust.profile is \"haip\""));
        }
        if self.anchors.is_empty() == (self.keys == KeySource::X5c) {
            return Err(self.fault("expected `anchors` with keys = \"x5c\", and only there"));
        }
        if self.keys != KeySource::Did {
            let url = PublicUrl::parse(&self.id, development);
            return url.map(drop).map_err(|refusal| self.fault(&refusal.to_string()));
        }
        let did = Did::parse(&self.id).map_err(|_| self.fault("expected a DID"))?;
        // What is checked here, nobody has to find out from a credential that is refused.
        let found = match did.method() {
            "jwk" | "key" => did.resolve_key(Relationship::AssertionMethod).map(drop),
            "web" => Location::of(&did).map(drop),
            "webvh" => webvh::check(&did).map(drop),
            _ => return Err(self.fault("expected a did:jwk, did:key, did:web or did:webvh")),
        };
        found.map_err(|failure| self.fault(&failure.to_string()))
    }

    fn mechanism(&self) -> Result<Mechanism, ConfigError> {
        Ok(match self.keys {
            KeySource::Metadata => Mechanism::Metadata,
            KeySource::Did => Mechanism::Did,
            KeySource::X5c => {
                let mut anchors = TrustAnchors::default();
                for path in &self.anchors {
                    let pem = std::fs::read_to_string(path)
                        .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
                    let read = TrustAnchors::from_pem(&pem)
                        .map_err(|failure| self.fault(&format!("{}: {failure}", path.display())))?;
                    anchors.extend(read);
                }
                Mechanism::Certificate(anchors)
            }
        })
    }
}

/// Checks `trust.issuers` without reading the files that it names.
///
/// # Errors
/// [`ConfigError`] that names the issuer and what is expected.
pub fn check_issuers(
    issuers: &[IssuerConfig],
    profile: TrustProfile,
    development: Development,
) -> Result<(), ConfigError> {
    for (at, issuer) in issuers.iter().enumerate() {
        issuer.check(profile, development)?;
        if issuers.iter().take(at).any(|other| other.id == issuer.id) {
            return Err(issuer.fault("expected every issuer once, with one way to its keys"));
        }
    }
    Ok(())
}

/// The trusted issuers, with the anchors that the files hold.
///
/// # Errors
/// As [`check_issuers`], and for a file that cannot be read or holds no certificate.
pub fn load_issuers(
    issuers: &[IssuerConfig],
    profile: TrustProfile,
    development: Development,
) -> Result<IssuerTrust, ConfigError> {
    check_issuers(issuers, profile, development)?;
    let profile = match profile {
        TrustProfile::Any => Profile::Any,
        TrustProfile::Haip => Profile::Haip,
    };
    issuers.iter().try_fold(IssuerTrust::new(profile), |trust, issuer| {
        trust.with(issuer.id.clone(), issuer.mechanism()?).map_err(|failure| issuer.fault(&failure.detail))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Trust {
        #[serde(default)]
        profile: TrustProfile,
        issuers: Vec<IssuerConfig>,
    }

    fn read(text: &str) -> Result<IssuerTrust, String> {
        let trust: Trust = crate::config::parse(text, "test", []).map_err(|error| error.to_string())?;
        load_issuers(&trust.issuers, trust.profile, Development(false)).map_err(|error| error.to_string())
    }

    fn anchors() -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        file.write_all(certificate.pem().as_bytes()).unwrap();
        file
    }

    #[test]
    fn every_issuer_has_its_mechanism() {
        let file = anchors();
        let dids = [
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
            "did:web:d.example:issuer",
            "did:webvh:QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n:e.example",
        ];
        let by_did = dids.map(|did| format!("{{ id = \"{did}\", keys = \"did\" }}")).join(", ");
        let x5c =
            |id: &str| format!(r#"{{ id = "{id}", keys = "x5c", anchors = ["{}"] }}"#, file.path().display());
        let trust = read(&format!(
            r#"issuers = ["https://a.example", {}, {by_did},
                          {{ id = "https://c.example", keys = "metadata" }}]"#,
            x5c("https://b.example")
        ));
        let trust = trust.unwrap();
        assert!(matches!(trust.mechanism("https://a.example"), Some(Mechanism::Metadata)));
        assert!(matches!(trust.mechanism("https://b.example"), Some(Mechanism::Certificate(_))));
        assert!(matches!(trust.mechanism("https://c.example"), Some(Mechanism::Metadata)));
        for did in dids {
            assert!(matches!(trust.mechanism(did), Some(Mechanism::Did)), "{did}");
        }
        assert!(read(&format!("profile = \"haip\"\nissuers = [{}]", x5c("https://b.example"))).is_ok());
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_issuer_and_what_is_expected() {
        for (text, expected) in [
            (r#"issuers = ["http://a.example"]"#, "https://"),
            (r#"issuers = ["https://a.example", "https://a.example"]"#, "every issuer once"),
            ("issuers = [1]", "an issuer id, or a table"),
            (r#"issuers = [{ id = "https://a.example" }]"#, "missing field `keys`"),
            (r#"issuers = [{ id = "https://a.example", keys = "jwks" }]"#, "unknown variant `jwks`"),
            (r#"issuers = [{ id = "https://a.example", keys = "metadata", x = 1 }]"#, "unknown field `x`"),
            (r#"issuers = [{ id = "https://a.example", keys = "x5c" }]"#, "expected `anchors`"),
            (
                r#"issuers = [{ id = "https://a.example", keys = "metadata", anchors = ["a"] }]"#,
                "and only there",
            ),
            (
                r#"issuers = [{ id = "https://a.example", keys = "x5c", anchors = ["/none.pem"] }]"#,
                "/none.pem",
            ),
            (r#"issuers = [{ id = "https://a.example", keys = "did" }]"#, "expected a DID"),
            (
                r#"issuers = [{ id = "did:example:1", keys = "did" }]"#,
                "did:jwk, did:key, did:web or did:webvh",
            ),
            (r#"issuers = [{ id = "did:jwk:e30", keys = "did" }]"#, "did_key_invalid"),
            (r#"issuers = [{ id = "did:web:127.0.0.1", keys = "did" }]"#, "IP address"),
            (r#"issuers = [{ id = "did:web:a.example:%2e%2e", keys = "did" }]"#, "path segment"),
            (r#"issuers = [{ id = "did:webvh:a.example", keys = "did" }]"#, "did_invalid"),
            (r#"issuers = [{ id = "did:webvh:scid:a.example", keys = "did" }]"#, "SCID"),
            (r#"issuers = [{ id = "did:web:a.example", keys = "metadata" }]"#, "https://"),
            (r#"issuers = ["did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"]"#, "https://"),
            ("profile = \"haip\"\nissuers = [\"https://a.example\"]", "trust.profile is \"haip\""),
            ("profile = \"lax\"\nissuers = []", "unknown variant `lax`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = format!(
            r#"issuers = [{{ id = "https://a.example", keys = "x5c", anchors = ["{}"] }}]"#,
            file.path().display()
        );
        assert!(read(&empty).unwrap_err().contains("anchor_malformed"));
    }
}
