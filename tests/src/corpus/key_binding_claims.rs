//! The claims of the Key Binding JWT, and the key in `cnf` that they are signed with (RFC 9901 §4.3, §7.3; RFC 7800).

use enishi_credential::crypto::Signer as _;
use enishi_credential::did::Did;
use enishi_credential::encoding::b64;
use enishi_credential::entropy::SeededEntropy;
use enishi_credential::jose::jwk::PrivateJwk;
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::key_binding::{sha512, sha512_card, sound};

const CHECK: &str = "key-binding";
const SD_HASH: (&str, &str, &str) = (CHECK, "kb_sd_hash_mismatch", "/sd_hash");

pub(super) fn audience_and_nonce(family: &mut Family) {
    const AUDIENCE: (&str, &str, &str) = (CHECK, "kb_audience_mismatch", "/aud");
    const NONCE_MISMATCH: (&str, &str, &str) = (CHECK, "kb_nonce_mismatch", "/nonce");
    const NONCE_TYPE: (&str, &str, &str) = (CHECK, "kb_malformed", "/nonce");
    let claim = |name: &str, value: Value| sound().claim(name, value).text();
    family
        .beside("kb-bound")
        .refuse(
            "sd-n11-aud-other",
            "The presentation is for another verifier.",
            claim("aud", json!("x509_san_dns:other.example")),
            AUDIENCE,
        )
        .refuse(
            "sd-n11-aud-array",
            "`aud` is an array with the verifier in it.",
            claim("aud", json!([AUD])),
            AUDIENCE,
        )
        .refuse(
            "sd-n11-aud-array-of-two",
            "`aud` is an array of two verifiers.",
            claim("aud", json!([AUD, "x509_san_dns:other.example"])),
            AUDIENCE,
        )
        .refuse("sd-n11-aud-missing", "There is no `aud`.", sound().without("aud").text(), AUDIENCE)
        .refuse("sd-n11-aud-empty", "`aud` is empty.", claim("aud", json!("")), AUDIENCE)
        .refuse("sd-n11-aud-null", "`aud` is `null`.", claim("aud", Value::Null), AUDIENCE)
        .refuse(
            "sd-n11-aud-without-prefix",
            "`aud` is the verifier's name without the prefix of its client id.",
            claim("aud", json!("verifier.example")),
            AUDIENCE,
        )
        .refuse(
            "sd-n11-aud-trailing-slash",
            "`aud` has a slash at its end.",
            claim("aud", json!(format!("{AUD}/"))),
            AUDIENCE,
        )
        .refuse(
            "sd-n11-aud-upper-case",
            "`aud` is written in capitals.",
            claim("aud", json!(AUD.to_uppercase())),
            AUDIENCE,
        )
        .refuse(
            "sd-n11-nonce-other",
            "The nonce is of another transaction.",
            claim("nonce", json!("nonce-of-another-transaction")),
            NONCE_MISMATCH,
        )
        .refuse("sd-n11-nonce-missing", "There is no `nonce`.", sound().without("nonce").text(), NONCE_TYPE)
        .refuse("sd-n11-nonce-number", "`nonce` is a number.", claim("nonce", json!(1)), NONCE_TYPE)
        .refuse(
            "sd-n11-nonce-array",
            "`nonce` is an array with the nonce in it.",
            claim("nonce", json!([NONCE])),
            NONCE_TYPE,
        )
        .refuse("sd-n11-nonce-empty", "`nonce` is empty.", claim("nonce", json!("")), NONCE_MISMATCH)
        .refuse(
            "sd-n11-nonce-cut-off",
            "`nonce` is the beginning of the nonce.",
            claim("nonce", json!(&NONCE[..8])),
            NONCE_MISMATCH,
        )
        .refuse(
            "sd-n11-nonce-upper-case",
            "`nonce` differs in case.",
            claim("nonce", json!(NONCE.to_uppercase())),
            NONCE_MISMATCH,
        );
}

pub(super) fn times(family: &mut Family) {
    const IAT: (&str, &str, &str) = (CHECK, "kb_malformed", "/iat");
    let claim = |name: &str, value: Value| sound().claim(name, value).text();
    family
        .beside("kb-bound")
        .refuse("sd-n11-iat-missing", "There is no `iat`.", sound().without("iat").text(), IAT)
        .refuse("sd-n11-iat-string", "`iat` is a string.", claim("iat", json!(NOW.to_string())), IAT)
        .refuse("sd-n11-iat-null", "`iat` is `null`.", claim("iat", Value::Null), IAT)
        .refuse(
            "sd-n11-iat-old",
            "`iat` is a day ago.",
            claim("iat", json!(NOW - 86_400)),
            (CHECK, "kb_too_old", "/iat"),
        )
        .refuse(
            "sd-n11-iat-just-too-old",
            "`iat` is one second before the window.",
            claim("iat", json!(NOW - MAX_AGE - LEEWAY - 1)),
            (CHECK, "kb_too_old", "/iat"),
        )
        .refuse("sd-n11-iat-zero", "`iat` is 0.", claim("iat", json!(0)), (CHECK, "kb_too_old", "/iat"))
        .refuse(
            "sd-n11-iat-future",
            "`iat` is in a day.",
            claim("iat", json!(NOW + 86_400)),
            (CHECK, "kb_from_the_future", "/iat"),
        )
        .refuse(
            "sd-n11-iat-just-future",
            "`iat` is one second after the window.",
            claim("iat", json!(NOW + LEEWAY + 1)),
            (CHECK, "kb_from_the_future", "/iat"),
        )
        .refuse(
            "sd-n11-iat-milliseconds",
            "`iat` is in milliseconds.",
            claim("iat", json!(NOW * 1000)),
            (CHECK, "kb_from_the_future", "/iat"),
        )
        .refuse(
            "sd-n11-exp-past",
            "`exp` of the Key Binding JWT has passed.",
            claim("exp", json!(NOW - LEEWAY)),
            (CHECK, "kb_expired", "/exp"),
        )
        .refuse(
            "sd-n11-exp-string",
            "`exp` of the Key Binding JWT is a string.",
            claim("exp", json!("soon")),
            (CHECK, "kb_malformed", "/exp"),
        )
        .refuse(
            "sd-n11-nbf-future",
            "`nbf` of the Key Binding JWT has not come.",
            claim("nbf", json!(NOW + LEEWAY + 1)),
            (CHECK, "kb_not_yet_valid", "/nbf"),
        )
        .refuse(
            "sd-n11-nbf-string",
            "`nbf` of the Key Binding JWT is a string.",
            claim("nbf", json!("now")),
            (CHECK, "kb_malformed", "/nbf"),
        );
}

pub(super) fn hash(family: &mut Family) {
    const TYPE: (&str, &str, &str) = (CHECK, "kb_malformed", "/sd_hash");
    let bound = sound();
    let text = &bound.presentation;
    let hash = digest(text);
    let with = |hash: &str| sound().claim("sd_hash", json!(hash)).text();
    let raw = b64::decode(&hash).expect("base64url");
    let hex = raw.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    // A presentation whose hash has a character that differs between the alphabets.
    let differs = |bound: &Bound| digest(&bound.presentation).contains(['-', '_']);
    let editions = (0..).map(|edition| Card::new().claim("edition", json!(edition)).presented());
    let standard = editions.into_iter().find(differs).expect("one of them");
    let hash_in_standard = digest(&standard.presentation).replace('-', "+").replace('_', "/");
    let standard = standard.claim("sd_hash", json!(hash_in_standard)).text();
    // The same Key Binding JWT before another set of disclosures.
    let sent_with = |card: Card| format!("{}{}", card.issued(), bound.jwt());
    let fewer = Card::new().hide(&colour());
    let mut reordered = Card::new();
    reordered.disclosures.swap(0, 1);
    let more = Card::new().hide(&colour()).presented();
    let other_credential = Card::new().claim("exp", json!(NOW + 86_401));
    family
        .beside("kb-bound")
        .refuse("sd-n11-sd-hash-missing", "There is no `sd_hash`.", sound().without("sd_hash").text(), TYPE)
        .refuse(
            "sd-n11-sd-hash-number",
            "`sd_hash` is a number.",
            sound().claim("sd_hash", json!(1)).text(),
            TYPE,
        )
        .refuse(
            "sd-n11-sd-hash-array",
            "`sd_hash` is an array.",
            sound().claim("sd_hash", json!([hash])).text(),
            TYPE,
        )
        .refuse("sd-n11-sd-hash-empty", "`sd_hash` is empty.", with(""), SD_HASH)
        .refuse(
            "sd-n11-sd-hash-without-last-tilde",
            "`sd_hash` is of the text without the last `~`.",
            with(&digest(text.trim_end_matches('~'))),
            SD_HASH,
        )
        .refuse(
            "sd-n11-sd-hash-of-jwt",
            "`sd_hash` is of the issuer-signed JWT alone.",
            with(&digest(text.split('~').next().expect("a part"))),
            SD_HASH,
        )
        .refuse(
            "sd-n11-sd-hash-of-other-disclosures",
            "`sd_hash` is of a presentation with fewer disclosures.",
            with(&digest(&Card::new().hide(&row()).issued())),
            SD_HASH,
        )
        .refuse(
            "sd-n11-sd-hash-other-alg",
            "`sd_hash` is of SHA-512, but `_sd_alg` is `sha-256`.",
            with(&sha512(text)),
            SD_HASH,
        )
        .refuse(
            "sd-n11-sd-hash-padded",
            "`sd_hash` is base64url with padding.",
            with(&format!("{hash}=")),
            SD_HASH,
        )
        .refuse(
            "sd-n11-sd-hash-standard-base64",
            "`sd_hash` is in the alphabet of standard base64.",
            standard,
            SD_HASH,
        )
        .refuse("sd-n11-sd-hash-hex", "`sd_hash` is in hexadecimal.", with(&hex), SD_HASH)
        .refuse(
            "sd-n11-disclosure-removed",
            "A disclosure was taken away after the Key Binding JWT was signed.",
            sent_with(fewer),
            SD_HASH,
        )
        .refuse(
            "sd-n11-disclosure-added",
            "A disclosure was added after the Key Binding JWT was signed.",
            format!("{}{}", Card::new().issued(), more.jwt()),
            SD_HASH,
        )
        .refuse(
            "sd-n11-disclosures-reordered",
            "The disclosures were put in another order after the Key Binding JWT was signed.",
            sent_with(reordered),
            SD_HASH,
        )
        .refuse(
            "sd-n11-another-credential",
            "The Key Binding JWT was made for another credential of the same holder.",
            sent_with(other_credential),
            SD_HASH,
        );
    let wrong = sha512_card();
    let hash = digest(&wrong.presentation);
    family.beside("kb-sha-512").refuse(
        "sd-n11-sd-hash-default-alg",
        "`_sd_alg` is `sha-512`, but `sd_hash` is of SHA-256.",
        wrong.claim("sd_hash", json!(hash)).text(),
        SD_HASH,
    );
}

pub(super) fn confirmation(family: &mut Family) {
    const MISSING: (&str, &str, &str) = (CHECK, "cnf_missing", "/cnf");
    const KEY: (&str, &str, &str) = ("claims", "cnf_invalid", "/cnf/jwk");
    let cnf = |cnf: Value| Card::new().claim("cnf", cnf).presented().text();
    let jwk = public(&holder());
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        cnf(json!({"jwk": jwk}))
    };
    let private = PrivateJwk::generate_p256(&SeededEntropy::new("corpus/p256/holder"));
    let x25519 = PrivateJwk::generate_x25519(&SeededEntropy::new("corpus/x25519"));
    let jkt = json!({"jkt": holder_thumbprint()});
    let did_key = Did::key(holder().public_jwk()).as_str().to_owned();
    family
        .beside("kb-bound")
        .refuse(
            "sd-n12-cnf-absent",
            "The credential has no `cnf`, but key binding is demanded.",
            Card::new().without("cnf").presented().text(),
            MISSING,
        )
        .refuse("sd-n12-cnf-empty", "`cnf` is empty.", cnf(json!({})), MISSING)
        .refuse("sd-n12-cnf-thumbprint-only", "`cnf` has the thumbprint of a key only.", cnf(jkt), MISSING)
        .refuse(
            "sd-n12-cnf-kid-did-key",
            "`cnf` names the holder's key by the DID URL of a did:key, and has no `jwk`.",
            cnf(json!({"kid": format!("{did_key}#{}", &did_key["did:key:".len()..])})),
            MISSING,
        )
        .refuse(
            "sd-n12-cnf-kid-did-peer",
            "`cnf` names the holder's key by the DID URL of a did:peer, and has no `jwk`.",
            cnf(json!({"kid": format!("{}#key-1", did_peer(&["holder"]))})),
            MISSING,
        )
        .refuse(
            "sd-n12-cnf-kid-did-webvh",
            "`cnf` names the holder's key by the DID URL of a did:webvh, and has no `jwk`.",
            cnf(json!({"kid": format!("{}#key-1", did_webvh("holder"))})),
            MISSING,
        )
        .refuse("sd-n12-cnf-string", "`cnf` is a string.", cnf(json!("x")), ("claims", "cnf_invalid", "/cnf"))
        .refuse(
            "sd-n12-cnf-array",
            "`cnf` is an array.",
            cnf(json!([{"jwk": jwk}])),
            ("claims", "cnf_invalid", "/cnf"),
        )
        .refuse("sd-n12-cnf-jwk-string", "`cnf.jwk` is a string.", cnf(json!({"jwk": "x"})), KEY)
        .refuse(
            "sd-n12-cnf-jwk-private",
            "`cnf.jwk` has the private member.",
            cnf(json!({"jwk": private.to_secret_value()})),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-symmetric",
            "`cnf.jwk` is a symmetric key.",
            cnf(json!({"jwk": {"kty": "oct", "k": "c2VjcmV0"}})),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-off-curve",
            "`cnf.jwk` is not a point of its curve.",
            with("y", jwk["x"].clone()),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-incomplete",
            "`cnf.jwk` lacks a coordinate.",
            cnf(json!({"jwk": {"kty": "EC", "crv": "P-256", "x": jwk["x"]}})),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-padded",
            "A coordinate of `cnf.jwk` is base64url with padding.",
            with("x", json!(format!("{}=", jwk["x"].as_str().expect("a string")))),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-other-alg",
            "`cnf.jwk` is on P-256, but its `alg` is `EdDSA`.",
            with("alg", json!("EdDSA")),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-for-encryption",
            "`cnf.jwk` is for encryption.",
            with("use", json!("enc")),
            KEY,
        )
        .refuse(
            "sd-n12-cnf-jwk-x25519",
            "`cnf.jwk` is a key for key agreement.",
            cnf(json!({"jwk": x25519.public().to_value()})),
            KEY,
        );
}

fn holder_thumbprint() -> String {
    holder().public_jwk().thumbprint().to_string()
}
