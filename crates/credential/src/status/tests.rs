use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{RustCryptoVerifier, Signer as _, SoftwareSigner};
use crate::encoding::b64;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::{Jwk, PrivateJwk};
use crate::jose::jws;
use crate::test_vectors;
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
fn ietf_vectors_of_section_4_1_in_both_directions() {
    let Some(vectors) = test_vectors::document("ietf-status-list/encoding_vectors.json") else { return };
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    for vector in vectors["section_4_1"].as_array().unwrap() {
        let bits = StatusBits::try_from(vector["bits"].as_u64().unwrap()).unwrap();
        let statuses = vector["statuses"].as_array().unwrap();
        let mut list = StatusList::new(bits, statuses.len() as u64).unwrap();
        assert_eq!(list.len(), statuses.len() as u64);
        for (idx, status) in (0..).zip(statuses) {
            list.set(idx, Status::from_value(u8::try_from(status.as_u64().unwrap()).unwrap())).unwrap();
        }
        let lst = b64::encode(unhex(vector["zlib_hex"].as_str().unwrap()));
        assert_eq!(list.encode().lst, lst);
        assert_eq!(StatusList::decode(&encoded(bits, lst)).unwrap(), list);
    }
}

#[test]
fn ietf_vectors_of_appendix_c_hold_at_every_place() {
    let Some(vectors) = test_vectors::document("ietf-status-list/encoding_vectors.json") else { return };
    let vectors = vectors["appendix_c"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let encoded: EncodedStatusList = serde_json::from_value(vector["json"].clone()).unwrap();
        let list = StatusList::decode(&encoded).unwrap();
        assert_eq!(list.len(), vector["entries"].as_u64().unwrap());
        let named = vector["statuses"].as_object().unwrap();
        for (idx, status) in named {
            let found = list.get(idx.parse().unwrap()).unwrap().value();
            assert_eq!(u64::from(found), status.as_u64().unwrap(), "{} {idx}", vector["section"]);
        }
        let other = (0..list.len()).filter(|idx| !list.get(*idx).unwrap().is_valid()).count();
        assert_eq!(other as u64, vector["nonzero_entries"].as_u64().unwrap());
        assert_eq!(StatusList::decode(&list.encode()).unwrap(), list);
    }
}

#[test]
fn ietf_status_list_token_verifies_with_its_key() {
    let Some(vector) = test_vectors::document("ietf-status-list/status_list_jwt.json") else { return };
    let key = PrivateJwk::from_value(&vector["test_key_from_src_util_py"]).unwrap();
    let uri = "https://example.com/statuslists/1";
    let expected = Expected { uri, now: UnixTime::from_secs(1_686_920_171), max_ttl: 90_000, max_age: None };
    let list = verify_with(vector["jwt"].as_str().unwrap(), key.public(), &expected).unwrap();
    assert_eq!(list.get(0), Ok(Status::Invalid));
    assert_eq!(list.get(1), Ok(Status::Valid));
    assert_eq!(list.fresh_until().since(expected.now), 43_200);
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

#[test]
fn tsl_n1_type_algorithm_signature_and_key_must_hold() {
    let good = signed(&claims());
    assert_eq!(verify(&good).unwrap().get(0), Ok(Status::Invalid));
    for typ in ["JWT", "statuslist+cwt", "application/statuslist+jwt", "STATUSLIST+JWT"] {
        let token = block_on(jws::sign(&signer(), jws::header(typ, &signer()), &claims())).unwrap();
        assert_eq!(code(verify(&token)), "typ_not_allowed", "{typ}");
    }
    let without = block_on(jws::sign(&signer(), serde_json::Map::new(), &claims())).unwrap();
    assert_eq!(code(verify(&without)), "typ_not_allowed");
    let none = format!(
        "{}.{}.",
        b64::encode(format!(r#"{{"alg":"none","typ":"{TYP}"}}"#)),
        b64::encode(claims().to_string())
    );
    assert_eq!(code(verify(&none)), "alg_not_allowed");
    let untrusted = PrivateJwk::generate_p256(&SeededEntropy::new("untrusted"));
    assert_eq!(code(verify_with(&good, untrusted.public(), &expected())), "signature_invalid");
    let (input, _) = good.rsplit_once('.').unwrap();
    assert_eq!(code(verify(&format!("{input}.{}", b64::encode([1; 64])))), "signature_invalid");
}

#[test]
fn tsl_n2_sub_must_be_exactly_the_uri() {
    for sub in [
        "https://verifier.example/status-lists/1/",
        "https://verifier.example/status-lists/1?",
        "https://verifier.example/status-lists/1?x=1",
        "https://VERIFIER.example/status-lists/1",
        "https://verifier.example:443/status-lists/1",
        "https://verifier.example/status-lists/2",
        "",
    ] {
        assert_eq!(code(verify(&signed(&with("/sub", json!(sub))))), "status_list_uri", "{sub}");
    }
}

#[test]
fn tsl_n3_missing_claims_wrong_bits_and_other_encodings_are_refused() {
    for (pointer, value) in [
        ("/sub", json!(null)),
        ("/sub", json!(1)),
        ("/iat", json!(null)),
        ("/iat", json!("1800000000")),
        ("/exp", json!("never")),
        ("/status_list", json!(null)),
        ("/status_list", json!([])),
        ("/status_list/bits", json!(null)),
        ("/status_list/bits", json!(3)),
        ("/status_list/bits", json!(0)),
        ("/status_list/bits", json!(16)),
        ("/status_list/bits", json!("1")),
        ("/status_list/bits", json!(-1)),
        ("/status_list/lst", json!(null)),
        ("/status_list/lst", json!([1])),
    ] {
        let name = format!("{pointer} {value}");
        assert_eq!(code(verify(&signed(&with(pointer, value)))), "status_list_malformed", "{name}");
    }
    let bytes = [0xc9, 0x44, 0xf9];
    let zlib = compress_to_vec_zlib(&bytes, 9);
    let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], compress_to_vec(&bytes, 9).as_slice()].concat();
    let mut bad_checksum = zlib.clone();
    *bad_checksum.last_mut().unwrap() ^= 1;
    for (name, lst) in [
        ("padded", "eNo76fITAAPfAgc=".to_owned()),
        ("standard alphabet", "eNo76fITAAPfAgc+/".to_owned()),
        ("raw deflate", b64::encode(compress_to_vec(&bytes, 9))),
        ("gzip", b64::encode(gzip)),
        ("not compressed", b64::encode(bytes)),
        ("cut off", b64::encode(&zlib[..zlib.len() - 5])),
        ("bad checksum", b64::encode(bad_checksum)),
        ("empty", String::new()),
    ] {
        assert_eq!(
            code(verify(&signed(&with("/status_list/lst", json!(lst))))),
            "status_list_encoding",
            "{name}"
        );
    }
}

#[test]
fn tsl_n4_expired_future_and_senseless_times_are_refused() {
    for (pointer, value, refusal) in [
        ("/exp", json!(NOW.secs()), "status_list_expired"),
        ("/exp", json!(NOW.secs() - 1), "status_list_expired"),
        ("/iat", json!(NOW.secs() + CLOCK_SKEW + 1), "status_list_not_yet_valid"),
        ("/ttl", json!(0), "status_list_malformed"),
        ("/ttl", json!(-60), "status_list_malformed"),
        ("/ttl", json!(-0.5), "status_list_malformed"),
        ("/ttl", json!("60"), "status_list_malformed"),
    ] {
        let name = format!("{pointer} {value}");
        assert_eq!(code(verify(&signed(&with(pointer, value)))), refusal, "{name}");
    }
    let old = signed(&with("/iat", json!(NOW.secs() - 61)));
    let strict = Expected { max_age: Some(60), ..expected() };
    assert_eq!(code(verify_with(&old, signer().public_jwk(), &strict)), "status_list_too_old");
    assert!(verify(&old).is_ok());
}

#[test]
fn threat_9_a_huge_or_missing_ttl_is_capped_and_never_outlives_exp() {
    let fresh_for = |claims: &Value| verify(&signed(claims)).unwrap().fresh_until().since(NOW);
    assert_eq!(fresh_for(&with("/ttl", json!(u64::MAX))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(1e300))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(null))), 300);
    assert_eq!(fresh_for(&with("/ttl", json!(1.9))), 1);
    assert_eq!(fresh_for(&with("/exp", json!(NOW.secs() + 10))), 9);
}

#[test]
fn tsl_n5_an_index_outside_of_the_list_is_refused() {
    let list = verify(&signed(&claims())).unwrap();
    assert_eq!(list.get(11), Ok(Status::Other(3)));
    for idx in [12, 13, u64::MAX] {
        assert_eq!(code(list.get(idx)), "status_index_out_of_range", "{idx}");
    }
    for idx in [json!("1"), json!(-1), json!(1.5), json!(1e30), json!(null)] {
        let claim = json!({"status_list": {"idx": idx, "uri": URI}});
        assert!(serde_json::from_value::<StatusClaim>(claim).is_err(), "{idx}");
    }
    let beyond = r#"{"status_list":{"idx":18446744073709551616,"uri":"x"}}"#;
    assert!(crate::encoding::json::from_slice::<StatusClaim>(beyond.as_bytes()).is_err());
    let claim: StatusClaim = serde_json::from_value(json!({"status_list": {"idx": 3, "uri": URI}})).unwrap();
    assert_eq!(claim.status_list, StatusReference { idx: 3, uri: URI.to_owned() });
}

#[test]
fn tsl_n6_a_decompression_bomb_is_refused_without_being_inflated() {
    let bomb = compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES + 1], 9);
    assert!(bomb.len() < 8192, "{}", bomb.len());
    let claims = with("/status_list/lst", json!(b64::encode(bomb)));
    assert_eq!(code(verify(&signed(&claims))), "status_list_too_large");
    let largest = compress_to_vec_zlib(&vec![0; MAX_LIST_BYTES], 9);
    assert!(StatusList::decode(&encoded(StatusBits::One, b64::encode(largest))).is_ok());
    assert_eq!(code(StatusList::new(StatusBits::Eight, u64::MAX)), "status_list_too_large");
}

#[test]
fn tsl_n9_only_zero_is_valid() {
    let mut list = StatusList::new(StatusBits::Eight, 256).unwrap();
    for value in 0..=255 {
        list.set(value.into(), Status::from_value(value)).unwrap();
        let status = list.get(value.into()).unwrap();
        assert_eq!(status.value(), value);
        assert_eq!(status.is_valid(), value == 0, "{value}");
    }
    assert_eq!(list.get(1), Ok(Status::Invalid));
    assert_eq!(list.get(2), Ok(Status::Suspended));
    assert_eq!(list.get(0x0c), Ok(Status::Other(0x0c)));
}

#[test]
fn a_status_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut list = StatusList::new(StatusBits::One, 8).unwrap();
    assert_eq!(code(list.set(0, Status::Suspended)), "status_value_too_large");
    assert_eq!(code(list.set(8, Status::Invalid)), "status_index_out_of_range");
    assert_eq!(list, StatusList::new(StatusBits::One, 8).unwrap());
    assert_eq!(StatusList::new(StatusBits::One, 0).unwrap().random_place(&SeededEntropy::new("r")), None);
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
    fn reading_never_panics(text: String, bytes: Vec<u8>, bits in any_bits(), idx: u64) {
        let _ = UnverifiedStatusListToken::parse(&text).is_ok();
        for lst in [b64::encode(&bytes), b64::encode([&[0x78, 0xda], bytes.as_slice()].concat()), text] {
            if let Ok(list) = StatusList::decode(&encoded(bits, lst)) {
                prop_assert_eq!(list.get(idx).is_ok(), idx < list.len());
            }
        }
    }
}
