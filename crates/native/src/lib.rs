//! The fast side of `enishi-credential`, for programs that are no web page: [`AwsVerifier`] and [`AwsSigner`] check and
//! make signatures, [`AwsJwe`] seals and opens, all by aws-lc-rs; [`SystemEntropy`] is the operating system's randomness.
//!
//! `enishi-credential` has backends of its own by RustCrypto, which run everywhere. Both pass the same tests and accept the
//! same things; these take a fifth of the time (`docs/adr/0004-crypto-backends.md`; `cargo xtask bench` measures anew).
//!
//! ```
//! use enishi_credential::crypto::{SignatureVerifier, Signer};
//! use enishi_credential::jose::jwk::PrivateJwk;
//! use enishi_native::{AwsSigner, AwsVerifier, SystemEntropy};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let signer = AwsSigner::new(&PrivateJwk::generate_p256(&SystemEntropy)).ok_or("a signing key")?;
//! let signature = signer.sign(b"message").await?;
//! AwsVerifier.verify(signer.algorithm(), signer.public_jwk(), b"message", &signature)?;
//! # Ok(()) }
//! ```

mod entropy;
mod jwe;
mod signature;

pub use entropy::SystemEntropy;
pub use jwe::AwsJwe;
pub use signature::{AwsSigner, AwsVerifier};
