//! SD-JWT and SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc): issue, hold, present, verify. Strictly.
//!
//! ```text
//! issuer                     holder                                  verifier
//! SdJwtBuilder ──sign──▶ HeldSdJwt::receive ──present──▶ Presentation ──bind──▶ UnverifiedSdJwt::parse
//!                                                  └ sd_hash()                       └ verify ──▶ VerifiedSdJwt
//! ```
//!
//! What a reader demands ([`Validation`], [`KeyBindingPolicy`]) is decided before the text is looked at. The text is
//! hashed as it was received and never written anew. The JWS JSON serializations (RFC 9901 §8) are another wrapping of the
//! same parts: [`UnverifiedSdJwt::parse_json`], [`to_json`], [`SdJwtBuilder::sign_general`].
//!
//! ```
//! # use enishi_credential::{crypto::*, entropy::SeededEntropy, jose::jwk::PrivateJwk, sdjwt::*, time::UnixTime};
//! # use serde_json::{Map, json};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let entropy = SeededEntropy::new("an example");
//! # let key = || SoftwareSigner::new(PrivateJwk::generate_p256(&entropy)).ok_or("a signing key");
//! # let (issuer, holder, now) = (key()?, key()?, UnixTime::from_secs(1_800_000_000));
//! // The issuer lets the holder conceal the name.
//! let claims = json!({"iss": "https://issuer.example", "vct": "urn:example:card:1", "name": "A",
//!                     "member": true, "cnf": {"jwk": holder.public_jwk()}});
//! let claims = claims.as_object().cloned().ok_or("an object")?;
//! let issued = SdJwtBuilder::new(claims).conceal(["name"]).sign(&issuer, &entropy).await?;
//!
//! // The holder checks what it gets, and later shows it without the name.
//! let validation = Validation::credential("https://issuer.example", "urn:example:card:1", now);
//! let held = HeldSdJwt::receive(&issued, &RustCryptoVerifier, issuer.public_jwk(), &validation)?;
//! let binding = KeyBindingClaims { aud: "verifier".into(), nonce: "n".into(), iat: now, extra: Map::new() };
//! let shown = held.present(&[["member"].into()])?.bind(&holder, binding).await?;
//!
//! // The verifier has decided what it demands before it looks.
//! let policy =
//!     KeyBindingPolicy::Required { aud: "verifier".into(), nonce: "n".into(), max_age: 300, leeway: 30 };
//! let verified =
//!     UnverifiedSdJwt::parse(&shown)?.verify(&RustCryptoVerifier, issuer.public_jwk(), &validation, &policy)?;
//! assert_eq!(verified.claims()["member"], true);
//! assert!(!verified.claims().contains_key("name"));
//! # Ok(()) }
//! ```
//!
//! # Codes
//! Every refusal is a [`Failure`] with one of these codes. All of them are final: nothing can be read afterwards.
//!
//! | code | check | meaning |
//! |---|---|---|
//! | `sd_jwt_malformed` | form | not `<JWT>~<D1>~…~<Dn>~`, or too long, or too many disclosures |
//! | `jws_malformed`, `crit_not_supported`, `jwk_invalid` | form | the issuer-signed JWT is broken, see [`crate::jose::jws`] |
//! | `jws_json_malformed`, `jws_json_unprotected`, `jws_json_header_repeated` | form | see [`crate::jose::jws_json`] |
//! | `alg_not_allowed` | issuer-algorithm | `none`, HMAC, or an algorithm that policy does not list |
//! | `typ_not_allowed` | issuer-type | `typ` is not the one that is expected |
//! | `signature_invalid` | issuer-signature | not signed by the issuer's key |
//! | `payload_not_json` | disclosures | the signed payload is not a JSON object without duplicate members |
//! | `sd_alg_unsupported` | disclosures | `_sd_alg` is not sha-256, sha-384 or sha-512 |
//! | `disclosure_malformed` | disclosures | not base64url of a JSON array of salt, name, value or salt, value |
//! | `disclosure_repeated` | disclosures | a disclosure was sent twice |
//! | `disclosure_kind` | disclosures | an array element's disclosure under `_sd`, or a member's in an array |
//! | `disclosure_unreferenced` | disclosures | no digest refers to it: altered, foreign, or its parent is missing |
//! | `digest_repeated` | disclosures | a digest occurs twice, anywhere |
//! | `digest_malformed` | disclosures | `_sd` is not an array of strings, or `...` not a string |
//! | `claim_name_reserved` | disclosures | a claim named `_sd`, `...` or `_sd_alg`, or as serde_json names things for itself |
//! | `claim_name_collision` | disclosures | a disclosed claim has the name of another claim beside it |
//! | `claim_never_concealed` | disclosures | `iss`, `exp`, `cnf`, `vct`, `status` … or a part of them was concealable |
//! | `claims_too_deep` | disclosures | the claims nest more than 64 levels |
//! | `claim_type` | claims | a registered claim has another JSON type than its specification says |
//! | `header_claim_mismatch` | claims | the header repeats `iss`, `sub` or `aud`, and says something else |
//! | `issuer_mismatch` | claims | `iss` is not the issuer whose key was used |
//! | `vct_missing` | claims | no `vct`, or not a non-empty string |
//! | `vct_not_expected` | claims | a credential of another type |
//! | `aka_vcts_invalid` | claims | `aka_vcts` is empty, not strings, or contains the `vct` |
//! | `audience_mismatch` | claims | `aud` of the issuer-signed JWT does not name this reader |
//! | `cnf_invalid` | claims | `cnf` is not an object, or its `jwk` is not a public key that is used here, or not the only one |
//! | `exp_missing` | validity | policy demands `exp` |
//! | `expired` | validity | `exp` has passed |
//! | `not_yet_valid` | validity | `nbf` has not come |
//! | `issued_in_the_future` | validity | `iat` has not come |
//! | `validity_contradictory` | validity | `exp` is not after `nbf` and `iat` |
//! | `kb_missing` | key-binding | policy demands a Key Binding JWT |
//! | `kb_not_expected` | key-binding | there is one, where none may be |
//! | `cnf_missing` | key-binding | key binding is demanded, but the credential names no holder key |
//! | `kb_malformed` | key-binding | what follows the last `~` is not a JWT with the required claims |
//! | `kb_alg_not_allowed` | key-binding | its `alg` is `none`, HMAC, or not listed by policy |
//! | `kb_typ_not_allowed` | key-binding | its `typ` is not `kb+jwt` |
//! | `kb_signature_invalid` | key-binding | not signed by the key in `cnf` |
//! | `kb_audience_mismatch` | key-binding | `aud` is not this verifier, as one string |
//! | `kb_nonce_mismatch` | key-binding | the nonce is not that of this transaction |
//! | `kb_too_old`, `kb_from_the_future` | key-binding | `iat` is outside of the window |
//! | `kb_expired`, `kb_not_yet_valid` | key-binding | its own `exp` or `nbf`, where it has them |
//! | `kb_sd_hash_mismatch` | key-binding | the disclosures are not those that the holder signed |
//! | `claim_not_found` | choice | a path names no claim: when issuing or presenting |
//! | `decoys_without_claims` | choice | decoys are wished for in a credential without concealed claims |
//! | `kb_key_mismatch` | choice | the signer's key is not the credential's holder key |
//! | `kb_claim_reserved` | choice | an extra claim is named like one that every Key Binding JWT has |

mod claims;
mod conceal;
mod disclosure;
mod hash;
mod issue;
mod json_form;
mod key_binding;
mod parse;
mod path;
mod place;
mod policy;
mod present;
mod process;
mod read;
#[cfg(test)]
mod tests;
mod verified;

pub use hash::HashAlgorithm;
pub use issue::{IssueError, SdJwtBuilder};
pub use json_form::{JsonForm, to_json};
pub use key_binding::{KeyBinding, KeyBindingClaims};
pub use parse::UnverifiedSdJwt;
pub use path::{ClaimPath, PathStep};
pub use policy::{
    ExpectedVct, KeyBindingPolicy, TYP_KB_JWT, TYP_SD_JWT_VC, TYP_SD_JWT_VC_LEGACY, Validation,
};
pub use present::{HeldSdJwt, PresentError, Presentation};
pub use verified::VerifiedSdJwt;

use crate::encoding::json;
use crate::verdict::Failure;

/// The checks of [`UnverifiedSdJwt::verify`] in their order, for [`crate::verdict::Report::planned`].
pub const CHECKS: [&str; 8] = [
    "form",
    "issuer-algorithm",
    "issuer-type",
    "issuer-signature",
    "disclosures",
    "claims",
    "validity",
    "key-binding",
];

/// Names that only digests have (RFC 9901 §4.1, §4.2.4), and those that the JSON library keeps for itself.
const RESERVED_NAMES: [&str; 5] = ["_sd", "...", "_sd_alg", json::NUMBER, json::RAW_VALUE];

/// Claims that are always visible, with everything in them (SD-JWT VC §2.2.2.2; `aud` by RFC 9901 §9.7): a verifier that
/// did not see them would believe more than the issuer said.
const NEVER_CONCEALED: [&str; 9] =
    ["iss", "aud", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];

/// A failure with the check and the remedy that belong to its code.
fn fault(code: &'static str, detail: impl Into<String>) -> Failure {
    let (check, remedy) = match code {
        "sd_jwt_malformed"
        | "jws_malformed"
        | "crit_not_supported"
        | "jwk_invalid"
        | "jws_json_malformed"
        | "jws_json_unprotected"
        | "jws_json_header_repeated" => {
            ("form", "send `<JWT>~<disclosure>~…~` as the issuer wrote it, with the last `~`")
        }
        "alg_not_allowed" => ("issuer-algorithm", "sign with ES256 or EdDSA"),
        "typ_not_allowed" => ("issuer-type", "issue with `typ: dc+sd-jwt`"),
        "signature_invalid" => {
            ("issuer-signature", "sign with a key that the issuer publishes, and pass the text on unchanged")
        }
        "payload_not_json" => ("disclosures", "sign a JSON object in which no member occurs twice"),
        "claim_type" | "vct_missing" | "aka_vcts_invalid" | "cnf_invalid" => {
            ("claims", "issue the claims with the types that SD-JWT VC and RFC 7519 give them")
        }
        "header_claim_mismatch" => ("claims", "leave claims out of the header, or repeat them unchanged"),
        "issuer_mismatch" => ("claims", "use a credential of an issuer that is trusted here"),
        "vct_not_expected" => ("claims", "present a credential of the type that was asked for"),
        "audience_mismatch" => ("claims", "use a credential that is meant for this reader, or has no `aud`"),
        "exp_missing" => ("validity", "issue with `exp`"),
        "expired" => ("validity", "get a new credential from the issuer"),
        "not_yet_valid" | "issued_in_the_future" => {
            ("validity", "wait until `nbf` and `iat`, and check both clocks")
        }
        "validity_contradictory" => ("validity", "issue with an `exp` that is after `nbf` and `iat`"),
        "kb_missing" => ("key-binding", "present with a Key Binding JWT after the last `~`"),
        "kb_not_expected" => ("key-binding", "send the SD-JWT without a Key Binding JWT, ending in `~`"),
        "cnf_missing" => ("key-binding", "use a credential that was issued with `cnf.jwk`"),
        "kb_too_old" | "kb_from_the_future" | "kb_expired" | "kb_not_yet_valid" => {
            ("key-binding", "make the Key Binding JWT when presenting, and check the clock")
        }
        "claim_not_found" => ("choice", "name claims that the credential has"),
        "decoys_without_claims" => ("choice", "conceal a claim, or leave the decoys out"),
        "kb_key_mismatch" => ("choice", "sign with the instance key that is in `cnf`"),
        "kb_claim_reserved" => ("choice", "give the extra claim another name"),
        code if code.starts_with("kb_") => (
            "key-binding",
            "sign `aud`, `nonce`, `iat` and `sd_hash` with the key in `cnf`, as RFC 9901 §4.3 says",
        ),
        _ => ("disclosures", "pass on the issuer's disclosures unchanged, each once and with its parents"),
    };
    Failure::new(check, code, detail).remedy(remedy)
}
