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
    let key = KeyPair::try_from(key.to_pkcs8().unwrap().as_slice()).unwrap();
    vec![params.signed_by(&key, &root().issuer).unwrap().der().to_vec()]
}
