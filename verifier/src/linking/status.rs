//! The status lists of the grants (linkage protocol §10, Token Status List): signed once, served to all, and signed
//! again at once when a grant changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enishi_credential::status::{Status, StatusBits, StatusList, StatusListToken};
use enishi_credential::time::UnixTime;
use enishi_protocol::datalink::StatusReference;
use sha2::{Digest as _, Sha256};

use super::Linking;
use super::store::{self, StatusPlace};
use crate::errors::Internal;

/// Entries in one list: 16 KiB at two bits.
pub(super) const ENTRIES: i64 = 1 << 16;

/// For how long a reader may use its copy, in seconds (linkage protocol §10).
pub(super) const TTL: u32 = 60;

/// For how long a signed list is served, in seconds. A change by this process is seen at once; one by a replica after
/// this time, well within the 30 seconds of linkage protocol §10.
const SERVED_FOR: i64 = 10;

/// How many places are tried before a new list is begun.
const TRIES: usize = 16;

/// A signed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedList {
    /// The Status List Token.
    pub token: String,
    /// A strong validator: the hash of the token.
    pub etag: String,
    signed_at: UnixTime,
}

/// The signed lists that are served. Each list has a generation, so that a list that was read before a change cannot
/// be put here after it.
#[derive(Debug, Default)]
pub(super) struct StatusLists {
    lists: Mutex<HashMap<i64, (u64, Option<SignedList>)>>,
}

impl StatusLists {
    fn cached(&self, list: i64, now: UnixTime) -> (u64, Option<SignedList>) {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((generation, signed)) = lists.get(&list) else { return (0, None) };
        let fresh = signed.as_ref().filter(|signed| (0..SERVED_FOR).contains(&now.since(signed.signed_at)));
        (*generation, fresh.cloned())
    }

    fn put(&self, list: i64, generation: u64, signed: &SignedList) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = lists.entry(list).or_insert((0, None));
        if entry.0 == generation {
            entry.1 = Some(signed.clone());
        }
    }

    /// A grant of this list changed: what was signed before is not served any more.
    pub(super) fn invalidate(&self, list: i64) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = lists.entry(list).or_insert((0, None));
        *entry = (entry.0.wrapping_add(1), None);
    }
}

impl Linking {
    /// The URI of a list.
    pub(super) fn status_uri(&self, list: i64) -> String {
        self.context.url.join(&format!("/status-lists/{list}"))
    }

    /// The reference to a grant's entry.
    pub(super) fn status_reference(&self, place: StatusPlace) -> Result<StatusReference, Internal> {
        let idx = u64::try_from(place.idx).map_err(|_| Internal::Broken("a status index is negative"))?;
        Ok(StatusReference { idx, uri: self.status_uri(place.list) })
    }

    /// Places to try for a new grant: random, because neighbours in a list would be neighbours in time (threat 6).
    pub(super) fn status_candidates(&self) -> Result<Vec<i64>, Internal> {
        let list = empty_list()?;
        let place = || list.random_place(&*self.context.entropy).and_then(|idx| i64::try_from(idx).ok());
        (0..TRIES).map(|_| place().ok_or(Internal::Broken("an empty status list"))).collect()
    }

    /// The signed list `list`; `None` if there is none.
    pub(super) async fn signed_status_list(&self, list: i64) -> Result<Option<SignedList>, Internal> {
        let now = self.context.now();
        let (generation, cached) = self.status_lists.cached(list, now);
        if cached.is_some() {
            return Ok(cached);
        }
        let values = {
            let mut connection = self.context.store.pool().acquire().await?;
            store::status_values(&mut connection, list).await?
        };
        let Some(values) = values else { return Ok(None) };
        let mut statuses = empty_list()?;
        for (idx, value) in values {
            statuses
                .set(idx, Status::from_value(value))
                .map_err(|_| Internal::Broken("a grant's status does not fit into its list"))?;
        }
        let uri = self.status_uri(list);
        let token = StatusListToken {
            uri: &uri,
            issuer: Some(self.context.url.as_str()),
            issued_at: now,
            expires_at: Some(now.plus(i64::from(TTL) * 5)),
            ttl: Some(TTL),
            aggregation_uri: None,
            list: &statuses,
        };
        let token = token.sign(&*self.context.signer(), self.context.chain()).await?;
        let etag = format!("\"{}\"", enishi_credential::encoding::b64::encode(Sha256::digest(&token)));
        let signed = SignedList { token, etag, signed_at: now };
        self.status_lists.put(list, generation, &signed);
        Ok(Some(signed))
    }
}

fn empty_list() -> Result<StatusList, Internal> {
    StatusList::new(StatusBits::Two, ENTRIES.unsigned_abs())
        .map_err(|_| Internal::Broken("the size of status lists is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_17_a_list_read_before_a_change_is_not_served_after_it() {
        let lists = StatusLists::default();
        let at = UnixTime::from_secs(100);
        let signed = SignedList { token: "t".to_owned(), etag: "e".to_owned(), signed_at: at };
        let (generation, none) = lists.cached(1, at);
        assert_eq!(none, None);
        lists.put(1, generation, &signed);
        assert_eq!(lists.cached(1, at.plus(9)).1, Some(signed.clone()));
        assert_eq!(lists.cached(1, at.plus(10)).1, None, "another server may have changed it");
        let (generation, _) = lists.cached(1, at);
        lists.invalidate(1);
        assert_eq!(lists.cached(1, at).1, None);
        lists.put(1, generation, &signed);
        assert_eq!(lists.cached(1, at).1, None, "read before the change");
    }
}
