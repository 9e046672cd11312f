//! The town's certificate authority: it certifies legal entities (SAN URI = party id) and verifiers' host names (SAN DNS).
//! It lives as long as the town; its key is in no file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::jose::jwk::PrivateJwk;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::DemoError;

/// The authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    anchor: Vec<u8>,
}

/// What a certificate is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// The legal entity with this party id.
    Party(&'a str),
    /// Whoever answers at this host name.
    Host(&'a str),
}

impl Authority {
    /// A new authority.
    pub(crate) fn new() -> Result<Self, DemoError> {
        let key = KeyPair::generate().map_err(fault)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Enishi sample town CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let anchor = params.self_signed(&key).map_err(fault)?.der().to_vec();
        Ok(Self { issuer: Issuer::new(params, key), anchor })
    }

    /// The trust anchor, DER.
    pub(crate) fn anchor(&self) -> &[u8] {
        &self.anchor
    }

    /// The trust anchor, PEM.
    pub(crate) fn anchor_pem(&self) -> String {
        let text = STANDARD.encode(&self.anchor);
        let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
        for (at, character) in text.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }

    /// Certifies `key` for `subject`; DER.
    pub(crate) fn certify(&self, subject: Subject<'_>, key: &PrivateJwk) -> Result<Vec<u8>, DemoError> {
        let text = |text: &str| Ia5String::try_from(text.to_owned()).map_err(fault);
        let mut params = CertificateParams::default();
        (params.distinguished_name, params.subject_alt_names) = match subject {
            Subject::Party(id) => (name("A legal entity of the sample town"), vec![SanType::URI(text(id)?)]),
            Subject::Host(host) => {
                (name("A verifier of the sample town"), vec![SanType::DnsName(text(host)?)])
            }
        };
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::try_from(pkcs8(key).as_slice()).map_err(fault)?;
        Ok(params.signed_by(&key, &self.issuer).map_err(fault)?.der().to_vec())
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn fault(error: rcgen::Error) -> DemoError {
    DemoError::Certificate(error.to_string())
}

/// A P-256 key as PKCS #8 (RFC 5208, with the ECPrivateKey of RFC 5915): everything but the key itself is fixed.
fn pkcs8(key: &PrivateJwk) -> Vec<u8> {
    const BEFORE_SECRET: [u8; 36] = [
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01,
        0x04, 0x20,
    ];
    const BEFORE_POINT: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
    [&BEFORE_SECRET, key.secret_bytes().as_slice(), &BEFORE_POINT, &key.public().key.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn a_certificate_holds_the_key_that_was_certified() {
        let authority = Authority::new().unwrap();
        let key = PrivateJwk::generate_p256(&SeededEntropy::new("leaf"));
        let leaf = authority.certify(Subject::Party("http://localhost:1"), &key).unwrap();
        let point = key.public().key.to_bytes();
        assert!(leaf.windows(point.len()).any(|window| window == point.as_slice()));
        assert!(leaf.windows(18).any(|window| window == b"http://localhost:1"));
        assert!(authority.anchor_pem().starts_with("-----BEGIN"));
    }
}
