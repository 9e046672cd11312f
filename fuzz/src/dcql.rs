//! DCQL: reading a query, answering it, and checking the answer.
//!
//! An input is: the query, then the claims of the credentials that a wallet holds, a line of JSON each.

use enishi_credential::encoding::json;
use enishi_protocol::dcql::{Candidate, ClaimsPath, Query, SD_JWT_VC};
use serde_json::Value;

use super::Reached;

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Ok(query) = json::parse(lines.next().unwrap_or_default()) else { return Reached::Refused };
    let held: Vec<Value> = lines.take(8).map_while(|line| json::parse(line).ok()).collect();
    if let Ok(path) = ClaimsPath::parse(&query) {
        assert_eq!(ClaimsPath::parse(&path.to_value()).as_ref(), Ok(&path));
        for claims in &held {
            assert!(path.select(claims).is_ok_and(|found| !found.is_empty()) || path.select(claims).is_err());
        }
    }
    let Ok(query) = Query::parse(&query) else { return Reached::Refused };
    assert_eq!(Query::parse(&query.to_value()).as_ref(), Ok(&query), "what was written reads the same");

    let authorities = [("aki".to_owned(), "s9tIpP".to_owned())];
    let candidates: Vec<Candidate<'_>> = held
        .iter()
        .map(|claims| Candidate {
            format: SD_JWT_VC,
            vct: claims["vct"].as_str().unwrap_or_default(),
            claims,
            holder_bound: claims["cnf"].is_object(),
            authorities: &authorities,
        })
        .collect();
    let Some(choices) = query.evaluate(&candidates).choices() else { return Reached::Refused };
    let mut answered = Vec::new();
    for choice in &choices {
        assert!(!answered.contains(&choice.query.id.as_str()), "a query is answered once");
        answered.push(choice.query.id.as_str());
        assert!(!choice.matches.is_empty());
        for found in &choice.matches {
            let candidate = &candidates[found.candidate];
            // What the wallet takes for an answer, the verifier takes too, and so it does with only these claims.
            choice.query.check(SD_JWT_VC, candidate.vct, candidate.claims).expect("the answer fits");
            let shown = only(candidate.claims, &found.claims);
            choice.query.check(SD_JWT_VC, candidate.vct, &shown).expect("the claims chosen are enough");
            assert!(choice.query.check("mso_mdoc", candidate.vct, candidate.claims).is_err());
        }
    }
    query.check_complete(&answered).expect("all that is required was chosen");
    Reached::Accepted
}

/// The top-level claims that the paths go through.
fn only(claims: &Value, paths: &[ClaimsPath]) -> Value {
    let mut shown = claims.clone();
    if let Some(object) = shown.as_object_mut() {
        object.retain(|name, _| paths.iter().any(|path| path.to_value()[0].as_str() == Some(name)));
    }
    shown
}
