//! Key Binding JWT: what follows the last `~` of a credential that is always the same one.
//!
//! An inside is the header and the payload, a line each; `"#sd"` in the payload stands for the hash of the presentation.

use std::sync::LazyLock;

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier};
use enishi_credential::sdjwt::{HashAlgorithm, KeyBindingPolicy, UnverifiedSdJwt, VerifiedSdJwt};
use enishi_credential::verdict::Verdict;

use super::sd_jwt::{HOLDER, ISSUER, NOW, build, validation};
use super::{Reached, choice, raw, toy, with_one_character_changed};

const AUD: &str = "x509_san_dns:verifier.example";
const NONCE: &str = "n-0S6_WzA2Mj";

/// The credential for insides.
static TOY: LazyLock<String> = LazyLock::new(|| {
    build(concat!(
        r#"{"alg":"EdDSA","typ":"dc+sd-jwt"}"#,
        "\n",
        r##"{"iss":"https://issuer.example","vct":"urn:x","cnf":{"jwk":"#cnf"},"_sd":["#0"]}"##,
        "\n",
        r#"["salt","name","A"]"#,
    ))
});

/// The credential that raw inputs follow, with a true signature. Written down, because what a builder makes of the same
/// claims depends on the order in which serde_json keeps members, and that on who else is built.
pub(crate) const REAL: &str = concat!(
    "eyJhbGciOiJFZERTQSIsInR5cCI6ImRjK3NkLWp3dCJ9.eyJfc2QiOlsiNWJZcnAyX0hvbkQyd1IwZE5EMVZWV053Xy1pbkdnVVl1R1FoaXZ",
    "Rd3EybyJdLCJfc2RfYWxnIjoic2hhLTI1NiIsImNuZiI6eyJqd2siOnsiY3J2IjoiRWQyNTUxOSIsImt0eSI6Ik9LUCIsIngiOiJmX0VZR0p",
    "IZzdOdGFNOFE0dWt3WE51SkFUdGhwYjBSX2UyM0hQQjZNeU80In19LCJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwidmN0IjoidXJ",
    "uOngifQ.u8Tbym3EnyFpyisKGGUGZnPYoeJribYpg8PZjXCjUID3oM3ykeKiYKJueM6AvXDEttj5RDpNcJtV3-FJlj9mBQ~WyJMcXlaSkFwV",
    "UdheDNmUU5FSXE1ekd3IiwibmFtZSIsIkEiXQ~",
);

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let Ok(text) = std::str::from_utf8(input) else { return Reached::Refused };
    if let Some(jwt) = raw(text) {
        return check(&RustCryptoVerifier, REAL, jwt, choice(input));
    }
    let (header, payload) = text.split_once('\n').unwrap_or((text, ""));
    let payload = payload.replace("#sd", &HashAlgorithm::default().digest(&TOY));
    check(&toy::Toy, &TOY, &toy::jws(HOLDER.public(), header, &payload), choice(input))
}

fn verify(verifier: &dyn SignatureVerifier, text: &str, aud: &str, nonce: &str) -> Verdict<VerifiedSdJwt> {
    let policy =
        KeyBindingPolicy::Required { aud: aud.to_owned(), nonce: nonce.to_owned(), max_age: 300, leeway: 30 };
    UnverifiedSdJwt::parse(text)?.verify(verifier, ISSUER.public(), &validation(), &policy)
}

fn check(verifier: &dyn SignatureVerifier, credential: &str, jwt: &str, choice: usize) -> Reached {
    let text = format!("{credential}{jwt}");
    let Ok(verified) = verify(verifier, &text, AUD, NONCE) else { return Reached::Refused };
    let held = verified.key_binding().expect("it was required");
    assert_eq!((held.claims["aud"].as_str(), held.claims["nonce"].as_str()), (Some(AUD), Some(NONCE)));
    assert_eq!(held.claims["sd_hash"], HashAlgorithm::default().digest(credential));
    assert!((NOW.secs() - 330..=NOW.secs() + 30).contains(&held.iat.secs()));

    // It is for one verifier, one transaction and one set of disclosures, and policy decides whether it may be there.
    assert!(verify(verifier, &text, "another", NONCE).is_err());
    assert!(verify(verifier, &text, AUD, "another").is_err());
    let fewer = format!("{}~{jwt}", credential.split('~').next().unwrap_or_default());
    assert!(verify(verifier, &fewer, AUD, NONCE).is_err());
    let unwanted = UnverifiedSdJwt::parse(&text)
        .and_then(|it| it.verify(verifier, ISSUER.public(), &validation(), &KeyBindingPolicy::NotRequired));
    assert!(unwanted.is_err());
    let changed = with_one_character_changed(jwt, choice).expect("a text has characters");
    assert!(verify(verifier, &format!("{credential}{changed}"), AUD, NONCE).is_err());
    Reached::Accepted
}
