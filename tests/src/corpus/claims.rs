//! The claims of an SD-JWT VC: types, times, and what may never be concealed (RFC 7519, SD-JWT VC §2.2.2).

use serde_json::{Value, json};

use super::Family;
use super::craft::*;
use super::policy::CredentialPolicy;

const CHECK: &str = "claims";
const VALIDITY: &str = "validity";
const NEVER: (&str, &str) = ("disclosures", "claim_never_concealed");

pub(super) fn family() -> Family {
    let mut family = Family::new(
        "claims",
        "SD-JWT VCs whose claims are missing, ill-typed, out of date or wrongly concealed, and sound ones.",
    );
    family.demand("card", card_policy());
    family.demand("exp-required", CredentialPolicy { require_exp: true, ..card_policy() });
    family.demand("any-type", CredentialPolicy { vct: None, ..card_policy() });
    family.demand("any-issuer", CredentialPolicy { issuer: None, ..card_policy() });
    family.accept("claims-card", "card", "A sound card.", Card::new().issued());
    family.accept(
        "claims-any-type",
        "any-type",
        "The same for a reader who takes every type.",
        Card::new().issued(),
    );
    family.accept(
        "claims-exp",
        "exp-required",
        "The same for a reader who demands `exp`.",
        Card::new().issued(),
    );
    family.accept(
        "claims-issuer-by-certificate",
        "any-issuer",
        "A card without `iss`, which is optional.",
        Card::new().without("iss").issued(),
    );
    family.accept(
        "claims-no-iat",
        "card",
        "A card without `iat`, which is optional.",
        Card::new().without("iat").issued(),
    );
    family.accept(
        "claims-no-exp",
        "card",
        "A card without `exp`, for a reader who does not demand it.",
        Card::new().without("exp").issued(),
    );
    family.accept(
        "claims-exp-within-leeway",
        "card",
        "It expired less than the leeway ago.",
        Card::new().claim("exp", json!(NOW - LEEWAY + 1)).issued(),
    );
    family.accept(
        "claims-nbf-within-leeway",
        "card",
        "It begins less than the leeway from now.",
        Card::new().claim("nbf", json!(NOW + LEEWAY)).issued(),
    );
    family.accept(
        "claims-fraction",
        "card",
        "`exp` has a fraction, which RFC 7519 allows.",
        Card::new().claim("exp", json!(1_795_400_000.5)).issued(),
    );
    family.accept(
        "claims-sub-iat-concealed",
        "card",
        "`sub` and `iat` may be concealed.",
        Card::new().conceal("sub", &json!("x")).conceal("iat", &json!(NOW - 3600)).issued(),
    );
    family.accept(
        "claims-aka-vcts",
        "card",
        "`aka_vcts` names another type.",
        Card::new().claim("aka_vcts", json!(["urn:example:card:0"])).issued(),
    );
    family.accept(
        "claims-nbf",
        "card",
        "A card with `nbf`, `status` and `vct#integrity`.",
        extended().issued(),
    );
    times(&mut family);
    issuer_and_audience(&mut family);
    types(&mut family);
    concealed(&mut family);
    family
}

/// A card with the optional claims that may not be concealed.
fn extended() -> Card {
    let status = json!({"status_list": {"idx": 7, "uri": "https://issuer.example/status/1"}});
    Card::new()
        .claim("nbf", json!(NOW - 3600))
        .claim("status", status)
        .claim("vct#integrity", json!("sha256-x"))
}

fn times(family: &mut Family) {
    const TYPE: &str = "claim_type";
    let claim = |name: &str, value: Value| Card::new().claim(name, value).issued();
    family
        .beside("claims-card")
        .refuse(
            "sd-n9-exp-past",
            "`exp` has passed.",
            Card::new().claim("iat", json!(NOW - 172_800)).claim("exp", json!(NOW - 86_400)).issued(),
            (VALIDITY, "expired", "/exp"),
        )
        .refuse(
            "sd-n9-exp-just-past",
            "`exp` passed as long ago as the leeway is.",
            claim("exp", json!(NOW - LEEWAY)),
            (VALIDITY, "expired", "/exp"),
        )
        .refuse(
            "sd-n9-exp-zero",
            "`exp` is 0.",
            Card::new().without("iat").claim("exp", json!(0)).issued(),
            (VALIDITY, "expired", "/exp"),
        )
        .refuse(
            "sd-n9-exp-negative",
            "`exp` is negative.",
            Card::new().without("iat").claim("exp", json!(-1)).issued(),
            (VALIDITY, "expired", "/exp"),
        )
        .refuse(
            "sd-n9-nbf-future",
            "`nbf` has not come.",
            claim("nbf", json!(NOW + 36_000)),
            (VALIDITY, "not_yet_valid", "/nbf"),
        )
        .refuse(
            "sd-n9-nbf-just-future",
            "`nbf` comes one second after the leeway.",
            claim("nbf", json!(NOW + LEEWAY + 1)),
            (VALIDITY, "not_yet_valid", "/nbf"),
        )
        .refuse(
            "sd-n9-exp-string",
            "`exp` is a string.",
            claim("exp", json!((NOW + 86_400).to_string())),
            (CHECK, TYPE, "/exp"),
        )
        .refuse("sd-n9-exp-null", "`exp` is `null`.", claim("exp", Value::Null), (CHECK, TYPE, "/exp"))
        .refuse(
            "sd-n9-exp-date",
            "`exp` is a date in ISO 8601.",
            claim("exp", json!("2027-01-01T00:00:00Z")),
            (CHECK, TYPE, "/exp"),
        )
        .refuse(
            "sd-n9-exp-object",
            "`exp` is an object.",
            claim("exp", json!({"seconds": NOW})),
            (CHECK, TYPE, "/exp"),
        )
        .refuse("sd-n9-exp-boolean", "`exp` is `true`.", claim("exp", json!(true)), (CHECK, TYPE, "/exp"))
        .refuse(
            "sd-n9-exp-huge",
            "`exp` is a number beyond all time.",
            claim("exp", json!(1e300)),
            ("disclosures", "payload_not_json", ""),
        )
        .refuse(
            "sd-n9-nbf-string",
            "`nbf` is a string.",
            claim("nbf", json!((NOW - 10).to_string())),
            (CHECK, TYPE, "/nbf"),
        )
        .refuse(
            "sd-n9-iat-string",
            "`iat` is a string.",
            claim("iat", json!((NOW - 10).to_string())),
            (CHECK, TYPE, "/iat"),
        );
    family.beside("claims-exp").refuse(
        "sd-n9-exp-missing",
        "There is no `exp`, which this reader demands.",
        Card::new().without("exp").issued(),
        (VALIDITY, "exp_missing", "/exp"),
    );
}

fn issuer_and_audience(family: &mut Family) {
    const AUDIENCE: (&str, &str, &str) = (CHECK, "audience_mismatch", "/aud");
    const ISSUER_MISMATCH: (&str, &str, &str) = (CHECK, "issuer_mismatch", "/iss");
    let claim = |name: &str, value: Value| Card::new().claim(name, value).issued();
    family
        .beside("claims-card")
        .refuse(
            "v-4-iss-other",
            "`iss` is another issuer than the one whose key was used.",
            claim("iss", json!("https://other.example")),
            ISSUER_MISMATCH,
        )
        .refuse(
            "v-4-iss-trailing-slash",
            "`iss` has a slash at its end.",
            claim("iss", json!(format!("{ISSUER}/"))),
            ISSUER_MISMATCH,
        )
        .refuse(
            "v-4-iss-upper-case",
            "`iss` is written in capitals.",
            claim("iss", json!("HTTPS://ISSUER.EXAMPLE")),
            ISSUER_MISMATCH,
        )
        .refuse(
            "v-4-iss-port",
            "`iss` names the port that is the default.",
            claim("iss", json!(format!("{ISSUER}:443"))),
            ISSUER_MISMATCH,
        )
        .refuse(
            "v-4-iss-missing",
            "There is no `iss`, where the reader expects one.",
            Card::new().without("iss").issued(),
            ISSUER_MISMATCH,
        )
        .refuse(
            "v-4-iss-array",
            "`iss` is an array.",
            claim("iss", json!([ISSUER])),
            (CHECK, "claim_type", "/iss"),
        )
        .refuse("v-4-sub-number", "`sub` is a number.", claim("sub", json!(7)), (CHECK, "claim_type", "/sub"))
        .refuse(
            "sd-n9-aud-other",
            "`aud` of the credential names another reader.",
            claim("aud", json!("https://other.example")),
            AUDIENCE,
        )
        .refuse(
            "sd-n9-aud-array-of-others",
            "`aud` of the credential is an array of other readers.",
            claim("aud", json!(["https://other.example", "https://third.example"])),
            AUDIENCE,
        )
        .refuse("sd-n9-aud-number", "`aud` of the credential is a number.", claim("aud", json!(1)), AUDIENCE)
        .refuse(
            "sd-n9-aud-concealed",
            "`aud` that names another reader comes by disclosure.",
            Card::new().conceal("aud", &json!("https://other.example")).issued(),
            (NEVER.0, NEVER.1, "/aud"),
        );
}

fn types(family: &mut Family) {
    const MISSING: (&str, &str, &str) = (CHECK, "vct_missing", "/vct");
    const AKA: (&str, &str, &str) = (CHECK, "aka_vcts_invalid", "/aka_vcts");
    let claim = |name: &str, value: Value| Card::new().claim(name, value).issued();
    family
        .beside("claims-any-type")
        .refuse("sd-n10-vct-missing", "There is no `vct`.", Card::new().without("vct").issued(), MISSING)
        .refuse("sd-n10-vct-number", "`vct` is a number.", claim("vct", json!(1)), MISSING)
        .refuse("sd-n10-vct-null", "`vct` is `null`.", claim("vct", Value::Null), MISSING)
        .refuse("sd-n10-vct-array", "`vct` is an array.", claim("vct", json!([VCT])), MISSING)
        .refuse("sd-n10-vct-object", "`vct` is an object.", claim("vct", json!({"id": VCT})), MISSING)
        .refuse("sd-n10-vct-empty", "`vct` is empty.", claim("vct", json!("")), MISSING)
        .refuse("v-7-aka-vcts-empty", "`aka_vcts` is empty.", claim("aka_vcts", json!([])), AKA)
        .refuse(
            "v-7-aka-vcts-string",
            "`aka_vcts` is a string.",
            claim("aka_vcts", json!("urn:example:card:0")),
            AKA,
        )
        .refuse(
            "v-7-aka-vcts-number",
            "`aka_vcts` contains a number.",
            claim("aka_vcts", json!(["urn:example:card:0", 1])),
            AKA,
        )
        .refuse(
            "v-7-aka-vcts-own",
            "`aka_vcts` contains the `vct`.",
            claim("aka_vcts", json!(["urn:example:card:0", VCT])),
            AKA,
        )
        .refuse("v-7-aka-vcts-null", "`aka_vcts` is `null`.", claim("aka_vcts", Value::Null), AKA);
    family
        .beside("claims-card")
        .refuse(
            "v-2-vct-other",
            "The credential is of another type than asked for.",
            claim("vct", json!("urn:example:card:2")),
            (CHECK, "vct_not_expected", "/vct"),
        )
        .refuse(
            "v-2-vct-upper-case",
            "`vct` differs in case.",
            claim("vct", json!("URN:example:card:1")),
            (CHECK, "vct_not_expected", "/vct"),
        )
        .refuse(
            "v-2-vct-prefix",
            "`vct` begins with the type asked for.",
            claim("vct", json!("urn:example:card:1:x")),
            (CHECK, "vct_not_expected", "/vct"),
        )
        .refuse(
            "v-7-aka-vcts-does-not-count",
            "Only `aka_vcts`, which is a claim of the issuer about itself, names the type asked for.",
            Card::new().claim("vct", json!("urn:example:card:2")).claim("aka_vcts", json!([VCT])).issued(),
            (CHECK, "vct_not_expected", "/vct"),
        );
}

fn concealed(family: &mut Family) {
    let sound = extended();
    let value = |name: &str| sound.claims[name].clone();
    let hidden = |name: &str| sound.clone().conceal(name, &value(name)).issued();
    let at = |pointer| (NEVER.0, NEVER.1, pointer);
    let part = |name: &str, at: &str, part: &str, value: Value| {
        let disclosed = member(part, &value);
        let card = sound.clone().with(|card| {
            let place = card.claims.pointer_mut(at).and_then(Value::as_object_mut).expect("an object");
            place.remove(part).expect("the part is there");
            place.insert("_sd".to_owned(), json!([digest(&disclosed)]));
            card.disclosures.push(disclosed);
        });
        assert!(card.claims[name].is_object());
        card.issued()
    };
    let decoy_in_cnf = sound.clone().with(|card| card.claims["cnf"]["_sd"] = json!([decoy("cnf")]));
    let jwk = value("cnf")["jwk"].clone();
    family
        .beside("claims-nbf")
        .refuse("sd-n9-exp-concealed", "`exp` comes by disclosure.", hidden("exp"), at("/exp"))
        .refuse("sd-n9-nbf-concealed", "`nbf` comes by disclosure.", hidden("nbf"), at("/nbf"))
        .refuse("sd-n9-iss-concealed", "`iss` comes by disclosure.", hidden("iss"), at("/iss"))
        .refuse("sd-n9-vct-concealed", "`vct` comes by disclosure.", hidden("vct"), at("/vct"))
        .refuse("sd-n9-cnf-concealed", "`cnf` comes by disclosure.", hidden("cnf"), at("/cnf"))
        .refuse("sd-n9-status-concealed", "`status` comes by disclosure.", hidden("status"), at("/status"))
        .refuse(
            "v-3-vct-integrity-concealed",
            "`vct#integrity` comes by disclosure.",
            hidden("vct#integrity"),
            at("/vct#integrity"),
        )
        .refuse(
            "v-3-aka-vcts-concealed",
            "`aka_vcts` comes by disclosure.",
            sound.clone().conceal("aka_vcts", &json!(["urn:example:card:0"])).issued(),
            at("/aka_vcts"),
        )
        .refuse(
            "v-3-part-of-cnf-concealed",
            "The key in `cnf` comes by disclosure.",
            part("cnf", "/cnf", "jwk", jwk.clone()),
            at("/cnf"),
        )
        .refuse(
            "v-3-part-of-key-concealed",
            "A coordinate of the key in `cnf` comes by disclosure.",
            part("cnf", "/cnf/jwk", "y", jwk["y"].clone()),
            at("/cnf/jwk"),
        )
        .refuse(
            "v-3-part-of-status-concealed",
            "The index in `status` comes by disclosure.",
            part("status", "/status/status_list", "idx", json!(7)),
            at("/status/status_list"),
        )
        .refuse(
            "v-3-decoy-in-cnf",
            "`cnf` has a digest, to which no disclosure belongs.",
            decoy_in_cnf.issued(),
            at("/cnf"),
        );
}
