//! How a verdict is told: as one JSON object, or to a person at a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use enishi_credential::sdjwt::CHECKS;
use enishi_credential::verdict::{Outcome, Report, Verdict};
use serde_json::{Value, json};

use super::verify::{StatusSeen, Valid, binding};

/// The verdict as one JSON object.
pub(crate) fn to_json(verdict: &Verdict<Valid>) -> Value {
    match verdict {
        Ok(valid) => json!({
            "valid": true,
            "status": match valid.status {
                StatusSeen::None => Value::Null,
                StatusSeen::Valid => "valid".into(),
                StatusSeen::NotChecked => "not_checked".into(),
            },
            "checks": report(verdict),
            "header": valid.credential.header(),
            "claims": valid.credential.claims(),
            "key_binding": binding(valid),
        }),
        Err(failure) => json!({
            "valid": false,
            "code": failure.code,
            "check": failure.check,
            "pointer": failure.pointer,
            "detail": failure.detail,
            "remedy": failure.remedy,
            "checks": report(verdict),
        }),
    }
}

/// Every check with its outcome, also those that were not reached.
fn report(verdict: &Verdict<Valid>) -> Report {
    match verdict {
        Ok(valid) => Report::from(&valid.checks),
        Err(failure) => Report::from(failure).planned(&CHECKS),
    }
}

/// The report for a person: one line per check.
fn lines(report: &Report) -> String {
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

/// The verdict for a person at a terminal.
pub(crate) fn render(verdict: &Verdict<Valid>) -> String {
    match verdict {
        Ok(valid) => {
            // In one order, whatever order the issuer wrote them in.
            let claims: BTreeMap<&String, &Value> = valid.credential.claims().iter().collect();
            let claims = serde_json::to_string_pretty(&claims).unwrap_or_default();
            let status = match valid.status {
                StatusSeen::NotChecked => {
                    "\nThe status was NOT checked: pass the list that `status` names with --status-list.\n"
                }
                StatusSeen::None | StatusSeen::Valid => "",
            };
            format!("VALID\n\n{}{status}\nClaims\n{claims}\n", lines(&report(verdict)))
        }
        Err(failure) => {
            let pointer = if failure.pointer.is_empty() { "(whole document)" } else { &failure.pointer };
            format!(
                "INVALID\n\n{}\n  code     {}\n  where    {pointer}\n  found    {}\n  remedy   {}\n",
                lines(&report(verdict)),
                failure.code,
                failure.detail,
                failure.remedy
            )
        }
    }
}
