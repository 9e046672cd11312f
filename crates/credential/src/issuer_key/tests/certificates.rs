//! Certificates for the tests, signed with our own keys.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData,
    SanType, SignatureAlgorithm, SigningKey,
};

use super::signer;
use crate::crypto::{Signer as _, SoftwareSigner};
use crate::x509::TrustAnchors;

struct Key {
    signer: SoftwareSigner,
    public: Vec<u8>,
}

impl Key {
    fn new(name: &str) -> Self {
        let signer = signer(name);
        Self { public: signer.public_jwk().key.to_bytes(), signer }
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.signer.sign_now(message).unwrap();
        Ok(p256::ecdsa::Signature::from_slice(&signature).unwrap().to_der().as_bytes().to_vec())
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
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

fn root(name: &str) -> Vec<u8> {
    authority(name).self_signed(&Key::new(name)).unwrap().der().to_vec()
}

/// The anchor of the authority `name`.
pub(super) fn anchor(name: &str) -> TrustAnchors {
    TrustAnchors::from_der([root(name)]).unwrap()
}

/// The certificate of the key `leaf` with these names, by the authority `by`. Names with `:` are URIs.
pub(super) fn leaf(by: &str, leaf: &str, names: &[&str]) -> Vec<u8> {
    let mut params = params(leaf);
    params.subject_alt_names = names
        .iter()
        .map(|name| {
            if name.contains(':') {
                SanType::URI((*name).try_into().unwrap())
            } else {
                SanType::DnsName((*name).try_into().unwrap())
            }
        })
        .collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let issuer = Issuer::new(authority(by), Key::new(by));
    params.signed_by(&Key::new(leaf), &issuer).unwrap().der().to_vec()
}

/// A chain that ends in the anchor itself.
pub(super) fn with_anchor(by: &str, chain: &[Vec<u8>]) -> Vec<Vec<u8>> {
    [chain, &[root(by)]].concat()
}

/// A certificate that its own key signed.
pub(super) fn self_signed(name: &str, dns: &str) -> Vec<u8> {
    let mut params = params(name);
    params.subject_alt_names = vec![SanType::DnsName(dns.try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.self_signed(&Key::new(name)).unwrap().der().to_vec()
}
