//! The tables of mediated linking. A request and the grant that it becomes are one row; every transaction touches
//! the rows of one grant only, so the tables can be distributed by that key.

mod evidence;
mod grants;
mod links;
mod requests;
mod row;
mod sweep;

pub(super) use evidence::find_evidence;
pub(super) use grants::{
    Activation, activate, change_state, claim_status_place, find, lock, newest_status_list, status_values,
};
pub(super) use links::{LinkRow, count_links, record_mint, report_release};
pub(super) use requests::{NewRequest, count_fetch, decline, insert};
pub(super) use row::{Consent, Details, GrantRow, StatusPlace};
pub(super) use sweep::{due, purge_requests};

#[cfg(test)]
mod contract;
