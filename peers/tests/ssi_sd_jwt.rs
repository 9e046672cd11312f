//! `ssi-sd-jwt` and ours, both ways. It adds no decoys when it issues.

use std::borrow::Cow;

use enishi_credential::sdjwt::KeyBindingPolicy;
use enishi_peers::{
    AUD, EXP, NONCE, NOW, POINTERS, bound, claims, issue, key, machine_time, none, path, plain, present,
    signed, some, verify, verify_at,
};
use serde_json::{Map, Value};
use ssi_claims_core::VerificationParameters;
use ssi_core::JsonPointerBuf;
use ssi_jwk::JWK;
use ssi_jws::JwsPayload;
use ssi_jwt::{ExpirationTime, IssuedAt, JWTClaims, NotBefore, NumericDate};
use ssi_sd_jwt::{ConcealJwtClaims as _, KbJwtPayload, SdAlg, SdJwt, SdJwtBuf, SdJwtPayload};

fn jwk(name: &str) -> JWK {
    serde_json::from_value(key(name).to_secret_value()).unwrap()
}

/// What it reads from a text, if the issuer's signature holds and the dates fit.
async fn read(text: &str) -> Value {
    let params = VerificationParameters::from_resolver(jwk("issuer"));
    let (revealed, verdict) = SdJwt::new(text).unwrap().decode_reveal_verify_any(params).await.unwrap();
    assert_eq!(verdict, Ok(()));
    let claims: Map<String, Value> =
        serde_json::from_str(&serde_json::to_string(revealed.claims()).unwrap()).unwrap();
    plain(claims)
}

fn pointers() -> [JsonPointerBuf; 6] {
    POINTERS.map(|pointer| JsonPointerBuf::new(pointer.to_owned()).unwrap())
}

/// Its payload, with the `typ` that a credential must have. By itself it writes none.
struct Credential(SdJwtPayload);

impl JwsPayload for Credential {
    fn typ(&self) -> Option<&str> {
        Some("dc+sd-jwt")
    }

    fn payload_bytes(&self) -> Cow<'_, [u8]> {
        self.0.payload_bytes()
    }
}

/// It issues the claims that we issue too.
async fn issued() -> SdJwtBuf {
    let (payload, disclosures) = SdJwtPayload::conceal(&claims(), SdAlg::Sha256, &pointers()).unwrap();
    let jwt = Credential(payload).sign(jwk("issuer")).await.unwrap();
    let text = disclosures.iter().fold(format!("{jwt}~"), |text, it| text + &it.encoded.to_string() + "~");
    SdJwtBuf::new(text).unwrap()
}

/// It presents some of them.
async fn shown() -> SdJwtBuf {
    let issued = issued().await;
    let mut revealed = issued.decode_reveal_any().unwrap();
    let hidden = ["/height", "/seat/row"].map(|pointer| JsonPointerBuf::new(pointer.to_owned()).unwrap());
    assert_eq!(revealed.reject(&hidden).len(), 2);
    revealed.into_encoded()
}

#[tokio::test]
async fn it_verifies_what_ours_issues() {
    let issued = issue().await;
    assert_eq!(read(&issued).await, plain(claims()));
    assert_eq!(read(&format!("{}~", issued.split('~').next().unwrap())).await, none());
}

#[tokio::test]
async fn it_verifies_what_ours_presents() {
    let (paths, seen) = some();
    let text = present(&issue().await, &paths).await;
    assert_eq!(read(&text).await, seen);

    // It verifies signature, `typ` and dates of a Key Binding JWT when asked to, with the key that it is given. That the key
    // is the one in `cnf`, and `aud`, `nonce` and `sd_hash`, are the caller's to compare.
    let sd_jwt = SdJwt::new(&text).unwrap();
    let binding = sd_jwt.decode_kb().unwrap().unwrap();
    let verdict = binding.verify(VerificationParameters::from_resolver(jwk("holder"))).await.unwrap();
    assert_eq!(verdict, Ok(()));
    let payload = &binding.signing_bytes.payload;
    assert_eq!((payload.aud.as_str(), payload.nonce.0.as_str()), (AUD, NONCE));
    assert!(payload.sd_hash.verify(SdAlg::Sha256, sd_jwt));
}

#[tokio::test]
async fn ours_verifies_what_it_issues() {
    let verified = verify(issued().await.as_str(), "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap();
    assert_eq!(plain(verified.claims().clone()), plain(claims()));
    assert_eq!(verified.disclosed().len(), POINTERS.len());
    for pointer in POINTERS {
        assert!(verified.disclosed().contains(&path(pointer)), "{pointer}");
    }
}

/// SD-JWT VC §2.2.1 demands a `typ`, and its way to issue in one step writes none.
#[tokio::test]
async fn ours_refuses_what_it_issues_without_a_typ() {
    let theirs: JWTClaims = serde_json::from_value(Value::Object(claims())).unwrap();
    let issued = theirs.conceal_and_sign(SdAlg::Sha256, &pointers(), jwk("issuer")).await.unwrap();
    assert_eq!(read(issued.as_str()).await, plain(claims()));
    let refused = verify(issued.as_str(), "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "typ_not_allowed");
}

/// The payload of its Key Binding JWT, of now; it has its own expiry, which it may have.
fn binding(shown: &SdJwt) -> KbJwtPayload {
    let mut payload = KbJwtPayload::new(AUD.to_owned(), NONCE.to_owned(), SdAlg::Sha256, shown);
    payload.exp = Some(ExpirationTime(NumericDate::try_from(EXP).unwrap()));
    payload.nbf = Some(NotBefore(NumericDate::try_from(NOW.secs()).unwrap()));
    payload
}

#[tokio::test]
async fn ours_verifies_what_it_presents() {
    let mut shown = shown().await;
    let mut payload = binding(&shown);
    payload.iat = IssuedAt(NumericDate::try_from(NOW.secs()).unwrap());
    shown.set_kb(&payload.sign(jwk("holder")).await.unwrap());
    let verified = verify(shown.as_str(), "dc+sd-jwt", &bound()).unwrap();
    assert_eq!(plain(verified.claims().clone()), some().1);
    assert_eq!(verified.key_binding().unwrap().iat, NOW);
}

/// From the clock it writes `iat` in fractions of a second, as RFC 7519 §2 allows.
#[tokio::test]
async fn ours_reads_a_date_in_fractions_of_a_second() {
    let mut shown = shown().await;
    let payload = binding(&shown);
    assert!(!serde_json::to_value(&payload).unwrap()["iat"].is_i64());
    shown.set_kb(&payload.sign(jwk("holder")).await.unwrap());
    let verified = verify_at(machine_time(), shown.as_str(), "dc+sd-jwt", &bound()).unwrap();
    assert_eq!(plain(verified.claims().clone()), some().1);
}

/// Dates that are not set it writes as `null`, which is no date (RFC 7519 §4.1.4).
#[tokio::test]
async fn ours_refuses_its_key_binding_without_an_expiry() {
    let mut shown = shown().await;
    let payload = KbJwtPayload::new(AUD.to_owned(), NONCE.to_owned(), SdAlg::Sha256, &shown);
    assert!(serde_json::to_value(&payload).unwrap()["exp"].is_null());
    shown.set_kb(&payload.sign(jwk("holder")).await.unwrap());
    let refused = verify_at(machine_time(), shown.as_str(), "dc+sd-jwt", &bound()).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_str()), ("kb_malformed", "/exp"));
}

/// RFC 9901 §4.1.1: without `_sd_alg`, it is sha-256. A credential without concealed claims has no need of it.
#[tokio::test]
async fn it_cannot_read_a_credential_without_a_hash_algorithm() {
    let text = signed(&format!(r#""exp":{EXP}"#), &[]);
    verify(&text, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap();
    assert!(SdJwt::new(&text).unwrap().decode().is_err());
}

/// Where it is more generous than RFC 9901 §7.1 allows.
#[tokio::test]
async fn ours_refuses_what_it_lets_pass() {
    // A disclosure sent twice.
    let issued = issue().await;
    let first = issued.split('~').nth(1).unwrap();
    let twice = format!("{issued}{first}~");
    assert_eq!(read(&twice).await, plain(claims()));
    let refused = verify(&twice, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "disclosure_repeated");

    // A digest that occurs twice.
    let text = signed(&format!(r#""exp":{EXP},"_sd_alg":"sha-256","_sd":["x","x"]"#), &[]);
    read(&text).await;
    let refused = verify(&text, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "digest_repeated");
}
