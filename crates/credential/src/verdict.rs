//! One way to say what was checked and what does not hold: which check failed, with which code, where, and what to do.
//!
//! ```text
//! Verdict<T> = Ok(T, which knows the Checks that held) | Err(Failure, which knows the Checks that held before it)
//!                                 └────────────────────┬────────────────────┘
//!                                         Report: every check in order, with its outcome
//! ```
//!
//! The same [`Report`] goes to the command line, the services and the SDK, so that a person who integrates sees one
//! vocabulary everywhere.

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
    /// The checks that held before this one did not. Behind a pointer, to keep the error of every function small.
    #[serde(skip)]
    held: Option<Box<Checks>>,
}

impl Failure {
    /// A failed `check` with its stable `code`.
    pub fn new(check: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { check, code, pointer: String::new(), detail: detail.into(), remedy: "", held: None }
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

    /// Says which checks had held before. A caller that verifies a part on its own adds those of the whole in front.
    #[must_use]
    pub fn after(mut self, before: &Checks) -> Self {
        if !before.0.is_empty() {
            let mut all = before.clone();
            if let Some(own) = &self.held {
                all.extend(own);
            }
            self.held = Some(Box::new(all));
        }
        self
    }

    /// The names of the checks that held before this one did not, in order.
    pub fn held_before(&self) -> &[&'static str] {
        self.held.as_deref().map_or(&[], Checks::names)
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

    /// No check made yet, with room for all of `plan`.
    pub(crate) fn for_plan(plan: &[&str]) -> Self {
        Self(Vec::with_capacity(plan.len()))
    }

    /// Records that `check` held.
    pub fn passed(&mut self, check: &'static str) {
        self.0.push(check);
    }

    /// Makes several checks; `work` writes down those that hold. A failure then knows which had held before it.
    ///
    /// # Errors
    /// The failure of `work`.
    pub fn record<T>(&mut self, work: impl FnOnce(&mut Self) -> Verdict<T>) -> Verdict<T> {
        work(self).map_err(|failure| failure.after(self))
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

/// What became of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not hold.
    Failed,
    /// An earlier check did not hold, so nobody looked.
    NotReached,
}

/// One line of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The name of the check.
    pub check: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(flatten)]
    pub fault: Option<Fault>,
}

/// Why a check failed: the part of a [`Failure`] that stands beside the check's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The stable code.
    pub code: &'static str,
    /// JSON Pointer to the offending place, empty for the whole document.
    pub pointer: String,
    /// What was found.
    pub detail: String,
    /// What the sender can do about it.
    pub remedy: &'static str,
}

/// Every check in the order in which it was made, with its outcome.
///
/// ```
/// use enishi_credential::verdict::{Checks, Failure, Outcome, Report};
///
/// let mut held = Checks::new();
/// held.passed("form");
/// let failure = Failure::new("validity", "expired", "the credential has expired").at("/exp").after(&held);
/// let report = Report::from(&failure).planned(&["form", "validity", "key-binding"]);
/// let outcomes: Vec<Outcome> = report.checks().iter().map(|line| line.outcome).collect();
/// assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::NotReached]);
/// assert!(!report.is_valid());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report(Vec<CheckReport>);

impl Report {
    /// Adds the checks of `plan` that nobody reached, so that a reader sees what a pass would still have needed. Does
    /// nothing to a report without a failure.
    #[must_use]
    pub fn planned(mut self, plan: &[&'static str]) -> Self {
        if !self.is_valid() {
            let missing: Vec<_> =
                plan.iter().filter(|check| !self.0.iter().any(|line| line.check == **check)).collect();
            self.0.extend(missing.into_iter().map(|check| CheckReport::bare(check, Outcome::NotReached)));
        }
        self
    }

    /// The lines, in order.
    pub fn checks(&self) -> &[CheckReport] {
        &self.0
    }

    /// Whether there was a check, and every check held.
    pub fn is_valid(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|line| line.outcome == Outcome::Passed)
    }
}

impl CheckReport {
    const fn bare(check: &'static str, outcome: Outcome) -> Self {
        Self { check, outcome, fault: None }
    }
}

impl From<&Checks> for Report {
    fn from(checks: &Checks) -> Self {
        Self(checks.0.iter().map(|check| CheckReport::bare(check, Outcome::Passed)).collect())
    }
}

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        let Failure { check, code, pointer, detail, remedy, held } = failure;
        let mut report = held.as_deref().map(Self::from).unwrap_or_default();
        let fault = Fault { code, pointer: pointer.clone(), detail: detail.clone(), remedy };
        report.0.push(CheckReport { check, outcome: Outcome::Failed, fault: Some(fault) });
        report
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(names: &[&'static str]) -> Checks {
        Checks(names.to_vec())
    }

    #[test]
    fn a_report_lists_what_held_what_failed_and_what_nobody_reached() {
        let failure = Failure::new("b", "b_bad", "found").at("/x").remedy("mend").after(&held(&["a"]));
        let report = Report::from(&failure).planned(&["a", "b", "c"]);
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!([
                {"check": "a", "outcome": "passed"},
                {"check": "b", "outcome": "failed", "code": "b_bad", "pointer": "/x", "detail": "found", "remedy": "mend"},
                {"check": "c", "outcome": "not_reached"},
            ])
        );
        assert!(!report.is_valid());
    }

    #[test]
    fn the_checks_of_the_whole_come_before_those_of_a_part() {
        let failure = Failure::new("z", "z_bad", "").after(&held(&["part"])).after(&held(&["whole"]));
        assert_eq!(failure.held_before(), ["whole", "part"]);
        assert_eq!(Failure::new("z", "z_bad", "").after(&Checks::new()).held_before(), [""; 0]);
    }

    #[test]
    fn nothing_checked_is_not_valid() {
        assert!(!Report::default().is_valid());
        let good = Report::from(&held(&["a"]));
        assert!(good.is_valid());
        assert_eq!(good.clone().planned(&["a", "b"]), good);
    }
}
