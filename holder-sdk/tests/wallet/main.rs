//! The wallet against the issuer and the verifier of `enishi_holder_sdk::testing`, from offer to withdrawal.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod anything;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod first_party;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod hostile_issuer;
#[cfg(test)]
mod issuance;
#[cfg(test)]
mod prompt;
#[cfg(test)]
mod requests;
