//! Type metadata (SD-JWT VC §5, §6), as the reader has configured them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Family;
use super::craft::*;
use super::policy::CredentialPolicy;

pub(super) fn family() -> Family {
    let mut family = Family::new(
        "type-metadata",
        "SD-JWT VCs that do not follow their type, or do not hash to what they say, and sound ones.",
    );
    let documents = |documents: &[&Value]| CredentialPolicy {
        type_metadata: documents.iter().map(|it| text_of(it)).collect(),
        ..card_policy()
    };
    let rules = json!({"vct": VCT, "claims": [
        {"path": ["member"], "sd": "never", "mandatory": true},
        {"path": ["colour"], "sd": "always"},
        {"path": ["seat", "deck"], "mandatory": true},
    ]});
    family.demand("rules", documents(&[&rules]));
    let parent = json!({"vct": "urn:example:card", "claims": [{"path": ["member"], "sd": "never"}]});
    let child =
        json!({"vct": VCT, "extends": "urn:example:card", "claims": [{"path": ["colour"], "sd": "always"}]});
    family.demand("extends", documents(&[&child, &parent]));
    family.accept("t-card", "rules", "A card that follows its type.", Card::new().issued());
    family.accept(
        "t-concealed",
        "rules",
        "The same with nothing disclosed: what is concealed is not missing.",
        Card::new().with(|card| card.disclosures.clear()).issued(),
    );
    family.accept(
        "t-extends",
        "extends",
        "A card that follows its type and the one that this extends.",
        Card::new().issued(),
    );
    let integrity = format!("sha256-{}", STANDARD.encode(Sha256::digest(text_of(&rules))));
    let with_integrity = |text: &str| Card::new().claim("vct#integrity", json!(text)).issued();
    family.accept(
        "t-integrity",
        "rules",
        "`vct#integrity` is the hash of the document.",
        with_integrity(&integrity),
    );
    let broken = Sha256::digest("another document");
    let check = "type-claims";
    family
        .beside("t-integrity")
        .refuse(
            "sd-n15-integrity-mismatch",
            "`vct#integrity` is the hash of another document.",
            with_integrity(&format!("sha256-{}", STANDARD.encode(broken))),
            ("type-integrity", "integrity_mismatch", ""),
        )
        .refuse(
            "t-2-integrity-base64url",
            "`vct#integrity` is in base64url.",
            with_integrity(&format!("sha256-{}", digest("--__--").replace('=', ""))),
            ("type-integrity", "integrity_malformed", "/vct#integrity"),
        )
        .refuse(
            "t-2-integrity-unsupported",
            "`vct#integrity` is of a hash that nobody should use.",
            with_integrity("md5-1B2M2Y8AsgTpgAmY7PhCfg=="),
            ("type-integrity", "integrity_unsupported", "/vct#integrity"),
        )
        .refuse(
            "t-2-integrity-number",
            "`vct#integrity` is a number.",
            Card::new().claim("vct#integrity", json!(1)).issued(),
            ("claims", "claim_type", "/vct#integrity"),
        );
    let concealed = Card::new().conceal("member", &json!(true)).issued();
    let visible = Card::new().hide(&colour()).claim("colour", json!("blue")).issued();
    family
        .beside("t-card")
        .refuse(
            "t-7-never-concealed",
            "A claim is concealed that the type says is never so.",
            concealed,
            (check, "claim_sd_never", "/member"),
        )
        .refuse(
            "t-7-always-concealed",
            "A claim is visible to everybody that the type says is always concealable.",
            visible,
            (check, "claim_sd_always", "/colour"),
        )
        .refuse(
            "t-7-path-type",
            "A claim is of another JSON type than the type's path expects.",
            Card::new().hide(&row()).claim("seat", json!("12a")).issued(),
            (check, "claim_path_type", "/seat"),
        );
    let parents_rule = Card::new().conceal("member", &json!(false)).issued();
    family.beside("t-extends").refuse(
        "t-6-rule-of-the-parent",
        "A claim is concealed that the parent of the type says is never so.",
        parents_rule,
        (check, "claim_sd_never", "/member"),
    );
    family
}
