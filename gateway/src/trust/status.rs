//! Status lists of grants, at most 60 seconds old (linkage protocol §9, §10).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::crypto::SignatureVerifier;
use enishi_credential::status::{Expected, Status, TYP, UnverifiedStatusListToken, VerifiedStatusList};
use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use enishi_protocol::party::find_key;
use enishi_service::client::GuardedClient;
use enishi_service::config::PublicUrl;

use super::TrustedKeys;

/// The longest time in seconds for which a list is used, whatever its `ttl` says.
const MAX_TTL: u32 = 60;

/// The lists that were fetched.
#[derive(Default)]
pub(crate) struct StatusLists(Mutex<HashMap<String, VerifiedStatusList>>);

impl StatusLists {
    /// The status at `idx` of the list `uri` of a trusted verifier.
    ///
    /// # Errors
    /// `status_list_foreign` if the list is not on the verifier's origin; `status_unavailable` if no list that is young
    /// enough can be had; the failures of the list's own verification.
    pub(crate) async fn get(
        &self,
        verifier: &PublicUrl,
        keys: &TrustedKeys,
        client: &GuardedClient,
        signatures: &dyn SignatureVerifier,
        (uri, idx): (&str, u64),
        now: UnixTime,
    ) -> Verdict<Status> {
        let url = keys.policy().check(uri)?;
        if url.origin().ascii_serialization() != verifier.origin() {
            return Err(Failure::new(
                "grant-status",
                "status_list_foreign",
                "the list is not on the verifier's origin",
            )
            .at("/status/status_list/uri")
            .remedy("serve the status list on the verifier's own origin"));
        }
        {
            let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(list) = lists.get(uri).filter(|list| list.is_fresh(now)) {
                return list.get(idx);
            }
        }
        let text = client.get_text(uri, &format!("application/{TYP}")).await.map_err(|error| {
            Failure::new("grant-status", "status_unavailable", error.to_string())
                .remedy("try again later: without a status that is younger than 60 s nothing is released")
        })?;
        let token = UnverifiedStatusListToken::parse(&text)?;
        let kid = token.key_source().hint.kid.map(str::to_owned);
        let set = keys.of(verifier, kid.as_deref()).await?;
        let key = find_key(&set, &token.key_source().hint)?.clone();
        let list = token.verify(signatures, &key, &Expected { uri, now, max_ttl: MAX_TTL, max_age: None })?;
        let status = list.get(idx);
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, list| list.is_fresh(now));
        lists.insert(uri.to_owned(), list);
        status
    }
}
