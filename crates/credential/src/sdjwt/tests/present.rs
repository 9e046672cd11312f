//! Issuing, holding and presenting, from end to end.

use super::*;

fn identity() -> Map<String, Value> {
    object(payload(json!({
        "sub": "urn:person:1",
        "address": {"street": "A", "town": "B"},
        "nationalities": ["DE", "JP"],
        "degrees": [{"name": "MA", "year": 1999}],
        "visible": true,
    })))
}

async fn issued() -> String {
    SdJwtBuilder::new(identity())
        .conceal(["sub"])
        .conceal(["address"])
        .conceal(["address", "street"])
        .conceal(ClaimPath::name("nationalities").every())
        .conceal(ClaimPath::name("degrees").element(0).member("year"))
        .decoys(2)
        .sign(&issuer(), &SeededEntropy::new("salts"))
        .await
        .unwrap()
}

fn receive(text: &str) -> HeldSdJwt {
    HeldSdJwt::receive(text, &RustCryptoVerifier, issuer().public_jwk(), &validation()).unwrap()
}

fn binding() -> KeyBindingClaims {
    KeyBindingClaims { aud: AUD.to_owned(), nonce: NONCE.to_owned(), iat: NOW, extra: Map::new() }
}

#[tokio::test]
async fn what_is_issued_is_received_whole_and_concealed_outside() {
    let text = issued().await;
    let held = receive(&text);
    assert_eq!(*held.claims(), identity());
    assert_eq!(held.disclosable().len(), 6);
    assert_eq!(HeldSdJwt::from_storage(held.as_str()).unwrap().claims(), held.claims());
    assert_eq!(held.cnf_thumbprint(), Some(holder().public_jwk().thumbprint()));
    // Nothing concealed is readable in the signed payload.
    let payload =
        text.split('.').nth(1).map(|part| String::from_utf8(b64::decode(part).unwrap()).unwrap()).unwrap();
    for word in ["urn:person:1", "street", "town", "JP", "year"] {
        assert!(!payload.contains(word), "{word}");
    }
    assert!(payload.contains("visible"));
    // Digests are sorted, so their order tells nothing; one of `sub`, one of `address`, two decoys.
    let payload: Value = serde_json::from_str(&payload).unwrap();
    let digests: Vec<&str> = payload["_sd"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
    assert_eq!(digests.len(), 4);
    assert!(digests.is_sorted());
}

#[tokio::test]
async fn sd_8_sd_9_a_choice_discloses_what_it_names_with_its_parents_and_nothing_else() {
    let held = receive(&issued().await);
    let shown = |paths: &[ClaimPath]| verify(&held.present(paths).unwrap().into_unbound()).unwrap();
    let nothing = shown(&[]);
    assert!(nothing.disclosed().is_empty());
    assert_eq!(nothing.claims()["nationalities"], json!([]));
    assert_eq!(nothing.claims()["degrees"], json!([{"name": "MA"}]));
    let street = shown(&[["address", "street"].into()]);
    assert_eq!(street.claims()["address"], json!({"street": "A", "town": "B"}));
    assert_eq!(street.disclosed().len(), 2);
    let town = shown(&[["address", "town"].into()]);
    assert_eq!(town.claims()["address"], json!({"town": "B"}));
    assert_eq!(shown(&[["address"].into()]).claims()["address"], json!({"street": "A", "town": "B"}));
    let one = shown(&[ClaimPath::name("nationalities").element(1)]);
    assert_eq!(one.claims()["nationalities"], json!(["JP"]));
    assert_eq!(one.disclosed(), [ClaimPath::name("nationalities").element(0)]);
    let year = shown(&[ClaimPath::name("degrees").every().member("year")]);
    assert_eq!(year.claims()["degrees"], json!([{"name": "MA", "year": 1999}]));
    assert!(shown(&[["visible"].into(), ["sub"].into(), ["sub"].into()]).claims().contains_key("sub"));
}

#[tokio::test]
async fn a_path_that_names_nothing_is_refused() {
    let held = receive(&issued().await);
    for path in [
        ClaimPath::default(),
        ["sbu"].into(),
        ClaimPath::name("nationalities").element(2),
        ["sub", "x"].into(),
    ] {
        assert_eq!(held.present(&[path]).unwrap_err().code, "claim_not_found");
    }
}

#[tokio::test]
async fn sd_hash_is_known_before_the_key_binding_is_signed_and_extra_claims_arrive() {
    let held = receive(&issued().await);
    let presentation = held.present(&[["sub"].into()]).unwrap();
    let sd_hash = presentation.sd_hash().to_owned();
    let mut claims = binding();
    claims.extra.insert("same_subject".to_owned(), json!({"peer_sd_hash": "x"}));
    let text = presentation.bind(&holder(), claims).await.unwrap();
    let verified = verify_with(&text, &validation(), &required()).unwrap();
    assert_eq!(verified.sd_hash(), sd_hash);
    assert_eq!(verified.key_binding().unwrap().claims["same_subject"]["peer_sd_hash"], "x");
    assert_eq!(verified.claims()["sub"], "urn:person:1");
}

#[tokio::test]
async fn only_the_instance_key_binds_and_reserved_claims_are_not_extra() {
    let held = receive(&issued().await);
    let refused = |error: PresentError| match error {
        PresentError::Refused(failure) => failure.code,
        PresentError::Signer(_) => "signer",
    };
    let stranger = held.present(&[]).unwrap().bind(&signer("stranger"), binding()).await;
    assert_eq!(refused(stranger.unwrap_err()), "kb_key_mismatch");
    for name in ["aud", "nonce", "iat", "sd_hash"] {
        let mut claims = binding();
        claims.extra.insert(name.to_owned(), json!("x"));
        let result = held.present(&[]).unwrap().bind(&holder(), claims).await;
        assert_eq!(refused(result.unwrap_err()), "kb_claim_reserved");
    }
}

#[tokio::test]
async fn sd_v6_without_concealed_claims_there_is_no_trace_of_digests() {
    let text =
        SdJwtBuilder::new(identity()).decoys(3).sign(&issuer(), &SeededEntropy::new("s")).await.unwrap();
    assert_eq!(text.matches('~').count(), 1);
    let payload = String::from_utf8(b64::decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert!(!payload.contains("_sd"));
}

#[tokio::test]
async fn sd_sha_384_and_512_are_issued_and_read() {
    for hash in [HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        let text = SdJwtBuilder::new(identity()).conceal(["sub"]).hash(hash);
        let text = text.sign(&issuer(), &SeededEntropy::new("s")).await.unwrap();
        let presentation = receive(&text).present(&[]).unwrap().bind(&holder(), binding()).await.unwrap();
        assert!(verify_with(&presentation, &validation(), &required()).is_ok());
    }
}

#[tokio::test]
async fn an_issuer_cannot_break_the_rules_by_mistake() {
    let refusal = |builder: SdJwtBuilder| async move {
        match builder.sign(&issuer(), &SeededEntropy::new("s")).await {
            Err(IssueError::Refused(failure)) => failure.code,
            other => panic!("{}", other.is_ok()),
        }
    };
    let with = |more: Value| SdJwtBuilder::new(object(payload(more)));
    for name in ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"] {
        let claims = with(json!({"nbf": 1, "vct#integrity": "x", "aka_vcts": ["urn:x"], "status": {}}));
        assert_eq!(refusal(claims.conceal([name])).await, "claim_never_concealed");
    }
    assert_eq!(
        refusal(with(json!({"status": {"a": 1}})).conceal(["status", "a"])).await,
        "claim_never_concealed"
    );
    assert_eq!(refusal(with(json!({})).conceal(["nothing"])).await, "claim_not_found");
    assert_eq!(refusal(with(json!({"a": [{"_sd": []}]}))).await, "claim_name_reserved");
    assert_eq!(refusal(with(json!({"...": 1}))).await, "claim_name_reserved");
    assert_eq!(refusal(with(json!({"vct": ""}))).await, "vct_missing");
    assert_eq!(refusal(with(json!({"exp": "x"}))).await, "claim_type");
    assert_eq!(refusal(with(json!({"cnf": {"jwk": {"kty": "oct", "k": "AA"}}}))).await, "cnf_invalid");
}

#[tokio::test]
async fn sd_7_salts_are_fresh() {
    let entropy = SeededEntropy::new("salts");
    let builder = SdJwtBuilder::new(object(payload(json!({"list": ["x", "x"]}))))
        .conceal(ClaimPath::name("list").every());
    let (one, two) = (
        builder.clone().sign(&issuer(), &entropy).await.unwrap(),
        builder.sign(&issuer(), &entropy).await.unwrap(),
    );
    let all: Vec<&str> =
        one.split('~').skip(1).chain(two.split('~').skip(1)).filter(|d| !d.is_empty()).collect();
    let salt = |text: &&str| -> Vec<u8> {
        let parts: Value = serde_json::from_slice(&b64::decode(text).unwrap()).unwrap();
        b64::decode(parts[0].as_str().unwrap()).unwrap()
    };
    let different: std::collections::HashSet<Vec<u8>> = all.iter().map(salt).collect();
    assert_eq!((all.len(), different.len()), (4, 4));
    assert!(different.iter().all(|salt| salt.len() >= 16), "128 bits at least");
}

/// The signed payload of an SD-JWT.
fn signed_payload(text: &str) -> Value {
    serde_json::from_slice(&b64::decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn sd_7_decoys_stand_in_objects_and_arrays_and_cannot_be_told_from_digests() {
    let builder = SdJwtBuilder::new(identity()).conceal(["sub"]).decoys(2);
    let builder = builder.conceal(ClaimPath::name("nationalities").element(0));
    let builder = builder.decoys_at(["address"], 3).decoys_at(["degrees"], 1);
    let text = builder.sign(&issuer(), &SeededEntropy::new("salts")).await.unwrap();
    let payload = signed_payload(&text);
    let count = |value: &Value| value.as_array().unwrap().len();
    assert_eq!((count(&payload["_sd"]), count(&payload["address"]["_sd"])), (3, 3));
    assert_eq!((count(&payload["nationalities"]), count(&payload["degrees"])), (4, 2));
    let digests = payload["_sd"].as_array().unwrap().iter().map(|digest| digest.as_str().unwrap());
    assert!(digests.into_iter().all(|digest| b64::decode(digest).unwrap().len() == 32));
    let held = receive(&text);
    assert_eq!(*held.claims(), identity(), "decoys leave nothing behind");
    assert_eq!(held.disclosable().len(), 2);
}

#[tokio::test]
async fn sd_v6_a_credential_without_concealed_claims_gets_no_decoys_either() {
    let sign = |builder: SdJwtBuilder| async move {
        builder.sign(&issuer(), &SeededEntropy::new("s")).await.map_err(|error| match error {
            IssueError::Refused(failure) => failure.code,
            IssueError::Signer(_) => "signer",
        })
    };
    let top = ClaimPath::default();
    let claims = || SdJwtBuilder::new(identity());
    assert_eq!(sign(claims().decoys_at(top.clone(), 1)).await, Err("decoys_without_claims"));
    let plain = sign(claims().typ("example+sd-jwt").decoys_at(top.clone(), 2)).await.unwrap();
    assert_eq!(signed_payload(&plain)["_sd"].as_array().unwrap().len(), 2);
    assert_eq!(signed_payload(&plain)["_sd_alg"], "sha-256");
    let both = sign(claims().conceal(["address", "town"]).decoys_at(top, 2)).await.unwrap();
    assert_eq!(signed_payload(&both)["_sd"].as_array().unwrap().len(), 2);
    let concealed = || claims().conceal(["sub"]);
    assert_eq!(sign(concealed().decoys_at(["visible"], 1)).await, Err("claim_not_found"));
    assert_eq!(sign(concealed().decoys_at(["nothing"], 1)).await, Err("claim_not_found"));
    assert_eq!(sign(concealed().decoys_at(["cnf"], 1)).await, Err("claim_never_concealed"));
}
