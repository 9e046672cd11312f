//! Logins that outlive the wallet: a wallet in a browser tab ends when the tab goes to the issuer.

use enishi_credential::jose::jwk::PrivateJwk;
use enishi_credential::secret::Personal;
use enishi_credential::verdict::Failure;
use enishi_protocol::oauth::PkceVerifier;
use url::Url;

use super::Login;
use crate::error::WalletError;
use crate::state::StoredLogin;
use crate::wallet::{CredentialSummary, Wallet};

/// For how many seconds a login waits for the browser.
const PATIENCE: i64 = 3600;

fn unknown() -> Failure {
    Failure::new("login", "login_unknown", "no login waits for this answer, or it waited too long")
        .remedy("begin the login again")
}

impl Wallet {
    /// Keeps `login` in the vault, for an hour at most, and gives the URL to send the browser to.
    ///
    /// # Errors
    /// [`WalletError::Vault`].
    pub fn park_login(&self, login: Login) -> Result<Url, WalletError> {
        let now = self.now();
        let parked = StoredLogin {
            issuer: login.offer.issuer().to_owned(),
            begun_at: now,
            state: Personal::new(login.state),
            pkce: Personal::new(login.pkce.expose().to_owned()),
            dpop_key: Personal::new(login.dpop_key.to_secret_value()),
        };
        self.keeper.change(|state| {
            state.logins.retain(|other| now.since(other.begun_at) < PATIENCE);
            state.logins.push(parked);
        })?;
        Ok(login.url)
    }

    /// Goes on with a parked login where the browser came back: `redirected_to` is the whole URL that it was sent to. A login
    /// is resumed once, whatever comes of it.
    ///
    /// # Errors
    /// `login_unknown` if no parked login belongs to this answer; then as [`Wallet::read_offer`] and
    /// [`Wallet::finish_login`].
    pub async fn resume_login(
        &self,
        redirected_to: &str,
        batch: usize,
    ) -> Result<Vec<CredentialSummary>, WalletError> {
        let url = Url::parse(redirected_to).map_err(|_| unknown())?;
        let returned =
            url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
        let returned = returned.ok_or_else(unknown)?;
        let now = self.now();
        let parked = self.keeper.try_change(|state| {
            let place = state.logins.iter().position(|parked| *parked.state.expose() == returned);
            let parked = place.map(|place| state.logins.swap_remove(place));
            Ok::<_, WalletError>(parked.ok_or_else(unknown)?)
        })?;
        if now.since(parked.begun_at) >= PATIENCE {
            return Err(unknown().into());
        }
        let broken = |_| unknown();
        let pkce = PkceVerifier::parse(parked.pkce.into_inner()).map_err(|_| unknown())?;
        let dpop_key = PrivateJwk::from_value(parked.dpop_key.expose()).map_err(broken)?;
        let offer = self.ask_issuer(&parked.issuer).await?;
        let login = Login { url, offer, state: returned, pkce, dpop_key };
        self.finish_login(login, redirected_to, batch).await
    }
}
