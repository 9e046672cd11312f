//! The people who can log in.

use enishi_credential::encoding::b64;
use enishi_credential::secret::{Personal, Secret};
use sha2::{Digest as _, Sha256};

/// An account of the identity provider.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    login: String,
    pin: Secret<String>,
    sub: Personal<String>,
}

impl Account {
    /// The account `login` at the provider `issuer`, with its PIN.
    pub(crate) fn new(issuer: &str, login: &str, pin: &str) -> Self {
        let sub = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(login).finalize();
        Self {
            login: login.to_owned(),
            pin: Secret::new(pin.to_owned()),
            sub: Personal::new(b64::encode(sub)),
        }
    }

    /// The subject that the provider's relying parties see.
    pub(crate) const fn sub(&self) -> &Personal<String> {
        &self.sub
    }

    /// Whether this login name and PIN are the account's. Both are compared as hashes, so that the time tells nothing.
    pub(super) fn opens_with(&self, login: &str, pin: &str) -> bool {
        let same = |a: &str, b: &str| Sha256::digest(a) == Sha256::digest(b);
        same(&self.login, login) & same(self.pin.expose(), pin)
    }
}
