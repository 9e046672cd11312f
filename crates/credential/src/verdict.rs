//! One way to say that something does not hold: which check failed, with which code, where, and what to do.
//!
//! The same [`Failure`] goes to the command line, the services and the SDK, so that a person who integrates
//! sees one vocabulary everywhere.

use std::fmt;

use serde::Serialize;

/// The outcome of a check: the value that the check lets you read, or the reason why it does not.
pub type Verdict<T> = Result<T, Failure>;

/// A check that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The name of the check, e.g. `issuer-signature`: the step of the algorithm that stopped.
    pub check: &'static str,
    /// A stable machine-readable code, e.g. `signature_invalid`.
    pub code: &'static str,
    /// JSON Pointer (RFC 6901) to the offending place, empty for the whole document.
    pub pointer: String,
    /// What was found, for a person. Never quotes personal data or key material.
    pub detail: String,
    /// What the sender can do about it.
    pub remedy: &'static str,
}

impl Failure {
    /// A failed `check` with its stable `code`.
    pub fn new(check: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { check, code, pointer: String::new(), detail: detail.into(), remedy: "" }
    }

    /// Says where: a JSON Pointer into the checked document.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = remedy;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.check, self.detail, self.code)
    }
}

impl std::error::Error for Failure {}

/// The checks that held, in the order in which they were made: kept beside a verified value as a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Checks(Vec<&'static str>);

impl Checks {
    /// No check made yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Records that `check` held.
    pub fn passed(&mut self, check: &'static str) {
        self.0.push(check);
    }

    /// The names of the checks that held, in order.
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }

    /// Adds the checks of a part that was verified on its own.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }
}
