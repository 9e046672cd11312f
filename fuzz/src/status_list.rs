//! Token Status List: the list and its token.
//!
//! An inside is: the header, the payload, a line each, and then bytes. In the payload, `#list` stands for the bytes
//! compressed as a list, `#zlib` for the bytes as they are: a hostile stream.

use std::sync::LazyLock;

use enishi_credential::crypto::{RustCryptoVerifier, SignatureVerifier};
use enishi_credential::encoding::{b64, json};
use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::status::{
    EncodedStatusList, Expected, MAX_LIST_BYTES, Status, StatusBits, StatusList, UnverifiedStatusListToken,
    VerifiedStatusList,
};

use super::sd_jwt::NOW;
use super::{Reached, choice, raw, toy, with_one_character_changed};

pub(crate) static SIGNER: LazyLock<PrivateJwk> = LazyLock::new(|| toy::key("status"));

pub(crate) const EXPECTED: Expected<'static> =
    Expected { uri: "https://status.example/1", now: NOW, max_ttl: 3600, max_age: None };

/// The target.
pub fn run(input: &[u8]) -> Reached {
    if let Some(token) = std::str::from_utf8(input).ok().and_then(raw) {
        return check(&RustCryptoVerifier, token, choice(input));
    }
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let header = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let mut payload = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let bytes = lines.next().unwrap_or_default();
    if payload.contains("#list") {
        payload = payload.replace("#list", &compressed(bytes));
    }
    payload = payload.replace("#zlib", &b64::encode(bytes));
    if let Ok(payload) = json::parse(payload.as_bytes())
        && let Ok(encoded) = serde_json::from_value(payload["status_list"].clone())
    {
        list(&encoded);
    }
    check(&toy::Toy, &toy::jws(SIGNER.public(), &header, &payload), choice(input))
}

/// The bytes as a list of 8 bits each, compressed.
fn compressed(bytes: &[u8]) -> String {
    let places = u64::try_from(bytes.len()).expect("a length");
    let mut list = StatusList::new(StatusBits::Eight, places).expect("a small list");
    for (place, byte) in (0..).zip(bytes) {
        list.set(place, Status::from_value(*byte)).expect("a place of the list");
    }
    list.encode().lst
}

fn list(encoded: &EncodedStatusList) {
    let Ok(mut list) = StatusList::decode(encoded) else { return };
    assert!(
        list.len() * u64::from(list.bits().count()) <= 8 * u64::try_from(MAX_LIST_BYTES).expect("a size")
    );
    assert!(list.get(list.len()).is_err());
    // Compressing is slow, so only small lists are written again.
    if list.len() > 1 << 14 {
        return;
    }
    assert_eq!(StatusList::decode(&list.encode()).as_ref(), Ok(&list), "what was written reads the same");
    let before: Vec<Status> = (0..list.len()).map(|place| list.get(place).expect("a place")).collect();
    if let Some(place) = list.len().checked_sub(1) {
        list.set(place, Status::Invalid).expect("a place");
        assert_eq!(list.get(place), Ok(Status::Invalid));
        let others = 0..place;
        assert!(others.zip(&before).all(|(place, before)| list.get(place) == Ok(*before)));
    }
}

fn verify(
    verifier: &dyn SignatureVerifier,
    token: &str,
    expected: &Expected<'_>,
) -> Option<VerifiedStatusList> {
    let token = UnverifiedStatusListToken::parse(token).ok()?;
    token.verify(verifier, SIGNER.public(), expected).ok()
}

fn check(verifier: &dyn SignatureVerifier, token: &str, choice: usize) -> Reached {
    let Some(verified) = verify(verifier, token, &EXPECTED) else { return Reached::Refused };
    assert!(verified.is_fresh(NOW), "what is accepted can be used at once");
    assert!(!verified.is_fresh(NOW.plus(3601)), "`ttl` is capped");
    assert!(verified.get(u64::MAX).is_err());
    assert!(verify(verifier, token, &Expected { uri: "https://status.example/2", ..EXPECTED }).is_none());
    let changed = with_one_character_changed(token, choice).expect("a text has characters");
    assert!(verify(verifier, &changed, &EXPECTED).is_none(), "a changed token is refused");
    Reached::Accepted
}
