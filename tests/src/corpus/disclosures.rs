//! Digests and disclosures: what belongs where, once, unchanged (RFC 9901 §7.1).

use enishi_credential::encoding::b64;
use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::digests::{self, sha384, sha512, with_hash};

const CHECK: &str = "disclosures";
const MALFORMED: (&str, &str, &str) = (CHECK, "disclosure_malformed", "");
const KIND: &str = "disclosure_kind";
const RESERVED: &str = "claim_name_reserved";
const UNREFERENCED: (&str, &str, &str) = (CHECK, "disclosure_unreferenced", "");

pub(super) fn family() -> Family {
    let mut family =
        Family::new("disclosures", "SD-JWT VCs with broken digests or disclosures, and sound ones.");
    family.demand("card", card_policy());
    let card = Card::new();
    family.accept("disclosures-card", "card", "A sound card with every disclosure: of a claim at the top, of one in an object, of an array element, and of one in another disclosure.", card.issued());
    let parent_only = card.clone().hide(&power());
    family.accept(
        "disclosures-parent-alone",
        "card",
        "A disclosure without the one that it contains.",
        parent_only.issued(),
    );
    for (name, text) in
        [("sha-384", with_hash("sha-384", &sha384)), ("sha-512", with_hash("sha-512", &sha512))]
    {
        let about = format!("Digests and `_sd_alg` of {name}.");
        family.accept(&format!("disclosures-{name}"), "card", &about, text);
    }
    family.accept(
        "disclosures-no-sd-alg",
        "card",
        "Without `_sd_alg`, digests are of SHA-256.",
        Card::new().without("_sd_alg").issued(),
    );
    let spaced = b64::encode(format!(r#"[ "{}" , "colour" , "bl\u0075e" ]"#, salt("colour")));
    family.accept(
        "disclosures-other-json",
        "card",
        "A disclosure with blanks and escapes, hashed as it was sent.",
        Card::new().exchange(&colour(), &spaced).issued(),
    );
    let null = Card::new().disclose(member("nothing", &Value::Null)).issued();
    family.accept("disclosures-null", "card", "A claim whose disclosed value is `null`.", null);
    let in_array = Card::new().with(|card| {
        let seen = member("seen", &json!(true));
        card.claims["stops"].as_array_mut().expect("an array").push(json!({"_sd": [digest(&seen)]}));
        card.disclosures.push(seen);
    });
    family.accept(
        "disclosures-member-in-array",
        "card",
        "An object in an array conceals a member.",
        in_array.issued(),
    );

    shape(&mut family);
    names(&mut family);
    repeated(&mut family);
    unreferenced(&mut family);
    digests::algorithm(&mut family);
    digests::placeholders(&mut family);
    digests::altered(&mut family);
    family
}

fn shape(family: &mut Family) {
    let top = |value: Value| Card::new().exchange(&colour(), &disclosure(&value)).issued();
    let element = |value: Value| Card::new().exchange(&south(), &disclosure(&value)).issued();
    let raw = |json: &str| Card::new().exchange(&colour(), &b64::encode(json)).issued();
    let salt = salt("colour");
    let latin1 = [format!(r#"["{salt}","colour",""#).as_bytes(), &[0xe9], br#""]"#].concat();
    family
        .beside("disclosures-card")
        .refuse("sd-n3-no-element", "A disclosure is an empty array.", top(json!([])), MALFORMED)
        .refuse(
            "sd-n3-one-element-under-sd",
            "A disclosure in `_sd` has a salt only.",
            top(json!([salt])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-two-elements-under-sd",
            "A disclosure in `_sd` has salt and value, as that of an array element.",
            top(json!([salt, "blue"])),
            (CHECK, KIND, ""),
        )
        .refuse(
            "sd-n3-four-elements-under-sd",
            "A disclosure in `_sd` has a fourth element.",
            top(json!([salt, "colour", "blue", 1])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-one-element-in-array",
            "The disclosure of an array element has a salt only.",
            element(json!([salt])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-three-elements-in-array",
            "The disclosure of an array element has a name.",
            element(json!([salt, "name", "south"])),
            (CHECK, KIND, "/stops"),
        )
        .refuse(
            "sd-n3-four-elements-in-array",
            "The disclosure of an array element has four elements.",
            element(json!([salt, "name", "south", 1])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-object",
            "A disclosure is an object.",
            top(json!({"salt": salt, "name": "colour", "value": "blue"})),
            MALFORMED,
        )
        .refuse("sd-n3-string", "A disclosure is a string.", top(json!("colour")), MALFORMED)
        .refuse("sd-n3-number", "A disclosure is a number.", top(json!(7)), MALFORMED)
        .refuse("sd-n3-salt-number", "The salt is a number.", top(json!([1, "colour", "blue"])), MALFORMED)
        .refuse("sd-n3-salt-null", "The salt is `null`.", top(json!([null, "colour", "blue"])), MALFORMED)
        .refuse(
            "sd-n3-salt-array",
            "The salt is an array.",
            top(json!([[salt], "colour", "blue"])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-salt-number-in-array",
            "The salt of an array element is a number.",
            element(json!([1, "south"])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-name-number",
            "The name of a claim is a number.",
            top(json!([salt, 1, "blue"])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-name-null",
            "The name of a claim is `null`.",
            top(json!([salt, null, "blue"])),
            MALFORMED,
        )
        .refuse(
            "sd-n3-name-array",
            "The name of a claim is an array.",
            top(json!([salt, ["colour"], "blue"])),
            MALFORMED,
        )
        .refuse("sd-5-not-json", "A disclosure is not JSON.", raw("colour=blue"), MALFORMED)
        .refuse(
            "sd-5-trailing",
            "There is something after the JSON of a disclosure.",
            raw(&format!(r#"["{salt}","colour","blue"]]"#)),
            MALFORMED,
        )
        .refuse(
            "sd-5-not-utf8",
            "A disclosure is in Latin-1.",
            Card::new().exchange(&colour(), &b64::encode(latin1)).issued(),
            MALFORMED,
        )
        .refuse(
            "sd-5-member-twice",
            "An object in a disclosure has a member twice.",
            raw(&format!(r#"["{salt}","colour",{{"a":1,"a":2}}]"#)),
            MALFORMED,
        );
}

fn names(family: &mut Family) {
    let named = |name: &str| Card::new().exchange(&colour(), &member(name, &json!("blue"))).issued();
    let inner = |value: Value| Card::new().exchange(&colour(), &member("colour", &value)).issued();
    let seat = |name: &str| Card::new().exchange(&row(), &member(name, &json!(12))).issued();
    let second = Card::new().disclose(disclosure(&json!([salt("second"), "colour", "red"])));
    let in_disclosure = member("engine", &json!({"fuel": "steam", "power": 80, "_sd": [digest(&power())]}));
    let deep = (0..64).fold(json!(1), |inner, _| json!([inner]));
    family
        .beside("disclosures-card")
        .refuse("sd-n3-name-sd", "A disclosed claim is named `_sd`.", named("_sd"), (CHECK, RESERVED, ""))
        .refuse("sd-n3-name-dots", "A disclosed claim is named `...`.", named("..."), (CHECK, RESERVED, ""))
        .refuse(
            "sd-3-name-sd-alg",
            "A disclosed claim is named `_sd_alg`.",
            named("_sd_alg"),
            (CHECK, RESERVED, ""),
        )
        .refuse(
            "sd-n3-name-sd-inside",
            "A disclosed member of an object is named `_sd`.",
            seat("_sd"),
            (CHECK, RESERVED, "/seat"),
        )
        .refuse(
            "sd-n3-collision-with-plain-claim",
            "A disclosed claim has the name of a plain claim beside it.",
            named("member"),
            (CHECK, "claim_name_collision", "/member"),
        )
        .refuse(
            "sd-n3-collision-with-disclosure",
            "Two disclosures give the same claim.",
            second.issued(),
            (CHECK, "claim_name_collision", "/colour"),
        )
        .refuse(
            "sd-n3-collision-inside",
            "A disclosed member of an object has the name of a plain one.",
            seat("deck"),
            (CHECK, "claim_name_collision", "/seat/deck"),
        )
        .refuse(
            "sd-n3-collision-in-disclosure",
            "A member disclosed inside of a disclosure has the name of a plain one there.",
            Card::new().exchange(&engine(), &in_disclosure).issued(),
            (CHECK, "claim_name_collision", "/engine/power"),
        )
        .refuse(
            "sd-3-sd-not-an-array",
            "`_sd` in a disclosed value is a string.",
            inner(json!({"_sd": decoy("x")})),
            (CHECK, "digest_malformed", "/colour"),
        )
        .refuse(
            "sd-3-dots-as-claim",
            "A disclosed value has a member `...` and is no array element.",
            inner(json!({"...": decoy("x")})),
            (CHECK, RESERVED, "/colour"),
        )
        .refuse(
            "sd-3-too-deep",
            "The claims nest deeper than anybody needs.",
            inner(json!([deep])),
            (CHECK, "claims_too_deep", &format!("/colour{}", "/0".repeat(64))),
        );
}

fn repeated(family: &mut Family) {
    const REPEATED: &str = "digest_repeated";
    let top = digest(&colour());
    let twice_in_sd =
        Card::new().with(|card| card.claims["_sd"].as_array_mut().expect("an array").push(json!(top)));
    let two_levels = Card::new().with(|card| {
        card.claims["seat"]["_sd"].as_array_mut().expect("an array").push(json!(digest(&colour())));
    });
    let decoys = Card::plain().claim("_sd", json!([decoy("1"), decoy("1")]));
    let decoy_levels = Card::new().with(|card| {
        card.claims["seat"]["_sd"].as_array_mut().expect("an array").push(json!(decoy("card")));
    });
    let placeholders = Card::new().with(|card| {
        card.claims["stops"].as_array_mut().expect("an array").push(placeholder(&south()));
    });
    let sd_and_array = Card::new().with(|card| {
        card.claims["stops"].as_array_mut().expect("an array").push(placeholder(&colour()));
    });
    let in_disclosure =
        member("engine", &json!({"fuel": "steam", "_sd": [digest(&power()), digest(&colour())]}));
    let sent_twice = Card::new().with(|card| card.disclosures.push(colour()));
    let element_twice = Card::new().with(|card| card.disclosures.push(south()));
    // Claims are walked in the order of their names, so `_sd` of the top is met last: after `seat` and `stops`.
    family
        .beside("disclosures-card")
        .refuse(
            "sd-n4-digest-twice-in-one-array",
            "A digest stands in `_sd` twice.",
            twice_in_sd.issued(),
            (CHECK, REPEATED, ""),
        )
        .refuse(
            "sd-n4-digest-on-two-levels",
            "A digest stands in `_sd` at the top and in an object.",
            two_levels.issued(),
            (CHECK, REPEATED, ""),
        )
        .refuse(
            "sd-n4-decoy-on-two-levels",
            "A decoy stands in `_sd` at the top and in an object.",
            decoy_levels.issued(),
            (CHECK, REPEATED, ""),
        )
        .refuse(
            "sd-n4-placeholder-twice",
            "Two array elements have one digest.",
            placeholders.issued(),
            (CHECK, REPEATED, "/stops"),
        )
        .refuse(
            "sd-n4-digest-in-sd-and-array",
            "A digest stands in `_sd` and for an array element.",
            sd_and_array.issued(),
            (CHECK, KIND, "/stops"),
        )
        .refuse(
            "sd-n4-digest-in-payload-and-disclosure",
            "A digest stands in the payload and in a disclosure.",
            Card::new().exchange(&engine(), &in_disclosure).issued(),
            (CHECK, REPEATED, "/engine"),
        )
        .refuse(
            "sd-n4-disclosure-twice",
            "A disclosure is sent twice.",
            sent_twice.issued(),
            (CHECK, "disclosure_repeated", ""),
        )
        .refuse(
            "sd-n4-element-twice",
            "The disclosure of an array element is sent twice.",
            element_twice.issued(),
            (CHECK, "disclosure_repeated", ""),
        );
    let hidden = Card::new()
        .hide(&colour())
        .with(|card| card.claims["_sd"].as_array_mut().expect("an array").push(json!(digest(&colour()))));
    family.beside("disclosures-card").refuse(
        "sd-n4-hidden-digest-twice",
        "The digest of a claim that is not disclosed stands in `_sd` twice.",
        hidden.issued(),
        (CHECK, REPEATED, ""),
    );
    let plain = Card::plain().claim("_sd", json!([decoy("1"), decoy("2")]));
    family.accept("disclosures-decoys", "card", "Nothing but two decoys.", plain.issued());
    family.beside("disclosures-decoys").refuse(
        "sd-n4-decoy-twice",
        "The same decoy twice.",
        decoys.issued(),
        (CHECK, REPEATED, ""),
    );
}

fn unreferenced(family: &mut Family) {
    let more = |disclosure: String| Card::new().with(|card| card.disclosures.push(disclosure)).issued();
    let string = Card::new().hide(&colour()).with(|card| {
        // The digest stands in the payload, but as a plain claim.
        card.claims["note"] = json!(digest(&member("extra", &json!(1))));
        card.disclosures.push(member("extra", &json!(1)));
    });
    family
        .beside("disclosures-card")
        .refuse(
            "sd-n5-unreferenced",
            "A disclosure comes along to which no digest refers.",
            more(member("extra", &json!(1))),
            UNREFERENCED,
        )
        .refuse(
            "sd-n5-unreferenced-element",
            "The disclosure of an array element comes along to which no digest refers.",
            more(element("extra", &json!(1))),
            UNREFERENCED,
        )
        .refuse(
            "sd-n5-child-without-parent",
            "A disclosure is sent without the one that contains its digest.",
            Card::new().hide(&engine()).issued(),
            UNREFERENCED,
        )
        .refuse(
            "sd-n5-other-salt",
            "A claim is disclosed with another salt than the issuer's.",
            Card::new()
                .send_instead(&colour(), &disclosure(&json!([salt("other"), "colour", "blue"])))
                .issued(),
            UNREFERENCED,
        )
        .refuse(
            "sd-n5-digest-as-plain-string",
            "The digest of a disclosure stands in the payload only as the value of a claim.",
            string.issued(),
            UNREFERENCED,
        )
        .refuse(
            "sd-8-grandchild-without-middle",
            "The disclosure between a claim and the payload is missing.",
            grandchild(),
            UNREFERENCED,
        );
}

fn grandchild() -> String {
    let inner = member("inner", &json!(1));
    let middle = member("middle", &json!({"_sd": [digest(&inner)]}));
    let outer = member("outer", &json!({"_sd": [digest(&middle)]}));
    Card::new().disclose(outer).with(|card| card.disclosures.push(inner)).issued()
}
