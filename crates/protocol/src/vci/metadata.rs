//! Credential issuer metadata (OpenID4VCI 1.0 §12.2): written by the issuer, read and validated by the wallet.

use std::collections::BTreeMap;

use enishi_credential::encoding::json;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{FORMAT_SD_JWT, LINKAGE_VCT};
use crate::web::{UrlPolicy, well_known_url};

/// What a credential issuer says about itself. Unknown members are ignored (§12.2.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuerMetadata {
    /// The issuer's identifier: `aud` of key proofs.
    pub credential_issuer: String,
    /// The authorization servers; absent means the issuer itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_servers: Option<Vec<String>>,
    /// Where credentials are had.
    pub credential_endpoint: String,
    /// Where nonces are had; absent means that proofs need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce_endpoint: Option<String>,
    /// Where credentials that were not ready are had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_credential_endpoint: Option<String>,
    /// Where wallets tell what became of credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_endpoint: Option<String>,
    /// Encryption of responses; only whether it is required is looked at here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_response_encryption: Option<Value>,
    /// Whether several proofs may come in one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_credential_issuance: Option<BatchIssuance>,
    /// The issuer's names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<Display>,
    /// What can be had.
    pub credential_configurations_supported: BTreeMap<String, CredentialConfiguration>,
}

/// `batch_credential_issuance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchIssuance {
    /// The most proofs in one request; at least 2.
    pub batch_size: u32,
}

/// A name in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// One kind of credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialConfiguration {
    /// The format identifier.
    pub format: String,
    /// The scope by which it can be asked for (HAIP 1.0 §4.1 wants one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The type of an SD-JWT VC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vct: Option<String>,
    /// How holders can be bound; present exactly when proofs are required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cryptographic_binding_methods_supported: Option<Vec<String>>,
    /// The issuer's signature algorithms: names, or numbers for mdoc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_signing_alg_values_supported: Vec<Value>,
    /// The proof types; present exactly when binding methods are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_types_supported: Option<BTreeMap<String, ProofTypeMetadata>>,
    /// Names and claims for people, and the policy by which instances are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_metadata: Option<Value>,
}

/// What the issuer accepts of one proof type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofTypeMetadata {
    /// The algorithms.
    pub proof_signing_alg_values_supported: Vec<String>,
    /// Present when attested keys are demanded, which this wallet cannot give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_attestations_required: Option<Value>,
}

/// The configuration of linkage credentials as this project issues them (linkage protocol §4, §5). `names` are pairs
/// of a BCP 47 tag and a name.
pub fn linkage_configuration(scope: &str, names: &[(&str, &str)]) -> CredentialConfiguration {
    let algorithms = || vec!["ES256".to_owned(), "EdDSA".to_owned()];
    let display: Vec<Value> =
        names.iter().map(|(locale, name)| serde_json::json!({"locale": locale, "name": name})).collect();
    CredentialConfiguration {
        format: FORMAT_SD_JWT.to_owned(),
        scope: Some(scope.to_owned()),
        vct: Some(LINKAGE_VCT.to_owned()),
        cryptographic_binding_methods_supported: Some(
            ["jwk", "did:jwk", "did:key"].map(str::to_owned).to_vec(),
        ),
        credential_signing_alg_values_supported: vec!["ES256".into()],
        proof_types_supported: Some(BTreeMap::from([(
            "jwt".to_owned(),
            ProofTypeMetadata {
                proof_signing_alg_values_supported: algorithms(),
                key_attestations_required: None,
            },
        )])),
        credential_metadata: Some(serde_json::json!({"display": display})),
    }
}

impl CredentialConfiguration {
    /// Whether requests need key proofs.
    pub const fn needs_proofs(&self) -> bool {
        self.proof_types_supported.is_some()
    }

    fn validate(&self) -> Result<(), &'static str> {
        if self.format == FORMAT_SD_JWT && self.vct.is_none() {
            return Err("an SD-JWT VC configuration lacks `vct`");
        }
        if self.cryptographic_binding_methods_supported.is_some() != self.proof_types_supported.is_some() {
            return Err("`cryptographic_binding_methods_supported` and `proof_types_supported` go together");
        }
        let mut proof_types = self.proof_types_supported.iter().flatten();
        if proof_types.any(|(_, kind)| kind.proof_signing_alg_values_supported.is_empty()) {
            return Err("a proof type lists no algorithms");
        }
        Ok(())
    }
}

impl IssuerMetadata {
    /// The document's name below `/.well-known/`.
    pub const WELL_KNOWN: &'static str = "openid-credential-issuer";

    /// Where the metadata of `issuer` is: the well-known path inserted between host and path (§12.2.2).
    ///
    /// # Errors
    /// A URL failure if `issuer` is not an identifier that the policy allows.
    pub fn url(issuer: &str, policy: UrlPolicy) -> Verdict<Url> {
        Ok(well_known_url(&policy.check_identifier(issuer)?, Self::WELL_KNOWN))
    }

    /// Reads the document that was fetched for `issuer` (wallet side).
    ///
    /// # Errors
    /// `metadata_malformed` for a shape or a rule of §12.2.4 that does not hold; `issuer_mismatch` if it names another
    /// issuer, were it by a slash or by case; a URL failure for an endpoint that the policy does not allow.
    pub fn parse(body: &[u8], issuer: &str, policy: UrlPolicy) -> Verdict<Self> {
        let metadata: Self = json::from_slice(body).map_err(|error| malformed(error.to_string(), ""))?;
        if metadata.credential_issuer != issuer {
            return Err(Failure::new(
                "issuer-metadata",
                "issuer_mismatch",
                "the metadata names another issuer",
            )
            .at("/credential_issuer")
            .remedy("publish the identifier exactly as it is used"));
        }
        metadata.validate(policy)?;
        Ok(metadata)
    }

    /// Checks the rules of §12.2.4 that go beyond the shape; the issuer runs it on what it publishes.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn validate(&self, policy: UrlPolicy) -> Verdict<()> {
        policy.check_identifier(&self.credential_issuer).map_err(|f| f.at("/credential_issuer"))?;
        for (name, endpoint) in [
            ("credential_endpoint", Some(&self.credential_endpoint)),
            ("nonce_endpoint", self.nonce_endpoint.as_ref()),
            ("deferred_credential_endpoint", self.deferred_credential_endpoint.as_ref()),
            ("notification_endpoint", self.notification_endpoint.as_ref()),
        ] {
            if let Some(endpoint) = endpoint {
                policy.check(endpoint).map_err(|failure| failure.at(format!("/{name}")))?;
            }
        }
        if let Some(servers) = &self.authorization_servers {
            if servers.is_empty() {
                return Err(malformed("`authorization_servers` is empty", "/authorization_servers"));
            }
            for server in servers {
                policy.check_identifier(server).map_err(|f| f.at("/authorization_servers"))?;
            }
        }
        if self.batch_credential_issuance.is_some_and(|batch| batch.batch_size < 2) {
            return Err(malformed("`batch_size` is below 2", "/batch_credential_issuance/batch_size"));
        }
        for (id, configuration) in &self.credential_configurations_supported {
            configuration
                .validate()
                .map_err(|detail| malformed(detail, &format!("/credential_configurations_supported/{id}")))?;
        }
        Ok(())
    }

    /// The authorization server to use: the one that the offer names if it is published, the only one, or the issuer
    /// itself (§12.2.4).
    ///
    /// # Errors
    /// `authorization_server_unknown` if the offer names one that is not published; the wallet stops.
    pub fn authorization_server(&self, named: Option<&str>) -> Verdict<&str> {
        let unknown = || {
            Failure::new(
                "credential-offer",
                "authorization_server_unknown",
                "the offer names an authorization server that the issuer does not publish",
            )
            .remedy("name one of `authorization_servers`")
        };
        match (&self.authorization_servers, named) {
            (None, None) => Ok(&self.credential_issuer),
            (None, Some(_)) => Err(unknown()),
            (Some(servers), None) => servers.first().map(String::as_str).ok_or_else(unknown),
            (Some(servers), Some(named)) => {
                servers.iter().find(|server| *server == named).map(String::as_str).ok_or_else(unknown)
            }
        }
    }

    /// The most proofs that one request may hold; 1 where batches are not offered.
    pub fn batch_size(&self) -> usize {
        self.batch_credential_issuance
            .map_or(1, |batch| usize::try_from(batch.batch_size).unwrap_or(usize::MAX))
    }
}

fn malformed(detail: impl Into<String>, pointer: &str) -> Failure {
    Failure::new("issuer-metadata", "metadata_malformed", detail)
        .at(pointer)
        .remedy("publish metadata as OpenID4VCI 1.0 §12.2.4 says")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://issuer.example/t";

    fn document() -> Value {
        json!({
            "credential_issuer": ISSUER,
            "credential_endpoint": "https://issuer.example/t/credential",
            "nonce_endpoint": "https://issuer.example/t/nonce",
            "batch_credential_issuance": {"batch_size": 10},
            "credential_configurations_supported": {
                "linkage_sd_jwt": linkage_configuration("linkage", &[("ja", "つながり")])}
        })
    }

    fn parse(document: &Value, issuer: &str) -> Verdict<IssuerMetadata> {
        IssuerMetadata::parse(document.to_string().as_bytes(), issuer, UrlPolicy::HttpsOnly)
    }

    fn changed(pointer: &str, value: Value) -> &'static str {
        let mut document = document();
        *document.pointer_mut(pointer).expect("a member to change") = value;
        parse(&document, ISSUER).unwrap_err().code
    }

    #[test]
    fn vci_n1_metadata_of_another_identifier_are_discarded() {
        assert_eq!(parse(&document(), ISSUER).unwrap().batch_size(), 10);
        for other in ["https://issuer.example/t/", "https://issuer.example/T", "https://Issuer.example/t"] {
            assert_eq!(parse(&document(), other).unwrap_err().code, "issuer_mismatch", "{other}");
        }
    }

    #[test]
    fn the_rules_of_12_2_4_hold() {
        let config = "/credential_configurations_supported/linkage_sd_jwt";
        assert_eq!(
            changed("/batch_credential_issuance/batch_size", json!(1)),
            "metadata_malformed",
            "vci_11"
        );
        assert_eq!(
            changed("/credential_endpoint", json!("http://issuer.example/c")),
            "url_not_https",
            "vci_6"
        );
        assert_eq!(
            changed("/credential_configurations_supported", json!([])),
            "metadata_malformed",
            "vci_12"
        );
        assert_eq!(changed(&format!("{config}/vct"), Value::Null), "metadata_malformed");
        assert_eq!(changed(&format!("{config}/proof_types_supported"), Value::Null), "metadata_malformed");
        let no_algs = json!({"jwt": {"proof_signing_alg_values_supported": []}});
        assert_eq!(changed(&format!("{config}/proof_types_supported"), no_algs), "metadata_malformed");
    }

    #[test]
    fn vci_n3_only_a_published_authorization_server_is_used() {
        let mut metadata = parse(&document(), ISSUER).unwrap();
        assert_eq!(metadata.authorization_server(None).unwrap(), ISSUER);
        let code = |metadata: &IssuerMetadata, named| metadata.authorization_server(named).unwrap_err().code;
        assert_eq!(code(&metadata, Some("https://evil.example")), "authorization_server_unknown");
        metadata.authorization_servers =
            Some(vec!["https://a.example".to_owned(), "https://b.example".to_owned()]);
        assert_eq!(metadata.authorization_server(Some("https://b.example")).unwrap(), "https://b.example");
        assert_eq!(code(&metadata, Some("https://b.example/")), "authorization_server_unknown");
    }

    #[test]
    fn vci_n19_unknown_members_are_ignored() {
        let mut document = document();
        document["new"] = json!({"x": 1});
        document["credential_configurations_supported"]["other"] = json!({"format": "mso_mdoc", "doctype": "x",
            "credential_signing_alg_values_supported": [-7]});
        assert!(parse(&document, ISSUER).is_ok());
    }

    #[test]
    fn vectors_of_the_specification_parse() {
        let Some(text) = crate::testing::vector("openid4vci/credential_issuer_metadata_sd_jwt_long.json")
        else {
            return;
        };
        let document: Value = serde_json::from_str(&text).unwrap();
        let issuer = document["credential_issuer"].as_str().unwrap();
        assert!(parse(&document, issuer).unwrap().credential_configurations_supported.len() == 1);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body: Vec<u8>) {
            let _ = IssuerMetadata::parse(&body, ISSUER, UrlPolicy::HttpsOnly);
        }
    }
}
