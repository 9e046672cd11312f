//! The configuration files of the services: what an operator would write, with this town's ports and folders.

use std::path::{Path, PathBuf};

use enishi_credential::jose::jwk::Jwk;
use serde_json::{Map, Value, json};

use crate::DemoError;
use crate::plan::ServicePorts;

/// Writes `config` to `path` as TOML.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write(service: &'static str, path: &Path, config: &Value) -> Result<(), DemoError> {
    let fault = |reason: String| DemoError::Start { service, reason };
    let text = toml::to_string(config).map_err(|error| fault(error.to_string()))?;
    crate::parties::keys::write_private(path, text.as_bytes())
}

/// What every service has: listeners, database, key file.
pub(super) struct Common {
    /// The ports; the public URL follows from them.
    pub(super) ports: ServicePorts,
    /// The bearer secret of the internal listener.
    pub(super) token: String,
    /// The database.
    pub(super) database: String,
    /// The key file.
    pub(super) keys: PathBuf,
    /// What is logged, if the service is a process of its own.
    pub(super) log: String,
}

impl Common {
    fn sections(&self) -> Map<String, Value> {
        let sections = json!({
            "development": true,
            "server": {
                "public_listen": self.ports.behind.unwrap_or(self.ports.public).address().to_string(),
                "internal_listen": self.ports.internal.address().to_string(),
                "public_url": self.ports.public.url(),
                "internal_token": self.token,
                "shutdown_grace_seconds": 1,
            },
            "store": {"url": self.database},
            "keys": {"file": self.keys},
            "log": {"filter": self.log},
        });
        match sections {
            Value::Object(sections) => sections,
            _ => Map::new(),
        }
    }

    fn with(&self, more: Value) -> Value {
        let mut sections = self.sections();
        if let Value::Object(more) = more {
            sections.extend(more);
        }
        Value::Object(sections)
    }
}

/// A relying party as the issuer knows it.
pub(super) struct Linked<'a> {
    /// Party id.
    pub(super) id: &'a str,
    /// Names.
    pub(super) names: (&'a str, &'a str),
    /// Its sealing key.
    pub(super) sealing_key: &'a Jwk,
}

/// What the issuer needs beside the common part.
pub(super) struct IssuerFacts<'a> {
    /// The OpenID Provider.
    pub(super) idp: String,
    /// Client id and secret there.
    pub(super) client: (&'a str, &'a str),
    /// `acr` of a login there.
    pub(super) acr: &'a str,
    /// Whom residents can link.
    pub(super) linked: &'a [Linked<'a>],
    /// Wallets: client ids and redirect URIs.
    pub(super) wallets: &'a [(&'a str, &'a str)],
}

/// The issuer's file.
pub(super) fn issuer(common: &Common, facts: &IssuerFacts<'_>) -> Value {
    let names = |(ja, en): (&str, &str)| json!({"ja": ja, "en": en});
    let linked = facts.linked.iter().map(|party| {
        json!({
            "id": party.id,
            "min_acr": facts.acr,
            "sealing": {"keys": [party.sealing_key.to_value()]},
            "names": names(party.names),
        })
    });
    let wallets = facts.wallets.iter().map(|(id, uri)| json!({"client_id": id, "redirect_uris": [uri]}));
    common.with(json!({
        "upstream": {"issuer": facts.idp, "client_id": facts.client.0, "client_secret": facts.client.1},
        "issuance": {
            "batch_size": 10,
            "credential_days": 7,
            "acr_levels": [facts.acr],
            "names": names(("まちのID", "Town ID")),
        },
        "relying_parties": linked.collect::<Vec<_>>(),
        "wallets": wallets.collect::<Vec<_>>(),
    }))
}

/// What a gateway needs beside the common part.
pub(super) struct GatewayFacts<'a> {
    /// The data provider's party id.
    pub(super) party: &'a str,
    /// The canonical resource, and where requests to it go.
    pub(super) resource: (String, String),
    /// The linking verifier.
    pub(super) verifier: String,
    /// The issuer.
    pub(super) issuer: String,
    /// The folder with the declarations.
    pub(super) declarations: &'a Path,
    /// The certificate authority's PEM file.
    pub(super) anchor: &'a Path,
}

/// A gateway's file.
pub(super) fn gateway(common: &Common, facts: &GatewayFacts<'_>) -> Value {
    common.with(json!({
        "party": facts.party,
        "resource": {"uri": facts.resource.0, "upstream": facts.resource.1},
        "trust": {
            "verifiers": [facts.verifier],
            "issuers": [facts.issuer],
            "declarations": [facts.declarations],
            "anchors": [facts.anchor],
        },
    }))
}

/// The linking verifier's file.
pub(super) fn linking_verifier(
    common: &Common,
    issuer: &str,
    answer_seconds: u32,
    declarations: &Path,
    anchor: &Path,
) -> Value {
    common.with(json!({
        "wallet": {"client_id_prefix": "x509_san_dns", "request_lifetime_seconds": answer_seconds},
        "trust": {"issuers": [issuer]},
        "linking": {"declarations": [declarations], "anchors": [anchor], "link_uses": 3, "sweep_interval_seconds": 1},
    }))
}

/// The file of a relying party's own verifier.
pub(super) fn first_party_verifier(
    common: &Common,
    issuer: &str,
    rp: &str,
    acr: &str,
    by_did: bool,
) -> Value {
    let prefix = if by_did { "decentralized_identifier" } else { "x509_san_dns" };
    common.with(json!({
        "wallet": {"client_id_prefix": prefix},
        "trust": {"issuers": [issuer]},
        "first_party": {"rp": rp, "acr_values": [acr]},
    }))
}
