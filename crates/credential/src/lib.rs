//! What is on the paper: keys, JOSE, DIDs, SD-JWT VC, status lists, commitments and sealed identifiers.
//!
//! This crate decides what is true and does nothing else. It has no I/O, no clock and no randomness of its own:
//! time comes in as a [`time::UnixTime`], randomness as an [`entropy::Entropy`], signatures are checked by a
//! [`crypto::SignatureVerifier`] and made by a [`crypto::Signer`]. It compiles for servers and for the browser.
//!
//! Whatever has not been verified has a type from which nothing can be read; every check that fails is a
//! [`verdict::Failure`] with a stable code, the place of the fault and a remedy.

pub mod commitment;
pub mod crypto;
pub mod did;
pub mod encoding;
pub mod entropy;
pub mod issuer_key;
pub mod jose;
pub mod linkage;
pub mod ppid;
pub mod same_subject;
pub mod sdjwt;
pub mod sealed;
pub mod secret;
pub mod status;
#[cfg(test)]
pub(crate) mod test_vectors;
pub mod time;
pub mod type_metadata;
pub mod verdict;
pub mod x509;
