//! A data provider's approval of a purpose: its countersignature, as a text of its own.

use serde::{Deserialize, Serialize};

use enishi_credential::time::UnixTime;

/// The data provider agrees that this purpose may ask for its service's items (linkage protocol §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeApproval {
    /// The data provider's party id.
    pub iss: String,
    /// The hash of the purpose declaration that is approved.
    pub purpose_sha256: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// Valid until: not at or after this time.
    pub exp: UnixTime,
}
