//! What is looked for at whom, and what must be found nowhere.

use std::collections::BTreeMap;

use enishi_service::store::Store;

use super::probe::{Mark, search};
use super::report::Knowledge;
use super::teller::Step;
use crate::DemoError;
use crate::idp::Account;
use crate::sample::{Place, Resident};
use crate::town::Town;

const ID_ACCOUNT: &str = "demo-mark-id-account";
const PORTAL_NUMBER: &str = "demo-mark-portal-number";
const PORTAL_PPID: &str = "demo-mark-portal-ppid";
const HEALTH_NUMBER: &str = "demo-mark-health-number";
const HEALTH_PPID: &str = "demo-mark-health-ppid";
const AGREED_DATA: &str = "demo-mark-agreed-data";
const OTHER_DATA: &str = "demo-mark-other-data";
const GRANT: &str = "demo-mark-grant";

/// Who is asked, and which marks must never be found there (linkage protocol §1, §12).
const PARTIES: [(&str, &[&str]); 4] = [
    ("issuer", &[GRANT, PORTAL_NUMBER, PORTAL_PPID, HEALTH_NUMBER, HEALTH_PPID, AGREED_DATA, OTHER_DATA]),
    (
        "verifier",
        &[ID_ACCOUNT, PORTAL_NUMBER, PORTAL_PPID, HEALTH_NUMBER, HEALTH_PPID, AGREED_DATA, OTHER_DATA],
    ),
    ("portal", &[ID_ACCOUNT, HEALTH_NUMBER, HEALTH_PPID, OTHER_DATA]),
    ("health", &[ID_ACCOUNT, PORTAL_NUMBER, PORTAL_PPID]),
];

/// Asks every party's databases what they hold of `resident`, and holds it against the rules.
pub(super) async fn ask_everybody(
    town: &Town,
    resident: Resident,
    step: &mut Step,
) -> Result<Vec<Knowledge>, DemoError> {
    let marks = marks(town, resident).await?;
    let mut all = Vec::new();
    for (party, never) in PARTIES {
        let found = search(&town.databases(party)?, &marks).await;
        let found = found.map_err(|error| DemoError::App(error.to_string()))?;
        for mark in never.iter().filter(|mark| found.has.contains(**mark)) {
            step.expect(false, &format!("{party} must never hold {mark}"));
        }
        let (has, has_not): (Vec<_>, Vec<_>) =
            marks.iter().map(|mark| mark.key).partition(|key| found.has.contains(key));
        let owned = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
        let rows: BTreeMap<String, u64> = found.rows;
        all.push(Knowledge { party: party.to_owned(), has: owned(has), has_not: owned(has_not), rows });
    }
    Ok(all)
}

async fn marks(town: &Town, resident: Resident) -> Result<Vec<Mark>, DemoError> {
    let number = |place| vec![resident.account(place).number.to_owned()];
    let account = Account::new(&town.plan.idp.url(), resident.login, resident.pin);
    let mut marks = vec![
        Mark { key: ID_ACCOUNT, values: vec![account.sub().expose().clone()] },
        Mark { key: PORTAL_NUMBER, values: number(Place::Portal) },
        Mark { key: HEALTH_NUMBER, values: number(Place::Health) },
        Mark { key: AGREED_DATA, values: vec![resident.agreed_data.to_owned()] },
        Mark { key: OTHER_DATA, values: vec![resident.other_data.to_owned()] },
    ];
    for (key, place) in [(PORTAL_PPID, Place::Portal), (HEALTH_PPID, Place::Health)] {
        let values = pairwise(town, place, resident.account(place).number).await?;
        if !values.is_empty() {
            marks.push(Mark { key, values });
        }
    }
    let grants = column(
        town,
        Place::Portal,
        "SELECT grant_id FROM asks WHERE number = $1 AND grant_id <> ''",
        resident.account(Place::Portal).number,
    );
    let grants = grants.await?;
    if !grants.is_empty() {
        marks.push(Mark { key: GRANT, values: grants });
    }
    marks.sort_by_key(|mark| mark.key);
    Ok(marks)
}

/// PPID and DID of the account `number`, as its relying party has bound them.
pub(crate) async fn pairwise(town: &Town, place: Place, number: &str) -> Result<Vec<String>, DemoError> {
    let mut values = column(town, place, "SELECT ppid FROM bindings WHERE number = $1", number).await?;
    values.extend(column(town, place, "SELECT sub FROM bindings WHERE number = $1", number).await?);
    Ok(values)
}

/// One column of the database of `place`, for the account `number`.
async fn column(
    town: &Town,
    place: Place,
    sql: &'static str,
    number: &str,
) -> Result<Vec<String>, DemoError> {
    let url = town.plan.database(place.slug(), place.slug())?;
    let store = Store::connect(&url).await.map_err(|error| DemoError::App(error.to_string()))?;
    let rows = sqlx::query_scalar(sql).bind(number).fetch_all(store.pool()).await;
    store.close().await;
    rows.map_err(|error| DemoError::App(error.to_string()))
}
