//! Issuers that are known by a certificate, or by a DID that is its own key: nothing is fetched for them.

use enishi_credential::crypto::SoftwareSigner;
use enishi_credential::did::Did;
use enishi_credential::issuer_key::{IssuerTrust, Mechanism, Profile};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::sdjwt::{KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation};
use enishi_credential::x509::TrustAnchors;
use enishi_protocol::linking::issuer_hint;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};

use super::*;
use crate::keys::AwsVerifier;

const ISSUER: &str = "https://issuer.example";
const VCT: &str = "urn:example:card:1";
/// 2026-06-01.
const NOW: UnixTime = UnixTime::from_secs(1_780_272_000);

/// The chain of `key` for `issuer.example`, and its anchor.
fn certified(key: &PrivateJwk) -> (Vec<Vec<u8>>, TrustAnchors) {
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params
    };
    let mut root = named("root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_key = KeyPair::generate().unwrap();
    let anchor = root.self_signed(&root_key).unwrap().der().to_vec();
    let mut leaf = named("issuer");
    leaf.subject_alt_names = vec![SanType::DnsName("issuer.example".try_into().unwrap())];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let leaf_key = KeyPair::try_from(key.to_pkcs8().unwrap().as_slice()).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &rcgen::Issuer::new(root, root_key)).unwrap().der().to_vec();
    (vec![leaf], TrustAnchors::from_der([anchor]).unwrap())
}

fn keys(trust: IssuerTrust) -> TrustedKeys {
    let client = GuardedClient::new(&ClientConfig::default(), Development(false)).unwrap();
    let (clock, verifier) = (Arc::new(FixedClock::at(NOW)), Arc::new(AwsVerifier));
    TrustedKeys::of_issuers(trust, client, clock, verifier, Development(false))
}

async fn credential(iss: &str, key: &PrivateJwk, header: (&str, Value)) -> String {
    let claims = json!({ "iss": iss, "vct": VCT });
    let builder = SdJwtBuilder::new(claims.as_object().cloned().unwrap()).header(header.0, header.1);
    builder.sign(&SoftwareSigner::new(key.clone()).unwrap(), &SeededEntropy::new("salts")).await.unwrap()
}

async fn verify(keys: &TrustedKeys, text: &str) -> Result<(), &'static str> {
    let credential = UnverifiedSdJwt::parse(text).unwrap();
    let issuer = credential.claimed_issuer().unwrap();
    let key = keys.key(&issuer, &credential.key_hint()).await.map_err(|failure| failure.code)?;
    let validation = Validation::credential(issuer, VCT, NOW);
    let verified = credential.verify(&AwsVerifier, &key, &validation, &KeyBindingPolicy::NotRequired);
    verified.map(drop).map_err(|failure| failure.code)
}

fn x5c(chain: &[Vec<u8>]) -> (&'static str, Value) {
    use base64::Engine as _;
    let encode = |der: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(der);
    ("x5c", chain.iter().map(encode).collect::<Vec<_>>().into())
}

#[tokio::test]
async fn haip_55_an_issuer_is_known_by_its_certificate_and_by_nothing_else() {
    let (key, thief) = (
        PrivateJwk::generate_p256(&SeededEntropy::new("a")),
        PrivateJwk::generate_p256(&SeededEntropy::new("b")),
    );
    let (chain, anchors) = certified(&key);
    let trust = IssuerTrust::new(Profile::Haip).with(ISSUER, Mechanism::Certificate(anchors)).unwrap();
    let keys = keys(trust);
    assert!(keys.trusts(ISSUER) && keys.find(ISSUER).is_some());
    let good = credential(ISSUER, &key, x5c(&chain)).await;
    assert_eq!(verify(&keys, &good).await, Ok(()));
    assert_eq!(verify(&keys, &credential(ISSUER, &thief, x5c(&chain)).await).await, Err("signature_invalid"));
    assert_eq!(verify(&keys, &credential(ISSUER, &key, ("kid", "1".into())).await).await, Err("x5c_missing"));
    let others = certified(&thief).0;
    assert_eq!(verify(&keys, &credential(ISSUER, &thief, x5c(&others)).await).await, Err("x5c_untrusted"));
    let hint = issuer_hint(&good).unwrap();
    assert!(keys.of_presentations(std::slice::from_ref(&hint)).await.unwrap().has(&hint));
}

#[tokio::test]
async fn an_issuer_is_known_by_its_did() {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("a"));
    let did = Did::jwk(key.public());
    let keys = keys(IssuerTrust::new(Profile::Any).with(did.as_str(), Mechanism::Did).unwrap());
    assert!(keys.trusts(did.as_str()) && keys.find(did.as_str()).is_none());
    let url = did.verification_method().unwrap();
    let good = credential(did.as_str(), &key, ("kid", url.as_str().into())).await;
    assert_eq!(verify(&keys, &good).await, Ok(()));
    let stranger = Did::jwk(PrivateJwk::generate_p256(&SeededEntropy::new("b")).public());
    let bad = credential(stranger.as_str(), &key, ("kid", url.as_str().into())).await;
    assert_eq!(verify(&keys, &bad).await, Err("issuer_not_trusted"));
    let bad = credential(did.as_str(), &key, ("kid", "1".into())).await;
    assert_eq!(verify(&keys, &bad).await, Err("did_invalid"));
}
