//! Tests of status lists: what is common to them, and the round trips.

mod reading;
mod vectors;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::{Jwk, PrivateJwk};
use crate::jose::jws;
use crate::time::UnixTime;
use crate::verdict::Verdict;

const URI: &str = "https://verifier.example/status-lists/1";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn expected() -> Expected<'static> {
    Expected { uri: URI, now: NOW, max_ttl: 300, max_age: None }
}

fn signer() -> SoftwareSigner {
    SoftwareSigner::new(
        PrivateJwk::generate_p256(&SeededEntropy::new("list")).map_public(|key| key.with_kid("1")),
    )
    .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A signed token with any claims.
fn signed(claims: &Value) -> String {
    block_on(jws::sign(&signer(), jws::header(TYP, &signer()), claims)).unwrap()
}

fn claims() -> Value {
    json!({"sub": URI, "iat": NOW.secs(), "exp": NOW.secs() + 3600, "ttl": 60,
        "status_list": {"bits": 2, "lst": "eNo76fITAAPfAgc"}})
}

/// A signed token with exactly this text as its claims.
fn signed_text(claims: &str) -> String {
    let header = json!({"alg": "ES256", "typ": TYP}).to_string();
    let input = format!("{}.{}", b64::encode(header), b64::encode(claims));
    let signature = signer().sign_now(input.as_bytes()).unwrap();
    format!("{input}.{}", b64::encode(signature))
}

/// The claims with one changed; `Null` takes it away.
fn with(pointer: &str, value: Value) -> Value {
    let mut claims = claims();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name)
    } else {
        parent.insert(name.to_owned(), value)
    };
    claims
}

fn verify_with(compact: &str, key: &Jwk, expected: &Expected<'_>) -> Verdict<VerifiedStatusList> {
    UnverifiedStatusListToken::parse(compact)?.verify(&RustCryptoVerifier, key, expected)
}

fn verify(compact: &str) -> Verdict<VerifiedStatusList> {
    verify_with(compact, signer().public_jwk(), &expected())
}

fn code<T>(result: Verdict<T>) -> &'static str {
    result.err().expect("refused").code
}

fn encoded(bits: StatusBits, lst: String) -> EncodedStatusList {
    EncodedStatusList { bits, lst, aggregation_uri: None }
}

#[test]
fn what_we_sign_we_verify_and_the_copy_grows_old() {
    let mut list = StatusList::new(StatusBits::Two, 1000).unwrap();
    list.set(7, Status::Suspended).unwrap();
    let token = StatusListToken {
        uri: URI,
        issuer: Some("https://verifier.example"),
        issued_at: NOW,
        expires_at: Some(NOW.plus(3600)),
        ttl: Some(60),
        aggregation_uri: Some("https://verifier.example/status-lists"),
        list: &list,
    };
    let compact = block_on(token.sign(&signer(), &[vec![1, 2, 3]])).unwrap();
    let unverified = UnverifiedStatusListToken::parse(&compact).unwrap();
    let source = unverified.key_source();
    assert_eq!((source.hint.kid, source.hint.x5c), (Some("1"), [vec![1, 2, 3]].as_slice()));
    assert_eq!(source.issuer.as_deref(), Some("https://verifier.example"));
    let verified = verify(&compact).unwrap();
    assert_eq!(verified.get(7), Ok(Status::Suspended));
    assert_eq!(verified.issued_at(), NOW);
    assert!(verified.is_fresh(NOW.plus(60)) && !verified.is_fresh(NOW.plus(61)));
}

fn any_bits() -> impl Strategy<Value = StatusBits> {
    prop_oneof![Just(StatusBits::One), Just(StatusBits::Two), Just(StatusBits::Four), Just(StatusBits::Eight)]
}

proptest! {
    #[test]
    fn setting_one_place_changes_only_that_place(
        bits in any_bits(), writes: Vec<(u8, u8)>, seed: String,
    ) {
        let mut list = StatusList::new(bits, 256).unwrap();
        let mut model = vec![0_u8; 256];
        for (idx, value) in writes {
            let value = value >> (8 - bits.count());
            list.set(idx.into(), Status::from_value(value)).unwrap();
            model[usize::from(idx)] = value;
        }
        let read = StatusList::decode(&list.encode()).unwrap();
        for (idx, value) in (0..).zip(&model) {
            prop_assert_eq!(read.get(idx).unwrap().value(), *value);
        }
        prop_assert!(list.random_place(&SeededEntropy::new(&seed)).unwrap() < list.len());
    }

    #[test]
    fn encoding_and_decoding_are_the_identity(bits in any_bits(), bytes: Vec<u8>, repeat in 0_usize..64) {
        // Any row of bytes is a list, written place by place.
        let bytes = bytes.repeat(repeat);
        let per_byte = u64::from(8 / bits.count());
        let mut list = StatusList::new(bits, bytes.len() as u64 * per_byte).unwrap();
        for idx in 0..list.len() {
            let shift = u32::try_from(idx % per_byte).unwrap() * bits.count();
            let value = (bytes[usize::try_from(idx / per_byte).unwrap()] >> shift) & bits.mask();
            list.set(idx, Status::from_value(value)).unwrap();
        }
        let encoded = list.encode();
        prop_assert_eq!(&StatusList::decode(&encoded).unwrap(), &list);
        prop_assert_eq!(&StatusList::decode(&encoded).unwrap().encode(), &encoded, "one text for one list");
        let within = StatusList::decode_within(bits, &encoded.lst, bytes.len());
        prop_assert_eq!(within.unwrap().len(), list.len());
        if !bytes.is_empty() {
            let tight = StatusList::decode_within(bits, &encoded.lst, bytes.len() - 1);
            prop_assert_eq!(tight.unwrap_err().code, "status_list_too_large");
        }
    }

    #[test]
    fn an_answer_never_panics(media_type: Option<String>, body: Vec<u8>) {
        let _ = UnverifiedStatusListToken::from_response(media_type.as_deref(), &body).is_ok();
        let _ = UnverifiedStatusListToken::from_response(Some(MEDIA_TYPE), &body).is_ok();
    }

    #[test]
    fn reading_never_panics(text: String, bytes: Vec<u8>, bits in any_bits(), idx: u64) {
        let _ = UnverifiedStatusListToken::parse(&text).is_ok();
        for lst in [b64::encode(&bytes), b64::encode([&[0x78, 0xda], bytes.as_slice()].concat()), text] {
            if let Ok(list) = StatusList::decode(&encoded(bits, lst)) {
                prop_assert_eq!(list.get(idx).is_ok(), idx < list.len());
            }
        }
    }
}
