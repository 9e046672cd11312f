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
        let key = key.to_pkcs8().map_err(|error| DemoError::Certificate(error.to_string()))?;
        let key = KeyPair::try_from(key.as_slice()).map_err(fault)?;
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
