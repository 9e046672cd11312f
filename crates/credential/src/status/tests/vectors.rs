//! The vectors of the specification, read from the folder of vectors.

use super::*;
use crate::encoding::json;
use crate::sdjwt::{ExpectedVct, KeyBindingPolicy, UnverifiedSdJwt, Validation};
use crate::test_vectors;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn ietf_vectors_of_section_4_1_in_both_directions() {
    let Some(vectors) = test_vectors::document("ietf-status-list/encoding_vectors.json") else { return };
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
        // The CBOR form of the same list ends with the very same ZLIB stream.
        let stream = b64::decode(&encoded.lst).unwrap();
        assert!(unhex(vector["cbor_hex"].as_str().unwrap()).ends_with(&stream));
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
fn ietf_figures_of_the_specification_are_read_or_refused_as_it_says() {
    let Some(examples) = test_vectors::document("ietf-status-list/examples.json") else { return };
    let figures = |section: &str| -> Vec<String> {
        let figures = examples["figures"][section].as_array().unwrap_or_else(|| panic!("{section}"));
        figures.iter().map(|figure| figure["text"].as_str().unwrap().to_owned()).collect()
    };
    for (text, bytes) in
        figures("4.2. Status List in JSON Format").iter().zip([&[0xb9, 0xa3][..], &[0xc9, 0x44, 0xf9]])
    {
        let encoded = json::from_slice(text.split("encoded:").nth(1).unwrap().as_bytes()).unwrap();
        let list = StatusList::decode(&encoded).unwrap();
        let width = u64::from(list.bits().count());
        let value = |idx: u64| {
            let byte = bytes[usize::try_from(idx * width / 8).unwrap()];
            (byte >> (idx * width % 8)) & list.bits().mask()
        };
        assert_eq!(list.len(), bytes.len() as u64 * (8 / width));
        assert!((0..list.len()).all(|idx| list.get(idx).unwrap().value() == value(idx)));
    }
    // The decoded credential of 6.2: header, a dot, payload.
    let decoded = &figures("6.2. Referenced Token in JOSE")[0];
    let payload: Value = json::from_slice(decoded.split("\n.\n").nth(1).unwrap().as_bytes()).unwrap();
    let reference = StatusReference::from_claim(&payload["status"]).unwrap();
    assert_eq!((reference.idx, reference.uri.as_str()), (0, "https://example.com/statuslists/1"));
    // The CWT of 5.2 is one, and no list for an SD-JWT VC.
    let cwt = unhex(&figures("5.2. Status List Token in CWT Format")[0].replace('\n', ""));
    for media_type in [CWT_MEDIA_TYPE, MEDIA_TYPE] {
        let read = UnverifiedStatusListToken::from_response(Some(media_type), &cwt);
        assert_eq!(code(read.map(|_| ())), "status_list_cwt");
    }
    // The HTTP answer of 8.2: its body is the token of 5.1.
    let answer = &figures("8.2. Status List Response")[0];
    let body = answer.split("\n\n").nth(1).unwrap().replace('\n', "");
    let token = UnverifiedStatusListToken::from_response(Some(MEDIA_TYPE), body.as_bytes()).unwrap();
    assert_eq!(token.key_source().hint.kid, Some("12"));
}

#[test]
fn ietf_referenced_token_leads_to_the_list_and_not_before_it_is_verified() {
    let Some(vector) = test_vectors::document("ietf-status-list/referenced_token_sd_jwt.json") else {
        return;
    };
    let key = Jwk::from_value(&vector["issuer_public_jwk"]).unwrap();
    // Its `typ` is one of examples, and it has no `vct`.
    let validation = |now: i64| Validation {
        typ: "example+sd-jwt".to_owned(),
        vct: ExpectedVct::NotACredential,
        ..Validation::credential("https://example.com/issuer", "", UnixTime::from_secs(now))
    };
    let verify = |now: i64| {
        let parsed = UnverifiedSdJwt::parse(vector["sd_jwt"].as_str().unwrap()).unwrap();
        parsed.verify(&RustCryptoVerifier, &key, &validation(now), &KeyBindingPolicy::NotRequired)
    };
    let credential = verify(1_700_000_000).unwrap();
    let reference = StatusReference::of_credential(&credential).unwrap().unwrap();
    assert_eq!((reference.idx, reference.uri.as_str()), (0, "https://example.com/statuslists/1"));
    assert_eq!(code(verify(1_883_000_061)), "expired", "and no reference to be had");
}
