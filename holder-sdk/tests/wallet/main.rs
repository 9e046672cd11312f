//! The wallet against the issuer and the verifier of `enishi_holder_sdk::testing`, from offer to withdrawal.

#[cfg(test)]
mod hostile_issuer;
#[cfg(test)]
mod issuance;
