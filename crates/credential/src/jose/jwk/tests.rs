use super::*;
use crate::entropy::SeededEntropy;

#[test]
fn rfc8037_a3_thumbprint_of_an_ed25519_key() {
    let key = Jwk::from_value(&json!({"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "unknown": 1}))
    .unwrap();
    assert_eq!(key.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.to_value().as_object().unwrap().len(), 3, "unknown members are kept out");
}

/// The key of RFC 6979 A.2.6.
fn p384() -> Value {
    json!({"kty": "EC", "crv": "P-384",
        "x": "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
        "y": "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg"})
}

#[test]
fn a_p384_key_is_public_only_and_its_point_is_checked() {
    let key = Jwk::from_value(&p384()).unwrap();
    assert_eq!(key.to_value(), p384());
    assert_eq!(key.algorithm(), Some(Algorithm::Es384));
    assert_eq!(key.key.to_bytes().len(), 97);
    // Computed apart from this crate, with Python's hashlib.
    assert_eq!(key.thumbprint().to_string(), "l2tfkSzhekdOr24I18E1O_-49AlK14MTo7OxJMS7-HI");
    let with = |name: &str, value: Value| {
        let mut jwk = p384();
        jwk[name] = value;
        Jwk::from_value(&jwk)
    };
    assert_eq!(with("y", json!(b64::encode([1; 48]))), Err(JwkError::NotOnCurve));
    assert_eq!(with("y", json!(b64::encode([1; 32]))), Err(JwkError::Malformed));
    assert_eq!(with("crv", json!("P-256")), Err(JwkError::Malformed));
    assert_eq!(with("alg", json!("ES256")), Err(JwkError::Contradiction));
    assert_eq!(with("alg", json!("ECDH-ES")), Err(JwkError::Unsupported));
    assert_eq!(with("use", json!("enc")), Err(JwkError::Unsupported));
    assert!(with("alg", json!("ES384")).is_ok());
    assert_eq!(with("d", json!(b64::encode([1; 48]))), Err(JwkError::Private));
    let mut private = p384();
    private["d"] = json!(b64::encode([1; 48]));
    assert_eq!(PrivateJwk::from_value(&private).err(), Some(JwkError::Unsupported));
}

#[test]
fn private_members_are_refused_in_a_public_key() {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("k"));
    assert_eq!(Jwk::from_value(&key.to_secret_value()), Err(JwkError::Private));
    assert_eq!(Jwk::from_value(&json!({"kty": "oct", "k": "AA"})), Err(JwkError::Private));
    assert_eq!(PrivateJwk::from_value(&key.to_secret_value()).unwrap().public(), key.public());
}

#[test]
fn points_off_the_curve_and_wrong_lengths_are_refused() {
    let good = PrivateJwk::generate_p256(&SeededEntropy::new("k")).public().to_value();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        Jwk::from_value(&jwk)
    };
    assert_eq!(with("y", json!(b64::encode([1; 32]))), Err(JwkError::NotOnCurve));
    assert_eq!(with("x", json!(b64::encode([1; 31]))), Err(JwkError::Malformed));
    assert_eq!(with("crv", json!("P-521")), Err(JwkError::Unsupported));
    assert_eq!(with("alg", json!("EdDSA")), Err(JwkError::Contradiction));
    assert_eq!(with("alg", json!("ES256K")), Err(JwkError::Unsupported));
    assert_eq!(with("kid", json!(7)), Err(JwkError::Malformed));
    assert!(with("alg", json!("ES256")).is_ok());
}

#[test]
fn a_private_jwk_must_fit_its_public_members() {
    let (a, b) = (SeededEntropy::new("a"), SeededEntropy::new("b"));
    let mut mixed = PrivateJwk::generate_ed25519(&a).to_secret_value();
    mixed["d"] = PrivateJwk::generate_ed25519(&b).to_secret_value()["d"].clone();
    assert_eq!(PrivateJwk::from_value(&mixed).err(), Some(JwkError::Contradiction));
}

#[test]
fn a_set_skips_unknown_types_and_refuses_private_keys() {
    let key = PrivateJwk::generate_x25519(&SeededEntropy::new("k"));
    let set: JwkSet = serde_json::from_value(json!({"keys": [
        key.public().clone().with_kid("1").to_value(), {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}))
    .unwrap();
    assert_eq!(set.keys.len(), 1);
    assert_eq!(set.keys[0], key.public().clone().with_kid("1"));
    assert!(serde_json::from_value::<JwkSet>(json!({"keys": [key.to_secret_value()]})).is_err());
}

#[test]
fn rfc7518_6_2_1_coordinates_have_full_length_with_leading_zeros() {
    // A key whose x begins with a zero byte: it is written with it, and without it is no key.
    let mut counter = 0_u32;
    let key = loop {
        let key = PrivateJwk::generate_p256(&SeededEntropy::new(&counter.to_string())).public().clone();
        if matches!(key.key, PublicKey::P256 { x: [0, ..], .. }) {
            break key;
        }
        counter += 1;
    };
    let value = key.to_value();
    let x = b64::decode(value["x"].as_str().unwrap()).unwrap();
    assert_eq!((x.len(), x[0]), (32, 0));
    assert_eq!(Jwk::from_value(&value).unwrap(), key);
    for wrong in [x[1..].to_vec(), [&[0], x.as_slice()].concat()] {
        let mut short = value.clone();
        short["x"] = json!(b64::encode(&wrong));
        assert_eq!(Jwk::from_value(&short), Err(JwkError::Malformed), "{} bytes", wrong.len());
    }
    let mut padded = value.clone();
    padded["x"] = json!(format!("{}=", value["x"].as_str().unwrap()));
    assert_eq!(Jwk::from_value(&padded), Err(JwkError::Malformed));
}

#[test]
fn rfc7638_thumbprints_look_at_the_required_members_only() {
    // RFC 8037 A.3 for Ed25519 is above; these were computed apart from this crate, with Python's hashlib.
    let p256 = json!({"kty": "EC", "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"});
    let x25519 = json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"});
    for (mut key, thumbprint) in [
        (p256, "_GK0r6GCoJt9zcssg9lay4obIxgCq05ntiRymRHADSU"),
        (x25519, "giQqigT_IKcuzHl0FVJ3k5ts3_TWNAxvsC08UZsfcM8"),
    ] {
        assert_eq!(Jwk::from_value(&key).unwrap().thumbprint().to_string(), thumbprint);
        key["kid"] = json!("a name");
        key["use"] = json!("enc");
        key["x-unknown"] = json!([1]);
        assert_eq!(Jwk::from_value(&key).unwrap().thumbprint().to_string(), thumbprint);
    }
}

#[test]
fn rfc7517_4_use_key_ops_and_alg_must_agree_with_each_other_and_the_type() {
    let entropy = SeededEntropy::new("agree");
    let p256 = PrivateJwk::generate_p256(&entropy);
    let ed25519 = PrivateJwk::generate_ed25519(&entropy);
    let x25519 = PrivateJwk::generate_x25519(&entropy);
    let read = |key: &PrivateJwk, members: Value| {
        let mut value = key.public().to_value();
        value.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Jwk::from_value(&value)
    };
    let contradiction = Err(JwkError::Contradiction);
    for members in [
        json!({"use": "enc", "alg": "ES256"}),
        json!({"use": "sig", "alg": "ECDH-ES"}),
        json!({"alg": "ES384"}),
        json!({"use": "sig", "key_ops": ["deriveKey"]}),
        json!({"use": "enc", "key_ops": ["verify"]}),
        json!({"alg": "ES256", "key_ops": ["deriveBits"]}),
        json!({"alg": "ECDH-ES+A256KW", "key_ops": ["verify"]}),
        json!({"alg": "ES256", "key_ops": []}),
        json!({"key_ops": ["verify", "deriveKey"]}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": ["encrypt", "decrypt"]}),
        json!({"key_ops": ["wrapKey"]}),
    ] {
        assert_eq!(read(&p256, members.clone()), contradiction, "{members}");
    }
    assert_eq!(read(&ed25519, json!({"use": "enc"})), contradiction);
    assert_eq!(read(&ed25519, json!({"alg": "ECDH-ES"})), contradiction);
    assert_eq!(read(&ed25519, json!({"key_ops": ["deriveKey"]})), contradiction);
    assert_eq!(read(&x25519, json!({"use": "sig"})), contradiction);
    assert_eq!(read(&x25519, json!({"alg": "EdDSA"})), contradiction);
    assert_eq!(read(&x25519, json!({"key_ops": ["verify"]})), contradiction);
    for malformed in
        [json!("verify"), json!({}), json!(["verify", "verify"]), json!(["verify", 1]), json!(null)]
    {
        assert_eq!(
            read(&p256, json!({"key_ops": malformed.clone()})),
            Err(JwkError::Malformed),
            "{malformed}"
        );
    }
    let use_of = |key: &PrivateJwk, members: Value| read(key, members).unwrap().key_use;
    assert_eq!(use_of(&p256, json!({})), None);
    assert_eq!(use_of(&p256, json!({"key_ops": ["verify"]})).as_deref(), Some("sig"));
    assert_eq!(use_of(&p256, json!({"use": "sig", "key_ops": ["sign", "verify"]})).as_deref(), Some("sig"));
    assert_eq!(use_of(&p256, json!({"key_ops": ["deriveKey", "deriveBits"]})).as_deref(), Some("enc"));
    assert_eq!(use_of(&x25519, json!({"key_ops": []})).as_deref(), Some("enc"));
    assert_eq!(use_of(&ed25519, json!({"alg": "Ed25519", "key_ops": ["verify"]})).as_deref(), Some("sig"));
}

#[test]
fn rfc7517_4_a_private_key_signs_or_agrees_by_its_key_ops() {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("ops"));
    let read = |operations: Value| {
        let mut value = key.to_secret_value();
        value["key_ops"] = operations;
        PrivateJwk::from_value(&value).map(|key| key.public().key_use.clone())
    };
    assert_eq!(read(json!(["sign"])), Ok(Some("sig".to_owned())));
    assert_eq!(read(json!(["deriveBits"])), Ok(Some("enc".to_owned())));
    for wrong in [json!(["verify"]), json!([]), json!(["sign", "deriveKey"])] {
        assert_eq!(read(wrong.clone()), Err(JwkError::Contradiction), "{wrong}");
    }
}

/// A key as text, and the same with `x` twice: read by serde_json alone it would be the same key.
fn once_and_twice() -> (String, String) {
    let value = PrivateJwk::generate_p256(&SeededEntropy::new("twice")).public().to_value();
    let text = value.to_string();
    let doubled = text.replacen('{', &format!(r#"{{"x":{},"#, value["x"]), 1);
    assert_eq!(serde_json::from_str::<Value>(&doubled).unwrap(), value);
    (text, doubled)
}

#[test]
fn rfc7517_4_no_member_occurs_twice() {
    let (text, doubled) = once_and_twice();
    let set = |key: &str| serde_json::from_str::<JwkSet>(&format!(r#"{{"keys":[{key}]}}"#));
    assert!(serde_json::from_str::<Jwk>(&text).is_ok() && set(&text).is_ok());
    assert!(serde_json::from_str::<Jwk>(&doubled).is_err() && set(&doubled).is_err());
    let inside = text.replacen('{', r#"{"unknown":{"a":1,"a":1},"#, 1);
    assert!(serde_json::from_str::<Jwk>(&inside).is_err() && set(&inside).is_err());
    assert!(serde_json::from_str::<JwkSet>(r#"{"keys":[],"keys":[]}"#).is_err());
    for other in ["[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[[]]}"#] {
        assert!(serde_json::from_str::<JwkSet>(other).is_err(), "{other}");
    }
    assert!(serde_json::from_str::<Jwk>("[]").is_err());
}

/// `cnf` is tested in `sdjwt`, the key set of an issuer in `enishi-protocol`.
#[test]
fn rfc7517_4_no_member_occurs_twice_in_headers_and_dids() {
    use crate::did::{Did, DidDocument, Relationship};
    use crate::jose::jwe::{Accepted, UnopenedJwe};
    use crate::jose::jws::UnverifiedJws;

    let (text, doubled) = once_and_twice();
    let jws = |key: &str| {
        let header = b64::encode(format!(r#"{{"alg":"ES256","jwk":{key}}}"#));
        UnverifiedJws::parse(&format!("{header}.e30.AA")).map(drop).map_err(|failure| failure.code)
    };
    assert_eq!((jws(&text), jws(&doubled)), (Ok(()), Err("jws_malformed")));
    let jwe = |key: &str| {
        let header = b64::encode(format!(r#"{{"alg":"ECDH-ES","enc":"A128GCM","epk":{key}}}"#));
        let (iv, tag) = (b64::encode([0; 12]), b64::encode([0; 16]));
        UnopenedJwe::parse(&format!("{header}..{iv}..{tag}"), &Accepted::ALL).map(drop)
    };
    assert_eq!((jwe(&text), jwe(&doubled)), (Ok(()), Err(crate::jose::jwe::JweError::Malformed)));
    let did_jwk = |key: &str| {
        let did = Did::parse(&format!("did:jwk:{}", b64::encode(key))).unwrap();
        did.resolve_key(Relationship::Authentication).map(drop).map_err(|failure| failure.code)
    };
    assert_eq!((did_jwk(&text), did_jwk(&doubled)), (Ok(()), Err("did_invalid")));
    let document = |key: &str| {
        let did = Did::parse("did:web:a.example").unwrap();
        let method = format!(
            r##"{{"id":"#k","type":"JsonWebKey","controller":"did:web:a.example","publicKeyJwk":{key}}}"##
        );
        let text = format!(r#"{{"id":"did:web:a.example","verificationMethod":[{method}]}}"#);
        DidDocument::read(text.as_bytes(), &did).map(drop).map_err(|failure| failure.code)
    };
    assert_eq!((document(&text), document(&doubled)), (Ok(()), Err("did_document_invalid")));
}

#[test]
fn rfc7517_5_a_set_leaves_out_what_is_not_used_here_and_refuses_what_is_wrong() {
    let key = PrivateJwk::generate_p256(&SeededEntropy::new("set")).public().clone().with_kid("1").to_value();
    let with = |name: &str, value: Value| {
        let mut other = key.clone();
        other[name] = value;
        serde_json::from_value::<JwkSet>(json!({"keys": [key, other]})).map(|set| set.keys.len())
    };
    assert_eq!(with("kid", json!("2")).unwrap(), 2);
    assert_eq!(with("crv", json!("secp256k1")).unwrap(), 1);
    assert_eq!(with("alg", json!("HPKE-0")).unwrap(), 1);
    for (name, value) in [("y", json!("AA")), ("alg", json!("EdDSA")), ("d", json!("AA")), ("kty", json!(1))]
    {
        assert!(with(name, value).is_err(), "{name}");
    }
}

#[test]
fn for_which_algorithms_a_key_is_good() {
    let entropy = SeededEntropy::new("good");
    let p256 = PrivateJwk::generate_p256(&entropy).public().clone();
    let ed25519 = PrivateJwk::generate_ed25519(&entropy).public().clone();
    let x25519 = PrivateJwk::generate_x25519(&entropy).public().clone();
    let p384 = Jwk::from_value(&p384()).unwrap();
    for (key, signs, agrees) in
        [(&p256, true, true), (&ed25519, true, false), (&x25519, false, true), (&p384, true, false)]
    {
        let every = [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
        assert_eq!(every.into_iter().filter(|it| key.may_verify(*it)).count(), usize::from(signs));
        assert_eq!(KeyManagement::ALL.into_iter().all(|it| key.may_agree(it)), agrees);
        assert_eq!(KeyManagement::ALL.into_iter().any(|it| key.may_agree(it)), agrees);
    }
    let other = Jwk { key_use: Some("other".to_owned()), ..p256.clone() };
    assert!(!other.may_verify(Algorithm::Es256) && !other.may_agree(KeyManagement::EcdhEs));
    let wraps = Jwk { alg: Some("ECDH-ES+A128KW".to_owned()), ..p256.clone() };
    assert!(wraps.may_agree(KeyManagement::EcdhEsA128Kw) && !wraps.may_agree(KeyManagement::EcdhEs));
    assert!(!p256.clone().for_encryption().may_verify(Algorithm::Es256));
    assert!(!p256.for_signature().may_agree(KeyManagement::EcdhEs));
}

#[test]
fn a_p256_key_goes_out_as_pkcs8_and_no_other_does() {
    use p256::pkcs8::DecodePrivateKey as _;
    let entropy = SeededEntropy::new("pkcs8");
    let key = PrivateJwk::generate_p256(&entropy);
    let read = p256::SecretKey::from_pkcs8_der(&key.to_pkcs8().unwrap()).unwrap();
    assert_eq!(read.to_bytes().as_slice(), key.secret_bytes());
    for other in [PrivateJwk::generate_ed25519(&entropy), PrivateJwk::generate_x25519(&entropy)] {
        assert_eq!(other.to_pkcs8().unwrap_err(), JwkError::Unsupported);
    }
}
