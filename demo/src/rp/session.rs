//! Who is logged in in which browser.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::encoding::b64;
use enishi_credential::entropy::{self, Entropy};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::Rp;
use super::error::RpError;
use crate::web;

/// A browser in which somebody is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    token: String,
    /// The relying party's own number of the person.
    pub(crate) number: String,
    /// In every form, so that no other site can send one.
    pub(crate) csrf: String,
    /// The presentation that was asked for in this browser.
    pub(crate) presentation: Option<String>,
    /// The request for data that was made in this browser.
    pub(crate) ask: Option<String>,
}

impl Session {
    /// `sp_session`: what the consent terms say of this browser session (linkage protocol §6).
    pub(crate) fn fingerprint(&self) -> String {
        b64::encode(Sha256::digest(&self.token))
    }

    /// Whether a form of this session was sent.
    pub(crate) fn check_form(&self, csrf: &str) -> Result<(), RpError> {
        if Sha256::digest(csrf) == Sha256::digest(&self.csrf) { Ok(()) } else { Err(RpError::Form) }
    }
}

/// The sessions of one app, in memory: they end with the town.
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Session>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A fresh session; gives the cookie's value.
    pub(super) fn begin(&self, number: String, entropy: &dyn Entropy) -> String {
        let token = entropy::token(entropy);
        let csrf = entropy::token(entropy);
        let session = Session { token: token.clone(), number, csrf, presentation: None, ask: None };
        self.with(|sessions| sessions.insert(token.clone(), session));
        token
    }
}

impl Rp {
    /// The session of the browser that sent `headers`.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Result<Session, RpError> {
        let token = web::cookie(headers, &self.cookie_name()).ok_or(RpError::NotLoggedIn)?;
        self.0.sessions.with(|sessions| sessions.get(&token).cloned()).ok_or(RpError::NotLoggedIn)
    }

    /// Changes a session.
    pub(crate) fn update(&self, session: &Session, change: impl FnOnce(&mut Session)) {
        self.0.sessions.with(|sessions| sessions.get_mut(&session.token).map(change));
    }

    pub(super) fn cookie_name(&self) -> String {
        format!("{}_session", self.0.profile.slug)
    }
}
