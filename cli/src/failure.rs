//! How every command tells that something does not hold: as one JSON object, or to a person at a terminal.

use std::fmt::Write as _;

use enishi_credential::verdict::{Failure, Outcome, Report};
use serde_json::{Value, json};

/// One JSON object; `verdict` is the member that is `false`.
pub(crate) fn to_json(verdict: &str, failure: &Failure, report: &Report) -> Value {
    json!({
        verdict: false,
        "code": failure.code,
        "check": failure.check,
        "pointer": failure.pointer,
        "detail": failure.detail,
        "remedy": failure.remedy,
        "checks": report,
    })
}

/// For a person; `whole` is what was checked, for a failure of no single place in it.
pub(crate) fn render(title: &str, whole: &str, failure: &Failure, report: &Report) -> String {
    let pointer = if failure.pointer.is_empty() { whole } else { &failure.pointer };
    format!(
        "{title}\n\n{}\n  code     {}\n  where    {pointer}\n  found    {}\n  remedy   {}\n",
        lines(report),
        failure.code,
        failure.detail,
        failure.remedy
    )
}

/// The report for a person: one line per check.
pub(crate) fn lines(report: &Report) -> String {
    report.checks().iter().fold(String::new(), |mut out, line| {
        let outcome = match line.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::NotReached => "not reached",
        };
        let _ = writeln!(out, "  {:<18} {outcome}", line.check);
        out
    })
}
