//! OpenID for Verifiable Credential Issuance 1.0: what an issuer and a wallet say to each other.
//!
//! ```text
//! issuer: IssuerMetadata, CredentialOffer ──▶ wallet      (fetched, or scanned; validated, trusted no further)
//! wallet: CredentialRequest with key proofs ──▶ issuer    (parse ─▶ KeyProof::verify ─▶ BatchPlan)
//! issuer: CredentialResponse ──▶ wallet
//! ```
//!
//! Ours beyond the standard: one proof by the pairwise DID covers a batch ([`BatchPlan`], linkage protocol §5), and the
//! response carries `link_opening` beside each credential.

mod batch;
mod metadata;
mod nonce;
mod notification;
mod offer;
mod proof;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use batch::{BatchItem, BatchPlan};
pub use metadata::{
    BatchIssuance, CredentialConfiguration, Display, IssuerMetadata, ProofTypeMetadata, linkage_configuration,
};
pub use nonce::NonceResponse;
pub use notification::{Notification, NotificationEvent};
pub use offer::{
    AuthorizationCodeOffer, CredentialOffer, OFFER_SCHEME, OfferGrants, OfferSource, PreAuthorizedOffer,
    TxCode, TxCodeInput,
};
pub use proof::{KeyBinding, KeyProof, KeySource, PROOF_TYPE, ProofContext, VerifiedKeyProof, create_proof};
pub use request::{CredentialRequest, RequestTarget};
pub use response::{CredentialResponse, IssuedCredential};

/// The credential configuration of linkage credentials as SD-JWT VC (linkage protocol §5).
pub const LINKAGE_SD_JWT: &str = "linkage_sd_jwt";

/// The `vct` of linkage credentials (linkage protocol §4).
pub const LINKAGE_VCT: &str = "urn:enishi:linkage:1";

/// The format of SD-JWT VCs (OpenID4VCI 1.0 Appendix A.3).
pub const FORMAT_SD_JWT: &str = "dc+sd-jwt";
