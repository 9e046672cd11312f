use std::collections::BTreeMap;

use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwe::{ContentEncryption, JweBackend, JweHeader};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::jose::jws;
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;
use enishi_credential::x509::TrustAnchors;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dcql::{CredentialQuery, Query};
use crate::fixture::{Consent, Ids, Town, certificates, key};
use crate::web::UrlPolicy;

const NOW: UnixTime = UnixTime::from_secs(1_795_344_000);

/// A request by a verifier with a certificate, and how a wallet takes it.
struct Case {
    town: Town,
    consent: Consent,
    signing: PrivateJwk,
    chain: Vec<Vec<u8>>,
    anchors: TrustAnchors,
    uri: RequestUri,
    verifiers: Option<Vec<TrustedVerifier>>,
}

impl Case {
    async fn new() -> Self {
        let town = Town::new(Ids::default(), NOW).await;
        let mut consent = town.request(town.terms("grant-1"));
        let client_id = ClientId::X509SanDns("verifier.example".to_owned());
        consent.object.client_id = client_id.to_string();
        let signing = key("rp-leaf");
        let (anchors, chain) = certificates(&signing, Some("verifier.example"), None);
        let text =
            RequestUri::to_wallet_uri(&client_id, "https://verifier.example/r/1", RequestUriMethod::Post);
        let uri = RequestUri::parse(&text, UrlPolicy::HttpsOnly).unwrap();
        assert_eq!(uri.method, RequestUriMethod::Post);
        Self { town, consent, signing, chain, anchors, uri, verifiers: None }
    }

    fn claims(&self) -> Value {
        let mut claims = serde_json::to_value(&self.consent.object).unwrap();
        claims["wallet_nonce"] = json!("wn");
        claims
    }

    async fn sign(&self, typ: Option<&str>, claims: &Value) -> String {
        use base64::Engine as _;
        let signer = SoftwareSigner::new(self.signing.clone()).unwrap();
        let mut header = jws::header(typ.unwrap_or_default(), &signer);
        if typ.is_none() {
            header.remove("typ");
        }
        let encode = |der: &Vec<u8>| Value::String(base64::engine::general_purpose::STANDARD.encode(der));
        if !self.chain.is_empty() {
            header.insert("x5c".to_owned(), self.chain.iter().map(encode).collect());
        }
        jws::sign(&signer, header, claims).await.unwrap()
    }

    fn verify(&self, compact: &str, wallet_nonce: Option<&str>) -> Result<VerifiedRequest, Refusal> {
        let trust = RequestTrust {
            anchors: &self.anchors,
            verifiers: self.verifiers.as_deref(),
            urls: UrlPolicy::HttpsOnly,
            signatures: &RustCryptoVerifier,
            now: NOW,
        };
        verify_request(compact, &self.uri, wallet_nonce, &trust)
    }

    /// The refusal of a request with this change.
    async fn refused(&self, change: impl FnOnce(&mut Value)) -> (WalletError, &'static str) {
        let mut claims = self.claims();
        change(&mut claims);
        let compact = self.sign(Some(REQUEST_TYP), &claims).await;
        let refusal = self.verify(&compact, Some("wn")).unwrap_err();
        (refusal.error, refusal.failure.code)
    }
}

const INVALID: WalletError = WalletError::InvalidRequest;

#[tokio::test]
async fn a_request_by_certificate_is_read() {
    let case = Case::new().await;
    let compact = case.sign(Some(REQUEST_TYP), &case.claims()).await;
    let request = case.verify(&compact, Some("wn")).unwrap();
    assert_eq!(request.client_id.to_string(), "x509_san_dns:verifier.example");
    assert_eq!(request.encryption, ContentEncryption::A256Gcm, "the stronger of both");
    assert_eq!(request.consent().unwrap(), case.consent.pair);
    assert_eq!(request.declarations, case.town.declarations);
    let claims = request.transaction_data_claims("dp_link");
    assert_eq!(claims["transaction_data_hashes"], json!([case.consent.pair.terms_sha256()]));
    assert_eq!(claims["transaction_data_hashes_alg"], "sha-256");
    assert!(request.transaction_data_claims("other").is_empty());
}

#[tokio::test]
async fn vp_n1_type_and_signature_must_hold() {
    let mut case = Case::new().await;
    for typ in [None, Some("JWT"), Some("oauth-authz-req")] {
        let compact = case.sign(typ, &case.claims()).await;
        assert_eq!(case.verify(&compact, Some("wn")).unwrap_err().failure.code, "typ_not_allowed");
    }
    let compact = case.sign(Some(REQUEST_TYP), &case.claims()).await;
    let (rest, _) = compact.rsplit_once('.').unwrap();
    let forged = format!("{rest}.{}", b64::encode([1; 64]));
    assert_eq!(case.verify(&forged, Some("wn")).unwrap_err().failure.code, "signature_invalid");
    let (_, payload) = rest.split_once('.').unwrap();
    let none = format!("{}.{payload}.", b64::encode(r#"{"alg":"none","typ":"oauth-authz-req+jwt"}"#));
    assert_eq!(case.verify(&none, Some("wn")).unwrap_err().failure.code, "alg_not_allowed");
    case.signing = key("another");
    let compact = case.sign(Some(REQUEST_TYP), &case.claims()).await;
    assert_eq!(case.verify(&compact, Some("wn")).unwrap_err().failure.code, "signature_invalid");
}

#[tokio::test]
async fn vp_n2_client_id_is_the_same_inside_and_outside() {
    let case = Case::new().await;
    for inner in [json!("verifier.example"), json!("x509_san_dns:other.example"), Value::Null] {
        assert_eq!(case.refused(|c| c["client_id"] = inner).await, (INVALID, "client_id_mismatch"));
    }
}

#[tokio::test]
async fn vp_n3_certificate_host_and_anchor_must_fit() {
    let mut case = Case::new().await;
    let elsewhere = json!("https://evil.example/responses/1");
    assert_eq!(case.refused(|c| c["response_uri"] = elsewhere).await, (INVALID, "response_uri_foreign"));
    let (_, chain) = certificates(&case.signing, Some("other.example"), None);
    let good = std::mem::replace(&mut case.chain, chain);
    assert_eq!(case.refused(|_| ()).await, (INVALID, "client_id_not_in_certificate"));
    case.chain = Vec::new();
    assert_eq!(case.refused(|_| ()).await, (INVALID, "x5c_missing"));
    case.chain = good;
    let anchors = std::mem::take(&mut case.anchors);
    assert_eq!(case.refused(|_| ()).await.0, INVALID);
    case.anchors = anchors;
    case.verifiers = Some(Vec::new());
    assert_eq!(case.refused(|_| ()).await, (INVALID, "verifier_untrusted"));
}

#[test]
fn vp_n4_n5_other_prefixes_are_refused() {
    for text in [
        "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk",
        "redirect_uri:https://verifier.example/cb",
        "origin:https://verifier.example",
        "openid_federation:https://verifier.example",
        "verifier_attestation:x",
        "https://verifier.example",
        "verifier",
        "did:jwk:x",
    ] {
        assert_eq!(ClientId::parse(text).unwrap_err().code, "client_id_prefix_not_supported", "{text}");
    }
    for text in ["x509_san_dns:", "x509_san_dns:a b", "x509_san_dns:a..b", "decentralized_identifier:x"] {
        assert_eq!(ClientId::parse(text).unwrap_err().code, "client_id_malformed", "{text}");
    }
}

#[tokio::test]
async fn vp_n6_the_wallet_nonce_comes_back() {
    let case = Case::new().await;
    let code = (INVALID, "wallet_nonce_mismatch");
    assert_eq!(case.refused(|c| c["wallet_nonce"] = json!("other")).await, code);
    assert_eq!(case.refused(|c| drop(c.as_object_mut().unwrap().remove("wallet_nonce"))).await, code);
}

#[tokio::test]
async fn vp_n7_exactly_one_query() {
    let case = Case::new().await;
    assert_eq!(case.refused(|c| c["scope"] = json!("x")).await, (INVALID, "dcql_and_scope"));
    let none = |c: &mut Value| drop(c.as_object_mut().unwrap().remove("dcql_query"));
    assert_eq!(case.refused(none).await, (INVALID, "dcql_missing"));
    let text = |c: &mut Value| c["dcql_query"] = json!(c["dcql_query"].to_string());
    assert_eq!(case.refused(text).await, (INVALID, "dcql_invalid"));
}

#[test]
fn vp_n8_request_uri_method_is_case_sensitive() {
    let parse = |query: &str| RequestUri::parse(&format!("openid4vp://?{query}"), UrlPolicy::HttpsOnly);
    let base = "client_id=x509_san_dns%3Av.example&request_uri=https%3A%2F%2Fv.example%2Fr";
    assert_eq!(parse(base).unwrap().method, RequestUriMethod::Get);
    for method in ["POST", "put", ""] {
        let refusal = parse(&format!("{base}&request_uri_method={method}")).unwrap_err();
        assert_eq!(refusal.error, WalletError::InvalidRequestUriMethod);
    }
    for bad in [
        "client_id=x509_san_dns%3Av.example",
        "request_uri=https%3A%2F%2Fv.example%2Fr",
        &format!("{base}&client_id=x509_san_dns%3Av.example"),
        &format!("{base}&request=ey"),
        "client_id=x509_san_dns%3Av.example&request_uri=http%3A%2F%2Fv.example%2Fr",
        "client_id=x509_san_dns%3Av.example&request_uri=https%3A%2F%2Fv.example%2Fr&request_uri_method=post&request_uri_method=get",
    ] {
        assert_eq!(parse(bad).unwrap_err().error, INVALID, "{bad}");
    }
}

#[tokio::test]
async fn vp_22_times_audience_and_modes_are_checked() {
    let case = Case::new().await;
    assert_eq!(case.refused(|c| c["aud"] = json!("https://wallet.example")).await, (INVALID, "aud_mismatch"));
    assert_eq!(case.refused(|c| c["exp"] = json!(NOW)).await, (INVALID, "request_expired"));
    assert_eq!(case.refused(|c| c["iat"] = json!(NOW.plus(61))).await, (INVALID, "request_from_future"));
    assert_eq!(case.refused(|c| c["exp"] = json!("soon")).await, (INVALID, "claims_malformed"));
    assert_eq!(
        case.refused(|c| c["response_mode"] = json!("direct_post")).await,
        (INVALID, "response_mode_unsupported")
    );
    assert_eq!(
        case.refused(|c| c["response_type"] = json!("code")).await,
        (INVALID, "response_type_unsupported")
    );
    let both = |c: &mut Value| c["redirect_uri"] = json!("https://verifier.example/cb");
    assert_eq!(case.refused(both).await, (INVALID, "redirect_uri_present"));
    for nonce in [Value::Null, json!(""), json!("a b"), json!("ä")] {
        assert_eq!(case.refused(|c| c["nonce"] = nonce).await, (INVALID, "nonce_invalid"));
    }
    assert_eq!(case.refused(|c| c["state"] = json!("a b")).await, (INVALID, "state_invalid"));
}

#[tokio::test]
async fn vp_7_encryption_keys_are_named_and_are_not_the_signing_key() {
    let case = Case::new().await;
    let key_of = |c: &mut Value| c["client_metadata"]["jwks"]["keys"][0].as_object_mut().unwrap().clone();
    for member in ["kid", "alg"] {
        let refused = case
            .refused(|c| {
                let mut key = key_of(c);
                key.remove(member);
                c["client_metadata"]["jwks"]["keys"] = json!([key]);
            })
            .await;
        assert_eq!(refused, (INVALID, "encryption_key_unnamed"));
    }
    let twice = |c: &mut Value| {
        let key = key_of(c);
        c["client_metadata"]["jwks"]["keys"] = json!([key, key]);
    };
    assert_eq!(case.refused(twice).await, (INVALID, "encryption_key_unnamed"));
    let signing = case.signing.public().clone().for_encryption();
    let own = |c: &mut Value| c["client_metadata"]["jwks"]["keys"] = json!([signing]);
    assert_eq!(case.refused(own).await, (INVALID, "encryption_key_missing"));
    let foreign = json!(["A256CBC-HS512"]);
    let enc = |c: &mut Value| c["client_metadata"]["encrypted_response_enc_values_supported"] = foreign;
    assert_eq!(case.refused(enc).await, (INVALID, "encryption_unsupported"));
    let formats = |c: &mut Value| c["client_metadata"]["vp_formats_supported"] = json!({"mso_mdoc": {}});
    let unsupported = (WalletError::VpFormatsNotSupported, "vp_formats_not_supported");
    assert_eq!(case.refused(formats).await, unsupported);
}

#[tokio::test]
async fn vp_n10_transaction_data_that_is_not_understood_is_refused() {
    let case = Case::new().await;
    let code = |code| (WalletError::InvalidTransactionData, code);
    let entry = |kind: &str, id: &str| TransactionData::new(kind, &[id], serde_json::Map::new());
    let set = |entry: TransactionData| move |c: &mut Value| c["transaction_data"] = json!([entry.encoded()]);
    let unknown = set(entry("urn:other:1", "sp_link"));
    assert_eq!(case.refused(unknown).await, code("transaction_data_type_unknown"));
    let foreign = set(entry("urn:enishi:consent:1", "third"));
    assert_eq!(case.refused(foreign).await, code("credential_ids_foreign"));
    assert_eq!(case.refused(|c| c["transaction_data"] = json!([])).await, code("transaction_data_invalid"));
    assert_eq!(case.refused(|c| c["transaction_data"] = json!("x")).await, code("transaction_data_invalid"));
    let sha512 = |c: &mut Value| c["transaction_data_hashes_alg"] = json!(["sha-512"]);
    assert_eq!(case.refused(sha512).await, code("transaction_data_hash_unsupported"));
    let waived = |c: &mut Value| {
        c["dcql_query"]["credentials"][0]["require_cryptographic_holder_binding"] = json!(false);
    };
    assert_eq!(case.refused(waived).await, code("holder_binding_waived"));
}

#[tokio::test]
async fn vp_n19_unknown_members_are_ignored() {
    let case = Case::new().await;
    let mut claims = case.claims();
    claims["x"] = json!(1);
    claims["client_metadata"]["x"] = json!(1);
    claims["verifier_info"].as_array_mut().unwrap().push(json!({"format": "x", "data": 1}));
    let compact = case.sign(Some(REQUEST_TYP), &claims).await;
    assert!(case.verify(&compact, Some("wn")).is_ok());
}

#[tokio::test]
async fn a_did_is_answered_only_if_listed_and_only_at_its_host() {
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let request = town.received(&consent).await;
    assert_eq!(request.consent().unwrap(), consent.pair);
    let ClientId::DecentralizedIdentifier(did) = &consent.client_id else { panic!() };
    let how = RequestSigner::Did(did.verification_method().unwrap());
    let compact = consent.object.sign(&town.verifier, &how, None).await.unwrap();
    let uri = RequestUri::to_wallet_uri(&consent.client_id, "https://v.example/r", RequestUriMethod::Get);
    let uri = RequestUri::parse(&uri, UrlPolicy::HttpsOnly).unwrap();
    let mut list = town.trusted_verifiers();
    list[0].response_host = Some("other.example".to_owned());
    let anchors = TrustAnchors::default();
    let verify = |verifiers: Option<&[TrustedVerifier]>| {
        let trust = RequestTrust {
            anchors: &anchors,
            verifiers,
            urls: UrlPolicy::HttpsOnly,
            signatures: &RustCryptoVerifier,
            now: NOW,
        };
        verify_request(&compact, &uri, None, &trust).unwrap_err().failure.code
    };
    assert_eq!(verify(None), "verifier_untrusted");
    assert_eq!(verify(Some(&[])), "verifier_untrusted");
    assert_eq!(verify(Some(&list)), "response_uri_foreign");
}

/// Opens a posted form as the verifier of `consent`.
fn open(consent: &Consent, body: &str) -> Verdict<WalletAnswer> {
    let expected = ResponseExpectation {
        key: &consent.response_key,
        state: "state-1",
        query: &consent.object.dcql_query,
    };
    IncomingResponse::parse(body.as_bytes())?.open(&expected, &RustCryptoJwe)
}

#[tokio::test]
async fn an_answer_and_a_refusal_arrive_encrypted() {
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let request = town.received(&consent).await;
    let token = BTreeMap::from(["sp_link", "dp_link"].map(|id| (id.to_owned(), vec![format!("{id}~")])));
    let post = request.answer(&token, &RustCryptoJwe, &town.entropy).unwrap();
    assert_eq!(post.uri.as_str(), "https://verifier.example/responses/1");
    let WalletAnswer::Presented(found) = open(&consent, &post.body).unwrap() else { panic!() };
    assert_eq!(found.single("dp_link").unwrap(), "dp_link~");
    assert_eq!(found.single("other").unwrap_err().code, "presentations_incomplete");
    let no = request.decline(WalletError::AccessDenied, &RustCryptoJwe, &town.entropy).unwrap();
    assert_eq!(open(&consent, &no.body).unwrap(), WalletAnswer::Declined("access_denied".to_owned()));
    assert!(!no.body.contains("access_denied"));
    let plain = open(&consent, "error=wallet_unavailable&state=state-1").unwrap();
    assert_eq!(plain, WalletAnswer::Declined("wallet_unavailable".to_owned()));
}

/// Seals any payload as an answer.
fn sealed(consent: &Consent, payload: &Value, change: impl FnOnce(JweHeader) -> JweHeader) -> String {
    let key = consent.response_key.public();
    let header = change(JweHeader::new(ContentEncryption::A128Gcm).kid(key.kid.clone()));
    let entropy = enishi_credential::entropy::SeededEntropy::new("seal");
    let jwe = RustCryptoJwe.seal(key, &header, payload.to_string().as_bytes(), &entropy).unwrap();
    format!("response={jwe}")
}

#[tokio::test]
async fn vp_n11_malformed_vp_tokens_are_refused() {
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let code = |token: Value| {
        let payload = json!({"vp_token": token, "state": "state-1"});
        open(&consent, &sealed(&consent, &payload, |h| h)).unwrap_err().code
    };
    assert!(
        open(
            &consent,
            &sealed(
                &consent,
                &json!({"vp_token": {"sp_link": ["a"], "dp_link": ["b"]}, "state": "state-1"}),
                |h| h
            )
        )
        .is_ok()
    );
    assert_eq!(code(json!("a~")), "vp_token_malformed");
    assert_eq!(code(json!(["a~"])), "vp_token_malformed");
    assert_eq!(code(json!({"sp_link": "a~", "dp_link": ["b"]})), "vp_token_malformed");
    assert_eq!(code(json!({"sp_link": [], "dp_link": ["b"]})), "vp_token_malformed");
    assert_eq!(code(json!({"sp_link": [{}], "dp_link": ["b"]})), "vp_token_malformed");
    assert_eq!(code(json!({"sp_link": ["a", "b"], "dp_link": ["b"]})), "too_many_presentations");
    assert_eq!(code(json!({"sp_link": ["a"], "dp_link": ["b"], "x": ["c"]})), "query_id_unknown");
    assert_eq!(code(json!({"sp_link": ["a"]})), "presentations_incomplete");
    assert_eq!(code(json!({})), "presentations_incomplete");
}

#[tokio::test]
async fn vp_n15_plain_foreign_and_unoffered_encryption_is_refused() {
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let payload = json!({"vp_token": {"sp_link": ["a"], "dp_link": ["b"]}, "state": "state-1"});
    let code = |body: &str| open(&consent, body).unwrap_err().code;
    assert_eq!(code("vp_token=%7B%7D&state=state-1"), "response_not_encrypted");
    assert_eq!(code("state=state-1"), "response_malformed");
    assert_eq!(code("response=a&response=b"), "response_malformed");
    assert_eq!(code("response=x&error=y"), "response_malformed");
    assert_eq!(code("response=x"), "response_malformed");
    let no_kid = sealed(&consent, &payload, |h| h.kid(None));
    assert_eq!(code(&no_kid), "response_key_unknown");
    let other = sealed(&consent, &payload, |h| h.kid(Some("other".to_owned())));
    assert_eq!(code(&other), "response_key_unknown");
    let mut foreign = town.request(town.terms("grant-1"));
    foreign.response_key = key("x").map_public(|jwk| jwk.with_kid("response-1"));
    assert_eq!(code(&sealed(&foreign, &payload, |h| h)), "response_not_for_this_key");
    let good = sealed(&consent, &payload, |h| h);
    let rest = good.split_once('.').unwrap().1;
    for header in [
        r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM","kid":"response-1"}"#,
        r#"{"alg":"ECDH-ES","enc":"A128CBC-HS256","kid":"response-1"}"#,
        r#"{"alg":"ECDH-ES","enc":"A128GCM","kid":"response-1","zip":"DEF"}"#,
    ] {
        let body = format!("response={}.{rest}", b64::encode(header));
        assert_eq!(code(&body), "response_encryption_not_allowed");
    }
}

#[tokio::test]
async fn vp_n16_another_state_is_refused() {
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let token = json!({"sp_link": ["a"], "dp_link": ["b"]});
    for state in [json!("state-2"), Value::Null, json!(1)] {
        let payload = json!({"vp_token": token, "state": state});
        assert_eq!(open(&consent, &sealed(&consent, &payload, |h| h)).unwrap_err().code, "state_mismatch");
    }
    assert_eq!(open(&consent, "error=access_denied").unwrap_err().code, "state_mismatch");
}

#[tokio::test]
async fn vp_n12_n13_n14_a_wrong_kb_jwt_or_credential_is_refused() {
    use enishi_credential::sdjwt::KeyBindingClaims;
    let town = Town::new(Ids::default(), NOW).await;
    let consent = town.request(town.terms("grant-1"));
    let sp = town.credential("resident-1", &town.sp, None).await;
    let dp = town.credential("resident-1", &town.dp, None).await;
    let answered = town.answer(&consent, &sp, &dp).await;
    let hash = consent.pair.sp_hash();
    let decoded = String::from_utf8(b64::decode(consent.pair.sp()).unwrap()).unwrap();
    let good = json!({"transaction_data_hashes": [hash], "transaction_data_hashes_alg": "sha-256"});
    let client_id = consent.client_id.to_string();
    let bare_id = client_id.split_once(':').unwrap().1;
    let mismatch = "transaction_data_hash_mismatch";
    let cases: Vec<(&str, &str, i64, Value, &str)> = vec![
        (&client_id, "nonce-2", 0, good.clone(), "kb_nonce_mismatch"),
        (bare_id, "nonce-1", 0, good.clone(), "kb_audience_mismatch"),
        (&client_id, "nonce-1", -3600, good.clone(), "kb_too_old"),
        (&client_id, "nonce-1", 3600, good.clone(), "kb_from_the_future"),
        (&client_id, "nonce-1", 0, json!({}), mismatch),
        (&client_id, "nonce-1", 0, json!({"transaction_data_hashes": [hash]}), mismatch),
        (
            &client_id,
            "nonce-1",
            0,
            json!({"transaction_data_hashes": [hash], "transaction_data_hashes_alg": "sha-512"}),
            mismatch,
        ),
        (
            &client_id,
            "nonce-1",
            0,
            json!({"transaction_data_hashes": [super::hash(&decoded)], "transaction_data_hashes_alg": "sha-256"}),
            mismatch,
        ),
        (
            &client_id,
            "nonce-1",
            0,
            json!({"transaction_data_hashes": [hash, hash], "transaction_data_hashes_alg": "sha-256"}),
            mismatch,
        ),
    ];
    for (aud, nonce, shift, extra, expected) in cases {
        let claims = KeyBindingClaims {
            aud: aud.to_owned(),
            nonce: nonce.to_owned(),
            iat: NOW.plus(shift),
            extra: extra.as_object().unwrap().clone(),
        };
        let bound = sp.held.present_mediated().unwrap().bind(&sp.signer, claims).await.unwrap();
        let verdict = town.verify(&consent, &[bound, answered.presentations[1].clone()]);
        assert_eq!(verdict.unwrap_err().code, expected);
    }
    let unbound = sp.held.present_mediated().unwrap().into_unbound();
    let verdict = town.verify(&consent, &[unbound, answered.presentations[1].clone()]);
    assert_eq!(verdict.unwrap_err().code, "kb_missing");
    assert!(town.verify(&consent, &answered.presentations).is_ok());
}

#[test]
fn vp_52_the_reply_may_send_the_browser_on() {
    let parse = |body: &str| parse_direct_post_reply(body.as_bytes(), UrlPolicy::HttpsOnly);
    assert_eq!(parse("{}").unwrap(), None);
    let next = parse(r#"{"redirect_uri":"https://portal.example/done?response_code=x"}"#).unwrap();
    assert_eq!(next.unwrap().host_str(), Some("portal.example"));
    for bad in ["", "[]", r#"{"redirect_uri":1}"#, r#"{"redirect_uri":"javascript:alert(1)"}"#] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn parsing_what_others_send_never_panics(text: String, body: Vec<u8>) {
        let _ = ClientId::parse(&text);
        let _ = RequestUri::parse(&text, UrlPolicy::LoopbackHttpToo);
        let _ = parse_direct_post_reply(&body, UrlPolicy::HttpsOnly);
        if let Ok(incoming) = IncomingResponse::parse(&body) {
            let key = key("k");
            let query = Query::all_of(vec![CredentialQuery::sd_jwt_vc("a", "b")]).unwrap();
            let expected = ResponseExpectation { key: &key, state: "s", query: &query };
            let _ = incoming.open(&expected, &RustCryptoJwe);
        }
    }
}
