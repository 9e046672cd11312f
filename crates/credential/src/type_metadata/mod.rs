//! Type metadata: what a credential type says about its claims, and how they are shown (SD-JWT VC §5, §6).
//!
//! ```text
//! verified credential ─ Resolution::of ─▶ needed() ─ your fetch, or your own documents ─▶ supply(octets, source) ─┐
//!                                            ▲                                                                    │
//!                                            └──────────────────────── `extends` ─────────────────────────────────┘
//!                       finish() ─▶ ResolvedType ─ check(IssuedClaims) ─▶ the credential follows its type, or is refused
//!                                        └ display(), claims(), SvgTemplate::fill: for people
//! ```
//!
//! Nothing is fetched here, and nothing is believed without a reason: a document counts if the reader has configured it,
//! or if it hashes to what the credential (`vct#integrity`), or a document that counts (`extends#integrity`), says. Whether
//! metadata are processed at all is the reader's policy. If they are, every failure here is a reason to refuse the credential.
//! That a type is known says nothing about whether this issuer may issue it.
//!
//! ```
//! # use enishi_credential::{crypto::*, entropy::SeededEntropy, jose::jwk::PrivateJwk, sdjwt::*, time::UnixTime};
//! # use enishi_credential::type_metadata::*;
//! # use serde_json::json;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let entropy = SeededEntropy::new("an example");
//! # let issuer = SoftwareSigner::new(PrivateJwk::generate_p256(&entropy)).ok_or("a signing key")?;
//! # let validation = Validation::credential("https://issuer.example", "urn:example:card:1", UnixTime::from_secs(1));
//! let document = br#"{"vct": "urn:example:card:1", "claims": [
//!     {"path": ["name"], "sd": "always", "mandatory": true, "display": [{"locale": "en", "label": "Name"}]}]}"#;
//! # let claims = json!({"iss": "https://issuer.example", "vct": "urn:example:card:1", "name": "A"});
//! # let claims = claims.as_object().cloned().ok_or("an object")?;
//! # let issued = SdJwtBuilder::new(claims).conceal(["name"]).sign(&issuer, &entropy).await?;
//! # let held = HeldSdJwt::receive(&issued, &RustCryptoVerifier, issuer.public_jwk(), &validation)?;
//! // A wallet has received a credential, and knows the type from its own configuration.
//! let card = Resolution::of_held(&held)?.supply(document, Source::Configured)?.finish()?;
//! card.check(&IssuedClaims::held(&held))?;
//! let label = in_language(card.claims()[0].display(), &["ja", "en"]).map(|display| display.label.as_str());
//! assert_eq!(label, Some("Name"));
//! # Ok(()) }
//! ```
//!
//! # Codes
//! | code | check | meaning |
//! |---|---|---|
//! | `integrity_malformed` | type-integrity | not `sha256-`, `sha384-` or `sha512-` and standard base64 |
//! | `integrity_unsupported` | type-integrity | none of the hashes is one of these |
//! | `integrity_mismatch` | type-integrity | the document hashes to something else |
//! | `type_metadata_untrusted` | type-integrity | a fetched document, and nothing says what it must hash to |
//! | `type_metadata_unavailable` | type-metadata | a document that is needed is not there |
//! | `type_metadata_too_large` | type-metadata | a document, the number of claims, or what paths select exceeds the limits |
//! | `type_metadata_malformed` | type-metadata | not the JSON that §5.2 and §5.5 describe |
//! | `type_metadata_vct_mismatch` | type-metadata | the document describes another type than the one referred to |
//! | `claim_metadata_malformed` | type-metadata | an entry of `claims` is not what §5.6 describes |
//! | `claim_metadata_repeated` | type-metadata | two entries of one document are about the same path |
//! | `svg_id_invalid`, `svg_id_repeated` | type-metadata | an `svg_id` that is no identifier, or not unique |
//! | `extends_circular` | type-extends | a type extends itself, directly or not |
//! | `extends_too_long` | type-extends | more than eight types extend each other |
//! | `extends_sd_changed` | type-extends | a child changes an `sd` of `always` or `never` |
//! | `extends_mandatory_dropped` | type-extends | a child makes a mandatory claim optional |
//! | `claim_path_type` | type-claims | a path meets another JSON type than it expects |
//! | `claim_sd_always`, `claim_sd_never` | type-claims | the `sd` rule is broken |
//! | `claim_missing` | type-claims | a mandatory claim was not issued |
//! | `svg_malformed` | type-svg | a template is not well-formed XML, has a document type, or is too large |
//! | `svg_placeholder_misplaced` | type-svg | a placeholder in an attribute, comment, script or style |
//! | `svg_placeholder_malformed` | type-svg | `{{` without an id and `}}` |
//! | `svg_placeholder_unknown` | type-svg | a placeholder that no claim of the type has |

mod check;
mod claims;
mod display;
mod document;
mod integrity;
mod read;
mod resolve;
mod svg;
#[cfg(test)]
mod tests;

pub use check::IssuedClaims;
pub use claims::{ClaimDisplay, ClaimMetadata, SdRule};
pub use display::{
    Localized, ResourceReference, SimpleRendering, SvgTemplateReference, TypeDisplay, in_language,
};
pub use document::TypeDocument;
pub use integrity::Integrity;
pub use resolve::{MAX_CHAIN, Resolution, ResolvedType, Source, TypeReference};
pub use svg::{SvgTemplate, escape};

use crate::verdict::Failure;

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// A failure with the check and the remedy that belong to its code.
fn fault(code: &'static str, detail: impl Into<String>) -> Failure {
    let (check, remedy) = match code {
        "integrity_malformed" | "integrity_unsupported" => {
            ("type-integrity", "write `sha256-` and the standard base64 of the document's hash")
        }
        "integrity_mismatch" => {
            ("type-integrity", "serve the document unchanged, octet by octet; a changed one is a new type")
        }
        "type_metadata_untrusted" => {
            ("type-integrity", "add `vct#integrity` or `extends#integrity`, or configure the document")
        }
        "type_metadata_unavailable" => ("type-metadata", "serve the document, or configure it"),
        "type_metadata_too_large" => ("type-metadata", "describe fewer claims"),
        "type_metadata_vct_mismatch" => {
            ("type-metadata", "let `vct` be exactly the value that refers to the document")
        }
        "extends_circular" | "extends_too_long" => {
            ("type-extends", "extend at most seven types, in one direction")
        }
        "extends_sd_changed" | "extends_mandatory_dropped" => {
            ("type-extends", "let a child only add to what its parent demands")
        }
        "claim_path_type" | "claim_sd_always" | "claim_sd_never" | "claim_missing" => {
            ("type-claims", "issue the credential as its type says, or correct the type")
        }
        code if code.starts_with("svg_placeholder") || code == "svg_malformed" => {
            ("type-svg", "use `{{svg_id}}` in the text of SVG elements only, with ids that the type defines")
        }
        _ => ("type-metadata", "write the document as SD-JWT VC §5 says"),
    };
    Failure::new(check, code, detail).remedy(remedy)
}
