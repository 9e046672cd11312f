//! The same work by each library, with the keys of the issuer prepared beforehand wherever it lets one do that.

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier, Signer};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::Jwk;
use enishi_credential::sdjwt::{ClaimPath, KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation};
use enishi_peers::{AUD, NONCE, bound, claims_with, key, pkcs8, validation};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sd_jwt_rs::issuer::ClaimsForSelectiveDisclosureStrategy as Strategy;
use sd_jwt_rs::{SDJWTIssuer, SDJWTSerializationFormat as Format, SDJWTVerifier};
use serde_json::{Map, Value, json};
use ssi_claims_core::VerificationParameters;
use ssi_core::JsonPointerBuf;
use ssi_jwk::JWK;
use ssi_jwt::JWTClaims;
use ssi_sd_jwt::{ConcealJwtClaims as _, SdAlg, SdJwt};

/// Eight claims, all of which the holder may conceal.
pub(crate) const NAMES: [&str; 8] = ["colour", "deck", "row", "stop", "fuel", "power", "gauge", "number"];

/// The claims of the credential.
pub(crate) fn claims() -> Map<String, Value> {
    claims_with(NAMES.iter().map(|name| ((*name).to_owned(), json!(format!("the {name} of it")))).collect())
}

/// Runs what is never really waited for.
fn ready<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match work.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => unreachable!("nothing here waits"),
    }
}

pub(crate) fn issue(signer: &dyn Signer, claims: &Map<String, Value>) -> String {
    let builder =
        NAMES.iter().fold(SdJwtBuilder::new(claims.clone()), |builder, name| builder.conceal([*name]));
    ready(builder.sign(signer, &SeededEntropy::new("salts"))).expect("issued")
}

pub(crate) fn present(issued: &str) -> String {
    ready(enishi_peers::present(issued, &NAMES.map(ClaimPath::name)))
}

/// Ours with a backend; the demands are the same for both.
pub(crate) struct Ours<V> {
    verifier: V,
    issuer: Jwk,
    demand: Validation,
    policy: KeyBindingPolicy,
}

pub(crate) type Aws = Ours<enishi_native::AwsVerifier>;
pub(crate) type RustCrypto = Ours<RustCryptoVerifier>;

impl Aws {
    pub(crate) fn new() -> Self {
        Self::with(enishi_native::AwsVerifier)
    }
}

impl RustCrypto {
    pub(crate) fn new() -> Self {
        Self::with(RustCryptoVerifier)
    }
}

impl<V: SignatureVerifier> Ours<V> {
    fn with(verifier: V) -> Self {
        let issuer = key("issuer").public().clone();
        Self { verifier, issuer, demand: validation("dc+sd-jwt"), policy: bound() }
    }

    pub(crate) fn verify(&self, text: &str) -> bool {
        let parsed = UnverifiedSdJwt::parse(text);
        parsed.and_then(|it| it.verify(&self.verifier, &self.issuer, &self.demand, &self.policy)).is_ok()
    }
}

/// The issuer's public key, as the others want it.
pub(crate) struct Keys {
    jsonwebtoken: DecodingKey,
    ssi: JWK,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let jwk = key("issuer").public().to_value();
        let part = |name: &str| jwk[name].as_str().expect("a coordinate");
        let decoding = DecodingKey::from_ec_components(part("x"), part("y")).expect("a key");
        Self { jsonwebtoken: decoding, ssi: serde_json::from_value(jwk.clone()).expect("a key") }
    }
}

pub(crate) fn sd_jwt_rs(text: &str, keys: &Keys) -> bool {
    let key = keys.jsonwebtoken.clone();
    let (aud, nonce) = (Some(AUD.to_owned()), Some(NONCE.to_owned()));
    SDJWTVerifier::new(text.to_owned(), Box::new(move |_, _| key.clone()), aud, nonce, Format::Compact)
        .is_ok()
}

pub(crate) fn ssi(text: &str, keys: &Keys) -> bool {
    ready(ssi_checks(text, keys)).is_some()
}

async fn ssi_checks(text: &str, keys: &Keys) -> Option<()> {
    let sd_jwt = SdJwt::new(text).ok()?;
    let params = VerificationParameters::from_resolver(&keys.ssi);
    let (revealed, verdict) = sd_jwt.decode_reveal_verify_any(params).await.ok()?;
    verdict.ok()?;
    let binding = sd_jwt.decode_kb().ok()??;
    let holder: JWK =
        serde_json::from_value(revealed.claims().private.get("cnf")?.get("jwk")?.clone()).ok()?;
    binding.verify(VerificationParameters::from_resolver(&holder)).await.ok()?.ok()?;
    let payload = &binding.signing_bytes.payload;
    let fits = payload.aud == AUD && payload.nonce.0 == NONCE;
    (fits && payload.sd_hash.verify(SdAlg::Sha256, sd_jwt)).then_some(())
}

/// What the others issue with.
pub(crate) struct Issuers {
    claims: Map<String, Value>,
    jsonwebtoken: EncodingKey,
    ssi: JWK,
    paths: [String; 8],
    pointers: [JsonPointerBuf; 8],
}

impl Issuers {
    pub(crate) fn new() -> Self {
        Self {
            claims: claims(),
            jsonwebtoken: EncodingKey::from_ec_der(&pkcs8("issuer")),
            ssi: serde_json::from_value(key("issuer").to_secret_value()).expect("a key"),
            paths: NAMES.map(|name| format!("$.{name}")),
            pointers: NAMES.map(|name| JsonPointerBuf::new(format!("/{name}")).expect("a pointer")),
        }
    }

    pub(crate) fn sd_jwt_rs(&self) -> String {
        let strategy = Strategy::Custom(self.paths.iter().map(String::as_str).collect());
        SDJWTIssuer::new(self.jsonwebtoken.clone(), Some("ES256".to_owned()))
            .issue_sd_jwt(Value::Object(self.claims.clone()), strategy, None, false, Format::Compact)
            .expect("issued")
    }

    pub(crate) fn ssi(&self) -> String {
        let theirs: JWTClaims = serde_json::from_value(Value::Object(self.claims.clone())).expect("claims");
        let issued = theirs.conceal_and_sign(SdAlg::Sha256, &self.pointers, &self.ssi);
        ready(issued).expect("issued").into_string()
    }
}
