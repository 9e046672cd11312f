//! Every mechanism with real credentials, and every way to get around the one that is configured.

mod certificates;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certificates::{anchor, leaf, self_signed, with_anchor};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{Algorithm, RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::did::{Did, DidDocument};
use crate::entropy::SeededEntropy;
use crate::jose::jwk::{Jwk, JwkSet, PrivateJwk};
use crate::jose::jws::KeyHint;
use crate::sdjwt::{KeyBindingPolicy, SdJwtBuilder, UnverifiedSdJwt, Validation, VerifiedSdJwt};
use crate::time::UnixTime;
use crate::verdict::Verdict;

/// Within the validity of all certificates here.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://issuer.example";
const VCT: &str = "urn:example:card:1";

fn private(name: &str) -> PrivateJwk {
    PrivateJwk::generate_p256(&SeededEntropy::new(name))
}

/// The key `name`, without `kid`.
fn signer(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(private(name)).unwrap()
}

fn public(name: &str, kid: &str) -> Jwk {
    private(name).public().clone().with_kid(kid)
}

/// A credential of `iss`, signed by the key `name`, with these header members.
async fn credential(iss: Option<&str>, name: &str, header: &[(&str, Value)]) -> String {
    let mut claims = json!({ "vct": VCT });
    if let Some(iss) = iss {
        claims["iss"] = iss.into();
    }
    let builder = SdJwtBuilder::new(claims.as_object().cloned().unwrap());
    let builder = header.iter().fold(builder, |builder, (name, value)| builder.header(name, value.clone()));
    builder.sign(&signer(name), &SeededEntropy::new("salts")).await.unwrap()
}

fn x5c(chain: &[Vec<u8>]) -> (&'static str, Value) {
    ("x5c", chain.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>().into())
}

fn kid(kid: &str) -> (&'static str, Value) {
    ("kid", kid.into())
}

/// The whole way: search, key, verification.
fn verify(trust: &IssuerTrust, text: &str, material: Material<'_>) -> Verdict<(String, VerifiedSdJwt)> {
    let credential = UnverifiedSdJwt::parse(text)?;
    let claimed = credential.claimed_issuer();
    let search = trust.search(claimed.as_deref(), &credential.key_hint())?;
    let key = search.key(&credential.key_hint(), material, NOW)?;
    let mut validation = Validation::credential("never this", VCT, NOW);
    key.bind(&mut validation);
    let verified =
        credential.verify(&RustCryptoVerifier, key.key(), &validation, &KeyBindingPolicy::NotRequired)?;
    Ok((key.issuer().to_owned(), verified))
}

fn outcome(trust: &IssuerTrust, text: &str, material: Material<'_>) -> Result<String, &'static str> {
    verify(trust, text, material).map(|(issuer, _)| issuer).map_err(|failure| failure.code)
}

fn by_metadata() -> IssuerTrust {
    IssuerTrust::new(Profile::Any).with(ISSUER, Mechanism::Metadata).unwrap()
}

fn by_certificate(id: &str) -> IssuerTrust {
    IssuerTrust::new(Profile::Haip).with(id, Mechanism::Certificate(anchor("root"))).unwrap()
}

#[tokio::test]
async fn sd_v25_the_kid_names_a_published_key() {
    let trust = by_metadata();
    let two = JwkSet { keys: vec![public("a", "1"), public("b", "2")] };
    let with = |set: &JwkSet, text: &str| outcome(&trust, text, Material::Keys(set));
    let good = credential(Some(ISSUER), "b", &[kid("2")]).await;
    assert_eq!(with(&two, &good), Ok(ISSUER.to_owned()));
    assert_eq!(with(&two, &credential(Some(ISSUER), "b", &[kid("1")]).await), Err("signature_invalid"));
    assert_eq!(with(&two, &credential(Some(ISSUER), "b", &[kid("3")]).await), Err("issuer_key_unknown"));

    let silent = credential(Some(ISSUER), "b", &[]).await;
    assert_eq!(with(&two, &silent), Err("kid_missing"));
    let one = JwkSet { keys: vec![public("x", "0").for_encryption(), public("b", "2")] };
    assert_eq!(with(&one, &silent), Ok(ISSUER.to_owned()), "one signing key");
    // Nor is one for signatures whose `use` is something else than `sig` and `enc`, or whose `alg` cannot be.
    let (wrapping, other) = (
        |key| Jwk { key_use: Some("wrap".to_owned()), ..key },
        |key| Jwk { alg: Some("ES384".to_owned()), ..key },
    );
    let one = JwkSet { keys: vec![wrapping(public("x", "0")), public("b", "2")] };
    assert_eq!(with(&one, &silent), Ok(ISSUER.to_owned()), "one signing key");
    for unfit in [wrapping(public("b", "2")), other(public("b", "2"))] {
        assert_eq!(with(&JwkSet { keys: vec![unfit] }, &good), Err("issuer_key_unfit"));
    }
    assert_eq!(with(&JwkSet::default(), &silent), Err("issuer_key_unknown"));
    let twice = JwkSet { keys: vec![public("b", "2"), public("a", "2")] };
    assert_eq!(with(&twice, &good), Err("kid_repeated"));
    let sealing = JwkSet { keys: vec![public("b", "2").for_encryption()] };
    assert_eq!(with(&sealing, &good), Err("issuer_key_unfit"));
    let ed25519 = PrivateJwk::generate_ed25519(&SeededEntropy::new("ed")).public().clone().with_kid("2");
    assert_eq!(with(&JwkSet { keys: vec![ed25519] }, &good), Err("issuer_key_unfit"), "key confusion");
    assert_eq!(outcome(&trust, &good, Material::Nothing), Err("issuer_key_unavailable"));
}

#[tokio::test]
async fn sd_v25_a_key_is_good_for_the_issuer_that_it_was_looked_up_for() {
    let (keys, mechanism) = (JwkSet { keys: vec![public("a", "1")] }, Mechanism::Metadata);
    for (iss, expected) in [(ISSUER, None), ("https://other.example", Some("issuer_mismatch"))] {
        let text = credential(Some(iss), "a", &[kid("1")]).await;
        let credential = UnverifiedSdJwt::parse(&text).unwrap();
        let search = KeySearch::configured(ISSUER, &mechanism);
        let key = search.key(&credential.key_hint(), Material::Keys(&keys), NOW).unwrap();
        let mut validation = Validation::credential(iss, VCT, NOW);
        key.bind(&mut validation);
        let verdict =
            credential.verify(&RustCryptoVerifier, key.key(), &validation, &KeyBindingPolicy::NotRequired);
        assert_eq!(verdict.err().map(|failure| failure.code), expected, "{iss}");
    }
}

#[tokio::test]
async fn sd_v73_what_the_sender_writes_does_not_choose_the_mechanism() {
    let (trust, keys) = (by_metadata(), JwkSet { keys: vec![public("a", "1")] });
    let chain = [leaf("root", "thief", &["issuer.example", ISSUER])];
    // A certificate, even a good one, is nothing to an issuer with metadata; nor is a key in the header.
    for header in [
        vec![x5c(&chain)],
        vec![x5c(&chain), kid("1")],
        vec![("jwk", signer("thief").public_jwk().to_value()), kid("1")],
    ] {
        let text = credential(Some(ISSUER), "thief", &header).await;
        assert_eq!(outcome(&trust, &text, Material::Keys(&keys)), Err("signature_invalid"));
        let hint = UnverifiedSdJwt::parse(&text).unwrap();
        assert_eq!(trust.search(Some(ISSUER), &hint.key_hint()).unwrap().needs(), Needs::Metadata(ISSUER));
    }
    let honest = credential(Some(ISSUER), "a", &[x5c(&chain), kid("1")]).await;
    assert_eq!(outcome(&trust, &honest, Material::Keys(&keys)), Ok(ISSUER.to_owned()));

    // Keys are nothing to an issuer with a certificate.
    let by_kid = credential(Some(ISSUER), "a", &[kid("1")]).await;
    assert_eq!(outcome(&by_certificate(ISSUER), &by_kid, Material::Keys(&keys)), Err("x5c_missing"));

    // An authority vouches for strangers, not for those who are recognised in another way.
    let open = by_metadata().with_authorities(anchor("root"));
    let claimed = credential(Some(ISSUER), "thief", &[x5c(&chain), kid("1")]).await;
    assert_eq!(outcome(&open, &claimed, Material::Keys(&keys)), Err("signature_invalid"));
    let silent = credential(None, "thief", &[x5c(&chain)]).await;
    assert_eq!(outcome(&open, &silent, Material::Nothing), Err("issuer_mechanism"));
}

#[tokio::test]
async fn haip_55_the_leaf_of_the_chain_is_the_issuer() {
    let nothing = Material::Nothing;
    let named = [leaf("root", "a", &["issuer.example"])];
    for iss in [Some(ISSUER), None] {
        let text = credential(iss, "a", &[x5c(&named)]).await;
        assert_eq!(outcome(&by_certificate(ISSUER), &text, nothing), Ok(ISSUER.to_owned()), "{iss:?}");
    }
    let tenant = "https://issuer.example/tenant";
    let uri = [leaf("root", "a", &["other.example", tenant])];
    let text = credential(Some(tenant), "a", &[x5c(&uri)]).await;
    assert_eq!(outcome(&by_certificate(tenant), &text, nothing), Ok(tenant.to_owned()));
    // A DNS name is a host's, not that of one tenant or port of it.
    for id in [
        tenant,
        "https://issuer.example/",
        "https://issuer.example:8443",
        "https://a.issuer.example",
        "http://issuer.example",
        "issuer.example",
    ] {
        let text = credential(Some(id), "a", &[x5c(&named)]).await;
        assert_eq!(outcome(&by_certificate(id), &text, nothing), Err("x5c_issuer_mismatch"), "{id}");
    }
    // A URI is the whole of it, not what it begins with.
    for uri in [ISSUER, "https://issuer.example/", "https://issuer.example/tenant/1"] {
        let text = credential(Some(tenant), "a", &[x5c(&[leaf("root", "a", &[uri])])]).await;
        assert_eq!(outcome(&by_certificate(tenant), &text, nothing), Err("x5c_issuer_mismatch"), "{uri}");
    }
    let other = [leaf("root", "a", &["evil.example", "https://evil.example"])];
    let text = credential(Some(ISSUER), "a", &[x5c(&other)]).await;
    assert_eq!(outcome(&by_certificate(ISSUER), &text, nothing), Err("x5c_issuer_mismatch"));
    let text = credential(None, "a", &[x5c(&other)]).await;
    assert_eq!(outcome(&by_certificate(ISSUER), &text, nothing), Err("issuer_untrusted"));
    let text = credential(Some("https://evil.example"), "a", &[x5c(&named)]).await;
    assert_eq!(outcome(&by_certificate(ISSUER), &text, nothing), Err("issuer_untrusted"));
    let text = credential(None, "a", &[]).await;
    assert_eq!(outcome(&by_certificate(ISSUER), &text, nothing), Err("issuer_untrusted"));
}

#[tokio::test]
async fn sd_n14_chains_that_do_not_hold_are_refused() {
    let (trust, nothing) = (by_certificate(ISSUER), Material::Nothing);
    let named = [leaf("root", "a", &["issuer.example"])];
    let wrong_key = credential(Some(ISSUER), "thief", &[x5c(&named)]).await;
    assert_eq!(outcome(&trust, &wrong_key, nothing), Err("signature_invalid"));
    let strange =
        credential(Some(ISSUER), "a", &[x5c(&[leaf("another root", "a", &["issuer.example"])])]).await;
    assert_eq!(outcome(&trust, &strange, nothing), Err("x5c_untrusted"));
    let good = credential(Some(ISSUER), "a", &[x5c(&named)]).await;
    let credential_ = UnverifiedSdJwt::parse(&good).unwrap();
    for at in [1_700_000_000, 1_900_000_000] {
        let search = trust.search(Some(ISSUER), &credential_.key_hint()).unwrap();
        let failure = search.key(&credential_.key_hint(), nothing, UnixTime::from_secs(at)).unwrap_err();
        assert_eq!(failure.code, "x5c_not_valid_now");
    }
}

#[tokio::test]
async fn haip_n5_the_chain_holds_no_anchor_and_no_self_signed_leaf() {
    let (trust, nothing) = (by_certificate(ISSUER), Material::Nothing);
    let chain = with_anchor("root", &[leaf("root", "a", &["issuer.example"])]);
    for iss in [Some(ISSUER), None] {
        let text = credential(iss, "a", &[x5c(&chain)]).await;
        assert_eq!(outcome(&trust, &text, nothing), Err("x5c_contains_anchor"));
        let text = credential(iss, "a", &[x5c(&[self_signed("a", "issuer.example")])]).await;
        assert_eq!(outcome(&trust, &text, nothing), Err("x5c_self_signed"));
    }
}

#[tokio::test]
async fn haip_n9_under_haip_nobody_is_known_by_metadata_or_did() {
    let haip = || IssuerTrust::new(Profile::Haip);
    let code = |trust: Verdict<IssuerTrust>| trust.unwrap_err().code;
    assert_eq!(code(haip().with(ISSUER, Mechanism::Metadata)), "issuer_mechanism_unfit");
    assert_eq!(code(haip().with("did:web:a.example", Mechanism::Did)), "issuer_mechanism_unfit");
    let (trust, keys) = (by_certificate(ISSUER), JwkSet { keys: vec![public("a", "1")] });
    let text = credential(Some(ISSUER), "a", &[kid("1")]).await;
    assert_eq!(outcome(&trust, &text, Material::Keys(&keys)), Err("x5c_missing"));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let any = || IssuerTrust::new(Profile::Any);
    for trust in [
        any().with("", Mechanism::Metadata),
        any().with("did:web:a.example", Mechanism::Metadata),
        any().with(ISSUER, Mechanism::Did),
        any().with("did:web:a.example#1", Mechanism::Did),
        any().with(ISSUER, Mechanism::Certificate(crate::x509::TrustAnchors::default())),
        by_metadata().with(ISSUER, Mechanism::Certificate(anchor("root"))),
    ] {
        assert_eq!(trust.unwrap_err().code, "issuer_mechanism_unfit");
    }
}

#[tokio::test]
async fn each_issuer_has_its_own_anchors() {
    let other = "https://other.example";
    let trust = by_certificate(ISSUER).with(other, Mechanism::Certificate(anchor("second root"))).unwrap();
    // The authority of one issuer cannot speak for the other, with or without `iss`.
    let chain = [leaf("second root", "a", &["issuer.example"])];
    for iss in [Some(ISSUER), None] {
        let text = credential(iss, "a", &[x5c(&chain)]).await;
        assert_eq!(outcome(&trust, &text, Material::Nothing), Err("x5c_untrusted"), "{iss:?}");
    }
    let both = [leaf("root", "a", &["issuer.example", "other.example"])];
    let text = credential(None, "a", &[x5c(&both)]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("issuer_ambiguous"));
    let text = credential(Some(ISSUER), "a", &[x5c(&both)]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Ok(ISSUER.to_owned()));
}

#[tokio::test]
async fn an_authority_vouches_for_whom_its_certificates_name() {
    let trust = by_certificate(ISSUER).with_authorities(anchor("state"));
    let pid = "https://pid.example";
    let chain = [leaf("state", "a", &["pid.example"])];
    for iss in [Some(pid), None] {
        let text = credential(iss, "a", &[x5c(&chain)]).await;
        assert_eq!(outcome(&trust, &text, Material::Nothing), Ok(pid.to_owned()), "{iss:?}");
    }
    let text = credential(Some("https://evil.example"), "a", &[x5c(&chain)]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("x5c_issuer_mismatch"));
    // The anchors of one named issuer make no authority.
    let text = credential(Some(pid), "a", &[x5c(&[leaf("root", "a", &["pid.example"])])]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("x5c_untrusted"));
    let text = credential(None, "a", &[x5c(&[leaf("state", "a", &[])])]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("issuer_untrusted"));
    let text = credential(Some(pid), "a", &[kid("1")]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("issuer_untrusted"), "no certificate");
    // A configured issuer keeps to its own anchors.
    let text = credential(Some(ISSUER), "a", &[x5c(&[leaf("state", "a", &["issuer.example"])])]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("x5c_untrusted"));
}

#[tokio::test]
async fn a_certificate_that_names_a_configured_issuer_is_not_good_for_another_iss() {
    let trust = by_certificate(ISSUER).with_authorities(anchor("root"));
    let chain = [leaf("root", "a", &["issuer.example", "pid.example"])];
    let text = credential(Some("https://pid.example"), "a", &[x5c(&chain)]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("x5c_issuer_mismatch"));
}

#[tokio::test]
async fn a_credential_without_iss_that_has_one_after_all_is_refused() {
    // The certificate is read as if there were no `iss`; a text that has one is then refused.
    let trust = by_certificate(ISSUER);
    let text = credential(Some(ISSUER), "a", &[x5c(&[leaf("root", "a", &["issuer.example"])])]).await;
    let credential = UnverifiedSdJwt::parse(&text).unwrap();
    let key = trust.search(None, &credential.key_hint()).unwrap();
    let key = key.key(&credential.key_hint(), Material::Nothing, NOW).unwrap();
    let mut validation = Validation::credential("https://other.example", VCT, NOW);
    key.bind(&mut validation);
    assert_eq!(validation.issuer, None);
    assert_eq!(key.into_parts(), (ISSUER.to_owned(), signer("a").public_jwk().clone()));
}

#[tokio::test]
async fn a_did_signs_with_its_own_assertion_method() {
    let (mine, other) = (Did::jwk(signer("a").public_jwk()), Did::jwk(signer("b").public_jwk()));
    let trust = IssuerTrust::new(Profile::Any).with(mine.as_str(), Mechanism::Did).unwrap();
    let url = |did: &Did| did.verification_method().unwrap().as_str().to_owned();
    let nothing = Material::Nothing;
    let good = credential(Some(mine.as_str()), "a", &[kid(&url(&mine))]).await;
    assert_eq!(outcome(&trust, &good, nothing), Ok(mine.as_str().to_owned()));
    let search = |id: &str| {
        let credential = UnverifiedSdJwt::parse(&good).unwrap();
        trust.search(Some(id), &credential.key_hint()).map(|search| search.needs() == Needs::Nothing)
    };
    assert_eq!(search(mine.as_str()), Ok(true));
    assert_eq!(search(other.as_str()).unwrap_err().code, "issuer_untrusted");

    let code = async |header: &[(&str, Value)]| {
        outcome(&trust, &credential(Some(mine.as_str()), "b", header).await, nothing).unwrap_err()
    };
    assert_eq!(code(&[kid(&url(&other))]).await, "did_url_foreign");
    assert_eq!(code(&[kid(&url(&mine))]).await, "signature_invalid");
    assert_eq!(code(&[]).await, "kid_missing");
    assert_eq!(code(&[kid("#0")]).await, "did_invalid");
    assert_eq!(code(&[kid(mine.as_str())]).await, "did_invalid");
    assert_eq!(code(&[kid(&format!("{}#1", mine.as_str()))]).await, "did_url_unknown");
}

#[tokio::test]
async fn a_did_whose_key_makes_no_assertions_is_no_issuer() {
    let sealing = Did::key(PrivateJwk::generate_x25519(&SeededEntropy::new("x")).public());
    let trust = IssuerTrust::new(Profile::Any).with(sealing.as_str(), Mechanism::Did).unwrap();
    let url = sealing.verification_method().unwrap();
    let text = credential(Some(sealing.as_str()), "a", &[kid(url.as_str())]).await;
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("did_relationship"));
}

#[tokio::test]
async fn a_did_that_does_not_carry_its_key_needs_its_document() {
    let id = "did:web:issuer.example";
    let trust = IssuerTrust::new(Profile::Any).with(id, Mechanism::Did).unwrap();
    let text = credential(Some(id), "a", &[kid("did:web:issuer.example#1")]).await;
    let credential = UnverifiedSdJwt::parse(&text).unwrap();
    let search = trust.search(Some(id), &credential.key_hint()).unwrap();
    assert_eq!(search.needs(), Needs::DidDocument(Did::parse(id).unwrap()));
    assert_eq!(outcome(&trust, &text, Material::Nothing), Err("issuer_key_unavailable"));
    let document = |id: &str, method: &str, listed: &str| {
        let did = Did::parse(id).unwrap();
        let key = signer("a").public_jwk().to_value();
        let method = json!({"id": method, "type": "JsonWebKey", "controller": id, "publicKeyJwk": key});
        let name = method["id"].clone();
        let value = json!({"id": id, "verificationMethod": [method], listed: [name]});
        DidDocument::from_value(value, &did).unwrap()
    };
    let with = |document: &DidDocument| outcome(&trust, &text, Material::Document(document));
    let good = document(id, "did:web:issuer.example#1", "assertionMethod");
    assert_eq!(with(&good), Ok(id.to_owned()));
    let fetched = Fetched::Document(good);
    assert!(
        fetched.names(Some("did:web:issuer.example#1")) && !fetched.names(Some("did:web:issuer.example#2"))
    );
    assert!(!fetched.names(None));
    assert_eq!(with(&document(id, "did:web:issuer.example#2", "assertionMethod")), Err("did_url_unknown"));
    assert_eq!(with(&document(id, "did:web:issuer.example#1", "authentication")), Err("did_relationship"));
    let other = "did:web:other.example";
    assert_eq!(with(&document(other, "did:web:other.example#1", "assertionMethod")), Err("did_url_unknown"));
    // Keys from elsewhere are not its document.
    let keys = JwkSet { keys: vec![public("a", "did:web:issuer.example#1")] };
    assert_eq!(outcome(&trust, &text, Material::Keys(&keys)), Err("issuer_key_unavailable"));
}

/// The codes of the table in the module docs, each with its check.
#[test]
fn every_code_is_documented_with_its_check() {
    let rows = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    let documented: Vec<(&str, &str)> = rows
        .map(|row| {
            let mut cells = row.split(" | ");
            (cells.next().unwrap().trim_matches('`'), cells.next().unwrap())
        })
        .collect();
    for (code, check) in &documented {
        assert_eq!(fault(code, "").check, *check, "{code}");
    }
    let sources = [include_str!("../choose.rs"), include_str!("../search.rs"), include_str!("../trust.rs")];
    let calls = sources.iter().flat_map(|source| source.split("fault(").skip(1));
    let used: Vec<&str> =
        calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next()).collect();
    assert!(used.len() > 10);
    for code in used {
        assert!(documented.iter().any(|(documented, _)| *documented == code), "{code}");
    }
}

proptest! {
    #[test]
    fn searching_never_panics_and_finds_nobody_by_chance(
        iss in proptest::option::of(".*"), kid in proptest::option::of("(did:[a-z]{2,4}:[a-zA-Z0-9]*#?[0-9]*)|.*"),
        x5c: Vec<Vec<u8>>,
    ) {
        let did = Did::jwk(signer("a").public_jwk());
        let trust = by_metadata()
            .with("https://certified.example", Mechanism::Certificate(anchor("root"))).unwrap()
            .with(did.as_str(), Mechanism::Did).unwrap()
            .with_authorities(anchor("state"));
        let hint = KeyHint { algorithm: Algorithm::Es256, typ: None, kid: kid.as_deref(), jwk: None, x5c: &x5c };
        for claimed in [iss.as_deref(), Some(did.as_str()), Some("https://certified.example"), Some(ISSUER), None] {
            if let Ok(search) = trust.search(claimed, &hint) {
                prop_assert!(search.key(&hint, Material::Nothing, NOW).is_err());
            }
        }
    }
}
