//! Step 4: the grant is active, by a status that is not older than 60 seconds (linkage protocol §9, §10).

use enishi_credential::verdict::Failure;

use super::token::Link;
use crate::context::Gateway;
use crate::refusal::Refusal;

/// Why a grant is not active: withdrawn, suspended, ended. The service provider learns no more than that.
pub(crate) fn not_active() -> Failure {
    Failure::new("grant-status", "grant_not_active", "the grant is not active")
        .at("/consent/grant_id")
        .remedy("stop using data of this grant; ask for a new consent if the person wants that")
}

pub(crate) async fn check(gateway: &Gateway, link: &Link) -> Result<(), Refusal> {
    let verifier = link.verifier.as_str();
    if gateway.grants.is_stopped(verifier, &link.claims.consent.grant_id).await? {
        return Err(Refusal::Token(not_active()));
    }
    let status =
        gateway.status_lists.status(verifier, &link.claims.status.status_list).await.map_err(fail_closed)?;
    if status.is_valid() { Ok(()) } else { Err(Refusal::Token(not_active())) }
}

/// Whatever is wrong with the list, nothing is released; a list that does not hold is the verifier's trouble, not the
/// link's.
fn fail_closed(failure: Failure) -> Refusal {
    match failure.code {
        "status_list_foreign" | "status_index_out_of_range" => Refusal::Token(failure),
        _ => Refusal::Unavailable(failure),
    }
}
