//! The issuer-signed JWT as text: header members, encodings and JSON (RFC 7515, RFC 7517, RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};
use enishi_credential::encoding::b64;
use enishi_credential::jose::jwk::PrivateJwk;
use serde_json::json;

use super::Family;
use super::craft::*;

const FORM: &str = "form";
const SIGNATURE: (&str, &str, &str) = ("issuer-signature", "signature_invalid", "");
const MALFORMED: (&str, &str, &str) = (FORM, "jws_malformed", "");
const PAYLOAD: (&str, &str, &str) = ("disclosures", "payload_not_json", "");

pub(super) fn headers(family: &mut Family) {
    const CRIT: (&str, &str, &str) = (FORM, "crit_not_supported", "/crit");
    const JWK: (&str, &str, &str) = (FORM, "jwk_invalid", "/jwk");
    const X5C: (&str, &str, &str) = (FORM, "jws_malformed", "/x5c");
    let head = |name: &str, value| Card::new().head(name, value).issued();
    let header = |text: &str| Card::new().with_header(text);
    let private =
        PrivateJwk::generate_p256(&enishi_credential::entropy::SeededEntropy::new("corpus/private"));
    let mut off_curve = public(&issuer());
    off_curve["y"] = off_curve["x"].clone();
    let duplicate =
        |member: &str| format!(r#"{{"alg":"ES256",{member},"kid":"issuer-1","typ":"dc+sd-jwt"}}"#);
    family
        .beside("jose-card")
        .refuse(
            "jose-crit-unknown",
            "`crit` names an extension that nobody knows.",
            head("crit", json!(["x"])),
            CRIT,
        )
        .refuse("jose-crit-known-claim", "`crit` names `exp`.", head("crit", json!(["exp"])), CRIT)
        .refuse("jose-crit-empty", "`crit` is empty, which RFC 7515 forbids.", head("crit", json!([])), CRIT)
        .refuse(
            "jose-crit-b64",
            "`b64` is false and critical: the payload would not be encoded.",
            Card::new().head("crit", json!(["b64"])).head("b64", json!(false)).issued(),
            CRIT,
        )
        .refuse("jose-b64-without-crit", "`b64` is false without `crit`.", head("b64", json!(false)), CRIT)
        .refuse(
            "jose-json-alg-twice",
            "The header has `alg` twice.",
            header(&duplicate(r#""alg":"ES256""#)),
            MALFORMED,
        )
        .refuse(
            "jose-json-alg-twice-none",
            "The header has `alg` twice, first `ES256`, then `none`.",
            header(&duplicate(r#""alg":"none""#)),
            MALFORMED,
        )
        .refuse(
            "jose-json-kid-twice",
            "The header has `kid` twice.",
            header(&duplicate(r#""kid":"issuer-2""#)),
            MALFORMED,
        )
        .refuse(
            "jose-json-typ-twice-escaped",
            "The header has `typ` twice, once written with an escape.",
            header(&duplicate(r#""t\u0079p":"JWT""#)),
            MALFORMED,
        )
        .refuse("jose-json-header-array", "The header is an array.", header(r#"["ES256"]"#), MALFORMED)
        .refuse("jose-json-header-string", "The header is a string.", header(r#""ES256""#), MALFORMED)
        .refuse(
            "jose-json-header-trailing",
            "There is something after the header's JSON.",
            header(r#"{"alg":"ES256","typ":"dc+sd-jwt"}x"#),
            MALFORMED,
        )
        .refuse(
            "jose-json-header-byte-order-mark",
            "The header begins with a byte order mark.",
            header("\u{feff}{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\"}"),
            MALFORMED,
        )
        .refuse(
            "jose-json-header-comment",
            "The header has a comment.",
            header(r#"{"alg":"ES256",/**/"typ":"dc+sd-jwt"}"#),
            MALFORMED,
        )
        .refuse(
            "jose-json-header-trailing-comma",
            "The header has a comma after its last member.",
            header(r#"{"alg":"ES256","typ":"dc+sd-jwt",}"#),
            MALFORMED,
        )
        .refuse(
            "jose-json-header-single-quotes",
            "The header is written with single quotes.",
            header("{'alg':'ES256','typ':'dc+sd-jwt'}"),
            MALFORMED,
        )
        .refuse(
            "jose-json-kid-number",
            "`kid` is a number.",
            head("kid", json!(1)),
            (FORM, "jws_malformed", "/kid"),
        )
        .refuse(
            "jose-jwk-private",
            "`jwk` in the header is a private key.",
            head("jwk", private.to_secret_value()),
            JWK,
        )
        .refuse(
            "jose-jwk-symmetric",
            "`jwk` in the header is a symmetric key.",
            head("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
            JWK,
        )
        .refuse(
            "jose-jwk-off-curve",
            "`jwk` in the header is not a point of its curve.",
            head("jwk", off_curve),
            JWK,
        )
        .refuse(
            "jose-jwk-not-an-object",
            "`jwk` in the header is a string.",
            head("jwk", json!("ES256")),
            JWK,
        )
        .refuse(
            "jose-jwk-self-asserted",
            "The header brings the key along with which the text is signed.",
            Card::new()
                .head("jwk", public(&p256("stranger")))
                .with(|card| card.key = p256("stranger"))
                .issued(),
            SIGNATURE,
        )
        .refuse("jose-x5c-empty", "`x5c` is empty.", head("x5c", json!([])), X5C)
        .refuse("jose-x5c-string", "`x5c` is a string.", head("x5c", json!("MIIB")), X5C)
        .refuse(
            "jose-x5c-not-base64",
            "`x5c` has an element that is not base64.",
            head("x5c", json!(["*"])),
            X5C,
        );
}

pub(super) fn encodings(family: &mut Family) {
    let card = Card::new();
    let (header, payload) = (text_of(&card.header), text_of(&card.claims));
    // A blank more or less, until the length leaves something to pad and the last character has bits to spare.
    let spare = |text: &str| {
        let blanks =
            (0..3).map(|count| " ".repeat(count)).find(|blanks| (text.len() + blanks.len()) % 3 == 1);
        format!("{text}{}", blanks.expect("one of three fits"))
    };
    let signed =
        |header64: &str, payload64: &str| card.with_jwt(&sign_encoded(header64, payload64, &card.key));
    let (header64, payload64) = (b64::encode(&header), b64::encode(&payload));
    let (padded_header, padded_payload) = (URL_SAFE.encode(spare(&header)), URL_SAFE.encode(spare(&payload)));
    assert!(padded_header.ends_with("==") && padded_payload.ends_with("=="));
    // `~` and `?` in a claim make `+` and `/` in standard base64.
    let standard = STANDARD_NO_PAD.encode(text_of(&card.clone().claim("x", json!("~~~???~~~???")).claims));
    assert!(standard.contains('/') || standard.contains('+'));
    let jwt = card.jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("three parts");
    let with = |signature: &str| card.with_jwt(&format!("{input}.{signature}"));
    family
        .beside("jose-card")
        .refuse(
            "jose-form-header-padded",
            "The header is base64url with padding.",
            signed(&padded_header, &payload64),
            MALFORMED,
        )
        .refuse(
            "jose-form-payload-padded",
            "The payload is base64url with padding.",
            signed(&header64, &padded_payload),
            MALFORMED,
        )
        .refuse(
            "jose-form-signature-padded",
            "The signature is base64url with padding.",
            with(&format!("{signature}==")),
            MALFORMED,
        )
        .refuse(
            "jose-form-payload-standard-base64",
            "The payload is in the alphabet of standard base64.",
            signed(&header64, &standard),
            MALFORMED,
        )
        .refuse(
            "jose-form-header-stray-bits",
            "The last character of the header has bits that belong to no byte.",
            signed(&stray(&b64::encode(spare(&header))), &payload64),
            MALFORMED,
        )
        .refuse(
            "jose-form-payload-stray-bits",
            "The last character of the payload has bits that belong to no byte.",
            signed(&header64, &stray(&b64::encode(spare(&payload)))),
            MALFORMED,
        )
        .refuse(
            "jose-form-signature-stray-bits",
            "The last character of the signature has bits that belong to no byte.",
            with(&stray(signature)),
            MALFORMED,
        )
        .refuse(
            "jose-form-payload-line-break",
            "The payload has a line break.",
            signed(&header64, &format!("{}\n{}", &payload64[..76], &payload64[76..])),
            MALFORMED,
        )
        .refuse(
            "jose-form-blank-before",
            "There is a blank before the header.",
            card.with_jwt(&format!(" {jwt}")),
            MALFORMED,
        )
        .refuse("jose-form-two-parts", "The JWT has no signature part.", card.with_jwt(input), MALFORMED)
        .refuse(
            "jose-form-four-parts",
            "The JWT has a fourth part.",
            card.with_jwt(&format!("{jwt}.")),
            MALFORMED,
        )
        .refuse("jose-form-header-empty", "The header is empty.", signed("", &payload64), MALFORMED)
        .refuse(
            "jose-form-payload-detached",
            "The payload is empty, as in a detached signature.",
            card.with_jwt(&format!("{header64}..{signature}")),
            SIGNATURE,
        );
}

pub(super) fn payloads(family: &mut Family) {
    let card = Card::new();
    let sound = text_of(&card.claims);
    let more = |member: &str| card.with_payload(format!("{{{member},{}", &sound[1..]));
    family
        .beside("jose-card")
        .refuse("jose-json-claim-twice", "The payload has `exp` twice.", more(r#""exp":1"#), PAYLOAD)
        .refuse(
            "jose-json-claim-twice-escaped",
            "The payload has `vct` twice, once written with an escape.",
            more(r#""\u0076ct":"urn:example:other""#),
            PAYLOAD,
        )
        .refuse("jose-json-sd-twice", "The payload has `_sd` twice.", more(r#""_sd":[]"#), PAYLOAD)
        .refuse(
            "jose-json-inner-member-twice",
            "An object in the payload has a member twice.",
            more(r#""x":{"a":1,"a":1}"#),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-array",
            "The payload is an array.",
            Card::plain().with_payload(format!("[{}]", text_of(&Card::plain().claims))),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-trailing",
            "There is something after the payload's JSON.",
            card.with_payload(format!("{sound}{{}}")),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-not-utf8",
            "The payload has a byte that is not UTF-8.",
            card.with_payload([br#"{"x":""#, [0xff].as_slice(), br#"","#, &sound.as_bytes()[1..]].concat()),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-nan",
            "The payload has a number that JSON does not have.",
            more(r#""x":NaN"#),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-infinite",
            "The payload has a number that is too large to be one.",
            more(r#""x":1e999"#),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-lone-surrogate",
            "The payload has half of a surrogate pair.",
            more(r#""x":"\ud800""#),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-control-character",
            "The payload has a control character in a string.",
            more("\"x\":\"\u{1}\""),
            PAYLOAD,
        )
        .refuse(
            "jose-json-payload-leading-zero",
            "The payload has a number with a leading zero.",
            more(r#""x":01"#),
            PAYLOAD,
        );
}

/// Sets a bit of the last character that belongs to no byte.
fn stray(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(text.len() % 4, 0, "the last character has bits to spare");
    let (rest, last) = text.split_at(text.len() - 1);
    let value = ALPHABET.iter().position(|it| *it == last.as_bytes()[0]).expect("base64url");
    assert_eq!(value % 4, 0, "the last character is canonical");
    format!("{rest}{}", char::from(ALPHABET[value + 1]))
}
