use base64::Engine as _;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PublicKeyData, SanType, SignatureAlgorithm, SigningKey,
};

use super::*;
use crate::crypto::{Algorithm, Signer as _, SoftwareSigner};
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;

/// 2026-06-01, within the validity of everything below.
const NOW: UnixTime = UnixTime::from_secs(1_780_272_000);

/// A key that signs certificates with RustCrypto, as `rcgen` wants it. With P-384 only here: the crate itself never does.
struct Key {
    pair: Pair,
    public: Vec<u8>,
}

enum Pair {
    Software(SoftwareSigner),
    P384(p384::ecdsa::SigningKey),
}

impl Key {
    fn p256(seed: &str) -> Self {
        Self::of(PrivateJwk::generate_p256(&SeededEntropy::new(seed)))
    }

    fn ed25519(seed: &str) -> Self {
        Self::of(PrivateJwk::generate_ed25519(&SeededEntropy::new(seed)))
    }

    fn p384(seed: &str) -> Self {
        let secret: [u8; 48] = crate::entropy::bytes(&SeededEntropy::new(seed));
        let pair = p384::ecdsa::SigningKey::from_slice(&secret).unwrap();
        let public = pair.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Self { public, pair: Pair::P384(pair) }
    }

    fn of(key: PrivateJwk) -> Self {
        let public = key.public().key.to_bytes();
        Self { public, pair: Pair::Software(SoftwareSigner::new(key).unwrap()) }
    }

    fn public_key(&self) -> PublicKey {
        match &self.pair {
            Pair::Software(signer) => signer.public_jwk().key.clone(),
            Pair::P384(_) => PublicKey::P384 {
                x: self.public[1..49].try_into().unwrap(),
                y: self.public[49..].try_into().unwrap(),
            },
        }
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match &self.pair {
            Pair::P384(_) => &rcgen::PKCS_ECDSA_P384_SHA384,
            Pair::Software(signer) if signer.algorithm() == Algorithm::Es256 => {
                &rcgen::PKCS_ECDSA_P256_SHA256
            }
            Pair::Software(_) => &rcgen::PKCS_ED25519,
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(match &self.pair {
            Pair::P384(pair) => {
                let signature: p384::ecdsa::Signature = p384::ecdsa::signature::Signer::sign(pair, message);
                signature.to_der().as_bytes().to_vec()
            }
            Pair::Software(signer) => {
                let signature = signer.sign_now(message).unwrap();
                match signer.algorithm() {
                    Algorithm::Es256 => {
                        p256::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec()
                    }
                    _ => signature,
                }
            }
        })
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params.serial_number = Some(1_u64.into());
    params.key_identifier_method = KeyIdMethod::PreSpecified(name.as_bytes().to_vec());
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf_params() -> CertificateParams {
    let mut params = params("party");
    params.subject_alt_names = vec![
        SanType::DnsName("Verifier.example".try_into().unwrap()),
        SanType::DnsName("*.verifier.example".try_into().unwrap()),
        SanType::URI("https://town.example".try_into().unwrap()),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// root → intermediate → leaf, with the leaf's parameters changed.
struct World {
    anchors: TrustAnchors,
    chain: Vec<Vec<u8>>,
    root: Vec<u8>,
    leaf_key: Key,
}

fn world(change: impl FnOnce(&mut CertificateParams)) -> World {
    world_of([Key::p256("root"), Key::ed25519("ca"), Key::p256("leaf")], change)
}

fn world_of([root_key, ca_key, leaf_key]: [Key; 3], change: impl FnOnce(&mut CertificateParams)) -> World {
    let root = authority("root").self_signed(&root_key).unwrap().der().to_vec();
    let root_issuer = Issuer::new(authority("root"), root_key);
    let ca = authority("ca").signed_by(&ca_key, &root_issuer).unwrap().der().to_vec();
    let ca_issuer = Issuer::new(authority("ca"), ca_key);
    let mut params = leaf_params();
    change(&mut params);
    let leaf = params.signed_by(&leaf_key, &ca_issuer).unwrap().der().to_vec();
    let anchors = TrustAnchors::from_der([root.clone()]).unwrap();
    World { anchors, chain: vec![leaf, ca], root, leaf_key }
}

fn code<T>(result: Verdict<T>) -> &'static str {
    result.err().expect("refused").code
}

fn judged(world: &World) -> Verdict<VerifiedLeaf> {
    verify_chain(&world.chain, &world.anchors, NOW)
}

#[test]
fn a_chain_of_mixed_algorithms_gives_the_leafs_key_and_names() {
    let world = world(|_| {});
    let leaf = judged(&world).unwrap();
    assert_eq!(leaf.key.key, world.leaf_key.public_key());
    assert_eq!(leaf.dns_names, ["verifier.example"]);
    assert!(leaf.has_dns_name("VERIFIER.example") && !leaf.has_dns_name("a.verifier.example"));
    assert!(leaf.has_uri("https://town.example") && !leaf.has_uri("https://town.example/"));
}

#[test]
fn chains_with_p384_anywhere_are_followed() {
    let p384 = |seed| Key::p384(seed);
    for keys in [
        [p384("root"), p384("ca"), p384("leaf")],
        [p384("root"), p384("ca"), Key::p256("leaf")],
        [p384("root"), Key::p256("ca"), Key::ed25519("leaf")],
        [Key::p256("root"), p384("ca"), p384("leaf")],
        [Key::ed25519("root"), Key::p256("ca"), p384("leaf")],
    ] {
        let world = world_of(keys, |_| {});
        assert_eq!(judged(&world).unwrap().key.key, world.leaf_key.public_key());
        // A signature by another key of the same name does not hold.
        let forged = world_of([Key::p384("other"), p384("ca"), p384("leaf")], |_| {});
        assert_eq!(code(verify_chain(&forged.chain, &world.anchors, NOW)), "x5c_untrusted");
    }
}

#[test]
fn a_curve_with_the_hash_of_the_other_is_refused() {
    // `ecdsa-with-SHA256` and `ecdsa-with-SHA384` differ in the last byte of their object identifiers.
    let (sha256, sha384) =
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]);
    for (ca, from, to) in [(Key::p256("ca"), sha256, sha384), (Key::p384("ca"), sha384, sha256)] {
        let mut world = world_of([Key::p256("root"), ca, Key::p256("leaf")], |_| {});
        assert!(judged(&world).is_ok());
        let leaf = &mut world.chain[0];
        let places: Vec<usize> =
            (0..leaf.len() - from.len()).filter(|at| leaf[*at..].starts_with(&from)).collect();
        assert_eq!(places.len(), 2, "in the signed part and beside the signature");
        for at in places {
            leaf[at..at + to.len()].copy_from_slice(&to);
        }
        assert_eq!(code(judged(&world)), "x5c_untrusted");
    }
}

#[test]
fn an_ed25519_leaf_directly_under_the_anchor() {
    let (root_key, leaf_key) = (Key::ed25519("root"), Key::ed25519("leaf"));
    let root = authority("root").self_signed(&root_key).unwrap().der().to_vec();
    let issuer = Issuer::new(authority("root"), root_key);
    let leaf = leaf_params().signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64::engine::general_purpose::STANDARD.encode(&root)
    );
    let anchors = TrustAnchors::from_pem(&pem).unwrap();
    assert_eq!(verify_chain(&[leaf], &anchors, NOW).unwrap().key.key, leaf_key.public_key());
}

#[test]
fn haip_n5_the_anchor_must_not_be_in_x5c() {
    let mut world = world(|_| {});
    world.chain.push(world.root.clone());
    assert_eq!(code(judged(&world)), "x5c_contains_anchor");
    // Nor any other self-signed certificate.
    world.anchors = TrustAnchors::default();
    assert_eq!(code(judged(&world)), "x5c_contains_anchor");
}

#[test]
fn haip_n5_a_self_signed_leaf_is_refused_even_when_it_is_configured() {
    let key = Key::p256("leaf");
    let leaf = leaf_params().self_signed(&key).unwrap().der().to_vec();
    let anchors =
        TrustAnchors::from_der([authority("root").self_signed(&Key::p256("root")).unwrap().der().to_vec()]);
    assert_eq!(code(verify_chain(std::slice::from_ref(&leaf), &anchors.unwrap(), NOW)), "x5c_self_signed");
    let itself = TrustAnchors::from_der([leaf.clone()]).unwrap();
    assert_eq!(code(verify_chain(&[leaf], &itself, NOW)), "x5c_contains_anchor");
}

#[test]
fn chains_that_are_empty_too_long_or_out_of_order_are_refused() {
    let mut world = world(|_| {});
    assert_eq!(code(verify_chain(&[], &world.anchors, NOW)), "x5c_missing");
    let doubled = [world.chain.clone(), world.chain.clone(), world.chain.clone()].concat();
    assert_eq!(code(verify_chain(&doubled, &world.anchors, NOW)), "x5c_too_long");
    assert_eq!(code(verify_chain(&world.chain[..1], &world.anchors, NOW)), "x5c_untrusted");
    world.chain.reverse();
    assert_eq!(code(judged(&world)), "x5c_order");
}

#[test]
fn sd_n14_an_expired_leaf_and_one_from_the_future_are_refused() {
    let world = world(|params| params.not_after = rcgen::date_time_ymd(2026, 6, 2));
    let at = |secs: i64| verify_chain(&world.chain, &world.anchors, UnixTime::from_secs(secs));
    assert!(judged(&world).is_ok());
    assert_eq!(code(at(NOW.secs() + 2 * 86_400)), "x5c_not_valid_now");
    assert_eq!(code(at(1_700_000_000)), "x5c_not_valid_now");
    assert_eq!(code(at(-1)), "x5c_not_valid_now");
}

#[test]
fn sd_n14_an_expired_authority_vouches_for_nobody() {
    let (root_key, ca_key, leaf_key) = (Key::p256("root"), Key::p384("ca"), Key::p256("leaf"));
    let anchors = TrustAnchors::from_der([authority("root").self_signed(&root_key).unwrap().der().to_vec()]);
    let mut short = authority("ca");
    short.not_after = rcgen::date_time_ymd(2026, 5, 1);
    let ca = short.signed_by(&ca_key, &Issuer::new(authority("root"), root_key)).unwrap().der().to_vec();
    let leaf = leaf_params().signed_by(&leaf_key, &Issuer::new(short, ca_key)).unwrap().der().to_vec();
    let (chain, anchors) = ([leaf, ca], anchors.unwrap());
    assert_eq!(code(verify_chain(&chain, &anchors, NOW)), "x5c_not_valid_now");
    assert!(verify_chain(&chain, &anchors, UnixTime::from_secs(NOW.secs() - 60 * 86_400)).is_ok());
}

#[test]
fn sd_n14_a_chain_that_leads_to_no_anchor_is_refused() {
    let mut world = world(|_| {});
    world.anchors = TrustAnchors::default();
    assert_eq!(code(judged(&world)), "x5c_untrusted");
    // One with the same name and another key.
    let impostor = authority("root").self_signed(&Key::p256("impostor")).unwrap().der().to_vec();
    world.anchors = TrustAnchors::from_der([impostor]).unwrap();
    assert_eq!(code(judged(&world)), "x5c_untrusted");
}

#[test]
fn a_leaf_cannot_issue_and_an_authority_cannot_be_a_leaf() {
    let world = world(|_| {});
    let issuer = Issuer::new(leaf_params(), Key::p256("leaf"));
    let mut below = leaf_params();
    below.distinguished_name.push(DnType::CommonName, "below");
    let below = below.signed_by(&Key::p256("below"), &issuer).unwrap().der().to_vec();
    let chain = [vec![below], world.chain.clone()].concat();
    assert_eq!(code(verify_chain(&chain, &world.anchors, NOW)), "x5c_role");
    assert_eq!(code(verify_chain(&world.chain[1..], &world.anchors, NOW)), "x5c_role");
}

#[test]
fn sd_n14_a_path_is_no_longer_than_its_authorities_allow() {
    let chain = |allowed: BasicConstraints| {
        let mut upper = authority("upper");
        upper.is_ca = IsCa::Ca(allowed);
        let root = Issuer::new(authority("root"), Key::p256("root"));
        let upper_der = upper.signed_by(&Key::p256("upper"), &root).unwrap().der().to_vec();
        let upper = Issuer::new(upper, Key::p256("upper"));
        let lower = authority("lower").signed_by(&Key::p256("lower"), &upper).unwrap().der().to_vec();
        let lower_issuer = Issuer::new(authority("lower"), Key::p256("lower"));
        let leaf = leaf_params().signed_by(&Key::p256("leaf"), &lower_issuer).unwrap().der().to_vec();
        let anchor = authority("root").self_signed(&Key::p256("root")).unwrap().der().to_vec();
        verify_chain(&[leaf, lower, upper_der], &TrustAnchors::from_der([anchor]).unwrap(), NOW)
    };
    assert!(chain(BasicConstraints::Unconstrained).is_ok());
    assert!(chain(BasicConstraints::Constrained(1)).is_ok());
    assert_eq!(code(chain(BasicConstraints::Constrained(0))), "x5c_untrusted");
}

/// A weak key of Ed25519, for which anybody can sign.
struct Identity([u8; 32]);

impl PublicKeyData for Identity {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

#[test]
fn a_leaf_has_a_key_that_is_taken_elsewhere_too() {
    let issuer = Issuer::new(authority("root"), Key::p256("root"));
    let anchors = world(|_| {}).anchors;
    let mut point = [0; 32];
    point[0] = 1;
    let weak = leaf_params().signed_by(&Identity(point), &issuer).unwrap().der().to_vec();
    assert_eq!(code(verify_chain(&[weak], &anchors, NOW)), "x5c_key_unsupported");
}

#[test]
fn key_usage_must_allow_signatures_and_extended_key_usage_may_say_anything() {
    let mut agreement = world(|params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    assert_eq!(code(judged(&agreement)), "x5c_key_usage");
    agreement = world(|params| params.key_usages = Vec::new());
    assert!(judged(&agreement).is_ok());
    let tls = world(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert!(judged(&tls).is_ok());
}

#[test]
fn anchors_that_are_no_certificates_are_refused() {
    assert_eq!(code(TrustAnchors::from_der([vec![1, 2, 3]])), "anchor_malformed");
    assert_eq!(code(TrustAnchors::from_pem("")), "anchor_malformed");
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(code(TrustAnchors::from_pem(pem)), "anchor_malformed");
    assert!(TrustAnchors::default().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changed_byte_is_refused(which in 0_usize..2, at: proptest::sample::Index, flip in 1_u8..) {
        let mut world = world(|_| {});
        let certificate = &mut world.chain[which];
        let at = at.index(certificate.len());
        certificate[at] ^= flip;
        prop_assert!(judged(&world).is_err());
    }

    #[test]
    fn reading_never_panics(chain: Vec<Vec<u8>>, pem: String) {
        let anchors = world(|_| {}).anchors;
        prop_assert!(verify_chain(&chain, &anchors, NOW).is_err());
        let _ = TrustAnchors::from_pem(&pem).is_ok();
    }
}
