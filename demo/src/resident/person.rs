//! What a resident does with browser and wallet.

use enishi_holder_sdk::{Answered, Request};
use url::Url;

use super::browser::{Browser, Landing};
use super::page::{Form, Page};
use super::wallet::Phone;
use crate::DemoError;
use crate::rp::PASSWORD;
use crate::sample::{Place, Resident};
use crate::town::{Town, WALLET_REDIRECT};

/// A resident with a browser and a phone.
pub(crate) struct Person {
    /// Who.
    pub(crate) resident: Resident,
    /// The phone with the wallet.
    pub(crate) phone: Phone,
    browser: Browser,
}

/// Credentials of one batch: so many can be shown before the wallet refills.
pub(crate) const BATCH: usize = 5;
/// Pages between the issuer's link and the wallet: login, choice, and room for a wrong turn.
const MOST_PAGES: usize = 6;

impl Person {
    /// `resident` with a new phone and a browser without cookies.
    pub(crate) fn new(town: &Town, resident: Resident) -> Result<Self, DemoError> {
        Ok(Self { resident, phone: Phone::new(town, resident)?, browser: Browser::new(&[WALLET_REDIRECT])? })
    }

    /// Logs in at まちのID, picks `places` on the issuer's page, and takes a batch of credentials for each.
    pub(crate) async fn link(&self, town: &Town, places: &[Place]) -> Result<usize, DemoError> {
        let wallet = &self.phone.wallet;
        let offer = wallet.ask_issuer(&town.plan.issuer.public.url()).await?;
        let login = wallet.begin_login(&offer).await?;
        let back =
            authorize(&self.browser, login.url.as_str(), self.resident, &parties(town, places)).await?;
        Ok(wallet.finish_login(login, back.as_str(), BATCH).await?.len())
    }

    /// Logs in at `place` with the account there.
    pub(crate) async fn log_in(&self, town: &Town, place: Place) -> Result<Page, DemoError> {
        let page = self.browser.page(&format!("{}/login", town.party(place))).await?;
        let mut form = page.form_with("password")?;
        form.fill("name", self.resident.account(place).login)?;
        form.fill("password", PASSWORD)?;
        Ok(self.browser.send(&form).await?.page()?)
    }

    /// Shows `place` its own credential, so that it knows which PPID is which account. Gives the parties that the wallet
    /// was asked about.
    pub(crate) async fn bind(&self, town: &Town, place: Place) -> Result<Vec<String>, DemoError> {
        let home = self.log_in(town, place).await?;
        let request = self.phone.wallet.read_request(&self.wallet_link(&home, "/bind").await?).await?;
        let asked = request.parties().into_iter().map(str::to_owned).collect();
        self.approve(&request).await?;
        Ok(asked)
    }

    /// Lets the portal ask for data, and opens its request in the wallet.
    pub(crate) async fn asked(&self, town: &Town) -> Result<Request, DemoError> {
        Ok(self.phone.wallet.read_request(&self.asked_raw(town).await?).await?)
    }

    /// Lets the portal ask for data, and gives the link that a wallet would open.
    pub(crate) async fn asked_raw(&self, town: &Town) -> Result<String, DemoError> {
        let home = self.browser.page(&town.party(Place::Portal)).await?;
        self.wallet_link(&home, "/ask").await
    }

    async fn wallet_link(&self, page: &Page, action: &str) -> Result<String, DemoError> {
        let page = self.browser.send(&page.form_to(action)?).await?.page()?;
        page.link("openid4vp://").map(str::to_owned).ok_or_else(|| missing("a link for the wallet"))
    }

    /// Agrees; the browser goes on where the verifier sends it. Gives the grant, if there is one.
    pub(crate) async fn approve(&self, request: &Request) -> Result<Option<String>, DemoError> {
        let answered = self.phone.wallet.approve(request).await?;
        self.follow(&answered).await?;
        Ok(answered.grant_id)
    }

    /// Lets the browser go on where the verifier sends it.
    pub(crate) async fn follow(&self, answered: &Answered) -> Result<(), DemoError> {
        if let Some(next) = &answered.redirect_uri {
            self.browser.page(next.as_str()).await?;
        }
        Ok(())
    }

    /// The button with which the portal fetches under `grant_id`.
    pub(crate) async fn fetch_form(&self, town: &Town, grant_id: &str) -> Result<Form, DemoError> {
        let home = self.browser.page(&town.party(Place::Portal)).await?;
        let form = home.forms.into_iter().find(|form| form.pairs().contains(&("grant", grant_id)));
        form.ok_or_else(|| missing("a button to fetch under this grant"))
    }

    /// Presses that button, and gives what the portal then shows of the grant.
    pub(crate) async fn fetch(
        &self,
        town: &Town,
        button: &Form,
        grant_id: &str,
    ) -> Result<serde_json::Value, DemoError> {
        self.browser.send(button).await?;
        self.at_portal(town, grant_id).await
    }

    /// What the portal shows of a grant.
    pub(crate) async fn at_portal(
        &self,
        town: &Town,
        grant_id: &str,
    ) -> Result<serde_json::Value, DemoError> {
        let me = self.browser.json(&format!("{}/me.json", town.party(Place::Portal))).await?;
        let asks = me.get("asks").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        let ask =
            asks.into_iter().find(|ask| ask.get("grant_id").and_then(|id| id.as_str()) == Some(grant_id));
        ask.ok_or_else(|| missing("the grant in the portal's list"))
    }
}

fn missing(what: &str) -> DemoError {
    DemoError::Browser(format!("the page lacks {what}"))
}

/// The party ids of `places`.
pub(crate) fn parties(town: &Town, places: &[Place]) -> Vec<String> {
    places.iter().map(|place| town.party(*place)).collect()
}

/// Follows an authorization URL through login and choice until a wallet takes over. `resident` logs in and picks
/// `parties`.
pub(crate) async fn authorize(
    browser: &Browser,
    url: &str,
    resident: Resident,
    parties: &[String],
) -> Result<Url, DemoError> {
    let mut landing = browser.open(url).await?;
    for _ in 0..MOST_PAGES {
        let page = match landing {
            Landing::App(url) => return Ok(url),
            Landing::Page(page) => page,
        };
        if let Ok(mut form) = page.form_with("pin") {
            form.fill("name", resident.login)?;
            form.fill("pin", resident.pin)?;
            landing = browser.send(&form).await?;
        } else {
            let mut form = page.form_with("rp")?;
            // An offer can have fixed the parties; then there is nothing to choose.
            if !form.choices("rp").is_empty() {
                for party in parties {
                    form.tick("rp", party)?;
                }
            }
            form.press("answer", "agree")?;
            landing = browser.send(&form).await?;
        }
    }
    Err(DemoError::Browser("the issuer's pages do not lead back to the wallet".to_owned()))
}
