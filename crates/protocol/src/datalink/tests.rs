use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_000_000);
const ISS: &str = "https://verifier.example";
const RESOURCE: &str = "https://dp.example/checkups";

fn signer() -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("link"))).unwrap()
}

fn claims() -> DataLinkClaims {
    DataLinkClaims {
        iss: ISS.to_owned(),
        aud: RESOURCE.to_owned(),
        client_id: "https://sp.example".to_owned(),
        sub: "random".to_owned(),
        jti: "j1".to_owned(),
        iat: NOW,
        nbf: NOW,
        exp: NOW.plus(DEFAULT_LIFETIME),
        txn: "t1".to_owned(),
        cnf: Confirmation { jkt: signer().public_jwk().thumbprint(), xroad_client: None },
        authorization_details: [ReadDetail {
            detail_type: DETAIL_TYPE.to_owned(),
            locations: vec![RESOURCE.to_owned()],
            actions: vec![ACTION_READ.to_owned()],
            datatypes: vec!["blood_pressure".to_owned()],
            purpose: "advice@1".to_owned(),
            max_uses: 1,
        }],
        sealed_sub: "a.b.c.d.e".to_owned(),
        acr: "urn:example:acr:2".to_owned(),
        status: LinkStatus { status_list: StatusReference { idx: 3, uri: format!("{ISS}/status-lists/1") } },
        consent: ConsentReference {
            grant_id: "g1".to_owned(),
            terms_sha256: "t".to_owned(),
            evidence_sha256: "e".to_owned(),
            evidence: None,
            given_at: NOW.plus(-10),
        },
    }
}

fn check_at(compact: &str, now: UnixTime) -> Verdict<VerifiedDataLink> {
    let key = signer().public_jwk().clone();
    let expected = Expected { issuer: ISS, resource: RESOURCE, now };
    UnverifiedDataLink::parse(compact)?.verify(&RustCryptoVerifier, &key, &expected)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn signed(typ: &str, value: &Value) -> String {
    block_on(jws::sign(&signer(), jws::header(typ, &signer()), value)).unwrap()
}

fn changed(pointer: &str, to: Value) -> &'static str {
    let mut value = serde_json::to_value(claims()).unwrap();
    *value.pointer_mut(pointer).unwrap() = to;
    check_at(&signed(TYP, &value), NOW).unwrap_err().code
}

#[test]
fn a_minted_link_verifies_while_it_lives() {
    let compact = block_on(mint(&signer(), &claims())).unwrap();
    assert_eq!(check_at(&compact, NOW).unwrap().claims(), &claims());
    assert!(check_at(&compact, NOW.plus(-CLOCK_SKEW)).is_ok());
    assert_eq!(check_at(&compact, NOW.plus(-CLOCK_SKEW - 1)).unwrap_err().code, "not_yet_valid");
    assert!(check_at(&compact, NOW.plus(DEFAULT_LIFETIME - 1)).is_ok());
    assert_eq!(check_at(&compact, NOW.plus(DEFAULT_LIFETIME)).unwrap_err().code, "expired");
    assert_eq!(UnverifiedDataLink::parse(&compact).unwrap().claimed_issuer().as_deref(), Some(ISS));
}

#[test]
fn every_broken_rule_has_its_code() {
    assert_eq!(changed("/iss", json!("https://evil.example")), "issuer_mismatch");
    assert_eq!(changed("/aud", json!("https://dp.example/checkups/")), "audience_mismatch");
    assert_eq!(changed("/aud", json!([RESOURCE])), "claims_malformed");
    assert_eq!(changed("/aud", json!([RESOURCE, "x"])), "claims_malformed");
    assert_eq!(changed("/exp", json!(NOW.plus(MAX_LIFETIME + 1))), "lifetime_too_long");
    assert_eq!(changed("/iat", json!(NOW.plus(60))), "not_yet_valid");
    assert_eq!(changed("/cnf", json!({})), "claims_malformed");
    assert_eq!(changed("/cnf", json!({"jkt": "short"})), "claims_malformed");
    assert_eq!(changed("/authorization_details", json!([])), "claims_malformed");
    assert_eq!(changed("/authorization_details/0/type", json!("other")), "detail_type_unknown");
    assert_eq!(changed("/authorization_details/0/locations", json!(["x"])), "location_mismatch");
    assert_eq!(changed("/authorization_details/0/actions", json!(["read", "write"])), "action_unknown");
    assert_eq!(changed("/authorization_details/0/datatypes", json!([])), "no_items");
    assert_eq!(changed("/authorization_details/0/max_uses", json!(0)), "no_uses");
    assert_eq!(changed("/sealed_sub", json!("")), "claim_empty");
    assert_eq!(changed("/status", json!({})), "claims_malformed");
    assert_eq!(changed("/status/status_list/idx", json!(-1)), "claims_malformed");
}

#[test]
fn an_unknown_restriction_is_refused_and_an_unknown_claim_ignored() {
    let mut value = serde_json::to_value(claims()).unwrap();
    value["extra"] = json!(1);
    assert!(check_at(&signed(TYP, &value), NOW).is_ok());
    value["cnf"]["x5t#S256"] = json!("AA");
    assert_eq!(check_at(&signed(TYP, &value), NOW).unwrap_err().code, "claims_malformed");
}

#[test]
fn another_kind_of_token_and_another_key_are_refused() {
    let value = serde_json::to_value(claims()).unwrap();
    for typ in ["JWT", "application/at+jwt", "kb+jwt", "dpop+jwt"] {
        assert_eq!(check_at(&signed(typ, &value), NOW).unwrap_err().code, "typ_not_allowed");
    }
    let other = SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("other"))).unwrap();
    let compact = block_on(mint(&other, &claims())).unwrap();
    assert_eq!(check_at(&compact, NOW).unwrap_err().code, "signature_invalid");
}

#[test]
fn nothing_is_minted_that_no_gateway_accepts() {
    let mut wrong = claims();
    wrong.exp = NOW.plus(MAX_LIFETIME + 1);
    assert!(matches!(block_on(mint(&signer(), &wrong)), Err(MintError::Refused(_))));
    let mut wrong = claims();
    wrong.authorization_details[0].locations.push("https://other.example".to_owned());
    assert!(matches!(block_on(mint(&signer(), &wrong)), Err(MintError::Refused(_))));
}

proptest! {
    #[test]
    fn parsing_never_panics(text: String) {
        let _ = UnverifiedDataLink::parse(&text);
    }

    /// Whatever was minted is read back as it was, exactly in its window.
    #[test]
    fn a_link_is_valid_exactly_in_its_window(life in 1i64..=MAX_LIFETIME, offset in -1_000i64..2_000, uses in 1u32..) {
        let mut link = claims();
        link.exp = NOW.plus(life);
        link.authorization_details[0].max_uses = uses;
        let compact = block_on(mint(&signer(), &link)).unwrap();
        let verified = check_at(&compact, NOW.plus(offset));
        prop_assert_eq!(verified.is_ok(), offset >= -CLOCK_SKEW && offset < life);
        if let Ok(verified) = verified {
            prop_assert_eq!(verified.claims(), &link);
        }
    }

    #[test]
    fn any_changed_character_is_refused(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
        let good = block_on(mint(&signer(), &claims())).unwrap();
        let mut text = good.clone();
        let at = at.index(good.len());
        text.replace_range(at..=at, &with);
        prop_assume!(text != good);
        prop_assert!(check_at(&text, NOW).is_err());
    }
}
