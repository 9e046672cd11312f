//! A resident who does one thing at a time.

use enishi_credential::did::{Did, Relationship};
use enishi_holder_sdk::{Answered, HttpRequest, Request};
use serde_json::Value;
use url::Url;

use crate::idp::Account;
use crate::resident::person::Person;
use crate::sample::{RESIDENT_A, RESIDENT_B, Resident};
use crate::story::knowledge;
use crate::town::Town;
use crate::{DemoError, Place};

/// Who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The first resident.
    A,
    /// The second resident.
    B,
}

impl Who {
    pub(super) const fn resident(self) -> Resident {
        match self {
            Self::A => RESIDENT_A,
            Self::B => RESIDENT_B,
        }
    }
}

/// A resident of a [`super::Rehearsal`].
pub struct Actor<'a> {
    pub(super) town: &'a Town,
    pub(super) person: Person,
}

/// What identifies a resident somewhere, and so must not be found elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// PPIDs and pairwise DIDs at the portal and the health section.
    pub pairwise: Vec<String>,
    /// The coordinates of the DIDs' keys, as a JWK writes them.
    pub coordinates: Vec<String>,
    /// The subject at まちのID.
    pub account: String,
    /// Login names at まちのID and everywhere else.
    pub logins: Vec<String>,
    /// The numbers under which the relying parties know the resident.
    pub numbers: Vec<String>,
    /// The PIN at まちのID.
    pub pin: String,
    /// Pieces of the health record.
    pub records: Vec<String>,
}

fn missing(what: &str) -> DemoError {
    DemoError::Wallet(format!("there is no {what}"))
}

impl Actor<'_> {
    /// Logs in at まちのID and takes a batch of credentials for each of `places`; gives how many those are.
    ///
    /// # Errors
    /// What did not work.
    pub async fn link(&self, places: &[Place]) -> Result<usize, DemoError> {
        self.person.link(self.town, places).await
    }

    /// Shows `place` its own credential once, so that it knows which account it belongs to.
    ///
    /// # Errors
    /// What did not work.
    pub async fn bind(&self, place: Place) -> Result<(), DemoError> {
        self.person.bind(self.town, place).await.map(drop)
    }

    /// Logs in at `place`.
    ///
    /// # Errors
    /// What did not work.
    pub async fn log_in(&self, place: Place) -> Result<(), DemoError> {
        self.person.log_in(self.town, place).await.map(drop)
    }

    /// Lets the portal ask for data and opens the request in the wallet.
    ///
    /// # Errors
    /// What did not work.
    pub async fn ask(&self) -> Result<Request, DemoError> {
        self.person.asked(self.town).await
    }

    /// Lets the portal ask for data; the link that a wallet would open.
    ///
    /// # Errors
    /// What did not work.
    pub async fn ask_unopened(&self) -> Result<String, DemoError> {
        self.person.asked_raw(self.town).await
    }

    /// Agrees in the wallet. The browser has not gone on yet.
    ///
    /// # Errors
    /// What did not work.
    pub async fn answer(&self, request: &Request) -> Result<Answered, DemoError> {
        Ok(self.person.phone.wallet.approve(request).await?)
    }

    /// Lets the browser go on where the verifier sends it.
    ///
    /// # Errors
    /// What did not work.
    pub async fn follow(&self, answered: &Answered) -> Result<(), DemoError> {
        self.person.follow(answered).await
    }

    /// Declines in the wallet.
    ///
    /// # Errors
    /// What did not work.
    pub async fn decline(&self, request: &Request) -> Result<Option<Url>, DemoError> {
        Ok(self.person.phone.wallet.decline(request).await?)
    }

    /// Is asked and agrees; gives the grant.
    ///
    /// # Errors
    /// What did not work.
    pub async fn consent(&self) -> Result<String, DemoError> {
        let request = self.ask().await?;
        self.person.approve(&request).await?.ok_or_else(|| missing("grant"))
    }

    /// Lets the portal fetch, and gives what it then shows.
    ///
    /// # Errors
    /// What did not work.
    pub async fn fetch(&self, grant: &str) -> Result<Value, DemoError> {
        let button = self.person.fetch_form(self.town, grant).await?;
        self.person.fetch(self.town, &button, grant).await
    }

    /// What the portal shows of a grant.
    ///
    /// # Errors
    /// If it shows nothing.
    pub async fn at_portal(&self, grant: &str) -> Result<Value, DemoError> {
        self.person.at_portal(self.town, grant).await
    }

    /// The grant's state, as the verifier tells the wallet.
    ///
    /// # Errors
    /// The verifier's refusal.
    pub async fn state(&self, grant: &str) -> Result<String, DemoError> {
        let status = self.person.phone.wallet.grant_status(grant).await?;
        let state = serde_json::to_value(status.state).unwrap_or_default();
        Ok(state.as_str().unwrap_or_default().to_owned())
    }

    /// What happened under the grant, as the verifier tells the wallet.
    ///
    /// # Errors
    /// The verifier's refusal.
    pub async fn history(&self, grant: &str) -> Result<Vec<String>, DemoError> {
        let events = self.person.phone.wallet.grant_events(grant).await?.events;
        Ok(events.into_iter().map(|event| event.event).collect())
    }

    /// Withdraws; gives the verifier's signed acknowledgement.
    ///
    /// # Errors
    /// The verifier's refusal.
    pub async fn withdraw(&self, grant: &str) -> Result<String, DemoError> {
        Ok(self.person.phone.wallet.withdraw(grant).await?.acknowledgement)
    }

    /// Credentials for `place` that were not shown yet.
    pub fn fresh(&self, place: Place) -> usize {
        self.person.phone.wallet.fresh_credentials(&self.town.party(place))
    }

    /// A fresh credential for `place`, as it lies in the wallet: the SD-JWT with all its disclosures.
    ///
    /// # Errors
    /// If there is none.
    pub fn credential(&self, place: Place) -> Result<String, DemoError> {
        let taken = self.person.phone.take(&self.town.party(place))?;
        Ok(taken.text)
    }

    /// Breaks the wallet's line before its next request to a path that ends with `path`.
    pub fn cut_before(&self, path: &'static str) {
        self.person.phone.wire.cut_before(path);
    }

    /// The request that could not be sent then.
    ///
    /// # Errors
    /// If there was none.
    pub fn lost(&self) -> Result<HttpRequest, DemoError> {
        self.person.phone.wire.lost().ok_or_else(|| missing("lost request"))
    }

    /// The last form that the wallet posted.
    ///
    /// # Errors
    /// If there was none.
    pub fn last_form(&self) -> Result<HttpRequest, DemoError> {
        self.person.phone.wire.last_form().ok_or_else(|| missing("form that was sent"))
    }

    /// What identifies this resident somewhere.
    ///
    /// # Errors
    /// If the relying parties' databases cannot be read.
    pub async fn secrets(&self) -> Result<Secrets, DemoError> {
        let resident = self.person.resident;
        let account = Account::new(&self.town.plan.idp.url(), resident.login, resident.pin);
        let mut secrets = Secrets {
            account: account.sub().expose().clone(),
            logins: vec![resident.login.to_owned()],
            pin: resident.pin.to_owned(),
            records: vec![resident.agreed_data.to_owned(), resident.other_data.to_owned()],
            ..Secrets::default()
        };
        for place in [Place::Portal, Place::Health] {
            let at = resident.account(place);
            secrets.logins.push(at.login.to_owned());
            secrets.numbers.push(at.number.to_owned());
            secrets.pairwise.extend(knowledge::pairwise(self.town, place, at.number).await?);
        }
        let dids = secrets.pairwise.iter().filter_map(|value| Did::parse(value).ok());
        secrets.coordinates = dids
            .filter_map(|did| did.resolve_key(Relationship::Authentication).ok())
            .flat_map(|key| {
                let jwk = key.to_value();
                ["x", "y"].map(|name| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned())
            })
            .filter(|coordinate| !coordinate.is_empty())
            .collect();
        Ok(secrets)
    }
}
