//! Consent terms (linkage protocol §6): what a holder agrees to, signed by presenting.
//!
//! The verifier builds them from declarations ([`ConsentTerms::build`]) and sends them twice, as the transaction data of
//! `sp_link` and of `dp_link` ([`ConsentPair`]). The wallet reads the pair ([`ConsentPair::read`]), checks the terms
//! against the declarations ([`DeclarationSet::for_terms`](crate::declaration::DeclarationSet::for_terms)) and shows
//! [`Prompt`].

mod build;
mod pair;
mod prompt;
mod terms;
#[cfg(test)]
mod tests;

pub use build::TermsRequest;
pub use pair::ConsentPair;
pub use prompt::Prompt;
pub use terms::{ConsentTerms, PartyRef, PurposeTerms, ServiceTerms, TermsItem, Withdrawal};

/// The transaction data type.
pub const TYPE: &str = "urn:enishi:consent:1";
/// The id of the Credential Query for the service provider's linkage credential.
pub const SP_LINK: &str = "sp_link";
/// The id of the Credential Query for the data provider's linkage credential.
pub const DP_LINK: &str = "dp_link";
