//! The linkage credential (linkage protocol §4): one person, one relying party, at most a few days.
//!
//! ```text
//! always visible           iss  vct  iat  exp  cnf.jwk  rp  acr  link{suite, commitment}  status?
//! mediated linking         + sealed_sub              what a verifier in the middle gets, and may get
//! first-party verification + sub + ppid              what the relying party itself gets, and nobody else
//! ```
//!
//! So there are two kinds of verified presentation, and no way to get identifiers out of the mediated one:
//! [`verify_mediated`] refuses a presentation that discloses them.
//!
//! | code | meaning |
//! |---|---|
//! | `identifier_disclosed` | `sub` or `ppid` was disclosed to a mediating verifier |
//! | `identifier_missing` | first-party verification needs `sub` and `ppid`, and one was not disclosed |
//! | `identifier_malformed` | `sub` is not a DID, or `ppid` not a PPID |
//! | `sealed_sub_missing` | mediated linking needs `sealed_sub`, and it was not disclosed |
//! | `sealed_sub_malformed`, `sealed_sub_binding` | it is not one, or was made for another credential, see [`crate::sealed`] |
//! | `rp_mismatch` | the credential is for another relying party |
//! | `linkage_claim_malformed` | `rp`, `acr`, `iat`, `exp`, `link`, `status` or `cnf` is missing or malformed |
//! | `linkage_claim_unknown` | a claim that linkage credentials do not have, which could mark a person |
//! | `times_not_rounded` | `iat` or `exp` is not the start of a UTC day, and so could mark a person |
//!
//! The codes of [`crate::sdjwt`] come before these.

mod held;
mod issue;
#[cfg(test)]
mod tests;
mod verify;
mod view;

pub use held::HeldLinkage;
pub use issue::{LinkageClaims, issue};
pub use verify::{FirstPartyLinkage, LinkageDemand, MediatedLinkage, verify_first_party, verify_mediated};
pub use view::LinkageView;

use crate::verdict::Failure;

/// The credential type.
pub const VCT: &str = "urn:enishi:linkage:1";

/// How long a credential is valid unless configured otherwise, in days.
pub const DEFAULT_VALID_DAYS: u32 = 7;

/// The pairwise DID: disclosed to the relying party itself only.
pub const CLAIM_SUB: &str = "sub";
/// The pairwise pseudonymous identifier: disclosed to the relying party itself only.
pub const CLAIM_PPID: &str = "ppid";
/// Both of them, sealed to the relying party: disclosed in mediated linking.
pub const CLAIM_SEALED_SUB: &str = "sealed_sub";

/// The check's name, in failures and in lists of checks.
const CHECK: &str = "linkage";
/// The check of a first-party presentation that comes after it. That of a mediated one is [`crate::sealed::CHECK`].
const CHECK_IDENTIFIERS: &str = "identifiers";

fn fault(code: &'static str, detail: impl Into<String>) -> Failure {
    let remedy = match code {
        "identifier_disclosed" => {
            "disclose `sealed_sub` only; `sub` and `ppid` are for the relying party itself"
        }
        "identifier_missing" => "disclose both `sub` and `ppid`",
        "sealed_sub_missing" => "disclose `sealed_sub`",
        "rp_mismatch" => "present the credential for the relying party that was asked for",
        _ => "use a credential of an issuer that follows linkage protocol §4",
    };
    let check = match code {
        "identifier_disclosed" | "sealed_sub_missing" => crate::sealed::CHECK,
        "identifier_missing" | "identifier_malformed" => CHECK_IDENTIFIERS,
        _ => CHECK,
    };
    Failure::new(check, code, detail).remedy(remedy)
}
