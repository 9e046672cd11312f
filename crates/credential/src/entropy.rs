//! Randomness as a parameter: the [`Entropy`] trait and what is drawn from it.

use std::convert::Infallible;
use std::sync::Mutex;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::encoding::b64;

/// A source of cryptographically strong random bytes. The operating system's source is in `enishi-service`
/// for servers; a wallet passes its platform's.
pub trait Entropy: Send + Sync {
    /// Fills `dest` with random bytes. A source that cannot deliver must not return.
    fn fill(&self, dest: &mut [u8]);
}

/// `N` random bytes.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut out = [0; N];
    entropy.fill(&mut out);
    out
}

/// A fresh opaque token of 256 bits in base64url: nonces, codes, identifiers that must not be guessed.
pub fn token(entropy: &dyn Entropy) -> String {
    b64::encode(bytes::<32>(entropy))
}

/// Lets an [`Entropy`] be used where the RustCrypto crates ask for a `CryptoRng`.
pub struct EntropyRng<'a>(pub &'a dyn Entropy);

impl TryRng for EntropyRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(bytes(self.0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(bytes(self.0)))
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(dest);
        Ok(())
    }
}

impl TryCryptoRng for EntropyRng<'_> {}

/// A reproducible stream of bytes from a seed: for tests and known-answer vectors, never for a real key.
pub struct SeededEntropy {
    state: Mutex<([u8; 32], u64)>,
}

impl SeededEntropy {
    /// The stream that belongs to `seed`.
    pub fn new(seed: &str) -> Self {
        Self { state: Mutex::new((Sha256::digest(seed.as_bytes()).into(), 0)) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, dest: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in dest.chunks_mut(32) {
            let block = Sha256::new().chain_update(state.0).chain_update(state.1.to_be_bytes()).finalize();
            state.1 += 1;
            for (to, from) in chunk.iter_mut().zip(block) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_streams_repeat_and_differ_by_seed() {
        let draw = |seed: &str| bytes::<48>(&SeededEntropy::new(seed));
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        let one = SeededEntropy::new("a");
        assert_ne!(token(&one), token(&one));
    }
}
