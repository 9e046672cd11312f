//! What a reader demands of an SD-JWT, decided before it is looked at (RFC 9901 §7.3, §9.5).

use crate::crypto::Algorithm;
use crate::time::UnixTime;

/// The `typ` of an SD-JWT VC (SD-JWT VC §2.2.1).
pub const TYP_SD_JWT_VC: &str = "dc+sd-jwt";
/// The `typ` that drafts of SD-JWT VC before -06 used.
pub const TYP_SD_JWT_VC_LEGACY: &str = "vc+sd-jwt";
/// The `typ` of a Key Binding JWT (RFC 9901 §4.3).
pub const TYP_KB_JWT: &str = "kb+jwt";

/// Which types of credential are acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedVct {
    /// `vct` must be exactly one of these.
    OneOf(Vec<String>),
    /// `vct` must be there; any type is taken. For a wallet that keeps what it was given.
    Any,
    /// A plain SD-JWT that is no verifiable credential: `vct` is not looked at.
    NotACredential,
}

/// What the issuer-signed part must satisfy.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The time now.
    pub now: UnixTime,
    /// How many seconds clocks may differ: for `exp` and `nbf`.
    pub leeway: i64,
    /// The `typ` of the issuer-signed JWT.
    pub typ: String,
    /// Whether `vc+sd-jwt` is taken too where `typ` is `dc+sd-jwt`. Off unless a peer cannot do otherwise.
    pub legacy_typ: bool,
    /// The acceptable credential types.
    pub vct: ExpectedVct,
    /// The issuer whose key is passed to the verification: `iss` must be exactly this. `None` where the issuer is
    /// identified by a certificate instead.
    pub issuer: Option<String>,
    /// This reader's own identifier, where `aud` in the issuer-signed JWT is to be expected. An `aud` that does not
    /// contain it, or that is present although nothing is expected, is refused (RFC 7519 §4.1.3).
    pub audience: Option<String>,
    /// Whether `exp` must be present (RFC 9901 §9.7).
    pub require_exp: bool,
    /// The algorithms that the issuer may sign with.
    pub algorithms: Vec<Algorithm>,
    /// The algorithms that the holder may sign with.
    pub holder_algorithms: Vec<Algorithm>,
}

impl Validation {
    /// A verifiable credential of `issuer` and of the type `vct`, now, with a leeway of 60 seconds; ES256 or EdDSA.
    pub fn credential(issuer: impl Into<String>, vct: impl Into<String>, now: UnixTime) -> Self {
        Self {
            now,
            leeway: 60,
            typ: TYP_SD_JWT_VC.to_owned(),
            legacy_typ: false,
            vct: ExpectedVct::OneOf(vec![vct.into()]),
            issuer: Some(issuer.into()),
            audience: None,
            require_exp: false,
            algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
            holder_algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
        }
    }
}

/// Whether the presenter must prove to be the holder; decided by policy, never by what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyBindingPolicy {
    /// A Key Binding JWT must be there and hold.
    Required {
        /// The verifier's identifier: `aud` is exactly this string (OpenID4VP 1.0 §14.1.2: the full client id).
        aud: String,
        /// The nonce of this transaction.
        nonce: String,
        /// How old `iat` may be, in seconds.
        max_age: i64,
        /// How many seconds clocks may differ.
        leeway: i64,
    },
    /// There must be no Key Binding JWT: a Holder that receives a credential refuses one (RFC 9901 §7.2).
    NotRequired,
}
