//! Declarations (linkage protocol §3): signed, versioned, public statements of who asks, who gives, what exists and
//! what it is for. Consent terms name them by hash, and a wallet shows their words.
//!
//! A declaration is a compact JWS and is identified by [`sha256`] of that text. [`DeclarationSet::verify`] takes a
//! bundle of them, checks every signature from the parties' certificates down, and gives out nothing unverified.

mod approval;
mod for_terms;
mod party;
mod purpose;
mod service;
mod set;
mod signing;
#[cfg(test)]
mod tests;
mod trust;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use enishi_credential::encoding::b64;
use enishi_credential::verdict::{Failure, Verdict};

pub use approval::PurposeApproval;
pub use for_terms::TermsDeclarations;
pub use party::Party;
pub use purpose::{KeepFor, NamedParty, Notice, OnWithdrawal, Purpose, Retention};
pub use service::{ItemPointer, PointerToken, Service, ServiceItem};
pub use set::{DeclarationSet, Declared};
pub use signing::{PartySigner, sign_approval, sign_party, sign_purpose, sign_service};
pub use trust::{DeclarationTrust, PinnedParty};

/// `typ` of a party declaration.
pub const PARTY_TYP: &str = "enishi-party+jwt";
/// `typ` of a service declaration.
pub const SERVICE_TYP: &str = "enishi-service+jwt";
/// `typ` of a purpose declaration.
pub const PURPOSE_TYP: &str = "enishi-purpose+jwt";
/// `typ` of a data provider's approval of a purpose.
pub const APPROVAL_TYP: &str = "enishi-purpose-approval+jwt";

/// How far ahead of ours another clock may be, in seconds.
pub(crate) const CLOCK_SKEW: i64 = 60;

/// The name of a declaration: base64url(SHA-256(ASCII of the compact JWS)).
pub fn sha256(compact: &str) -> String {
    b64::encode(Sha256::digest(compact.as_bytes()))
}

/// A text for people in both languages; neither may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalText {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl LocalText {
    /// A text in both languages.
    pub fn new(ja: &str, en: &str) -> Self {
        Self { ja: ja.to_owned(), en: en.to_owned() }
    }

    /// Whether both languages say something.
    pub(crate) fn is_complete(&self) -> bool {
        !self.ja.trim().is_empty() && !self.en.trim().is_empty()
    }
}

pub(crate) fn malformed(detail: &'static str) -> Failure {
    Failure::new("declaration-form", "declaration_malformed", detail)
        .remedy("write the declaration as linkage protocol §3 says, sign it again and register it")
}

/// Fails with `declaration_malformed` unless `holds`.
pub(crate) fn demand(holds: bool, detail: &'static str) -> Verdict<()> {
    if holds { Ok(()) } else { Err(malformed(detail)) }
}
