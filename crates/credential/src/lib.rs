//! What is on the paper: keys, JOSE, DIDs, SD-JWT VC, status lists, commitments and sealed identifiers.
//!
//! This crate decides what is true and does nothing else. It has no I/O, no clock and no randomness of its own:
//! time comes in as a [`time::UnixTime`], randomness as an [`entropy::Entropy`], signatures are checked by a
//! [`crypto::SignatureVerifier`] and made by a [`crypto::Signer`]. It compiles for servers and for the browser.
//!
//! Whatever has not been verified has a type from which nothing can be read; every check that fails is a
//! [`verdict::Failure`] with a stable code, the place of the fault and a remedy.
//!
//! # Verify a credential
//! Say what you demand, then look. The key is that of an issuer you trust; [`issuer_key`] finds it.
//!
//! ```
//! use enishi_credential::crypto::RustCryptoVerifier;
//! use enishi_credential::sdjwt::{KeyBindingPolicy, UnverifiedSdJwt, Validation};
//! use enishi_credential::verdict::Report;
//! # use enishi_credential::jose::jwk::Jwk;
//! # use enishi_credential::time::UnixTime;
//! # let issuer_key: Jwk = serde_json::from_str(KEY)?;
//! # let now = UnixTime::from_secs(1_800_000_000);
//!
//! let demand = Validation::credential("https://issuer.example", "urn:example:card:1", now);
//! let policy = KeyBindingPolicy::NotRequired; // or `Required { aud, nonce, … }`, when a holder presents it
//! match UnverifiedSdJwt::parse(TEXT).and_then(|text| text.verify(&RustCryptoVerifier, &issuer_key, &demand, &policy)) {
//!     Ok(credential) => println!("{}", credential.claims()["name"]),
//!     Err(failure) => println!("{failure}: {}; {:?}", failure.remedy, Report::from(&failure)),
//! }
//! # assert!(UnverifiedSdJwt::parse(TEXT)?.verify(&RustCryptoVerifier, &issuer_key, &demand, &policy).is_ok());
//! # const KEY: &str = r#"{"crv":"P-256","kty":"EC","x":"stu90re5vAc3oz8wf85DuKfy4gBa-xvjtKxmIV_M_oE","y":"JGQAQ9IUbQXS0k6keTSSIY6vWwCUPFL7FBcfzgteskI"}"#;
//! # const TEXT: &str = concat!(
//! #     "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRjK3NkLWp3dCJ9.eyJfc2QiOlsiVVF5WFNBTWg3SG9wb2ZseV9YNzRvOFY5UVd3ZnFzc2M",
//! #     "zTTMzLW9HRENBTSJdLCJfc2RfYWxnIjoic2hhLTI1NiIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJ2Y3QiOiJ1cm4",
//! #     "6ZXhhbXBsZTpjYXJkOjEifQ.CnQ9D1RgA5Ecl4V343K12Avjnsft_q8OWRwAqU8f_p_UoUJtUaBEhp7Ix0qfSnhF7XsfqsTJWJeO",
//! #     "RFeh5HF4Lg~WyJqbXRlY2owRnRUeWhCS05xaS1jMnZ3IiwibmFtZSIsIkEiXQ~",
//! # );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod commitment;
pub mod crypto;
pub mod did;
pub mod encoding;
pub mod entropy;
pub mod issuer_key;
pub mod jose;
#[cfg(test)]
mod known_answers;
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
