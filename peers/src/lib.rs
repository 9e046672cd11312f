//! Other people's Rust libraries for SD-JWT beside ours: what their tests and the comparison share.

use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{
    ClaimPath, HeldSdJwt, KeyBindingClaims, KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation,
    VerifiedSdJwt,
};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::Verdict;
use serde_json::{Map, Value, json};

/// When ours issues and verifies. In the past, because some of the peers look at the clock of the machine.
pub const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
/// Far in the future.
pub const EXP: i64 = 4_000_000_000;
/// The issuer.
pub const ISSUER: &str = "https://issuer.example";
/// The type of the credential.
pub const VCT: &str = "urn:example:card:1";
/// The verifier.
pub const AUD: &str = "https://verifier.example";
/// The nonce of the transaction.
pub const NONCE: &str = "nonce-1234567890";

/// The P-256 key of this name.
pub fn key(name: &str) -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(name))
}

/// A signer with the key of this name.
///
/// # Panics
/// Never: a P-256 key signs.
pub fn signer(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(key(name)).expect("P-256 keys sign")
}

/// The private key of this name in PKCS #8 (RFC 5958), as other libraries want it.
///
/// # Panics
/// Never: it is a P-256 key.
pub fn pkcs8(name: &str) -> Vec<u8> {
    key(name).to_pkcs8().expect("a P-256 key").to_vec()
}

/// What every credential here says beside `more`.
///
/// # Panics
/// When `more` is no object.
pub fn claims_with(more: Value) -> Map<String, Value> {
    let Value::Object(more) = more else { panic!("claims are an object") };
    let frame = json!({
        "iss": ISSUER, "vct": VCT, "iat": NOW.secs() - 60, "exp": EXP, "cnf": {"jwk": key("holder").public()},
    });
    frame.as_object().cloned().unwrap_or_default().into_iter().chain(more).collect()
}

/// Flat claims, a nested object, an array, and an object to conceal as a whole and in parts.
pub fn claims() -> Map<String, Value> {
    claims_with(json!({
        "member": true, "colour": "blue", "height": 1.75,
        "seat": {"deck": 1, "row": 12},
        "stops": ["north", "south"],
        "engine": {"fuel": "steam", "power": 90},
    }))
}

/// What can be concealed in [`claims`]: JSON Pointers, parts before the whole.
pub const POINTERS: [&str; 6] = ["/colour", "/height", "/seat/row", "/stops/1", "/engine/power", "/engine"];

/// A JSON Pointer as one of our paths. Numbers are places in an array.
pub fn path(pointer: &str) -> ClaimPath {
    pointer.split('/').skip(1).fold(ClaimPath::default(), |path, step| match step.parse() {
        Ok(place) => path.element(place),
        Err(_) => path.member(step),
    })
}

/// Part of what can be concealed in [`claims`], and what is seen when it is presented.
pub fn some() -> (Vec<ClaimPath>, Value) {
    let mut seen = claims();
    seen.remove("height");
    if let Some(Value::Object(seat)) = seen.get_mut("seat") {
        seat.remove("row");
    }
    let shown = ["/colour", "/stops/1", "/engine", "/engine/power"];
    (shown.iter().map(|pointer| path(pointer)).collect(), plain(seen))
}

/// [`claims`] without anything that can be concealed.
pub fn none() -> Value {
    plain(claims_with(json!({"member": true, "seat": {"deck": 1}, "stops": ["north"]})))
}

/// Ours issues [`claims`], with decoys.
///
/// # Panics
/// When it refuses.
pub async fn issue() -> String {
    let builder = POINTERS.iter().fold(SdJwtBuilder::new(claims()), |it, pointer| it.conceal(path(pointer)));
    let builder = builder.decoys(2).decoys_at(["seat"], 1);
    builder.sign(&signer("issuer"), &SeededEntropy::new("salts")).await.expect("issued")
}

/// Ours presents what `paths` name.
///
/// # Panics
/// When it refuses.
pub async fn present(issued: &str, paths: &[ClaimPath]) -> String {
    let held = HeldSdJwt::from_storage(issued).expect("held");
    let binding =
        KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: NOW, extra: Map::new() };
    held.present(paths).expect("presented").bind(&signer("holder"), binding).await.expect("bound")
}

/// Signs as issuer, with `members` as they are written beside `iss` and `vct`.
///
/// # Panics
/// Never: a P-256 key signs.
pub fn signed(members: &str, disclosures: &[String]) -> String {
    let payload = format!(r#"{{"iss":"{ISSUER}","vct":"{VCT}",{members}}}"#);
    let input = format!("{}.{}", b64::encode(r#"{"alg":"ES256","typ":"dc+sd-jwt"}"#), b64::encode(payload));
    let signature = signer("issuer").sign_now(input.as_bytes()).expect("signed");
    let jwt = format!("{input}.{}", b64::encode(signature));
    [&[jwt], disclosures, &[String::new()]].concat().join("~")
}

/// What ours demands of a text with this `typ`.
pub fn validation(typ: &str) -> Validation {
    Validation { typ: typ.to_owned(), ..Validation::credential(ISSUER, VCT, NOW) }
}

/// The demand for key binding.
pub fn bound() -> KeyBindingPolicy {
    KeyBindingPolicy::Required { aud: AUD.to_owned(), nonce: NONCE.to_owned(), max_age: 300, leeway: 0 }
}

/// Ours verifies.
///
/// # Errors
/// What ours does not accept.
pub fn verify(text: &str, typ: &str, policy: &KeyBindingPolicy) -> Verdict<VerifiedSdJwt> {
    verify_at(NOW, text, typ, policy)
}

/// Ours verifies at another time, for peers that write the time of the machine into what they sign.
///
/// # Errors
/// What ours does not accept.
pub fn verify_at(now: UnixTime, text: &str, typ: &str, policy: &KeyBindingPolicy) -> Verdict<VerifiedSdJwt> {
    let validation = Validation { now, ..validation(typ) };
    UnverifiedSdJwt::parse(text)?.verify(&RustCryptoVerifier, key("issuer").public(), &validation, policy)
}

/// The time of the machine.
pub fn machine_time() -> UnixTime {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    UnixTime::from_secs(since.as_secs().try_into().unwrap_or_default())
}

/// Claims without those that only carry the machinery.
pub fn plain(mut claims: Map<String, Value>) -> Value {
    for name in ["_sd_alg", "cnf"] {
        claims.remove(name);
    }
    Value::Object(claims)
}
