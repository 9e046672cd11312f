//! Credential offers (OpenID4VCI 1.0 §4): made by the issuer, by value or by reference; read by the wallet, which
//! trusts nothing in them.

use std::collections::BTreeSet;

use enishi_credential::encoding::json;
use enishi_credential::secret::Secret;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::metadata::IssuerMetadata;
use crate::oauth::GRANT_PRE_AUTHORIZED;
use crate::web::UrlPolicy;

/// The custom scheme by which any wallet can be invoked.
pub const OFFER_SCHEME: &str = "openid-credential-offer://";

/// An offer. Its code is a bearer secret: whoever has the offer (and the transaction code) has the credential.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialOffer {
    /// The issuer's identifier.
    pub credential_issuer: String,
    /// The configurations on offer; unique, at least one.
    pub credential_configuration_ids: Vec<String>,
    /// How to get them; empty means that the wallet looks into the metadata.
    pub grants: OfferGrants,
}

/// The grants of an offer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfferGrants {
    /// Through a login.
    pub authorization_code: Option<AuthorizationCodeOffer>,
    /// The person has logged in before.
    pub pre_authorized: Option<PreAuthorizedOffer>,
}

/// The authorization code grant of an offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCodeOffer {
    /// Must be sent back in the authorization request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_state: Option<String>,
    /// Which authorization server, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_server: Option<String>,
}

/// The pre-authorized code grant of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreAuthorizedOffer {
    /// The code; short-lived, good once.
    pub code: Secret<String>,
    /// Present when the person must type in a code, even when it is `{}`.
    pub tx_code: Option<TxCode>,
    /// Which authorization server, where there are several.
    pub authorization_server: Option<String>,
}

/// What a transaction code looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxCode {
    /// Digits or any text.
    #[serde(default)]
    pub input_mode: TxCodeInput,
    /// How many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// How the person gets it; at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The characters of a transaction code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TxCodeInput {
    /// Digits.
    #[default]
    Numeric,
    /// Any characters.
    Text,
}

/// Where the offer of a scanned or clicked URI is.
#[derive(Debug, Clone, PartialEq)]
pub enum OfferSource {
    /// In the URI.
    Value(Box<CredentialOffer>),
    /// At this URL; ask the person, then fetch it and read it with [`CredentialOffer::parse_fetched`].
    Reference(Url),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    credential_issuer: String,
    credential_configuration_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grants: Option<WireGrants>,
}

#[derive(Default, Serialize, Deserialize)]
struct WireGrants {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_code: Option<AuthorizationCodeOffer>,
    #[serde(
        default,
        rename = "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        skip_serializing_if = "Option::is_none"
    )]
    pre_authorized: Option<WirePreAuthorized>,
}

#[derive(Serialize, Deserialize)]
struct WirePreAuthorized {
    #[serde(rename = "pre-authorized_code")]
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tx_code: Option<TxCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_server: Option<String>,
}

fn invalid(detail: impl Into<String>) -> Failure {
    Failure::new("credential-offer", "offer_invalid", detail)
        .remedy("offer credentials as OpenID4VCI 1.0 §4.1 says")
}

impl OfferSource {
    /// Reads an offer URI of any scheme (wallet side).
    ///
    /// # Errors
    /// `offer_invalid` unless there is exactly one of `credential_offer` and `credential_offer_uri`, and for an offer in
    /// the URI that breaks a rule; a URL failure for a reference that the policy does not allow.
    pub fn parse(uri: &str, policy: UrlPolicy) -> Verdict<Self> {
        let (_, query) = uri.split_once('?').ok_or_else(|| invalid("the URI has no query"))?;
        let query = query.split('#').next().unwrap_or_default();
        let (mut value, mut reference) = (None, None);
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "credential_offer" => &mut value,
                "credential_offer_uri" => &mut reference,
                _ => continue,
            };
            if slot.replace(text.into_owned()).is_some() {
                return Err(invalid("a parameter occurs twice"));
            }
        }
        match (value, reference) {
            (Some(value), None) => {
                Ok(Self::Value(Box::new(CredentialOffer::parse(value.as_bytes(), policy)?)))
            }
            (None, Some(reference)) => Ok(Self::Reference(policy.check(&reference)?)),
            _ => Err(invalid("exactly one of `credential_offer` and `credential_offer_uri` is needed")),
        }
    }
}

impl CredentialOffer {
    /// Reads the JSON of an offer (wallet side). Unknown members are ignored.
    ///
    /// # Errors
    /// `offer_invalid` for another shape, no or repeated configurations, or a transaction code's description that is too
    /// long; a URL failure for an issuer that the policy does not allow.
    pub fn parse(body: &[u8], policy: UrlPolicy) -> Verdict<Self> {
        let wire: Wire = json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        policy.check_identifier(&wire.credential_issuer).map_err(|f| f.at("/credential_issuer"))?;
        let ids = &wire.credential_configuration_ids;
        if ids.is_empty() || ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
            return Err(
                invalid("no configuration is offered, or one twice").at("/credential_configuration_ids")
            );
        }
        let grants = wire.grants.unwrap_or_default();
        let pre_authorized = grants.pre_authorized.map(|grant| PreAuthorizedOffer {
            code: Secret::new(grant.code),
            tx_code: grant.tx_code,
            authorization_server: grant.authorization_server,
        });
        let description =
            pre_authorized.iter().filter_map(|grant| grant.tx_code.as_ref()?.description.as_ref());
        if description.clone().any(|text| text.chars().count() > 300) {
            return Err(invalid("the description of the transaction code is too long"));
        }
        Ok(Self {
            credential_issuer: wire.credential_issuer,
            credential_configuration_ids: wire.credential_configuration_ids,
            grants: OfferGrants { authorization_code: grants.authorization_code, pre_authorized },
        })
    }

    /// Reads an offer that was fetched from a `credential_offer_uri`; `content_type` is the answer's (wallet side).
    ///
    /// # Errors
    /// `offer_invalid` for another type than `application/json`, signed offers included (§4.1.3), and as [`Self::parse`].
    pub fn parse_fetched(content_type: &str, body: &[u8], policy: UrlPolicy) -> Verdict<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(invalid("the offer is not application/json"));
        }
        Self::parse(body, policy)
    }

    /// Checks the offer against the issuer's metadata (wallet side): every configuration exists, and the authorization
    /// servers are published ones.
    ///
    /// # Errors
    /// `offer_invalid` or `authorization_server_unknown`.
    pub fn check(&self, metadata: &IssuerMetadata) -> Verdict<()> {
        if self.credential_issuer != metadata.credential_issuer {
            return Err(invalid("the offer is of another issuer"));
        }
        let known = &metadata.credential_configurations_supported;
        if self.credential_configuration_ids.iter().any(|id| !known.contains_key(id)) {
            return Err(invalid("an offered configuration is not in the issuer's metadata"));
        }
        let code = self.grants.authorization_code.as_ref();
        let pre = self.grants.pre_authorized.as_ref();
        let named = [
            code.and_then(|grant| grant.authorization_server.as_deref()),
            pre.and_then(|grant| grant.authorization_server.as_deref()),
        ];
        for server in named.into_iter().flatten() {
            metadata.authorization_server(Some(server))?;
        }
        Ok(())
    }

    /// The offer as JSON (issuer side). It holds the code, so it is not to be logged.
    pub fn to_value(&self) -> Value {
        let pre_authorized = self.grants.pre_authorized.as_ref().map(|grant| WirePreAuthorized {
            code: grant.code.expose().clone(),
            tx_code: grant.tx_code.clone(),
            authorization_server: grant.authorization_server.clone(),
        });
        let grants =
            WireGrants { authorization_code: self.grants.authorization_code.clone(), pre_authorized };
        let some = grants.authorization_code.is_some() || grants.pre_authorized.is_some();
        let wire = Wire {
            credential_issuer: self.credential_issuer.clone(),
            credential_configuration_ids: self.credential_configuration_ids.clone(),
            grants: some.then_some(grants),
        };
        serde_json::to_value(wire).unwrap_or_default()
    }

    /// The URI that carries the offer itself (issuer side).
    pub fn to_uri(&self) -> String {
        uri("credential_offer", &self.to_value().to_string())
    }

    /// The URI that points to an offer (issuer side); every offer has a URL of its own.
    pub fn reference_uri(url: &Url) -> String {
        uri("credential_offer_uri", url.as_str())
    }

    /// The grant types of the offer, as the token endpoint names them.
    pub fn grant_types(&self) -> Vec<&'static str> {
        let code = self.grants.authorization_code.as_ref().map(|_| crate::oauth::GRANT_AUTHORIZATION_CODE);
        let pre = self.grants.pre_authorized.as_ref().map(|_| GRANT_PRE_AUTHORIZED);
        pre.into_iter().chain(code).collect()
    }
}

fn uri(name: &str, value: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    // A space as `+` is a form's habit; in a URI of another scheme `%20` is what everybody reads.
    format!("{OFFER_SCHEME}?{}", query.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::metadata::linkage_configuration;
    use super::*;

    const POLICY: UrlPolicy = UrlPolicy::HttpsOnly;

    fn offer() -> CredentialOffer {
        CredentialOffer {
            credential_issuer: "https://issuer.example".to_owned(),
            credential_configuration_ids: vec!["linkage_sd_jwt".to_owned()],
            grants: OfferGrants {
                authorization_code: Some(AuthorizationCodeOffer {
                    issuer_state: Some("s".to_owned()),
                    authorization_server: None,
                }),
                pre_authorized: Some(PreAuthorizedOffer {
                    code: Secret::new("c +".to_owned()),
                    tx_code: Some(TxCode { length: Some(6), ..TxCode::default() }),
                    authorization_server: None,
                }),
            },
        }
    }

    fn metadata() -> IssuerMetadata {
        serde_json::from_value(json!({
            "credential_issuer": "https://issuer.example",
            "credential_endpoint": "https://issuer.example/credential",
            "credential_configurations_supported": {"linkage_sd_jwt": linkage_configuration("l", &[])}
        }))
        .unwrap()
    }

    #[test]
    fn offers_travel_by_value_and_by_reference() {
        let OfferSource::Value(read) = OfferSource::parse(&offer().to_uri(), POLICY).unwrap() else {
            panic!("not by value")
        };
        assert_eq!(*read, offer());
        assert!(read.check(&metadata()).is_ok());
        assert_eq!(read.grant_types().len(), 2);
        let url = Url::parse("https://issuer.example/offers/1?x=y").unwrap();
        let source = OfferSource::parse(&CredentialOffer::reference_uri(&url), POLICY).unwrap();
        assert_eq!(source, OfferSource::Reference(url));
    }

    #[test]
    fn vci_24_an_empty_tx_code_object_still_means_a_code() {
        let body = json!({"credential_issuer": "https://i.example", "credential_configuration_ids": ["a"],
            "grants": {GRANT_PRE_AUTHORIZED: {"pre-authorized_code": "c", "tx_code": {}}}, "new": 1});
        let read = CredentialOffer::parse(body.to_string().as_bytes(), POLICY).unwrap();
        assert_eq!(read.grants.pre_authorized.unwrap().tx_code, Some(TxCode::default()));
    }

    #[test]
    fn vci_n2_ambiguous_empty_and_unknown_offers_are_refused() {
        let value = offer().to_uri();
        let both = format!("{value}&credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo");
        let twice = format!("{value}&{}", value.split_once('?').unwrap().1);
        for bad in [both.as_str(), &twice, "openid-credential-offer://", "openid-credential-offer://?x=1"] {
            assert_eq!(OfferSource::parse(bad, POLICY).unwrap_err().code, "offer_invalid", "{bad}");
        }
        let plain = "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fissuer.example%2Fo";
        assert_eq!(OfferSource::parse(plain, POLICY).unwrap_err().code, "url_not_https");
        for ids in [json!([]), json!(["a", "a"]), json!("a")] {
            let body = json!({"credential_issuer": "https://i.example", "credential_configuration_ids": ids});
            assert!(CredentialOffer::parse(body.to_string().as_bytes(), POLICY).is_err());
        }
        let unknown = CredentialOffer { credential_configuration_ids: vec!["other".to_owned()], ..offer() };
        assert_eq!(unknown.check(&metadata()).unwrap_err().code, "offer_invalid");
    }

    #[test]
    fn vci_n3_an_unpublished_authorization_server_stops_the_wallet() {
        let mut foreign = offer();
        foreign.grants.authorization_code = Some(AuthorizationCodeOffer {
            issuer_state: None,
            authorization_server: Some("https://evil.example".to_owned()),
        });
        assert_eq!(foreign.check(&metadata()).unwrap_err().code, "authorization_server_unknown");
    }

    #[test]
    fn vci_n4_a_fetched_offer_is_plain_json() {
        let body = offer().to_value().to_string();
        let fetched = |content_type| CredentialOffer::parse_fetched(content_type, body.as_bytes(), POLICY);
        assert!(fetched("application/json; charset=utf-8").is_ok());
        assert!(fetched("application/jwt").is_err());
        let unsigned = b"eyJhbGciOiJub25lIn0.e30.";
        assert!(CredentialOffer::parse_fetched("application/jwt", unsigned, POLICY).is_err());
    }

    #[test]
    fn vectors_of_the_specification_parse() {
        for name in ["credential_offer_multiple_credentials.json", "credential_offer_pre-authz_code.json"] {
            let Some(text) = crate::testing::vector(&format!("openid4vci/{name}")) else { return };
            assert!(CredentialOffer::parse(text.as_bytes(), POLICY).is_ok(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(uri in ".{0,60}", body: Vec<u8>) {
            let _ = OfferSource::parse(&format!("x://?credential_offer={uri}"), POLICY);
            let _ = OfferSource::parse(&uri, POLICY);
            let _ = CredentialOffer::parse(&body, POLICY);
        }
    }
}
