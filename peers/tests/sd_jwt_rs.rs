//! `sd-jwt-rs` and ours, both ways.

use enishi_credential::encoding::b64;
use enishi_credential::sdjwt::KeyBindingPolicy;
use enishi_peers::{
    AUD, NONCE, bound, claims, issue, key, machine_time, pkcs8, plain, present, signer, some, verify,
    verify_at,
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sd_jwt_rs::issuer::ClaimsForSelectiveDisclosureStrategy as Strategy;
use sd_jwt_rs::{SDJWTHolder, SDJWTIssuer, SDJWTSerializationFormat as Format, SDJWTVerifier};
use serde_json::{Map, Value, json};

fn read(text: &str, binding: Option<(&str, &str)>) -> sd_jwt_rs::error::Result<Value> {
    let issuer = |_: &str, _: &_| {
        let jwk = key("issuer").public().to_value();
        DecodingKey::from_ec_components(jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()).unwrap()
    };
    let (aud, nonce) = binding.map(|(aud, nonce)| (aud.to_owned(), nonce.to_owned())).unzip();
    let verifier = SDJWTVerifier::new(text.to_owned(), Box::new(issuer), aud, nonce, Format::Compact)?;
    Ok(plain(verifier.verified_claims.as_object().cloned().unwrap()))
}

/// It issues the claims that we issue too, with decoys.
fn issued() -> String {
    let concealed = ["$.colour", "$.height", "$.seat.row", "$.stops[1]", "$.engine", "$.engine.power"];
    let holder = serde_json::from_value(key("holder").public().to_value()).unwrap();
    // It puts the holder's key in itself.
    let claims: Map<String, Value> = claims().into_iter().filter(|(name, _)| name != "cnf").collect();
    SDJWTIssuer::new(EncodingKey::from_ec_der(&pkcs8("issuer")), Some("ES256".to_owned()))
        .issue_sd_jwt(
            Value::Object(claims),
            Strategy::Custom(concealed.to_vec()),
            Some(holder),
            true,
            Format::Compact,
        )
        .unwrap()
}

/// The same with the `typ` that a credential must have, signed again: it writes none.
fn typed(issued: &str) -> String {
    let (jwt, disclosures) = issued.split_once('~').unwrap();
    let payload = jwt.split('.').nth(1).unwrap();
    let input = format!("{}.{payload}", b64::encode(r#"{"alg":"ES256","typ":"dc+sd-jwt"}"#));
    let signature = signer("issuer").sign_now(input.as_bytes()).unwrap();
    format!("{input}.{}~{disclosures}", b64::encode(signature))
}

#[tokio::test]
async fn it_verifies_what_ours_issues() {
    assert_eq!(read(&issue().await, None).unwrap(), plain(claims()));
}

#[tokio::test]
async fn it_verifies_what_ours_presents() {
    let (paths, seen) = some();
    let text = present(&issue().await, &paths).await;
    assert_eq!(read(&text, Some((AUD, NONCE))).unwrap(), seen);
    assert!(read(&text, Some((AUD, "another nonce"))).is_err());
}

#[test]
fn ours_verifies_what_it_issues() {
    let issued = issued();
    let refused = verify(&issued, "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap_err();
    assert_eq!(refused.code, "typ_not_allowed");

    let verified = verify(&typed(&issued), "dc+sd-jwt", &KeyBindingPolicy::NotRequired).unwrap();
    assert_eq!(plain(verified.claims().clone()), plain(claims()));
    assert_eq!(verified.disclosed().len(), 6);
}

#[test]
fn ours_verifies_what_it_presents() {
    let chosen = json!({"colour": true, "stops": [true, true], "engine": {"power": true}});
    let shown = SDJWTHolder::new(typed(&issued()), Format::Compact)
        .unwrap()
        .create_presentation(
            chosen.as_object().cloned().unwrap(),
            Some(NONCE.to_owned()),
            Some(AUD.to_owned()),
            Some(EncodingKey::from_ec_der(&pkcs8("holder"))),
            Some("ES256".to_owned()),
        )
        .unwrap();
    let verified = verify_at(machine_time(), &shown, "dc+sd-jwt", &bound()).unwrap();
    assert_eq!(plain(verified.claims().clone()), some().1);
}
