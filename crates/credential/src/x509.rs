//! Certificate chains in `x5c` headers, validated against configured trust anchors.
//!
//! Party declarations, verifiers (`x509_san_dns`) and HAIP issuers name their key by a certificate. Path building is
//! `rustls-webpki`'s; the signatures are checked by RustCrypto, so that a wallet in a browser can do it too.
//!
//! Rules beyond RFC 5280 path validation, which are those of HAIP 1.0 §6.1.1 and of this project:
//! - at most [`MAX_CHAIN`] certificates, each issued by the next one;
//! - the chain neither contains the anchor nor any other self-signed certificate, and the leaf is no CA;
//! - ECDSA on P-256 with SHA-256, ECDSA on P-384 with SHA-384 and Ed25519 only, for keys and signatures, all the way from
//!   leaf to anchor. A curve with the hash of the other one is refused: real authorities do not issue it (CA/Browser
//!   Forum Baseline Requirements §7.1.3.2.2);
//! - a leaf with a key usage extension allows digital signatures;
//! - an extended key usage is accepted whatever it says, as long as it is well-formed: no purpose is registered for
//!   declarations, and certificates for `x509_san_dns` are often those of a TLS server. Which anchors may vouch for whom
//!   is a matter of configuration: configure anchors that issue for this purpose;
//! - revocation is not looked up. Certificates live short, or their anchor is taken out of the configuration.

use p256::ecdsa::signature::Verifier as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor,
    alg_id,
};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsage;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::jose::jwk::{Jwk, PublicKey};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// The most certificates that a chain may have, the leaf included.
pub const MAX_CHAIN: usize = 4;

/// The name of the check.
pub const CHECK: &str = "x509-chain";

/// The certificates at which trust begins. Nothing is trusted that is not in here: there is no system store.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    certificates: Vec<Vec<u8>>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl TrustAnchors {
    /// The anchors in these DER certificates.
    ///
    /// # Errors
    /// `anchor_malformed` for anything that is not a certificate.
    pub fn from_der(certificates: impl IntoIterator<Item = Vec<u8>>) -> Verdict<Self> {
        let mut all = Self::default();
        for certificate in certificates {
            all.add(certificate)?;
        }
        Ok(all)
    }

    /// The anchors in a PEM file with any number of `CERTIFICATE` sections.
    ///
    /// # Errors
    /// `anchor_malformed` for a file without a certificate, or with a broken one.
    pub fn from_pem(pem: &str) -> Verdict<Self> {
        let mut all = Self::default();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            all.add(certificate.map_err(|_| bad_anchor())?.to_vec())?;
        }
        if all.is_empty() { Err(bad_anchor()) } else { Ok(all) }
    }

    /// Adds the anchors of `other`.
    pub fn extend(&mut self, other: Self) {
        self.certificates.extend(other.certificates);
        self.anchors.extend(other.anchors);
    }

    /// Whether no chain can be trusted at all.
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    fn add(&mut self, certificate: Vec<u8>) -> Verdict<()> {
        let der = CertificateDer::from(certificate.as_slice());
        let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|_| bad_anchor())?.to_owned();
        self.anchors.push(anchor);
        self.certificates.push(certificate);
        Ok(())
    }
}

fn bad_anchor() -> Failure {
    Failure::new("x509-anchors", "anchor_malformed", "a trust anchor is not an X.509 certificate")
        .remedy("configure trust anchors as PEM certificates")
}

/// What a valid chain says about the key of its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLeaf {
    /// The leaf's public key, without further members.
    pub key: Jwk,
    /// The DNS names of the leaf's subject alternative names, in lower case; wildcards are left out.
    pub dns_names: Vec<String>,
    /// The URIs of the leaf's subject alternative names, as written.
    pub uris: Vec<String>,
}

impl VerifiedLeaf {
    /// Whether the leaf is for the host `name`: equal but for ASCII case, no wildcards (OpenID4VP 1.0 §5.9.3).
    pub fn has_dns_name(&self, name: &str) -> bool {
        self.dns_names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Whether the leaf is for the URI `uri`, equal character by character.
    pub fn has_uri(&self, uri: &str) -> bool {
        self.uris.iter().any(|it| it == uri)
    }
}

/// Validates `x5c` (DER certificates, leaf first) against `anchors` at `now`.
///
/// # Errors
/// `x5c_missing`, `x5c_too_long`, `x5c_malformed`, `x5c_self_signed`, `x5c_contains_anchor`, `x5c_order`,
/// `x5c_not_valid_now`, `x5c_role`, `x5c_untrusted`, `x5c_key_usage`, `x5c_key_unsupported`.
pub fn verify_chain(x5c: &[Vec<u8>], anchors: &TrustAnchors, now: UnixTime) -> Verdict<VerifiedLeaf> {
    let chain: Vec<CertificateDer<'_>> = x5c.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let Some((leaf_der, intermediates)) = chain.split_first() else {
        return Err(failure("x5c_missing", "there is no certificate", "send the chain in `x5c`, leaf first"));
    };
    if chain.len() > MAX_CHAIN {
        return Err(failure("x5c_too_long", "the chain is too long", "send at most four certificates"));
    }
    let parsed: Vec<EndEntityCert<'_>> = chain
        .iter()
        .map(|der| EndEntityCert::try_from(der).map_err(|_| malformed()))
        .collect::<Verdict<_>>()?;
    check_form(x5c, &parsed, anchors)?;

    let leaf = parsed.first().ok_or_else(malformed)?;
    let seconds = u64::try_from(now.secs()).map_err(|_| not_valid_now())?;
    let time = rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    leaf.verify_for_usage(ALGORITHMS, &anchors.anchors, intermediates, time, AnyPurpose, None, None)
        .map_err(|error| match error {
            webpki::Error::CertExpired { .. }
            | webpki::Error::CertNotValidYet { .. }
            | webpki::Error::InvalidCertValidity => not_valid_now(),
            webpki::Error::CaUsedAsEndEntity | webpki::Error::EndEntityUsedAsCa => failure(
                "x5c_role",
                "an authority's certificate is used as a leaf, or a leaf as an authority",
                "send a leaf that is no authority, issued by authorities",
            ),
            _ => failure(
                "x5c_untrusted",
                "no configured trust anchor vouches for the certificate",
                "use a certificate of a recognised authority, with P-256, P-384 or Ed25519 from leaf to anchor",
            ),
        })?;
    check_key_usage(leaf_der)?;

    let dns_names = leaf.valid_dns_names().filter(|name| !name.contains('*'));
    Ok(VerifiedLeaf {
        key: leaf_key(leaf)?,
        dns_names: dns_names.map(str::to_ascii_lowercase).collect(),
        uris: leaf.valid_uri_names().map(str::to_owned).collect(),
    })
}

/// The rules about which certificates stand in the chain, before any signature is looked at.
fn check_form(x5c: &[Vec<u8>], chain: &[EndEntityCert<'_>], anchors: &TrustAnchors) -> Verdict<()> {
    let without = "send the chain without the trust anchor";
    if x5c.iter().any(|der| anchors.certificates.contains(der)) {
        return Err(failure("x5c_contains_anchor", "the chain contains the trust anchor", without));
    }
    if let Some(at) = chain.iter().position(|certificate| certificate.issuer() == certificate.subject()) {
        return Err(if at == 0 {
            let remedy = "use a certificate that an authority has issued";
            failure("x5c_self_signed", "the leaf certificate is self-signed", remedy)
        } else {
            failure("x5c_contains_anchor", "the chain contains a self-signed certificate", without)
        });
    }
    let in_order = chain.iter().zip(chain.iter().skip(1)).all(|(one, next)| one.issuer() == next.subject());
    if in_order {
        Ok(())
    } else {
        let remedy = "send the leaf first and then the issuer of each";
        Err(failure("x5c_order", "a certificate is not issued by the one after it", remedy))
    }
}

fn failure(code: &'static str, detail: &str, remedy: &'static str) -> Failure {
    Failure::new(CHECK, code, detail).at("/x5c").remedy(remedy)
}

fn malformed() -> Failure {
    failure("x5c_malformed", "a certificate is not an X.509 v3 certificate in DER", "send DER in base64")
}

fn not_valid_now() -> Failure {
    failure("x5c_not_valid_now", "a certificate has expired or is not valid yet", "renew the certificate")
}

/// A leaf with a key usage extension must allow signatures (RFC 5280 §4.2.1.3).
fn check_key_usage(leaf: &CertificateDer<'_>) -> Verdict<()> {
    let certificate = x509_cert::Certificate::from_der(leaf).map_err(|_| malformed())?;
    match certificate.tbs_certificate().get_extension::<KeyUsage>() {
        Ok(None) => Ok(()),
        Ok(Some((_, usage))) if usage.digital_signature() => Ok(()),
        Ok(Some(_)) => Err(failure(
            "x5c_key_usage",
            "the leaf certificate is not for digital signatures",
            "use a certificate whose key usage includes digitalSignature",
        )),
        Err(_) => Err(malformed()),
    }
}

/// The leaf's key, checked as every JWK is.
fn leaf_key(leaf: &EndEntityCert<'_>) -> Verdict<Jwk> {
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    let unsupported = || {
        failure(
            "x5c_key_unsupported",
            "the leaf's key is not one of P-256, P-384 or Ed25519",
            "use a certificate for a P-256, P-384 or Ed25519 key",
        )
    };
    let der = leaf.subject_public_key_info();
    let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| malformed())?;
    let bits = info.subject_public_key.as_bytes().ok_or_else(unsupported)?;
    let (algorithm, parameters) = info.algorithm.oids().map_err(|_| unsupported())?;
    let key = match (algorithm, parameters) {
        (EC, Some(P256)) => {
            let point =
                p256::PublicKey::from_sec1_bytes(bits).map_err(|_| unsupported())?.to_sec1_point(false);
            let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(unsupported()) };
            PublicKey::P256 { x: (*x).into(), y: (*y).into() }
        }
        (EC, Some(P384)) => {
            let point =
                p384::PublicKey::from_sec1_bytes(bits).map_err(|_| unsupported())?.to_sec1_point(false);
            let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(unsupported()) };
            PublicKey::P384 { x: (*x).into(), y: (*y).into() }
        }
        (ED25519, None) => PublicKey::Ed25519(bits.try_into().map_err(|_| unsupported())?),
        _ => return Err(unsupported()),
    };
    Jwk::from_value(&Jwk::new(key).to_value()).map_err(|_| unsupported())
}

/// Accepts every purpose, and no malformed list of purposes.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        purposes.try_for_each(|purpose| purpose.map(drop))
    }
}

/// The signature algorithms of certificates.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[&EcdsaP256Sha256, &EcdsaP384Sha384, &Ed25519];

#[derive(Debug)]
struct EcdsaP256Sha256;

impl SignatureVerificationAlgorithm for EcdsaP256Sha256 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

#[derive(Debug)]
struct EcdsaP384Sha384;

impl SignatureVerificationAlgorithm for EcdsaP384Sha384 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}

#[derive(Debug)]
struct Ed25519;

impl SignatureVerificationAlgorithm for Ed25519 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = key.try_into().map_err(|_| InvalidSignature)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        key.verify_strict(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }
}

#[cfg(test)]
mod tests;
