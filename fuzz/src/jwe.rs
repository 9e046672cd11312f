//! JWE and sealed identifiers.
//!
//! An inside is: `p` or `x` for the recipient's curve, then the members of the protected header as JSON, a line each, and then
//! the plaintext.

use std::sync::LazyLock;

use enishi_credential::encoding::json;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwe::{
    Accepted, ContentEncryption, JweBackend as _, JweError, JweHeader, KeyManagement, OpenedJwe, UnopenedJwe,
};
use enishi_credential::jose::jwe_rustcrypto::RustCryptoJwe;
use enishi_credential::jose::jwk::{Jwk, PrivateJwk};
use enishi_credential::sealed;
use serde_json::Value;

use super::{Reached, choice, raw, with_one_character_changed};

pub(crate) static KEYS: LazyLock<[PrivateJwk; 2]> = LazyLock::new(|| {
    let entropy = SeededEntropy::new("sealing keys");
    let p256 = PrivateJwk::generate_p256(&entropy)
        .map_public(|key| Jwk { alg: None, ..key.with_kid("p").for_encryption() });
    let x25519 = PrivateJwk::generate_x25519(&entropy)
        .map_public(|key| Jwk { alg: None, ..key.with_kid("x").for_encryption() });
    [p256, x25519]
});

/// The target.
pub fn run(input: &[u8]) -> Reached {
    if let Some(compact) = std::str::from_utf8(input).ok().and_then(raw) {
        return check(compact, choice(input));
    }
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let (curve, members) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let plaintext = lines.next().unwrap_or_default();
    let Ok(Value::Object(members)) = json::parse(members) else { return Reached::Refused };
    let encryption = members.get("enc").and_then(Value::as_str).and_then(ContentEncryption::from_name);
    let algorithm = members.get("alg").and_then(Value::as_str).and_then(KeyManagement::from_name);
    let mut header = JweHeader::new(encryption.unwrap_or(ContentEncryption::A256Gcm))
        .algorithm(algorithm.unwrap_or(KeyManagement::EcdhEs));
    header.kid = members.get("kid").and_then(Value::as_str).map(str::to_owned);
    for (name, value) in members {
        // A sender may write what it likes; a reader wants these two to be texts.
        if matches!(name.as_str(), "typ" | "cty") && !value.is_string() {
            return Reached::Refused;
        }
        header = header.member(&name, value);
    }
    let [p256, x25519] = &*KEYS;
    let key = if curve == b"x" { x25519 } else { p256 };
    let entropy = SeededEntropy::new("one text");
    let Ok(compact) = RustCryptoJwe.seal(key.public(), &header, plaintext, &entropy) else {
        return Reached::Refused;
    };
    let opened = open(key, &compact).expect("what was sealed opens");
    assert_eq!(opened.plaintext.as_slice(), plaintext);
    assert_eq!(opened.header, header);
    assert_eq!(UnopenedJwe::parse(&compact, &Accepted::ALL).map(|jwe| jwe.header().clone()), Ok(header));
    check(&compact, choice(input))
}

fn open(key: &PrivateJwk, compact: &str) -> Result<OpenedJwe, JweError> {
    RustCryptoJwe.open(key, &UnopenedJwe::parse(compact, &Accepted::ALL)?)
}

fn check(compact: &str, choice: usize) -> Reached {
    let opened = KEYS.iter().find_map(|key| open(key, compact).ok());
    let Ok(binding) = sealed::peek(compact) else {
        return if opened.is_some() { Reached::Accepted } else { Reached::Refused };
    };
    let Ok(subject) = sealed::open(&RustCryptoJwe, KEYS.as_slice(), compact, &binding) else {
        return Reached::Refused;
    };
    assert!(opened.is_some(), "a sealed identifier is a JWE");
    assert_eq!(subject.binding, binding);

    // It can be sealed anew, to the same length, and opens as the same; a changed text opens as nothing.
    let [p256, _] = &*KEYS;
    let entropy = SeededEntropy::new("another text");
    let again =
        sealed::seal(&RustCryptoJwe, p256.public(), &subject, &entropy).expect("it was sealed before");
    assert_eq!(sealed::open(&RustCryptoJwe, KEYS.as_slice(), &again, &binding), Ok(subject));
    let changed = with_one_character_changed(compact, choice).expect("a text has characters");
    assert!(KEYS.iter().all(|key| open(key, &changed).is_err()));
    assert!(sealed::open(&RustCryptoJwe, KEYS.as_slice(), &changed, &binding).is_err());
    Reached::Accepted
}
