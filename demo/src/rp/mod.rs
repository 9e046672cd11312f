//! The relying parties of the town: the portal (a service provider) and two data providers. Each has accounts with numbers
//! of its own, a login of its own, a database of its own, and binds a PPID to an account once.

mod accounts;
mod bind;
mod error;
mod first_party;
mod login;
pub(crate) mod portal;
pub(crate) mod provider;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use enishi_credential::entropy::Entropy;
use enishi_credential::time::Clock;

pub(crate) use self::accounts::{Accounts, PASSWORD, SampleAccount};
pub(crate) use self::error::RpError;
pub(crate) use self::first_party::FirstParty;
use self::session::Sessions;
use crate::words::Words;

/// Who a relying party is.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// Short name: of its folder, its cookie and its message keys.
    pub(crate) slug: &'static str,
    /// Party id and `rp`: the URL of its app.
    pub(crate) id: String,
    /// Japanese name.
    pub(crate) ja: &'static str,
    /// English name.
    pub(crate) en: &'static str,
}

impl Profile {
    /// The name in the reader's language.
    pub(crate) fn name(&self, words: Words) -> &'static str {
        words.pick(self.ja, self.en)
    }
}

/// What every relying party's app has. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Rp(Arc<Inner>);

struct Inner {
    profile: Profile,
    accounts: Accounts,
    sessions: Sessions,
    first_party: FirstParty,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Rp {
    /// The app of `profile`, with its accounts and its own verifier.
    pub(crate) fn new(
        profile: Profile,
        accounts: Accounts,
        first_party: FirstParty,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self(Arc::new(Inner { profile, accounts, sessions: Sessions::new(), first_party, clock, entropy }))
    }

    /// Login and binding; what else there is, the apps add.
    fn routes(self) -> Router {
        Router::new()
            .route("/login", get(login::form).post(login::login))
            .route("/bind", post(bind::begin))
            .route("/bind/done", get(bind::done))
            .with_state(self)
    }
}

#[cfg(test)]
mod tests;
