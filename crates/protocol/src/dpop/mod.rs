//! DPoP (RFC 9449): proofs that the sender of a request holds a key.
//!
//! ```text
//! wallet:  ProofRequest ──create──▶ the `DPoP` header
//! server:  the `DPoP` headers ──verify(Expected)──▶ VerifiedProof ──▶ the caller's replay cache (`replay_key`)
//! ```
//!
//! Whether a nonce is wanted, and which, is the caller's decision: it passes a [`NonceRule`]. The replay cache is the
//! caller's too, because it has to be shared between replicas; a proof is good only after its key was put in there.

mod error;
mod htu;
mod proof;
mod verify;

#[cfg(test)]
mod tests;

pub use error::DpopError;
pub use htu::normalised_htu;
pub use proof::{ProofRequest, access_token_hash, create};
pub use verify::{Expected, NonceRule, VerifiedProof, verify};

/// `typ` of a proof (RFC 9449 §4.2).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// The algorithms that are accepted, as `dpop_signing_alg_values_supported` and `algs` name them.
pub const ALGORITHMS: [&str; 2] = ["ES256", "EdDSA"];
