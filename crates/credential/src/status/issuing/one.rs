//! One list of an issuer: its statuses, its version, and the text that is served.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::crypto::{Signer, SignerError};
use crate::encoding::b64;
use crate::status::{Status, StatusList, StatusListToken};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// How long signed lists live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    ttl: u32,
    valid_for: u32,
}

impl Lifetimes {
    /// A reader may use its copy for `ttl` seconds, and a signed list lives for `valid_for` seconds. It is signed again when
    /// half of that is over, so `valid_for` is at least twice `ttl`: whoever fetches a list can use it for a whole `ttl`.
    ///
    /// # Errors
    /// `status_layout` if `ttl` is zero or `valid_for` shorter than that.
    pub fn new(ttl: u32, valid_for: u32) -> Verdict<Self> {
        if ttl > 0 && valid_for / 2 >= ttl {
            return Ok(Self { ttl, valid_for });
        }
        Err(Failure::new(
            "status-lifetimes",
            "status_layout",
            "a signed list must live for two `ttl` at least",
        )
        .remedy("choose a longer life, or a shorter positive `ttl`"))
    }

    /// For how many seconds a reader may use its copy.
    pub const fn ttl(self) -> u32 {
        self.ttl
    }
}

/// What is written into the signed list besides its statuses.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// `sub`: the URI under which this list is served.
    pub uri: &'a str,
    /// `iss`, if the token names its issuer.
    pub issuer: Option<&'a str>,
    /// Where all lists are named, if anywhere.
    pub aggregation_uri: Option<&'a str>,
    /// How long it lives.
    pub lifetimes: Lifetimes,
}

/// A signed list as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedList {
    token: String,
    etag: String,
    version: u64,
    issued_at: UnixTime,
    expires_at: UnixTime,
    renew_at: UnixTime,
}

impl SignedList {
    /// The Status List Token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A strong validator for HTTP (RFC 9110 §8.8.3), with its quotes: the hash of the token.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The version of the list that was signed.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// `iat`.
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// `exp`.
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

/// A list as it was at one moment, to be signed outside of any lock.
#[derive(Debug, Clone)]
pub struct Draft {
    statuses: Arc<StatusList>,
    version: u64,
}

impl Draft {
    /// Compresses and signs. `x5c` as in [`StatusListToken::sign`].
    ///
    /// # Errors
    /// [`SignerError`] if the signer fails.
    pub async fn sign(
        &self,
        publication: &Publication<'_>,
        signer: &dyn Signer,
        x5c: &[Vec<u8>],
        now: UnixTime,
    ) -> Result<SignedList, SignerError> {
        let Lifetimes { ttl, valid_for } = publication.lifetimes;
        let expires_at = now.plus(valid_for.into());
        let token = StatusListToken {
            uri: publication.uri,
            issuer: publication.issuer,
            issued_at: now,
            expires_at: Some(expires_at),
            ttl: Some(ttl),
            aggregation_uri: publication.aggregation_uri,
            list: &self.statuses,
        };
        let token = token.sign(signer, x5c).await?;
        Ok(SignedList {
            etag: format!("\"{}\"", b64::encode(Sha256::digest(&token))),
            token,
            version: self.version,
            issued_at: now,
            expires_at,
            renew_at: now.plus(i64::from(valid_for / 2)),
        })
    }
}

/// One list: all valid at first, at version 0.
#[derive(Debug, Clone)]
pub struct IssuedList {
    /// Shared with drafts; copied only when it changes while one of them is being signed.
    statuses: Arc<StatusList>,
    version: u64,
    signed: Option<Arc<SignedList>>,
}

impl IssuedList {
    /// The list `statuses` at `version`.
    pub fn new(statuses: StatusList, version: u64) -> Self {
        Self { statuses: Arc::new(statuses), version, signed: None }
    }

    /// The statuses.
    pub fn statuses(&self) -> &StatusList {
        &self.statuses
    }

    /// How often the list changed.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Sets the status at place `idx`, and tells whether that changed anything.
    ///
    /// # Errors
    /// `status_final` at a place that is `INVALID`; and as [`StatusList::set`].
    pub fn set(&mut self, idx: u64, status: Status) -> Verdict<bool> {
        let before = self.statuses.get(idx)?;
        if before == status {
            return Ok(false);
        }
        if before == Status::Invalid {
            return Err(Failure::new("status-change", "status_final", "what was revoked stays revoked")
                .remedy("issue a new credential with a place of its own"));
        }
        Arc::make_mut(&mut self.statuses).set(idx, status)?;
        self.version = self.version.saturating_add(1);
        Ok(true)
    }

    /// Takes over the whole list as the store has it, for issuers whose statuses are part of something else, and tells
    /// whether anything changed. What is final is then for the store to say.
    pub fn replace(&mut self, statuses: StatusList) -> bool {
        let changed = *self.statuses != statuses;
        if changed {
            self.statuses = Arc::new(statuses);
            self.version = self.version.saturating_add(1);
        }
        changed
    }

    /// Whether the list must be signed (again) before it is served: it never was, it changed, or half of the signed one's
    /// life is over.
    pub fn is_due(&self, now: UnixTime) -> bool {
        self.signed.as_ref().is_none_or(|signed| signed.version != self.version || signed.renew_at <= now)
    }

    /// The list as it is now, to be signed.
    pub fn draft(&self) -> Draft {
        Draft { statuses: Arc::clone(&self.statuses), version: self.version }
    }

    /// Serves `signed` from now on; `false`, and it is dropped, if something newer is served already.
    pub fn publish(&mut self, signed: SignedList) -> bool {
        let order = |signed: &SignedList| (signed.version, signed.issued_at);
        if self.signed.as_deref().is_some_and(|served| order(served) > order(&signed)) {
            return false;
        }
        self.signed = Some(Arc::new(signed));
        true
    }

    /// What is served: perhaps not the newest version, see [`Self::is_due`].
    pub const fn signed(&self) -> Option<&Arc<SignedList>> {
        self.signed.as_ref()
    }
}
