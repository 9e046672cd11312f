//! How an issuer's key is found: metadata, certificates, DIDs (SD-JWT VC §2.5, §4; HAIP 1.0 §6.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enishi_credential::crypto::{Signer as _, SoftwareSigner};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::issuer_dids;
use super::policy::{CredentialPolicy, Keys, Policy};

pub(super) fn family() -> Family {
    let mut family = Family::new(
        "issuer-keys",
        "SD-JWT VCs whose issuer's key cannot be found in the way that is configured, issuer metadata that are unusable, and sound ones.",
    );
    metadata(&mut family);
    documents(&mut family);
    certificates(&mut family);
    issuer_dids::all(&mut family);
    family
}

fn published() -> Value {
    let key = |name: &str, kid: &str| p256(name).public_jwk().clone().with_kid(kid).to_value();
    json!({"issuer": ISSUER, "jwks": {"keys": [key("issuer", "issuer-1"), key("issuer-next", "issuer-2")]}})
}

fn metadata(family: &mut Family) {
    const UNKNOWN: (&str, &str, &str) = ("issuer-key", "issuer_key_unknown", "/kid");
    let with = |metadata: Value| CredentialPolicy { keys: Keys::Metadata(metadata), ..card_policy() };
    family.demand("metadata", with(published()));
    family.accept(
        "n13-by-metadata",
        "metadata",
        "`kid` names one of two keys that the issuer publishes.",
        Card::new().issued(),
    );
    let second = Card::new().head("kid", json!("issuer-2")).with(|card| card.key = p256("issuer-next"));
    family.accept(
        "n13-next-key",
        "metadata",
        "`kid` names the issuer's next key: keys are published before they are used.",
        second.issued(),
    );
    let other = Card::new().head("kid", json!("issuer-2"));
    let without = Card::new().with(|card| {
        card.header.as_object_mut().expect("an object").remove("kid");
    });
    let stranger = || Card::new().with(|card| card.key = p256("stranger"));
    let iss = |iss: &str| Card::new().claim("iss", json!(iss)).claim("edition", json!(1)).issued();
    family
        .beside("n13-by-metadata")
        .refuse(
            "sd-n13-kid-unknown",
            "`kid` names no key that the issuer publishes.",
            Card::new().head("kid", json!("issuer-3")).issued(),
            UNKNOWN,
        )
        .refuse(
            "sd-n13-kid-of-another-key",
            "`kid` names the issuer's other key.",
            other.issued(),
            ("issuer-signature", "signature_invalid", ""),
        )
        .refuse(
            "sd-n13-kid-missing",
            "There is no `kid`, and the issuer publishes two keys.",
            without.issued(),
            ("issuer-key", "kid_missing", "/kid"),
        )
        .refuse(
            "sd-n13-kid-case",
            "`kid` differs in case.",
            Card::new().head("kid", json!("Issuer-1")).issued(),
            UNKNOWN,
        )
        .refuse(
            "sd-n13-iss-trailing-slash",
            "`iss` has a slash at its end: that is another issuer.",
            iss("https://issuer.example/"),
            ("issuer-trusted", "issuer_untrusted", "/iss"),
        )
        .refuse(
            "sd-n13-iss-http",
            "`iss` is not https.",
            iss("http://issuer.example"),
            ("issuer-trusted", "issuer_untrusted", "/iss"),
        )
        .refuse(
            "sd-n13-iss-other",
            "`iss` is an issuer that nobody configured.",
            iss("https://other.example"),
            ("issuer-trusted", "issuer_untrusted", "/iss"),
        )
        .refuse(
            "sd-n13-key-in-header",
            "The key is in the header, and not among those that the issuer publishes.",
            stranger().head("jwk", public(&p256("stranger"))).head("kid", json!("stranger")).issued(),
            UNKNOWN,
        )
        .refuse(
            "sd-n13-certificate-instead",
            "The issuer is known by its metadata, but the sender brings a certificate.",
            stranger().claim("edition", json!(2)).head("x5c", chain(&world().leaf(|_| {}))).issued(),
            ("issuer-signature", "signature_invalid", ""),
        );
}

/// Metadata themselves, as they were fetched.
fn documents(family: &mut Family) {
    const CHECK: &str = "issuer-metadata";
    const UNUSABLE: &str = "issuer_metadata_unusable";
    family.demand("document", Policy::IssuerMetadata { issuer: ISSUER.to_owned() });
    family.accept("n13-metadata", "document", "Metadata with two keys in them.", text_of(&published()));
    let uri = json!({"issuer": ISSUER, "jwks_uri": "https://issuer.example/jwks.json"});
    family.accept("n13-metadata-uri", "document", "Metadata that say where the keys are.", text_of(&uri));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut metadata = published();
        change(&mut metadata);
        text_of(&metadata)
    };
    let issuer_is = |issuer: &str| with(&|metadata| metadata["issuer"] = json!(issuer));
    let private = enishi_credential::jose::jwk::PrivateJwk::generate_p256(
        &enishi_credential::entropy::SeededEntropy::new("corpus/private"),
    );
    family
        .beside("n13-metadata")
        .refuse(
            "sd-n13-metadata-of-another",
            "The metadata are of another issuer.",
            issuer_is("https://other.example"),
            (CHECK, UNUSABLE, "/issuer"),
        )
        .refuse(
            "sd-n13-metadata-trailing-slash",
            "`issuer` has a slash at its end.",
            issuer_is("https://issuer.example/"),
            (CHECK, UNUSABLE, "/issuer"),
        )
        .refuse(
            "sd-n13-metadata-upper-case",
            "`issuer` is written in capitals.",
            issuer_is("https://ISSUER.example"),
            (CHECK, UNUSABLE, "/issuer"),
        )
        .refuse(
            "sd-n13-metadata-no-issuer",
            "There is no `issuer`.",
            with(&|metadata| drop(metadata.as_object_mut().expect("an object").remove("issuer"))),
            (CHECK, UNUSABLE, ""),
        )
        .refuse(
            "sd-n13-metadata-no-keys",
            "There are no keys, and it is not said where they are.",
            with(&|metadata| drop(metadata.as_object_mut().expect("an object").remove("jwks"))),
            (CHECK, UNUSABLE, ""),
        )
        .refuse(
            "sd-n13-metadata-two-sources",
            "There are keys, and it is said where others are.",
            with(&|metadata| metadata["jwks_uri"] = json!("https://issuer.example/jwks.json")),
            (CHECK, UNUSABLE, ""),
        )
        .refuse(
            "sd-n13-metadata-private-key",
            "A private key is published.",
            with(&|metadata| metadata["jwks"]["keys"][0] = private.to_secret_value()),
            (CHECK, UNUSABLE, ""),
        )
        .refuse(
            "sd-n13-metadata-issuer-twice",
            "`issuer` is there twice.",
            format!(r#"{{"issuer":"https://other.example",{}"#, &text_of(&published())[1..]),
            (CHECK, UNUSABLE, ""),
        )
        .refuse(
            "sd-n13-metadata-not-json",
            "It is a page, not JSON.",
            "<!doctype html><title>issuer</title>",
            (CHECK, UNUSABLE, ""),
        );
    family
        .beside("n13-metadata-uri")
        .refuse(
            "sd-n13-jwks-uri-http",
            "`jwks_uri` is not https.",
            text_of(&json!({"issuer": ISSUER, "jwks_uri": "http://issuer.example/jwks.json"})),
            ("url", "url_not_https", ""),
        )
        .refuse(
            "sd-n13-jwks-uri-file",
            "`jwks_uri` is a file.",
            text_of(&json!({"issuer": ISSUER, "jwks_uri": "file:///etc/keys.json"})),
            ("url", "url_malformed", ""),
        )
        .refuse(
            "sd-n13-jwks-uri-user",
            "`jwks_uri` names a user.",
            text_of(&json!({"issuer": ISSUER, "jwks_uri": "https://issuer.example@evil.example/jwks.json"})),
            ("url", "url_malformed", ""),
        );
}

/// Signs certificates deterministically.
struct CertificateKey(SoftwareSigner, Vec<u8>);

impl CertificateKey {
    fn new(name: &str) -> Self {
        let signer = p256(name);
        let point = signer.public_jwk().key.to_bytes();
        Self(signer, point)
    }
}

impl rcgen::PublicKeyData for CertificateKey {
    fn der_bytes(&self) -> &[u8] {
        &self.1
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for CertificateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(der(&self.0.sign_now(message).expect("software signs")))
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

/// An anchor, an authority below it, and leaves.
struct World {
    anchor: Vec<u8>,
    middle: Vec<u8>,
    issuer: Issuer<'static, CertificateKey>,
}

fn world() -> World {
    named_world("root")
}

fn named_world(root: &str) -> World {
    let anchor =
        authority(root).self_signed(&CertificateKey::new(root)).expect("a certificate").der().to_vec();
    let root = Issuer::new(authority(root), CertificateKey::new(root));
    let key = CertificateKey::new("authority");
    let middle = authority("authority").signed_by(&key, &root).expect("a certificate").der().to_vec();
    World { anchor, middle, issuer: Issuer::new(authority("authority"), key) }
}

impl World {
    fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<Vec<u8>> {
        let mut params = params("issuer");
        params.subject_alt_names = vec![SanType::URI(ISSUER.try_into().expect("ASCII"))];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        let leaf = params.signed_by(&CertificateKey::new("issuer"), &self.issuer).expect("a certificate");
        vec![leaf.der().to_vec(), self.middle.clone()]
    }
}

fn chain(certificates: &[Vec<u8>]) -> Value {
    certificates.iter().map(|der| Value::from(STANDARD.encode(der))).collect()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn certificates(family: &mut Family) {
    let check = "x509-chain";
    let world = world();
    let keys = Keys::Certificate { anchors: vec![pem(&world.anchor)] };
    family.demand("certificate", CredentialPolicy { keys, ..card_policy() });
    let with = |x5c: &[Vec<u8>]| Card::new().head("x5c", chain(x5c));
    let sound = world.leaf(|_| {});
    family.accept(
        "n14-by-certificate",
        "certificate",
        "A chain of two certificates to a configured anchor; the leaf names the issuer.",
        with(&sound).issued(),
    );
    let dns = world.leaf(|leaf| {
        leaf.subject_alt_names = vec![SanType::DnsName("issuer.example".try_into().expect("ASCII"))];
    });
    family.accept("n14-by-dns-name", "certificate", "The leaf names the issuer's host.", with(&dns).issued());
    family.accept(
        "n14-without-iss",
        "certificate",
        "Only the certificate says who the issuer is.",
        with(&sound).without("iss").issued(),
    );
    let other = named_world("another root");
    let expired = world.leaf(|leaf| leaf.not_after = rcgen::date_time_ymd(2026, 6, 1));
    let early = world.leaf(|leaf| leaf.not_before = rcgen::date_time_ymd(2026, 12, 31));
    let another = world.leaf(|leaf| {
        leaf.subject_alt_names = vec![SanType::URI("https://other.example".try_into().expect("ASCII"))];
    });
    let wildcard = world
        .leaf(|leaf| leaf.subject_alt_names = vec![SanType::DnsName("*.example".try_into().expect("ASCII"))]);
    let usage = world.leaf(|leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    let authority_leaf = world.leaf(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let self_signed = {
        let mut params = params("issuer");
        params.subject_alt_names = vec![SanType::URI(ISSUER.try_into().expect("ASCII"))];
        params.self_signed(&CertificateKey::new("issuer")).expect("a certificate").der().to_vec()
    };
    let by_leaf = {
        // The leaf, which is no authority, issues another leaf.
        let mut params = params("another leaf");
        params.subject_alt_names = vec![SanType::URI(ISSUER.try_into().expect("ASCII"))];
        let mut above = self::params("issuer");
        above.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let issuer = Issuer::new(above, CertificateKey::new("issuer"));
        params.signed_by(&CertificateKey::new("issuer"), &issuer).expect("a certificate").der().to_vec()
    };
    let mut garbled = sound.clone();
    garbled[0].truncate(100);
    let reversed: Vec<Vec<u8>> = sound.iter().rev().cloned().collect();
    let refused = |code: &'static str| (check, code, "/x5c");
    family
        .beside("n14-by-certificate")
        .refuse(
            "sd-n14-x5c-missing",
            "There is no `x5c` in the protected header.",
            Card::new().claim("edition", json!(3)).issued(),
            refused("x5c_missing"),
        )
        .refuse(
            "sd-n14-leaf-key-is-another",
            "The text is signed with another key than the leaf's.",
            with(&sound).with(|card| card.key = p256("stranger")).issued(),
            ("issuer-signature", "signature_invalid", ""),
        )
        .refuse(
            "sd-n14-another-anchor",
            "The chain ends at an anchor that is not configured.",
            with(&other.leaf(|_| {})).issued(),
            refused("x5c_untrusted"),
        )
        .refuse(
            "sd-n14-leaf-expired",
            "The leaf has expired.",
            with(&expired).issued(),
            refused("x5c_not_valid_now"),
        )
        .refuse(
            "sd-n14-leaf-not-yet-valid",
            "The leaf is not valid yet.",
            with(&early).issued(),
            refused("x5c_not_valid_now"),
        )
        .refuse(
            "sd-n14-leaf-of-another-issuer",
            "The leaf names another issuer.",
            with(&another).issued(),
            ("issuer-key", "x5c_issuer_mismatch", "/x5c"),
        )
        .refuse(
            "sd-n14-leaf-wildcard",
            "The leaf names the issuer's host only by a wildcard.",
            with(&wildcard).issued(),
            ("issuer-key", "x5c_issuer_mismatch", "/x5c"),
        )
        .refuse(
            "sd-n14-leaf-key-usage",
            "The leaf is not for signatures.",
            with(&usage).issued(),
            refused("x5c_key_usage"),
        )
        .refuse(
            "sd-n14-leaf-is-authority",
            "The leaf is an authority.",
            with(&authority_leaf).issued(),
            refused("x5c_role"),
        )
        .refuse(
            "sd-n14-self-signed",
            "The leaf is self-signed.",
            with(&[self_signed]).issued(),
            refused("x5c_self_signed"),
        )
        .refuse(
            "sd-n14-anchor-in-chain",
            "The chain contains the anchor.",
            with(&[sound.clone(), vec![world.anchor.clone()]].concat()).issued(),
            refused("x5c_contains_anchor"),
        )
        .refuse(
            "sd-n14-authority-missing",
            "The certificate between leaf and anchor is missing.",
            with(&sound[..1]).issued(),
            refused("x5c_untrusted"),
        )
        .refuse(
            "sd-n14-order",
            "The chain begins at the authority.",
            with(&reversed).issued(),
            refused("x5c_order"),
        )
        .refuse(
            "sd-n14-issued-by-leaf",
            "The leaf was issued by a leaf.",
            with(&[vec![by_leaf], sound.clone()].concat()).issued(),
            refused("x5c_role"),
        )
        .refuse(
            "sd-n14-too-long",
            "The chain has more than four certificates.",
            with(&[sound.clone(), vec![world.middle.clone(); 3]].concat()).issued(),
            refused("x5c_too_long"),
        )
        .refuse(
            "sd-n14-leaf-cut-off",
            "The leaf is cut off.",
            with(&garbled).issued(),
            refused("x5c_malformed"),
        );
}
