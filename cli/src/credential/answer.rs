//! How a verdict is told: as one JSON object, or to a person at a terminal.

use std::collections::BTreeMap;

use enishi_credential::sdjwt::CHECKS;
use enishi_credential::verdict::{Report, Verdict};
use serde_json::{Value, json};

use super::verify::{StatusSeen, Valid, binding};
use crate::failure::{self, lines};

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
        Err(failure) => failure::to_json("valid", failure, &report(verdict)),
    }
}

/// Every check with its outcome, also those that were not reached.
fn report(verdict: &Verdict<Valid>) -> Report {
    match verdict {
        Ok(valid) => Report::from(&valid.checks),
        Err(failure) => Report::from(failure).planned(&CHECKS),
    }
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
        Err(failure) => failure::render("INVALID", "(whole document)", failure, &report(verdict)),
    }
}
