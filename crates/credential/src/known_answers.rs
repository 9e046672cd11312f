//! The vectors of `schemas/vectors`: every value is made anew here and compared, and everything that must be refused is.
//!
//! The files were computed by a Python program that shares no code with this crate (`schemas/vectors/recompute.py`). Only
//! what is public is used here: whoever implements the protocol anew has a test like this one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use curve25519_dalek::{RistrettoPoint, Scalar};
use serde_json::Value;
use sha2::{Digest as _, Sha512};

use crate::commitment::{Commitment, LinkClaim, LinkKey, Opening, SUITE, Suite, commit};
use crate::crypto::{RustCryptoVerifier, SoftwareSigner};
use crate::did::Did;
use crate::encoding::{b64, json};
use crate::entropy::{Entropy, SeededEntropy};
use crate::jose::jwe::{Accepted, JweBackend as _, UnopenedJwe};
use crate::jose::jwe_rustcrypto::RustCryptoJwe;
use crate::jose::jwk::{Jwk, PrivateJwk, Thumbprint};
use crate::linkage::{HeldLinkage, LinkageClaims, issue};
use crate::ppid::{Ppid, PpidKey, UpstreamAccount};
use crate::same_subject::{Proof, Statement, prove, verify};
use crate::sealed::{self, Binding, SealedSubject};
use crate::secret::Personal;
use crate::status::StatusReference;
use crate::time::UnixTime;
use crate::verdict::Verdict;

/// Deals out bytes that are known, and no more than those.
struct Dealt(Mutex<Vec<u8>>);

impl Dealt {
    fn new(bytes: &[&[u8]]) -> Self {
        Self(Mutex::new(bytes.concat()))
    }

    fn is_used_up(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl Entropy for Dealt {
    fn fill(&self, dest: &mut [u8]) {
        let mut bytes = self.0.lock().unwrap();
        let rest = bytes.split_off(dest.len());
        dest.copy_from_slice(&bytes);
        *bytes = rest;
    }
}

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

fn hex(value: &Value, name: &str) -> Vec<u8> {
    let text = text(value, name);
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn code<T>(result: Verdict<T>) -> Option<&'static str> {
    result.err().map(|failure| failure.code)
}

#[test]
fn vectors_of_ppids() {
    let file = file(include_str!("../../../schemas/vectors/ppid.json"));
    for case in list(&file["cases"]) {
        let key = PpidKey::new(hex(case, "k_ppid")).unwrap();
        let account = UpstreamAccount::new(text(case, "iss"), text(case, "acct"));
        let ppid = key.derive(&account, text(case, "sector"));
        assert_eq!(ppid.expose(), text(case, "ppid"), "{}", case["name"]);
        assert_eq!(Ppid::parse(text(case, "ppid")).as_ref(), Ok(&ppid));
    }
    let mut all: Vec<&str> = list(&file["cases"]).iter().map(|case| text(case, "ppid")).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), list(&file["cases"]).len(), "no two cases have one PPID");
}

#[test]
fn vectors_of_commitments() {
    let file = file(include_str!("../../../schemas/vectors/commitments.json"));
    assert_eq!(text(&file, "suite"), SUITE);
    let generator = RistrettoPoint::mul_base(&Scalar::ONE).compress();
    assert_eq!(text(&file, "G"), b64::encode(generator.as_bytes()));
    let h = RistrettoPoint::from_uniform_bytes(&Sha512::digest(b"enishi/link/1/H").into());
    assert_eq!(text(&file, "H"), b64::encode(h.compress().as_bytes()));
    for case in list(&file["cases"]) {
        let key = LinkKey::new(hex(case, "k_link")).unwrap();
        let scalar = key.scalar(&UpstreamAccount::new(text(case, "iss"), text(case, "sub")));
        let opening = Opening::parse(text(case, "r")).unwrap();
        assert_eq!(*opening.expose(), text(case, "r"));
        let commitment = commit(&scalar, &opening).unwrap();
        assert_eq!(commitment.to_base64url(), text(case, "commitment"), "{case}");
        assert_eq!(Commitment::parse(text(case, "commitment")), Ok(commitment));
        // `s` never leaves its type; blinded with nothing, the commitment is `s·G`.
        let zero = Opening::parse(&b64::encode([0; 32])).unwrap();
        let s = Scalar::from_canonical_bytes(b64::decode_array(text(case, "s")).unwrap()).unwrap();
        let expected = RistrettoPoint::mul_base(&s).compress();
        assert_eq!(commit(&scalar, &zero).unwrap().as_bytes(), expected.as_bytes());
    }
    for refused in list(&file["refused_commitments"]) {
        assert_eq!(code(Commitment::parse(text(refused, "text"))), Some("commitment_malformed"), "{refused}");
        let claim = serde_json::json!({"suite": SUITE, "commitment": refused["text"]});
        assert!(serde_json::from_value::<LinkClaim>(claim).is_err());
    }
    for refused in list(&file["refused_openings"]) {
        assert_eq!(code(Opening::parse(text(refused, "text"))), Some("opening_malformed"), "{refused}");
    }
}

/// The two commitments and the proof of a statement, as far as they can be read, and the code with which it is refused.
fn check(given: &Value) -> Verdict<()> {
    let (c_sp, c_dp) = (Commitment::parse(text(given, "c_sp"))?, Commitment::parse(text(given, "c_dp"))?);
    let jkt = Thumbprint::parse(text(given, "grant_jkt")).unwrap();
    let proof = Proof::parse(text(given, "proof"));
    let statement = statement(given, &c_sp, &c_dp, &jkt);
    // A statement that can never be proved is refused whatever the proof looks like.
    if let Ok(proof) = &proof { verify(&statement, proof) } else { proof.map(drop) }
}

fn statement<'a>(
    given: &'a Value,
    c_sp: &'a Commitment,
    c_dp: &'a Commitment,
    grant_jkt: &'a Thumbprint,
) -> Statement<'a> {
    Statement {
        c_sp,
        c_dp,
        nonce: text(given, "nonce"),
        aud: text(given, "aud"),
        sd_hash_sp: text(given, "sd_hash_sp"),
        sd_hash_dp: text(given, "sd_hash_dp"),
        terms_hash_sp: text(given, "terms_hash_sp"),
        terms_hash_dp: text(given, "terms_hash_dp"),
        grant_jkt,
    }
}

#[test]
fn threat_7_vectors_of_same_subject_proofs() {
    let file = file(include_str!("../../../schemas/vectors/same-subject.json"));
    let (mut valid, mut refused) = (0, 0);
    for case in list(&file["cases"]) {
        let given = &case["statement"];
        assert_eq!(code(check(given)), case["code"].as_str(), "{}", case["name"]);
        if case["code"].is_string() {
            refused += 1;
            continue;
        }
        valid += 1;
        // The wallet comes to the same bytes when it draws the same.
        let [c_sp, c_dp] = ["c_sp", "c_dp"].map(|name| Commitment::parse(text(given, name)).unwrap());
        let jkt = Thumbprint::parse(text(given, "grant_jkt")).unwrap();
        let [r_sp, r_dp] = ["r_sp", "r_dp"].map(|name| Opening::parse(text(&case["wallet"], name)).unwrap());
        let dealt = Dealt::new(&[&hex(&case["wallet"], "nonce_seed")]);
        let proof = prove(&statement(given, &c_sp, &c_dp, &jkt), &r_sp, &r_dp, &dealt).unwrap();
        assert_eq!(proof.to_base64url(), text(given, "proof"), "{}", case["name"]);
        assert!(dealt.is_used_up());
    }
    assert!(valid == 2 && refused > 20, "{valid} valid, {refused} refused");
}

fn binding(value: &Value) -> Binding {
    Binding {
        iss: text(value, "iss").to_owned(),
        rp: text(value, "rp").to_owned(),
        jkt: Thumbprint::parse(text(value, "jkt")).unwrap(),
    }
}

/// The private key that belongs to a public JWK and its `d`.
fn private(public: &Value, d: &Value) -> PrivateJwk {
    let mut key = public.clone();
    key["d"] = d.clone();
    PrivateJwk::from_value(&key).unwrap()
}

#[test]
fn threat_5_vectors_of_sealed_identifiers() {
    let file = file(include_str!("../../../schemas/vectors/sealed-subjects.json"));
    let mut keys = Vec::new();
    for case in list(&file["cases"]) {
        let given = &case["subject"];
        let key = private(&given["recipient"], &given["recipient_d"]);
        let subject = SealedSubject {
            binding: binding(given),
            ppid: Ppid::parse(text(given, "ppid")).unwrap(),
            sub: Personal::new(text(given, "sub").to_owned()),
        };
        let dealt = Dealt::new(&[&hex(given, "ephemeral"), &hex(given, "iv")]);
        let compact = sealed::seal(&RustCryptoJwe, key.public(), &subject, &dealt).unwrap();
        assert_eq!(compact, text(case, "jwe"), "{}", case["name"]);
        let jwe = UnopenedJwe::parse(&compact, &Accepted::SEALED).unwrap();
        let opened = RustCryptoJwe.open(&key, &jwe).unwrap();
        assert_eq!(std::str::from_utf8(&opened.plaintext).unwrap(), text(case, "plaintext"));
        assert_eq!(jwe.header().kid.as_deref(), case["header"]["kid"].as_str());
        let expected = subject.binding.clone();
        assert_eq!(
            sealed::open(&RustCryptoJwe, std::slice::from_ref(&key), &compact, &expected),
            Ok(subject)
        );
        keys.push(key);
    }
    assert_eq!(keys.len(), 2);
    for refused in list(&file["refused"]) {
        let result =
            sealed::open(&RustCryptoJwe, &keys, text(refused, "jwe"), &binding(&refused["expected"]));
        assert_eq!(code(result), refused["code"].as_str(), "{}", refused["name"]);
    }
    assert!(list(&file["refused"]).len() > 12);
}

/// Header, payload without its digests, and what is concealed without its salts.
fn taken_apart(credential: &str) -> (Value, Value, BTreeMap<String, Value>) {
    let decoded = |part: &str| json::parse(&b64::decode(part).unwrap()).unwrap();
    let mut parts = credential.trim_end_matches('~').split('~');
    let jwt: Vec<&str> = parts.next().unwrap().split('.').collect();
    let mut payload = decoded(jwt[1]);
    let digests = payload["_sd"].take();
    assert_eq!(list(&digests).len(), 3);
    let concealed = parts.map(|part| {
        let disclosure = decoded(part);
        assert_eq!(b64::decode(disclosure[0].as_str().unwrap()).unwrap().len(), 16);
        (disclosure[1].as_str().unwrap().to_owned(), disclosure[2].clone())
    });
    (decoded(jwt[0]), payload, concealed.collect())
}

#[tokio::test]
async fn vectors_of_a_linkage_credential() {
    let file = file(include_str!("../../../schemas/vectors/linkage-credential.json"));
    let account = UpstreamAccount::new(text(&file["account"], "iss"), text(&file["account"], "sub"));
    let scalar = LinkKey::new(hex(&file, "k_link")).unwrap().scalar(&account);
    let commitment = commit(&scalar, &Opening::parse(text(&file, "r")).unwrap()).unwrap();
    let payload = &file["payload"];
    let status: StatusReference = serde_json::from_value(payload["status"]["status_list"].clone()).unwrap();
    let claims = LinkageClaims {
        iss: text(payload, "iss").to_owned(),
        rp: text(payload, "rp").to_owned(),
        acr: text(payload, "acr").to_owned(),
        issued_at: UnixTime::from_secs(file["issued_at"].as_i64().unwrap()),
        valid_days: file["valid_days"].as_u64().unwrap().try_into().unwrap(),
        cnf: Jwk::from_value(&file["instance"]).unwrap(),
        link: LinkClaim { suite: Suite::default(), commitment },
        status: Some(status),
        sub: Did::parse(text(&file["concealed"], "sub")).unwrap(),
        ppid: Ppid::parse(text(&file["concealed"], "ppid")).unwrap(),
        sealed_sub: text(&file["concealed"], "sealed_sub").to_owned(),
    };
    let issuer = private(&file["issuer"], &file["issuer_d"]);
    let signer = SoftwareSigner::new(issuer.clone()).unwrap();
    let issued = issue(&claims, &signer, &SeededEntropy::new("salts")).await.unwrap();
    let credential = text(&file, "credential");
    // Salts are ours to draw, and digests follow from them: all the rest is the same.
    let (ours, theirs) = (taken_apart(&issued), taken_apart(credential));
    assert_eq!(ours, theirs);
    assert_eq!(theirs.0, file["header"]);
    for (name, value) in &theirs.2 {
        assert_eq!(*value, file["concealed"][name], "{name}");
    }

    let held = HeldLinkage::receive(
        credential,
        &RustCryptoVerifier,
        text(payload, "iss"),
        issuer.public(),
        claims.issued_at,
    )
    .unwrap();
    for (name, shown) in [("mediated", held.present_mediated()), ("first_party", held.present_first_party())]
    {
        let shown = shown.unwrap();
        assert_eq!(shown.sd_hash(), text(&file["shown"][name], "sd_hash"), "{name}");
        assert_eq!(shown.into_unbound(), text(&file["shown"][name], "text"), "{name}");
    }
}
