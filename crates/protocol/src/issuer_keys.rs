//! JWT VC Issuer Metadata: how the `iss` of a credential leads to the issuer's keys (SD-JWT VC §4).
//!
//! The caller fetches; this module says what, and whether the answer may be used.

use std::collections::BTreeSet;

use enishi_credential::encoding::json;
use enishi_credential::jose::jwk::JwkSet;
use enishi_credential::verdict::{Failure, Verdict};
use serde::Deserialize as _;
use serde_json::{Value, json};
use url::Url;

use crate::web::{UrlPolicy, well_known_url};

/// The name below `/.well-known/`.
pub const WELL_KNOWN: &str = "jwt-vc-issuer";

/// The largest metadata, or key set, that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKeySource {
    /// In the metadata.
    Inline(JwkSet),
    /// At this URL, as a JWK Set: for [`parse_jwks`].
    At(Url),
}

fn unusable(detail: impl Into<String>) -> Failure {
    Failure::new("issuer-metadata", "issuer_metadata_unusable", detail)
        .remedy("serve JWT VC Issuer Metadata as SD-JWT VC §4 says")
}

/// Where the metadata of `issuer` are.
///
/// # Errors
/// A URL failure if `issuer` is not an https URL without query and fragment.
pub fn metadata_url(issuer: &str, policy: UrlPolicy) -> Verdict<Url> {
    Ok(well_known_url(&policy.check_identifier(issuer)?, WELL_KNOWN))
}

/// The metadata of an issuer that writes its keys into them (server side).
pub fn metadata(issuer: &str, keys: &JwkSet) -> Value {
    json!({"issuer": issuer, "jwks": keys})
}

/// Reads metadata that were fetched for `issuer`.
///
/// # Errors
/// `issuer_metadata_unusable` unless `issuer` is exactly the one that was asked for and there is exactly one of `jwks` and
/// `jwks_uri`, and for a key set that [`parse_jwks`] refuses; a URL failure for a `jwks_uri` that the policy does not allow.
pub fn parse_metadata(body: &[u8], issuer: &str, policy: UrlPolicy) -> Verdict<IssuerKeySource> {
    let metadata = parse(body)?;
    let found = metadata.get("issuer").ok_or_else(|| unusable("there is no `issuer`"))?;
    if found.as_str() != Some(issuer) {
        return Err(unusable("`issuer` is not the one whose metadata were asked for").at("/issuer"));
    }
    match (metadata.get("jwks"), metadata.get("jwks_uri")) {
        (Some(keys), None) => key_set(keys, "/jwks").map(IssuerKeySource::Inline),
        (None, Some(Value::String(uri))) => policy.check(uri).map(IssuerKeySource::At),
        (None, Some(_)) => Err(unusable("`jwks_uri` is not a string").at("/jwks_uri")),
        _ => Err(unusable("there must be exactly one of `jwks` and `jwks_uri`")),
    }
}

/// Reads a JWK Set that was fetched.
///
/// # Errors
/// `issuer_metadata_unusable` if it is not a JWK Set, is too large, holds private keys, or two keys with one `kid`: it
/// would be chance which of them counts.
pub fn parse_jwks(body: &[u8]) -> Verdict<JwkSet> {
    key_set(&parse(body)?, "")
}

fn parse(body: &[u8]) -> Verdict<Value> {
    if body.len() > MAX_DOCUMENT {
        return Err(unusable("the document is larger than is read"));
    }
    let value = json::parse(body).map_err(|error| unusable(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(unusable("not a JSON object")) }
}

fn key_set(value: &Value, at: &str) -> Verdict<JwkSet> {
    let set = JwkSet::deserialize(value).map_err(|error| unusable(error.to_string()))?;
    let mut names = BTreeSet::new();
    if set.keys.iter().filter_map(|key| key.kid.as_deref()).all(|kid| names.insert(kid)) {
        return Ok(set);
    }
    Err(unusable("two keys have the same `kid`").at(format!("{at}/keys")))
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
    use proptest::prelude::*;

    use super::*;

    const ISSUER: &str = "https://idp.example/tenant";

    fn private(seed: &str) -> PrivateJwk {
        PrivateJwk::generate_p256(&SeededEntropy::new(seed))
    }

    fn key(seed: &str, kid: &str) -> Jwk {
        private(seed).public().clone().with_kid(kid)
    }

    fn keys() -> JwkSet {
        JwkSet { keys: vec![key("issuer", "1")] }
    }

    fn parse(value: &Value) -> Verdict<IssuerKeySource> {
        parse_metadata(value.to_string().as_bytes(), ISSUER, UrlPolicy::HttpsOnly)
    }

    fn refused(value: &Value) -> (&'static str, String) {
        let failure = parse(value).unwrap_err();
        (failure.code, failure.pointer)
    }

    #[test]
    fn what_an_issuer_writes_a_reader_understands() {
        assert_eq!(parse(&metadata(ISSUER, &keys())), Ok(IssuerKeySource::Inline(keys())));
        let url = metadata_url(ISSUER, UrlPolicy::HttpsOnly).unwrap();
        assert_eq!(url.as_str(), "https://idp.example/.well-known/jwt-vc-issuer/tenant");
        let elsewhere = json!({"issuer": ISSUER, "jwks_uri": "https://keys.example/jwks", "unknown": [1]});
        assert_eq!(
            parse(&elsewhere),
            Ok(IssuerKeySource::At(Url::parse("https://keys.example/jwks").unwrap()))
        );
    }

    #[test]
    fn sd_n13_metadata_of_another_issuer_are_unusable() {
        let unusable = ("issuer_metadata_unusable", "/issuer".to_owned());
        for issuer in [
            "https://idp.example/tenant/",
            "https://idp.example",
            "https://IDP.example/tenant",
            "https://idp.example:443/tenant",
            "",
        ] {
            assert_eq!(refused(&metadata(issuer, &keys())), unusable, "{issuer}");
        }
        assert_eq!(refused(&json!({"jwks": keys()})), ("issuer_metadata_unusable", String::new()));
        assert_eq!(refused(&json!({"issuer": [ISSUER], "jwks": keys()})), unusable);
    }

    #[test]
    fn sd_n13_there_is_exactly_one_of_jwks_and_jwks_uri() {
        let unusable = ("issuer_metadata_unusable", String::new());
        let uri = "https://idp.example/jwks";
        for bad in [
            json!({"issuer": ISSUER}),
            json!({"issuer": ISSUER, "jwks": keys(), "jwks_uri": uri}),
            json!({"issuer": ISSUER, "jwks": null, "jwks_uri": uri}),
            json!({"issuer": ISSUER, "jwks": keys(), "jwks_uri": null}),
        ] {
            assert_eq!(refused(&bad), unusable, "{bad}");
        }
        for (bad, pointer) in [
            (json!({"issuer": ISSUER, "jwks_uri": null}), "/jwks_uri"),
            (json!({"issuer": ISSUER, "jwks_uri": [uri]}), "/jwks_uri"),
            (json!({"issuer": ISSUER, "jwks": null}), ""),
            (json!({"issuer": ISSUER, "jwks": uri}), ""),
            (json!({"issuer": ISSUER, "jwks": {"keys": {}}}), ""),
        ] {
            assert_eq!(refused(&bad), ("issuer_metadata_unusable", pointer.to_owned()), "{bad}");
        }
    }

    #[test]
    fn sd_n13_plain_http_is_refused_for_the_issuer_and_for_its_keys() {
        for issuer in ["http://idp.example/tenant", "http://localhost/tenant"] {
            assert_eq!(metadata_url(issuer, UrlPolicy::HttpsOnly).unwrap_err().code, "url_not_https");
        }
        for issuer in
            ["https://idp.example/?a", "https://idp.example/#a", "idp.example", "https://u@idp.example"]
        {
            assert_eq!(
                metadata_url(issuer, UrlPolicy::HttpsOnly).unwrap_err().code,
                "url_malformed",
                "{issuer}"
            );
        }
        let at = |uri: &str| refused(&json!({"issuer": ISSUER, "jwks_uri": uri})).0;
        assert_eq!(at("http://idp.example/jwks"), "url_not_https");
        assert_eq!(at("/jwks"), "url_malformed");
    }

    #[test]
    fn sd_n13_a_set_with_a_kid_twice_or_a_private_key_is_refused() {
        let twice = JwkSet { keys: vec![key("a", "1"), key("b", "1")] };
        assert_eq!(refused(&metadata(ISSUER, &twice)), ("issuer_metadata_unusable", "/jwks/keys".to_owned()));
        let set = |value: Value| parse_jwks(value.to_string().as_bytes()).map_err(|failure| failure.code);
        assert_eq!(set(json!(twice)), Err("issuer_metadata_unusable"));
        assert_eq!(set(json!({"keys": [private("a").to_secret_value()]})), Err("issuer_metadata_unusable"));
        let nameless = JwkSet { keys: vec![private("a").public().clone(), private("b").public().clone()] };
        assert_eq!(set(json!(nameless)), Ok(nameless));
    }

    #[test]
    fn sd_n13_a_member_twice_in_a_key_refuses_the_set() {
        let text = metadata(ISSUER, &keys()).to_string();
        let doubled = text.replacen(r#""kid":"1""#, r#""kid":"2","kid":"1""#, 1);
        let read = |text: &str| {
            let from = text.find(r#"{"keys""#).unwrap();
            let whole = parse_metadata(text.as_bytes(), ISSUER, UrlPolicy::HttpsOnly).map(drop);
            let alone = parse_jwks(&text.as_bytes()[from..text.len() - 1]).map(drop);
            (whole.map_err(|failure| failure.code), alone.map_err(|failure| failure.code))
        };
        assert_eq!(read(&text), (Ok(()), Ok(())));
        assert_eq!(read(&doubled), (Err("issuer_metadata_unusable"), Err("issuer_metadata_unusable")));
    }

    #[test]
    fn sd_n13_what_is_too_large_is_not_read() {
        let padded = |length: usize| format!("{{\"keys\":[]{}}}", " ".repeat(length - 11)).into_bytes();
        assert_eq!(parse_jwks(&padded(MAX_DOCUMENT)), Ok(JwkSet::default()));
        assert_eq!(parse_jwks(&padded(MAX_DOCUMENT + 1)).unwrap_err().code, "issuer_metadata_unusable");
        for bad in ["[]", "null", "", r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(parse_jwks(bad.as_bytes()).unwrap_err().code, "issuer_metadata_unusable", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(body: Vec<u8>, text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
            let _ = parse_metadata(&body, ISSUER, UrlPolicy::HttpsOnly);
            let _ = parse_jwks(&body);
            let _ = parse_jwks(text.as_bytes());
        }
    }
}
