//! SD-JWTs in JWS JSON serialization, flattened and general (RFC 9901 §8).

use serde_json::{Value, json};

use super::Family;
use super::craft::*;

const FORM: &str = "form";
const SD: &str = "sd_jwt_malformed";
const JWS: &str = "jws_json_malformed";
const SIGNATURE: (&str, &str, &str) = ("issuer-signature", "signature_invalid", "");

pub(super) fn family() -> Family {
    let mut family =
        Family::new("json-form", "SD-JWT VCs in JWS JSON serialization that are broken, and sound ones.");
    family.demand("card", card_policy());
    family.demand("bound", bound_policy());
    family.accept("json-flattened", "card", "A sound card, flattened.", text_of(&flattened(&card())));
    family.accept("json-general", "card", "The same, general.", text_of(&general(&[&card()])));
    let two = general(&[&card(), &by_another()]);
    family.accept(
        "json-two-signatures",
        "card",
        "A second signature, of which the reader wants nothing.",
        text_of(&two),
    );
    family.accept("json-bound", "bound", "A sound presentation, flattened.", text_of(&flattened(&bound())));
    family.accept("json-bound-general", "bound", "The same, general.", text_of(&general(&[&bound()])));
    let unknown = with(&card(), |json| {
        json["x"] = json!(1);
        json["header"]["y"] = json!([]);
    });
    family.accept("json-unknown-members", "card", "Members that nobody knows are ignored.", unknown);
    parts(&mut family);
    headers(&mut family);
    second(&mut family);
    binding(&mut family);
    family
}

fn card() -> String {
    Card::new().issued()
}

fn bound() -> String {
    Card::new().presented().text()
}

/// The same payload with another signature.
fn by_another() -> String {
    let card = Card::new().with(|card| card.key = p256("stranger"));
    card.head("kid", json!("another")).with(|card| card.disclosures.clear()).issued()
}

/// Takes a compact text apart: the members of a signature, and the payload.
fn members(compact: &str) -> (Value, Value) {
    let parts: Vec<&str> = compact.split('~').collect();
    let (jwt, disclosures, kb) = (parts[0], &parts[1..parts.len() - 1], parts[parts.len() - 1]);
    let jwt: Vec<&str> = jwt.split('.').collect();
    let mut entry = json!({"protected": jwt[0], "signature": jwt[2]});
    if !disclosures.is_empty() {
        entry["header"]["disclosures"] = json!(disclosures);
    }
    if !kb.is_empty() {
        entry["header"]["kb_jwt"] = json!(kb);
    }
    (entry, json!(jwt[1]))
}

fn flattened(compact: &str) -> Value {
    let (mut entry, payload) = members(compact);
    entry["payload"] = payload;
    entry
}

fn general(compact: &[&str]) -> Value {
    let entries: Vec<(Value, Value)> = compact.iter().map(|text| members(text)).collect();
    let signatures: Vec<&Value> = entries.iter().map(|(entry, _)| entry).collect();
    json!({"payload": entries[0].1, "signatures": signatures})
}

fn with(compact: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut json = flattened(compact);
    change(&mut json);
    text_of(&json)
}

fn with_general(compact: &[&str], change: impl FnOnce(&mut Value)) -> String {
    let mut json = general(compact);
    change(&mut json);
    text_of(&json)
}

fn remove(json: &mut Value, name: &str) {
    json.as_object_mut().expect("an object").remove(name).expect("it is there");
}

fn parts(family: &mut Family) {
    let sound = card();
    let at = |pointer: &'static str| (FORM, JWS, pointer);
    let change = |name: &'static str, value: Value| with(&sound, |json| json[name] = value);
    let twice = format!(r#"{{"payload":"",{}"#, &text_of(&flattened(&sound))[1..]);
    let altered = with(&sound, |json| {
        let other = Card::new().claim("member", json!(false)).jwt();
        json["payload"] = json!(other.split('.').nth(1).expect("a part"));
    });
    family
        .beside("json-flattened")
        .refuse(
            "sd-n16-no-payload",
            "There is no `payload`.",
            with(&sound, |json| remove(json, "payload")),
            at("/payload"),
        )
        .refuse(
            "sd-n16-payload-object",
            "`payload` is the JSON itself.",
            change("payload", Card::new().claims),
            at("/payload"),
        )
        .refuse(
            "sd-n16-no-signature",
            "There is no `signature`.",
            with(&sound, |json| remove(json, "signature")),
            at("/signature"),
        )
        .refuse(
            "sd-n16-no-protected",
            "There is no `protected`.",
            with(&sound, |json| remove(json, "protected")),
            at("/protected"),
        )
        .refuse(
            "sd-n16-protected-object",
            "`protected` is the JSON itself.",
            change("protected", Card::new().header),
            at("/protected"),
        )
        .refuse(
            "sd-n16-both-forms",
            "It is flattened and general at once.",
            with(&sound, |json| json["signatures"] = json!([members(&sound).0])),
            at("/signatures"),
        )
        .refuse("sd-n16-member-twice", "`payload` is there twice.", twice, at(""))
        .refuse(
            "sd-n16-trailing",
            "There is something after the JSON.",
            format!("{}~", text_of(&flattened(&sound))),
            at(""),
        )
        .refuse("sd-n16-payload-altered", "The payload was changed after signing.", altered, SIGNATURE)
        .refuse(
            "sd-n16-header-array",
            "The unprotected header is an array.",
            change("header", json!([])),
            at("/header"),
        );
    family
        .beside("json-general")
        .refuse(
            "sd-n16-signatures-empty",
            "There are no signatures.",
            with_general(&[&sound], |json| json["signatures"] = json!([])),
            at("/signatures"),
        )
        .refuse(
            "sd-n16-signatures-object",
            "`signatures` is an object.",
            with_general(&[&sound], |json| json["signatures"] = json!({})),
            at("/signatures"),
        )
        .refuse(
            "sd-n16-signatures-missing",
            "`signatures` is missing.",
            with_general(&[&sound], |json| remove(json, "signatures")),
            at(""),
        );
}

fn headers(family: &mut Family) {
    let sound = card();
    let disclosures = |value: Value| with(&sound, |json| json["header"]["disclosures"] = value);
    let header = |name: &'static str, value: Value| with(&sound, |json| json["header"][name] = value);
    let unprotected = |name: &'static str, value: Value| {
        let card = Card::new().with(|card| remove(&mut card.header, name));
        with(&card.issued(), |json| json["header"][name] = value)
    };
    let at = |pointer: &'static str| (FORM, "jws_json_unprotected", pointer);
    let joined = Card::new().disclosures.join("~");
    family
        .beside("json-flattened")
        .refuse(
            "sd-n16-disclosures-string",
            "`disclosures` is a string.",
            disclosures(json!(joined)),
            (FORM, SD, "/header/disclosures"),
        )
        .refuse(
            "sd-n16-disclosures-object",
            "`disclosures` is an object.",
            disclosures(json!({})),
            (FORM, SD, "/header/disclosures"),
        )
        .refuse(
            "sd-n16-disclosure-number",
            "A disclosure is a number.",
            disclosures(json!([colour(), 1])),
            (FORM, SD, ""),
        )
        .refuse(
            "sd-n16-disclosure-empty",
            "A disclosure is empty.",
            disclosures(json!([colour(), ""])),
            (FORM, SD, ""),
        )
        .refuse(
            "sd-n16-disclosures-joined",
            "Two disclosures are joined with `~` in one string.",
            disclosures(json!([format!("{}~{}", colour(), row())])),
            (FORM, SD, ""),
        )
        .refuse(
            "sd-n16-disclosure-decoded",
            "A disclosure is the JSON array itself.",
            disclosures(json!([[salt("colour"), "colour", "blue"]])),
            (FORM, SD, ""),
        )
        .refuse(
            "sd-n16-disclosure-twice",
            "A disclosure is there twice.",
            disclosures(json!([colour(), colour()])),
            ("disclosures", "disclosure_repeated", ""),
        )
        .refuse(
            "sd-n16-alg-unprotected",
            "`alg` is not protected.",
            unprotected("alg", json!("ES256")),
            at("/header/alg"),
        )
        .refuse(
            "sd-n16-typ-unprotected",
            "`typ` is not protected.",
            unprotected("typ", json!("dc+sd-jwt")),
            at("/header/typ"),
        )
        .refuse(
            "sd-n16-crit-unprotected",
            "`crit` is not protected.",
            header("crit", json!(["exp"])),
            at("/header/crit"),
        )
        .refuse(
            "sd-n14-x5c-unprotected",
            "`x5c` is not protected.",
            header("x5c", json!(["MIIB"])),
            at("/header/x5c"),
        )
        .refuse(
            "sd-n16-jwk-unprotected",
            "`jwk` is not protected.",
            header("jwk", public(&p256("stranger"))),
            at("/header/jwk"),
        )
        .refuse(
            "sd-n16-kid-twice",
            "`kid` is protected and unprotected at once.",
            header("kid", json!("issuer-2")),
            (FORM, "jws_json_header_repeated", "/header"),
        );
}

/// Only the first signature's header has disclosures and key binding.
fn second(family: &mut Family) {
    let (sound, other) = (card(), by_another());
    let texts = [sound.as_str(), other.as_str()];
    let header = |name: &'static str, value: Value| {
        with_general(&texts, |json| json["signatures"][1]["header"][name] = value)
    };
    let kb = bound().rsplit('~').next().expect("a part").to_owned();
    let moved = with_general(&texts, |json| {
        let header = json["signatures"][0]["header"].take();
        remove(&mut json["signatures"][0], "header");
        json["signatures"][1]["header"] = header;
    });
    let swapped =
        with_general(&texts, |json| json["signatures"].as_array_mut().expect("an array").swap(0, 1));
    family
        .beside("json-two-signatures")
        .refuse(
            "sd-n16-disclosures-in-second",
            "The second signature's header has disclosures too.",
            header("disclosures", json!([colour()])),
            (FORM, SD, "/signatures/1/header"),
        )
        .refuse(
            "sd-n16-no-disclosures-in-second",
            "The second signature's header has an empty array of disclosures.",
            header("disclosures", json!([])),
            (FORM, SD, "/signatures/1/header"),
        )
        .refuse(
            "sd-n16-kb-in-second",
            "The second signature's header has the Key Binding JWT.",
            header("kb_jwt", json!(kb)),
            (FORM, SD, "/signatures/1/header"),
        )
        .refuse(
            "sd-n16-header-moved-to-second",
            "The disclosures stand in the second signature's header instead of the first's.",
            moved,
            (FORM, SD, "/signatures/1/header"),
        )
        .refuse(
            "sd-n16-issuer-signed-second",
            "The issuer's signature is the second, and the first is a stranger's.",
            swapped,
            ("form", SD, "/signatures/1/header"),
        );
}

fn binding(family: &mut Family) {
    const SD_HASH: (&str, &str, &str) = ("key-binding", "kb_sd_hash_mismatch", "/sd_hash");
    let sound = bound();
    let kb = |value: Value| with(&sound, |json| json["header"]["kb_jwt"] = value);
    let over_json =
        Card::new().presented().claim("sd_hash", json!(digest(&text_of(&flattened(&card()))))).text();
    let at_top = with(&sound, |json| {
        let disclosures = json["header"]["disclosures"].take();
        remove(&mut json["header"], "disclosures");
        json["disclosures"] = disclosures;
    });
    let fewer = with(&sound, |json| json["header"]["disclosures"] = json!(Card::new().disclosures[1..]));
    family
        .beside("json-bound")
        .refuse(
            "sd-n16-kb-missing",
            "There is no `kb_jwt`.",
            text_of(&flattened(&card())).replace('{', "{ "),
            ("key-binding", "kb_missing", ""),
        )
        .refuse("sd-n16-kb-empty", "`kb_jwt` is empty.", kb(json!("")), (FORM, SD, ""))
        .refuse("sd-n16-kb-null", "`kb_jwt` is `null`.", kb(Value::Null), (FORM, SD, ""))
        .refuse(
            "sd-n16-kb-array",
            "`kb_jwt` is an array.",
            kb(json!([sound.rsplit('~').next().expect("a part")])),
            (FORM, SD, ""),
        )
        .refuse(
            "sd-n16-sd-hash-of-json",
            "`sd_hash` is of the JSON, not of the compact form.",
            text_of(&flattened(&over_json)),
            SD_HASH,
        )
        .refuse(
            "sd-n16-disclosures-at-the-top",
            "`disclosures` stands beside the header, not in it.",
            at_top,
            SD_HASH,
        )
        .refuse(
            "sd-n16-disclosure-removed",
            "A disclosure was taken away after the Key Binding JWT was signed.",
            fewer,
            SD_HASH,
        );
    let bound = text_of(&flattened(&sound)).replace('{', "{ ");
    family.beside("json-flattened").refuse(
        "sd-n17-json-key-binding",
        "A holder gets an SD-JWT+KB from an issuer.",
        bound,
        ("key-binding", "kb_not_expected", ""),
    );
}
