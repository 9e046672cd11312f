//! SD-JWT: parse, verify, hold, present, and verify again.
//!
//! An inside is: the header, the payload, and then the disclosures, a line of JSON each. In payload and disclosures, `"#0"`
//! stands for the digest of the first disclosure and so on (a disclosure can name only those before it), and `"#cnf"`
//! for the holder's public key.

use std::sync::LazyLock;

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier};
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::sdjwt::{
    ClaimPath, ExpectedVct, HashAlgorithm, HeldSdJwt, KeyBindingPolicy, UnverifiedSdJwt, Validation,
    VerifiedSdJwt,
};
use enishi_credential::time::UnixTime;

use super::{Reached, choice, raw, toy, with_one_character_changed};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

pub(crate) static ISSUER: LazyLock<PrivateJwk> = LazyLock::new(|| toy::key("issuer"));
pub(crate) static HOLDER: LazyLock<PrivateJwk> = LazyLock::new(|| toy::key("holder"));

/// Any type, because a fuzzer that must spell a `vct` finds nothing else.
pub(crate) fn validation() -> Validation {
    Validation {
        vct: ExpectedVct::Any,
        issuer: None,
        ..Validation::credential("https://issuer.example", "", NOW)
    }
}

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let Ok(text) = std::str::from_utf8(input) else { return Reached::Refused };
    match raw(text) {
        Some(compact) => check(&RustCryptoVerifier, compact, choice(input)),
        None => check(&toy::Toy, &build(text), choice(input)),
    }
}

/// The SD-JWT that an inside describes.
pub(crate) fn build(text: &str) -> String {
    let mut lines = text.split('\n');
    let header = lines.next().unwrap_or_default();
    let payload = lines.next().unwrap_or_default();
    let names = ["sha-384", "sha-512"];
    let named = names.into_iter().find(|name| payload.contains(name)).and_then(HashAlgorithm::from_name);
    let hash = named.unwrap_or_default();
    let (mut disclosures, mut digests) = (String::new(), Vec::new());
    for line in lines.take(64) {
        let disclosure = b64::encode(with_digests(line, &digests));
        digests.push(hash.digest(&disclosure));
        disclosures.push_str(&disclosure);
        disclosures.push('~');
    }
    let holder = HOLDER.public().to_value().to_string();
    let payload = with_digests(payload, &digests).replace("\"#cnf\"", &holder);
    format!("{}~{disclosures}", toy::jws(ISSUER.public(), header, &payload))
}

/// Writes digests where `#0`, `#1`, … stand in quotation marks.
fn with_digests(text: &str, digests: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\"#") {
        out.push_str(before);
        out.push('"');
        let digest = after
            .split_once('"')
            .and_then(|(number, after)| Some((digests.get(number.parse::<usize>().ok()?)?, after)));
        if let Some((digest, after)) = digest {
            out.push_str(digest);
            out.push('"');
            rest = after;
        } else {
            out.push('#');
            rest = after;
        }
    }
    out + rest
}

fn verify(verifier: &dyn SignatureVerifier, key: &Jwk, text: &str) -> Option<VerifiedSdJwt> {
    UnverifiedSdJwt::parse(text)
        .and_then(|it| it.verify(verifier, key, &validation(), &KeyBindingPolicy::NotRequired))
        .ok()
}

fn check(verifier: &dyn SignatureVerifier, text: &str, choice: usize) -> Reached {
    let key = ISSUER.public();
    let Some(verified) = verify(verifier, key, text) else { return Reached::Refused };

    // A wallet takes what a verifier takes, and reads the same out of it, also when it comes back to it later.
    let held = HeldSdJwt::receive(text, verifier, key, &validation()).expect("received as verified");
    let stored = HeldSdJwt::from_storage(held.as_str()).expect("what was received can be stored");
    assert_eq!(held.as_str(), text);
    for held in [&held, &stored] {
        assert_eq!(held.claims(), verified.claims());
        assert_eq!(held.disclosable(), verified.disclosed());
    }

    // Everything shown is the very text; less shown verifies too, and shows no more than was asked for.
    let present = |paths: &[ClaimPath]| held.present(paths).expect("these claims are there").into_unbound();
    assert_eq!(present(&verified.disclosed()), text);
    let none = verify(verifier, key, &present(&[])).expect("nothing shown verifies");
    assert!(none.disclosed().is_empty());
    assert_eq!(none.issuer(), verified.issuer());
    assert_eq!(none.cnf(), verified.cnf());
    for path in verified.disclosed().iter().take(4) {
        let one = verify(verifier, key, &present(std::slice::from_ref(path))).expect("one claim verifies");
        assert!(!one.disclosed().is_empty() && one.disclosed().len() <= verified.disclosed().len());
        assert_eq!(one.vct(), verified.vct());
    }

    // No other text is as good.
    let changed = with_one_character_changed(text, choice).expect("a text has characters");
    assert!(verify(verifier, key, &changed).is_none(), "a changed text is refused");
    Reached::Accepted
}
