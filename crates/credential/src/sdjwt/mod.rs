//! SD-JWT and SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc): issue, hold, present, verify. Strictly.
//!
//! ```text
//! issuer                     holder                                  verifier
//! SdJwtBuilder ──sign──▶ HeldSdJwt::receive ──present──▶ Presentation ──bind──▶ UnverifiedSdJwt::parse
//!                                                  └ sd_hash()                       └ verify ──▶ VerifiedSdJwt
//! ```

mod hash;
mod issue;
mod key_binding;
mod parse;
mod path;
mod policy;
mod present;

pub use hash::HashAlgorithm;
pub use issue::{IssueError, SdJwtBuilder};
pub use key_binding::{KeyBinding, KeyBindingClaims};
pub use parse::{UnverifiedSdJwt, VerifiedSdJwt};
pub use path::{ClaimPath, PathStep};
pub use policy::{
    ExpectedVct, KeyBindingPolicy, TYP_KB_JWT, TYP_SD_JWT_VC, TYP_SD_JWT_VC_LEGACY, Validation,
};
pub use present::{HeldSdJwt, PresentError, Presentation};
