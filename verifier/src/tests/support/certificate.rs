//! A certificate for `localhost` under a root that exists for these tests only.

use std::sync::OnceLock;

use enishi_credential::jose::jwk::PrivateJwk;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};

struct Root {
    issuer: Issuer<'static, KeyPair>,
    anchor: Vec<u8>,
}

fn root() -> &'static Root {
    static ROOT: OnceLock<Root> = OnceLock::new();
    ROOT.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let anchor = params.self_signed(&key).unwrap().der().to_vec();
        Root { issuer: Issuer::new(params, key), anchor }
    })
}

pub(in crate::tests) fn anchor() -> Vec<u8> {
    root().anchor.clone()
}

pub(in crate::tests) fn chain(key: &PrivateJwk) -> Vec<Vec<u8>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "verifier");
    params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::try_from(pkcs8(key).as_slice()).unwrap();
    vec![params.signed_by(&key, &root().issuer).unwrap().der().to_vec()]
}

/// A P-256 key as PKCS #8 (RFC 5208, RFC 5915): everything but the key itself is fixed.
fn pkcs8(key: &PrivateJwk) -> Vec<u8> {
    const BEFORE_SECRET: [u8; 36] = [
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01,
        0x04, 0x20,
    ];
    const BEFORE_POINT: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
    let point = key.public().key.to_bytes();
    [&BEFORE_SECRET, key.secret_bytes().as_slice(), &BEFORE_POINT, &point].concat()
}
