//! The operating system's randomness.

use enishi_credential::entropy::Entropy;

/// The operating system's source of random bytes. Everything that needs randomness takes an [`Entropy`]; a server
/// passes this one in.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the system's randomness becomes a parameter"
    )]
    fn fill(&self, dest: &mut [u8]) {
        if getrandom::fill(dest).is_err() {
            // Going on without randomness would make guessable keys and nonces; unwinding could be caught.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let draw = enishi_credential::entropy::token;
        assert_ne!(draw(&SystemEntropy), draw(&SystemEntropy));
    }
}
