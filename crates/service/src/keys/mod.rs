//! The keys of a server: a file with private keys and named secrets, and the cryptography of the servers behind the traits
//! of `enishi-credential`.
//!
//! A key goes through four states (threat 20). It is published before it is used and after it was last used, so that
//! nobody who caches the key set meets a signature by a key that he does not know:
//!
//! | state | published | signs | opens |
//! |---|---|---|---|
//! | `next` | yes | no | yes |
//! | `active` | yes | yes | yes |
//! | `retiring` | yes | no | yes |
//! | `retired` | no | no | no |
//!
//! A retired key stays in the file, so that its `kid` is never given to another key.

mod file;
mod jwe_josekit;
mod ring;
#[cfg(test)]
mod vectors;

pub use enishi_native::{AwsJwe, AwsSigner, AwsVerifier};
pub use file::{KeyEntry, KeyFile, KeyFileError, KeyPlan, KeyState, KeyType, KeyUse};
pub use jwe_josekit::JoseJwe;
pub use ring::KeyRing;
