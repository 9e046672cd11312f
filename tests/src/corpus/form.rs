//! `<JWT>~<D1>~…~<Dn>~`: the parts and how they are joined (RFC 9901 §4).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};
use enishi_credential::encoding::b64;
use serde_json::json;

use super::Family;
use super::craft::*;

const FORM: (&str, &str, &str) = ("form", "sd_jwt_malformed", "");
const DISCLOSURE: (&str, &str, &str) = ("disclosures", "disclosure_malformed", "");
const KB_FORM: (&str, &str, &str) = ("key-binding", "kb_malformed", "");

pub(super) fn family() -> Family {
    let mut family =
        Family::new("form", "SD-JWT VCs whose parts are joined or encoded wrongly, and sound ones.");
    family.demand("card", card_policy());
    let card = Card::new();
    family.accept("form-card", "card", "A sound card with every disclosure.", card.issued());
    let reversed = card.clone().with(|card| card.disclosures.reverse());
    family.accept(
        "form-any-order",
        "card",
        "The disclosures come in another order than the issuer's.",
        reversed.issued(),
    );
    let none = card.clone().with(|card| card.disclosures.clear());
    family.accept("form-nothing-disclosed", "card", "No disclosure at all: `<JWT>~`.", none.issued());
    family.accept(
        "form-plain",
        "card",
        "A credential in which nothing can be concealed.",
        Card::plain().issued(),
    );
    // SD-N18: digests without disclosures are decoys, and legal.
    let decoys = Card::plain().claim("_sd", json!([decoy("1"), decoy("2")]));
    family.accept(
        "sd-n18-decoys-only",
        "card",
        "Nothing but decoys in `_sd`, and no disclosures.",
        decoys.issued(),
    );
    let named = decoys.claim("_sd_alg", json!("sha-256"));
    family.accept("sd-n18-decoys-only-with-algorithm", "card", "The same with `_sd_alg`.", named.issued());
    let nested = Card::new().with(|card| {
        card.claims["stops"].as_array_mut().expect("an array").push(placeholder(&salt("decoy")));
        card.claims["seat"]["_sd"].as_array_mut().expect("an array").push(json!(decoy("seat")));
    });
    family.accept("sd-n18-decoys-inside", "card", "Decoys in an object and in an array.", nested.issued());
    joints(&mut family);
    encodings(&mut family);
    holder(&mut family);
    family
}

fn joints(family: &mut Family) {
    let card = Card::new();
    let (jwt, text) = (card.jwt(), card.issued());
    let without_last = text.trim_end_matches('~');
    family
        .beside("form-card")
        .refuse(
            "sd-n2-no-last-tilde",
            "The last `~` is missing, so that the last disclosure stands in the place of a Key Binding JWT.",
            without_last,
            KB_FORM,
        )
        .refuse(
            "sd-n2-two-tildes-at-the-end",
            "There is one `~` too many at the end.",
            format!("{text}~"),
            FORM,
        )
        .refuse(
            "sd-n2-tilde-in-front",
            "There is a `~` before the JWT.",
            format!("~{text}"),
            ("form", "jws_malformed", ""),
        )
        .refuse(
            "sd-n2-empty-part",
            "There is an empty part between two disclosures.",
            text.replacen('~', "~~", 2).replacen("~~", "~", 1),
            FORM,
        )
        .refuse(
            "sd-n2-empty-part-first",
            "There is an empty part after the JWT.",
            text.replacen('~', "~~", 1),
            FORM,
        )
        .refuse(
            "sd-1-joined-with-dots",
            "The disclosures are joined with dots.",
            format!("{}~", without_last.replace('~', ".")),
            ("form", "jws_malformed", ""),
        )
        .refuse(
            "sd-1-no-jwt",
            "There are disclosures, but no JWT.",
            text[jwt.len() + 1..].to_owned(),
            ("form", "jws_malformed", ""),
        );
    family
        .beside("form-nothing-disclosed")
        .refuse("sd-n2-jwt-alone", "A JWT without the `~` that makes it an SD-JWT.", jwt.clone(), FORM)
        .refuse("sd-n2-only-tildes", "The JWT is followed by two `~`.", format!("{jwt}~~"), FORM)
        .refuse(
            "sd-1-nothing-but-a-tilde",
            "There is nothing but a `~`.",
            "~",
            ("form", "jws_malformed", ""),
        );
}

/// The digests of these broken disclosures stand in the payload: only their encoding is wrong.
fn encodings(family: &mut Family) {
    let sound = colour();
    // A blank after the JSON leaves something to pad.
    let json = json!([salt("colour"), "colour", "blue"]).to_string();
    let spare = (0..3)
        .map(|n| format!("{json}{}", " ".repeat(n)))
        .find(|text| text.len() % 3 == 1)
        .expect("one fits");
    let padded = URL_SAFE.encode(&spare);
    let canonical = b64::encode(&spare);
    let last = canonical.chars().last().expect("not empty");
    let stray = format!(
        "{}{}",
        &canonical[..canonical.len() - 1],
        char::from_u32(last as u32 + 1).expect("a character")
    );
    let standard = STANDARD_NO_PAD.encode(json!([salt("colour"), "colour", "~~~???~~~???"]).to_string());
    assert!(padded.ends_with("==") && (standard.contains('/') || standard.contains('+')));
    let exchange = |new: &str| Card::new().exchange(&sound, new).issued();
    family
        .beside("form-card")
        .refuse(
            "sd-n2-disclosure-padded",
            "A disclosure is base64url with padding.",
            exchange(&padded),
            DISCLOSURE,
        )
        .refuse(
            "sd-n2-disclosure-standard-base64",
            "A disclosure is in the alphabet of standard base64.",
            exchange(&standard),
            DISCLOSURE,
        )
        .refuse(
            "sd-n2-disclosure-stray-bits",
            "The last character of a disclosure has bits that belong to no byte.",
            exchange(&stray),
            DISCLOSURE,
        )
        .refuse(
            "sd-n2-disclosure-not-base64",
            "A disclosure is the JSON itself.",
            exchange(&json),
            DISCLOSURE,
        )
        .refuse(
            "sd-n2-disclosure-line-break",
            "A disclosure has a line break in it.",
            exchange(&format!("{}\n{}", &sound[..8], &sound[8..])),
            DISCLOSURE,
        )
        .refuse(
            "sd-n2-disclosure-twice-encoded",
            "A disclosure was encoded twice.",
            exchange(&b64::encode(&sound)),
            DISCLOSURE,
        );
}

fn holder(family: &mut Family) {
    let text = Card::new().presented();
    family.beside("form-card").refuse(
        "sd-n17-holder-receives-key-binding",
        "A holder gets an SD-JWT+KB from an issuer.",
        text.text(),
        ("key-binding", "kb_not_expected", ""),
    );
}
