//! JSON Schemas (draft 2020-12) of what this project defines itself, for people who implement it elsewhere.

/// `(file name, text)` of every schema.
pub const ALL: &[(&str, &str)] = &[
    ("linkage-credential.json", include_str!("../json/linkage-credential.json")),
    ("sealed-subject.json", include_str!("../json/sealed-subject.json")),
    ("consent-terms.json", include_str!("../json/consent-terms.json")),
    ("same-subject.json", include_str!("../json/same-subject.json")),
    ("data-link.json", include_str!("../json/data-link.json")),
];

/// The type metadata of the linkage credential (SD-JWT VC §5), `vct` `urn:enishi:linkage:1`.
pub const LINKAGE_TYPE_METADATA: &str = include_str!("../json/linkage-type-metadata.json");

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_schema_is_json_and_names_its_dialect_and_itself() {
        for (name, text) in ALL {
            let schema: Value = serde_json::from_str(text).expect(name);
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
            let stem = name.trim_end_matches(".json");
            assert_eq!(schema["$id"], format!("urn:enishi:schema:{stem}:1"), "{name}");
        }
    }

    #[test]
    fn the_type_metadata_never_lets_an_identifier_be_always_visible() {
        let metadata: Value = serde_json::from_str(LINKAGE_TYPE_METADATA).unwrap();
        assert_eq!(metadata["vct"], "urn:enishi:linkage:1");
        for claim in metadata["claims"].as_array().unwrap() {
            let name = claim["path"][0].as_str().unwrap();
            let hidden = ["sub", "ppid", "sealed_sub"].contains(&name);
            assert_eq!(claim["sd"], if hidden { "always" } else { "never" }, "{name}");
        }
    }
}
