//! The town step by step: for tests that break something between two steps, or look at what a step left behind.
//!
//! ```no_run
//! # async fn example() -> Result<(), enishi_demo::DemoError> {
//! use enishi_demo::rehearsal::{Rehearsal, Stage, Who};
//! use enishi_demo::Service;
//!
//! let town = Rehearsal::found(Stage::default()).await?;
//! let a = town.resident(Who::A).await?;
//! let grant = a.consent().await?;
//! town.kill9(Service::Verifier).await?;
//! town.start(Service::Verifier).await?;
//! assert_eq!(a.state(&grant).await?, "active");
//! # Ok(()) }
//! ```

mod actor;
mod insight;

use std::path::{Path, PathBuf};

use enishi_protocol::grant::messages::MintedLink;
use http::Method;
use serde_json::Value;
use tempfile::TempDir;

pub use self::actor::{Actor, Secrets, Who};
use crate::net::{Answer, Call};
use crate::plan::Plan;
use crate::resident::person::Person;
use crate::story::attacks;
use crate::town::{Staging, Town, World};
use crate::{DemoError, Place, Service};

/// How a town is founded for a rehearsal.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Where its files go; a temporary folder if absent.
    pub dir: Option<PathBuf>,
    /// The `enishi` binary, if the services are to be processes of their own.
    pub binary: Option<PathBuf>,
    /// What those processes log, as a filter.
    pub log: String,
    /// Whether every byte on the linking verifier's public port is written down, below [`Rehearsal::tap`].
    pub tap: bool,
    /// Seconds that a resident has to answer the linking verifier; 30 at least.
    pub answer_seconds: u32,
}

impl Default for Stage {
    fn default() -> Self {
        let Staging { binary, log, answer_seconds, tap } = Staging::default();
        Self { dir: None, binary, log, tap, answer_seconds }
    }
}

/// A running town.
pub struct Rehearsal {
    pub(crate) town: Town,
    /// Removed with the town.
    _folder: Option<TempDir>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// `code` of the problem or `error` of OAuth, where it refused.
    pub code: String,
    /// Headers, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        let code = answer.refusal().code().to_owned();
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Self { status: answer.status, code, headers, body: answer.body }
    }
}

/// A request that is ready, with all its proofs: it can be sent as often as one likes.
#[derive(Debug, Clone)]
pub struct Prepared(Call);

impl Rehearsal {
    /// Founds a town.
    ///
    /// # Errors
    /// [`DemoError`] with what did not start and why.
    pub async fn found(stage: Stage) -> Result<Self, DemoError> {
        let folder = match &stage.dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("enishi-town-").tempdir()?),
        };
        let dir = stage.dir.or_else(|| folder.as_ref().map(|folder| folder.path().to_owned()));
        let dir = std::path::absolute(dir.unwrap_or_default())?;
        let staging = Staging {
            binary: stage.binary,
            log: stage.log,
            answer_seconds: stage.answer_seconds,
            tap: stage.tap,
        };
        let town = Town::found(Plan::draw(&dir, false)?, World::new()?, staging, &|_| ()).await?;
        Ok(Self { town, _folder: folder })
    }

    /// A resident whose wallet holds credentials for the portal and the health section, and whose accounts at both are
    /// bound to them.
    ///
    /// # Errors
    /// What did not work.
    pub async fn resident(&self, who: Who) -> Result<Actor<'_>, DemoError> {
        let actor = self.newcomer(who)?;
        actor.link(&[Place::Portal, Place::Health]).await?;
        actor.bind(Place::Portal).await?;
        actor.bind(Place::Health).await?;
        Ok(actor)
    }

    /// A resident with an empty wallet.
    ///
    /// # Errors
    /// If the wallet's file cannot be made.
    pub fn newcomer(&self, who: Who) -> Result<Actor<'_>, DemoError> {
        Ok(Actor { town: &self.town, person: Person::new(&self.town, who.resident())? })
    }

    /// Stops everybody. What is below [`Rehearsal::dir`] stays if the folder was given.
    pub async fn stop(self) {
        self.town.stop().await;
    }

    /// The folder of everything.
    pub fn dir(&self) -> &Path {
        &self.town.plan.dir
    }

    /// The folder with the recorded connections: `….received` and `….sent`, as the verifier sees it.
    pub fn tap(&self) -> PathBuf {
        self.dir().join("town").join("tap")
    }

    /// The log of a service that is a process of its own.
    pub fn log(&self, service: Service) -> PathBuf {
        self.town.services.log(service)
    }

    /// The party id of `place`.
    pub fn party(&self, place: Place) -> String {
        self.town.party(place)
    }

    /// The URL of a service's public listener.
    pub fn url(&self, service: Service) -> String {
        service.ports(&self.town.plan).public.url()
    }

    /// The URL of a service's internal listener.
    pub fn internal_url(&self, service: Service) -> String {
        service.ports(&self.town.plan).internal.url()
    }

    /// The bearer secret of all internal listeners.
    pub fn internal_token(&self) -> &str {
        &self.town.internal_token
    }

    /// Ends a service where it stands: SIGKILL, if it is a process.
    ///
    /// # Errors
    /// If it could not be killed.
    pub async fn kill9(&self, service: Service) -> Result<(), DemoError> {
        self.town.services.kill(service).await
    }

    /// Starts a service again, and waits until it is ready.
    ///
    /// # Errors
    /// What it says about why it does not start.
    pub async fn start(&self, service: Service) -> Result<(), DemoError> {
        self.town.services.start(service).await
    }

    /// Whether a service is running.
    pub async fn is_alive(&self, service: Service) -> bool {
        self.town.services.is_alive(service).await
    }

    /// The portal mints a data link and keeps it.
    ///
    /// # Errors
    /// The verifier's refusal, with its code in the text.
    pub async fn mint(&self, grant: &str) -> Result<MintedLink, DemoError> {
        Ok(self.town.portal.hoard(grant).await?)
    }

    /// The portal makes a request with `link`, and does not send it yet.
    ///
    /// # Errors
    /// If the portal does not know the grant.
    pub async fn prepare(&self, grant: &str, link: &MintedLink) -> Result<Prepared, DemoError> {
        Ok(Prepared(self.town.portal.prepare(grant, link).await?))
    }

    /// Sends a prepared request.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send(&self, prepared: &Prepared) -> Result<Reply, DemoError> {
        Ok(self.town.world.net.send(prepared.0.clone()).await?.into())
    }

    /// The portal uses `link`, whatever it was told since it was minted.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn use_link(&self, grant: &str, link: &MintedLink) -> Result<Reply, DemoError> {
        Ok(self.town.portal.use_anyway(grant, link).await?.into())
    }

    /// What the verifier tells the portal about a request of its own; the grant's id is the request's.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn told_to_portal(&self, link_request_id: &str) -> Result<Reply, DemoError> {
        Ok(self.town.portal.state_of(link_request_id).await?.into())
    }

    /// Two residents pool their wallets (threat 1). Gives the verifier's answer, and whether the SDK would have made a
    /// proof for such a pair.
    ///
    /// # Errors
    /// If it did not come to an answer.
    pub async fn pool(&self, a: &Actor<'_>, b: &Actor<'_>) -> Result<(Reply, bool), DemoError> {
        let (answer, honest) = attacks::pool(&self.town, &a.person, &b.person).await?;
        Ok((answer.into(), honest))
    }

    /// Sends a request that an [`Actor`] could not send, or sent already.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn repeat(&self, request: &enishi_holder_sdk::HttpRequest) -> Result<Reply, DemoError> {
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|error| DemoError::Call(error.to_string()))?;
        let mut call = Call::new(method, request.url.clone()).body(request.body.clone());
        for (name, value) in &request.headers {
            call = call.header(http::HeaderName::from_static(name), value)?;
        }
        Ok(self.town.world.net.send(call).await?.into())
    }
}
