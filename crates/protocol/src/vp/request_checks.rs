//! What a wallet checks before it looks at what a request asks for (OpenID4VP 1.0 §5, RFC 9101).

use std::collections::HashSet;

use serde_json::{Map, Value};

use enishi_credential::crypto::{Algorithm, ES256_OR_EDDSA, SignatureVerifier};
use enishi_credential::did::{DidUrl, Relationship, resolve_key};
use enishi_credential::jose::jwe::ContentEncryption;
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::jose::jws::{Expected, UnverifiedJws};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_credential::x509::{self, TrustAnchors};
use url::Url;

use crate::consent;
use crate::dcql::{Query, SD_JWT_VC};
use crate::web::UrlPolicy;

use super::{
    ClientId, DECLARATIONS_FORMAT, HASH_ALG, REQUEST_TYP, RESPONSE_MODE, RESPONSE_TYPE, Refusal, RequestUri,
    STATIC_AUDIENCE, TransactionData, VerifiedRequest, WalletError, is_url_safe,
};

/// How far ahead of ours the verifier's clock may be, in seconds.
const CLOCK_SKEW: i64 = 60;

/// Whom a wallet answers.
#[derive(Clone, Copy)]
pub struct RequestTrust<'a> {
    /// Anchors for `x509_san_dns`.
    pub anchors: &'a TrustAnchors,
    /// The verifiers that are answered. `None` answers every verifier with a certificate under an anchor; a verifier with
    /// a DID is answered only if it is in the list, because a DID says nothing about whose it is.
    pub verifiers: Option<&'a [TrustedVerifier]>,
    /// Which URLs are used.
    pub urls: UrlPolicy,
    /// Checks signatures.
    pub signatures: &'a dyn SignatureVerifier,
    /// The time now.
    pub now: UnixTime,
}

/// A verifier that a wallet answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedVerifier {
    /// The full client id.
    pub client_id: String,
    /// The host that answers go to, where the client id does not name one (`decentralized_identifier`).
    pub response_host: Option<String>,
}

fn broken(code: &'static str, at: &str, detail: impl Into<String>) -> Refusal {
    let failure = Failure::new("request-object", code, detail)
        .at(at)
        .remedy("sign a request object as OpenID4VP 1.0 §5 says");
    WalletError::InvalidRequest.because(failure)
}

fn invalid(failure: Failure) -> Refusal {
    WalletError::InvalidRequest.because(failure)
}

/// Verifies a request object that was fetched from `expected.request_uri`. `wallet_nonce` is what was posted, `None`
/// after a GET.
///
/// # Errors
/// A [`Refusal`]; see VP-1 … VP-26 and N1 … N10 of the OpenID4VP checklist for the rules.
pub fn verify_request(
    compact: &str,
    expected: &RequestUri,
    wallet_nonce: Option<&str>,
    trust: &RequestTrust<'_>,
) -> Result<VerifiedRequest, Refusal> {
    let jws = UnverifiedJws::parse(compact).map_err(invalid)?;
    let key = signing_key(&jws, &expected.client_id, trust).map_err(invalid)?;
    let signed =
        jws.verify(trust.signatures, &key, &Expected::new(REQUEST_TYP, ES256_OR_EDDSA)).map_err(invalid)?;
    let claims = signed.claims();
    let client_id = expected.client_id.to_string();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("client_id") != Some(client_id.as_str()) {
        return Err(broken("client_id_mismatch", "/client_id", "`client_id` differs inside and outside"));
    }
    let trusted = trusted_entry(&expected.client_id, &client_id, trust)?;
    check_times(claims, trust.now)?;
    if text("aud") != Some(STATIC_AUDIENCE) {
        return Err(broken("aud_mismatch", "/aud", "`aud` is not https://self-issued.me/v2"));
    }
    if text("response_type") != Some(RESPONSE_TYPE) {
        return Err(broken("response_type_unsupported", "/response_type", "`response_type` is not vp_token"));
    }
    if text("response_mode") != Some(RESPONSE_MODE) {
        let detail = "`response_mode` is not direct_post.jwt";
        return Err(broken("response_mode_unsupported", "/response_mode", detail));
    }
    let response_uri = response_uri(claims, &expected.client_id, trusted, trust.urls)?;
    if wallet_nonce.is_some() && text("wallet_nonce") != wallet_nonce {
        let detail = "`wallet_nonce` was not returned as it was sent";
        return Err(broken("wallet_nonce_mismatch", "/wallet_nonce", detail));
    }
    let nonce = text("nonce").filter(|nonce| is_url_safe(nonce));
    let nonce = nonce.ok_or_else(|| broken("nonce_invalid", "/nonce", "no URL-safe `nonce`"))?;
    let state = match claims.get("state") {
        None => None,
        Some(Value::String(state)) if is_url_safe(state) => Some(state.clone()),
        Some(_) => return Err(broken("state_invalid", "/state", "`state` is not URL-safe ASCII")),
    };
    let query = query(claims)?;
    let (encryption_key, encryption) = client_metadata(claims, &key)?;
    let transaction_data = transaction_data(claims, &query)?;
    Ok(VerifiedRequest {
        client_id: expected.client_id.clone(),
        signing_key: key,
        response_uri,
        nonce: nonce.to_owned(),
        state,
        query,
        encryption_key,
        encryption,
        transaction_data,
        hashes_alg_requested: claims.contains_key("transaction_data_hashes_alg"),
        declarations: declarations(claims)?,
        exp: claims.get("exp").and_then(Value::as_i64).map(UnixTime::from_secs),
    })
}

fn signing_key(jws: &UnverifiedJws, client_id: &ClientId, trust: &RequestTrust<'_>) -> Verdict<Jwk> {
    let hint = jws.key_hint();
    let fault = |code, detail: &'static str| {
        Err(Failure::new("request-signer", code, detail)
            .remedy("sign with the key that the client identifier prefix names (OpenID4VP 1.0 §5.9)"))
    };
    match client_id {
        ClientId::X509SanDns(dns) => {
            if hint.x5c.is_empty() {
                return fault("x5c_missing", "`x509_san_dns` needs `x5c` in the header");
            }
            let leaf = x509::verify_chain(hint.x5c, trust.anchors, trust.now)?;
            if !leaf.has_dns_name(dns) {
                return fault("client_id_not_in_certificate", "the certificate does not name the client id");
            }
            Ok(leaf.key)
        }
        ClientId::DecentralizedIdentifier(did) => {
            let Some(url) = hint.kid.and_then(|kid| DidUrl::parse(kid).ok()) else {
                return fault("kid_missing", "`decentralized_identifier` needs a DID URL as `kid`");
            };
            if url.did() != *did {
                return fault("client_id_not_of_key", "`kid` belongs to another DID than the client id");
            }
            resolve_key(&url, Relationship::Authentication)
        }
    }
}

fn trusted_entry<'t>(
    client_id: &ClientId,
    full: &str,
    trust: &RequestTrust<'t>,
) -> Result<Option<&'t TrustedVerifier>, Refusal> {
    let entry = trust.verifiers.and_then(|list| list.iter().find(|one| one.client_id == full));
    let listed_only = trust.verifiers.is_some() || matches!(client_id, ClientId::DecentralizedIdentifier(_));
    if listed_only && entry.is_none() {
        let failure =
            Failure::new("trusted-verifier", "verifier_untrusted", "the verifier is not a trusted one")
                .at("/client_id")
                .remedy("have the verifier added to the wallet's list");
        return Err(WalletError::InvalidRequest.because(failure));
    }
    Ok(entry)
}

fn check_times(claims: &Map<String, Value>, now: UnixTime) -> Result<(), Refusal> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(|secs| Some(UnixTime::from_secs(secs))).ok_or_else(|| {
            broken("claims_malformed", &format!("/{name}"), format!("`{name}` is not a whole number"))
        }),
    };
    if time("exp")?.is_some_and(|exp| exp <= now) {
        return Err(broken("request_expired", "/exp", "the request has expired"));
    }
    for name in ["iat", "nbf"] {
        if time(name)?.is_some_and(|at| at.since(now) > CLOCK_SKEW) {
            return Err(broken("request_from_future", &format!("/{name}"), "the request is from the future"));
        }
    }
    Ok(())
}

fn response_uri(
    claims: &Map<String, Value>,
    client_id: &ClientId,
    trusted: Option<&TrustedVerifier>,
    urls: UrlPolicy,
) -> Result<Url, Refusal> {
    if claims.contains_key("redirect_uri") {
        return Err(broken("redirect_uri_present", "/redirect_uri", "`redirect_uri` beside `response_uri`"));
    }
    let uri = claims.get("response_uri").and_then(Value::as_str);
    let uri =
        uri.ok_or_else(|| broken("response_uri_missing", "/response_uri", "`response_uri` is missing"))?;
    let uri = urls.check(uri).map_err(invalid)?;
    // §5.9: the answer goes to the host that the client id names. Also for verifiers in the list: there is no need
    // for anything else, and a stolen signing key then still leads home.
    let host = match client_id {
        ClientId::X509SanDns(dns) => Some(dns.as_str()),
        ClientId::DecentralizedIdentifier(_) => trusted.and_then(|entry| entry.response_host.as_deref()),
    };
    let found = uri.host_str().unwrap_or_default();
    if !host.is_some_and(|host| host.eq_ignore_ascii_case(found)) {
        return Err(broken("response_uri_foreign", "/response_uri", "the answer would go to another host"));
    }
    Ok(uri)
}

fn query(claims: &Map<String, Value>) -> Result<Query, Refusal> {
    match (claims.get("dcql_query"), claims.contains_key("scope")) {
        (Some(query), false) => Query::parse(query).map_err(invalid),
        (Some(_), true) => Err(broken("dcql_and_scope", "/scope", "both `dcql_query` and `scope`")),
        (None, _) => Err(broken("dcql_missing", "/dcql_query", "there is no `dcql_query`")),
    }
}

fn client_metadata(
    claims: &Map<String, Value>,
    signing_key: &Jwk,
) -> Result<(Jwk, ContentEncryption), Refusal> {
    let at = "/client_metadata";
    let metadata = claims.get("client_metadata").and_then(Value::as_object);
    let metadata =
        metadata.ok_or_else(|| broken("client_metadata_missing", at, "no `client_metadata` object"))?;
    check_formats(metadata)?;
    let keys = metadata.get("jwks").and_then(|jwks| jwks.get("keys")).and_then(Value::as_array);
    let keys = keys.ok_or_else(|| broken("encryption_key_missing", at, "there is no `jwks`"))?;
    let mut kids = HashSet::new();
    let mut chosen = None;
    for value in keys {
        let named = value.get("kid").and_then(Value::as_str).is_some_and(|kid| kids.insert(kid));
        if !named || !value.get("alg").is_some_and(Value::is_string) {
            return Err(broken("encryption_key_unnamed", at, "a key lacks `alg` or a `kid` of its own"));
        }
        // Keys of other types and for other purposes are not an error (RFC 7517 §5).
        let Ok(key) = Jwk::from_value(value) else { continue };
        let usable =
            key.alg.as_deref() == Some("ECDH-ES") && key.key_use.as_deref().is_none_or(|u| u == "enc");
        if usable && key.key != signing_key.key && chosen.is_none() {
            chosen = Some(key);
        }
    }
    let chosen = chosen
        .ok_or_else(|| broken("encryption_key_missing", at, "no key for ECDH-ES on P-256 or X25519"))?;
    let encryption = match metadata.get("encrypted_response_enc_values_supported") {
        None => ContentEncryption::A128Gcm,
        Some(list) => {
            let offered = |enc: &ContentEncryption| {
                list.as_array().is_some_and(|list| list.iter().any(|one| one.as_str() == Some(enc.as_str())))
            };
            let known = [ContentEncryption::A256Gcm, ContentEncryption::A128Gcm];
            known.into_iter().find(offered).ok_or_else(|| {
                broken("encryption_unsupported", at, "neither A256GCM nor A128GCM is offered")
            })?
        }
    };
    Ok((chosen, encryption))
}

fn check_formats(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    let refuse = |detail: &'static str| {
        let failure = Failure::new("vp-formats", "vp_formats_not_supported", detail)
            .at("/client_metadata/vp_formats_supported")
            .remedy("support dc+sd-jwt with ES256");
        Err(WalletError::VpFormatsNotSupported.because(failure))
    };
    let formats = metadata.get("vp_formats_supported").and_then(Value::as_object);
    let Some(ours) = formats.and_then(|formats| formats.get(SD_JWT_VC)) else {
        return refuse("the verifier does not take dc+sd-jwt");
    };
    for name in ["sd-jwt_alg_values", "kb-jwt_alg_values"] {
        let takes_ours = ours.get(name).is_none_or(|list| {
            list.as_array().is_some_and(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .any(|alg| Algorithm::from_name(alg).is_some_and(|alg| ES256_OR_EDDSA.contains(&alg)))
            })
        });
        if !takes_ours {
            return refuse("the verifier takes none of our signature algorithms");
        }
    }
    Ok(())
}

fn transaction_data(claims: &Map<String, Value>, query: &Query) -> Result<Vec<TransactionData>, Refusal> {
    let refuse = |code, detail: &'static str| {
        let failure = Failure::new("transaction-data", code, detail)
            .at("/transaction_data")
            .remedy("send transaction data of a supported type for credentials that the query asks for");
        WalletError::InvalidTransactionData.because(failure)
    };
    if let Some(algorithms) = claims.get("transaction_data_hashes_alg") {
        let ours = |list: &Vec<Value>| list.iter().any(|alg| alg.as_str() == Some(HASH_ALG));
        if !algorithms.as_array().is_some_and(ours) {
            return Err(refuse("transaction_data_hash_unsupported", "sha-256 is not offered"));
        }
    }
    let Some(value) = claims.get("transaction_data") else { return Ok(Vec::new()) };
    let array = value.as_array().filter(|array| !array.is_empty());
    let array = array.ok_or_else(|| refuse("transaction_data_invalid", "not a non-empty array"))?;
    let mut out = Vec::with_capacity(array.len());
    for value in array {
        let text = value.as_str().ok_or_else(|| refuse("transaction_data_invalid", "not a string"))?;
        let entry = TransactionData::parse(text)
            .map_err(|failure| WalletError::InvalidTransactionData.because(failure))?;
        if entry.kind() != consent::TYPE {
            return Err(refuse("transaction_data_type_unknown", "the type is not known"));
        }
        for id in entry.credential_ids() {
            let part = query.credential(id);
            let part =
                part.ok_or_else(|| refuse("credential_ids_foreign", "names an id that the query has not"))?;
            if !part.require_holder_binding {
                return Err(refuse("holder_binding_waived", "nobody would sign the transaction data"));
            }
        }
        out.push(entry);
    }
    Ok(out)
}

fn declarations(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let malformed = || broken("verifier_info_malformed", "/verifier_info", "`verifier_info` is malformed");
    let Some(value) = claims.get("verifier_info") else { return Ok(Vec::new()) };
    let entries = value.as_array().filter(|entries| !entries.is_empty()).ok_or_else(malformed)?;
    let mut out = Vec::new();
    for entry in entries {
        let format = entry.get("format").and_then(Value::as_str).ok_or_else(malformed)?;
        if format != DECLARATIONS_FORMAT {
            continue;
        }
        let list = entry.get("data").and_then(|data| data.get("declarations")).and_then(Value::as_array);
        for text in list.ok_or_else(malformed)? {
            out.push(text.as_str().ok_or_else(malformed)?.to_owned());
        }
    }
    Ok(out)
}
