//! Digests: by which hash they are made, where they stand, and disclosures that were altered (RFC 9901 §4.1.1, §4.2.4).

use enishi_credential::encoding::b64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha384, Sha512};

use super::Family;
use super::craft::*;

const CHECK: &str = "disclosures";
const RESERVED: &str = "claim_name_reserved";
const UNREFERENCED: (&str, &str, &str) = (CHECK, "disclosure_unreferenced", "");

pub(super) fn sha384(text: &str) -> String {
    b64::encode(Sha384::digest(text))
}

pub(super) fn sha512(text: &str) -> String {
    b64::encode(Sha512::digest(text))
}

fn md5(text: &str) -> String {
    use md5::{Digest as _, Md5};
    b64::encode(Md5::digest(text))
}

/// A card with one concealed claim, its digest by `hash` and `_sd_alg` as `name` says.
pub(super) fn with_hash(name: &str, hash: &dyn Fn(&str) -> String) -> String {
    let card = Card::plain().claim("_sd", json!([hash(&colour())])).claim("_sd_alg", json!(name));
    card.with(|card| card.disclosures.push(colour())).issued()
}

pub(super) fn algorithm(family: &mut Family) {
    const UNSUPPORTED: (&str, &str, &str) = (CHECK, "sd_alg_unsupported", "/_sd_alg");
    let named = |name: Value| Card::new().claim("_sd_alg", name).issued();
    let truncated = |text: &str| b64::encode(&b64::decode(&digest(text)).expect("base64url")[..4]);
    let nested = Card::new().with(|card| card.claims["seat"]["_sd_alg"] = json!("sha-256"));
    let in_array = Card::new().with(|card| {
        card.claims["stops"].as_array_mut().expect("an array").push(json!({"_sd_alg": "sha-256"}));
    });
    let in_disclosure = member("colour", &json!({"_sd_alg": "sha-256"}));
    family
        .beside("disclosures-card")
        .refuse("sd-4-alg-md5", "`_sd_alg` is `md5`, and the digest is.", with_hash("md5", &md5), UNSUPPORTED)
        .refuse(
            "sd-n6-alg-md5-named-only",
            "`_sd_alg` is `md5`, but the digests are of SHA-256.",
            named(json!("md5")),
            UNSUPPORTED,
        )
        .refuse("sd-n6-alg-unknown", "`_sd_alg` is `sha-257`.", named(json!("sha-257")), UNSUPPORTED)
        .refuse(
            "sd-4-alg-upper-case",
            "`_sd_alg` is `SHA-256`: names are case-sensitive.",
            named(json!("SHA-256")),
            UNSUPPORTED,
        )
        .refuse("sd-4-alg-no-hyphen", "`_sd_alg` is `sha256`.", named(json!("sha256")), UNSUPPORTED)
        .refuse(
            "sd-4-alg-truncated",
            "`_sd_alg` is `sha-256-32`, and the digest has four bytes.",
            with_hash("sha-256-32", &truncated),
            UNSUPPORTED,
        )
        .refuse("sd-4-alg-empty", "`_sd_alg` is empty.", named(json!("")), UNSUPPORTED)
        .refuse("sd-4-alg-number", "`_sd_alg` is a number.", named(json!(256)), UNSUPPORTED)
        .refuse("sd-4-alg-null", "`_sd_alg` is `null`.", named(Value::Null), UNSUPPORTED)
        .refuse("sd-4-alg-array", "`_sd_alg` is an array.", named(json!(["sha-256"])), UNSUPPORTED)
        .refuse(
            "sd-n6-alg-nested",
            "`_sd_alg` stands in an object, not at the top.",
            nested.issued(),
            (CHECK, RESERVED, "/seat"),
        )
        .refuse(
            "sd-n6-alg-in-array",
            "`_sd_alg` stands in an object in an array.",
            in_array.issued(),
            (CHECK, RESERVED, "/stops/2"),
        )
        .refuse(
            "sd-n6-alg-in-disclosure",
            "`_sd_alg` stands in a disclosed value.",
            Card::new().exchange(&colour(), &in_disclosure).issued(),
            (CHECK, RESERVED, "/colour"),
        );
    family.beside("disclosures-sha-512").refuse(
        "sd-n6-hashed-with-another-alg",
        "`_sd_alg` is `sha-512`, but the digest is of SHA-256.",
        with_hash("sha-512", &|text| digest(text)),
        UNREFERENCED,
    );
    family.beside("disclosures-no-sd-alg").refuse(
        "sd-n6-hashed-with-another-alg-than-default",
        "There is no `_sd_alg`, but the digest is of SHA-512.",
        Card::plain()
            .claim("_sd", json!([sha512(&colour())]))
            .with(|card| card.disclosures.push(colour()))
            .issued(),
        UNREFERENCED,
    );
}

pub(super) fn placeholders(family: &mut Family) {
    const DIGEST: &str = "digest_malformed";
    let stops = |element: Value| Card::new().with(|card| card.claims["stops"][1] = element).issued();
    let hidden =
        |element: Value| Card::new().hide(&south()).with(|card| card.claims["stops"][1] = element).issued();
    let sd = |value: Value| Card::new().with(|card| card.claims["seat"]["_sd"] = value).hide(&row()).issued();
    let south = digest(&south());
    family
        .beside("disclosures-card")
        .refuse(
            "sd-n7-other-member-beside-dots",
            "`...` has another member beside it, so it is no placeholder.",
            stops(json!({"...": south, "x": 1})),
            (CHECK, RESERVED, "/stops/1"),
        )
        .refuse(
            "sd-n7-other-member-beside-dots-hidden",
            "The same, and the element is not disclosed.",
            hidden(json!({"...": south, "x": 1})),
            (CHECK, RESERVED, "/stops/1"),
        )
        .refuse(
            "sd-n7-sd-beside-dots",
            "`...` has `_sd` beside it.",
            stops(json!({"...": south, "_sd": []})),
            (CHECK, RESERVED, "/stops/1"),
        )
        .refuse(
            "sd-n7-dots-number",
            "`...` is a number.",
            hidden(json!({"...": 1})),
            (CHECK, DIGEST, "/stops/1"),
        )
        .refuse(
            "sd-n7-dots-null",
            "`...` is `null`.",
            hidden(json!({"...": null})),
            (CHECK, DIGEST, "/stops/1"),
        )
        .refuse(
            "sd-n7-dots-array",
            "`...` is an array with a digest.",
            hidden(json!({"...": [south]})),
            (CHECK, DIGEST, "/stops/1"),
        )
        .refuse(
            "sd-n7-dots-object",
            "`...` is an object.",
            hidden(json!({"...": {}})),
            (CHECK, DIGEST, "/stops/1"),
        )
        .refuse(
            "sd-3-dots-at-the-top",
            "A claim at the top is named `...`.",
            Card::new().claim("...", json!(decoy("x"))).issued(),
            (CHECK, RESERVED, ""),
        )
        .refuse(
            "sd-3-dots-in-object",
            "`{\"...\": digest}` is the value of a claim, not an array element.",
            Card::new().hide(&self::south()).claim("stops", json!({"...": south})).issued(),
            (CHECK, RESERVED, "/stops"),
        )
        .refuse("sd-3-sd-string", "`_sd` is a string.", sd(json!(digest(&row()))), (CHECK, DIGEST, "/seat"))
        .refuse(
            "sd-3-sd-object",
            "`_sd` is an object.",
            sd(json!({"0": digest(&row())})),
            (CHECK, DIGEST, "/seat"),
        )
        .refuse("sd-3-sd-null", "`_sd` is `null`.", sd(Value::Null), (CHECK, DIGEST, "/seat"))
        .refuse(
            "sd-3-sd-with-number",
            "`_sd` contains a number.",
            sd(json!([digest(&row()), 1])),
            (CHECK, DIGEST, "/seat"),
        )
        .refuse(
            "sd-3-sd-with-placeholder",
            "`_sd` contains a placeholder of an array element.",
            sd(json!([placeholder(&row())])),
            (CHECK, DIGEST, "/seat"),
        )
        .refuse(
            "sd-3-sd-with-array",
            "`_sd` contains an array.",
            sd(json!([[digest(&row())]])),
            (CHECK, DIGEST, "/seat"),
        );
}

pub(super) fn altered(family: &mut Family) {
    let sound = colour();
    let json = String::from_utf8(b64::decode(&sound).expect("base64url")).expect("UTF-8");
    let send = |json: &str| Card::new().send_instead(&sound, &b64::encode(json)).issued();
    let bit = |at: usize| {
        let mut bytes = b64::decode(&sound).expect("base64url");
        bytes[at] ^= 1;
        Card::new().send_instead(&sound, &b64::encode(bytes)).issued()
    };
    family
        .beside("disclosures-card")
        .refuse(
            "sd-n8-value-altered",
            "One bit of a disclosed value is another: `blue` became `blte`.",
            bit(json.find("ue").expect("blue")),
            UNREFERENCED,
        )
        .refuse(
            "sd-n8-name-altered",
            "One bit of a disclosed name is another.",
            bit(json.find("our").expect("colour")),
            UNREFERENCED,
        )
        .refuse(
            "sd-n8-salt-altered",
            "One bit of a salt is another.",
            bit(json.find('"').expect("a quote") + 2),
            UNREFERENCED,
        )
        .refuse(
            "sd-n8-encoded-anew-with-blanks",
            "A disclosure was written anew with blanks: the same JSON in another text.",
            send(&json.replace(',', ", ")),
            UNREFERENCED,
        )
        .refuse(
            "sd-n8-encoded-anew-with-escape",
            "A disclosure was written anew with an escape.",
            send(&json.replace("blue", r"\u0062lue")),
            UNREFERENCED,
        )
        .refuse(
            "sd-n8-value-exchanged",
            "A disclosure has the issuer's salt and name, and another value.",
            send(&json.replace("blue", "red")),
            UNREFERENCED,
        );
}
