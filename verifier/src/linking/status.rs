//! The status lists of the grants (linkage protocol §10, Token Status List): signed once, served to all, and signed
//! again when a grant changes, or when half of the signed list's life is over.
//!
//! The grants are the truth: a list is made from their rows, and a place is given away by the unique index on them. So
//! any number of servers agree without telling each other, and nothing is stored twice. What is kept in memory is
//! what was signed. A list of which no grant changed keeps its text and its `ETag`, and readers are answered with "not
//! modified".

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enishi_credential::status::issuing::{Draft, IssuedList, Lifetimes, Publication, SignedList};
use enishi_credential::status::{
    MAX_AGGREGATED_LISTS, Status, StatusBits, StatusList, StatusListAggregation,
};
use enishi_credential::time::UnixTime;
use enishi_protocol::datalink::StatusReference;

use super::Linking;
use super::store::{self, StatusPlace};
use crate::errors::Internal;

/// Entries in one list: 16 KiB at two bits.
pub(super) const ENTRIES: i64 = 1 << 16;

/// For how long a reader may use its copy, in seconds (linkage protocol §10).
pub(super) const TTL: u32 = 60;

/// For how long a signed list lives, in seconds: it is renewed after half of that.
const VALID_FOR: u32 = 5 * TTL;

/// After so many seconds the grants are looked at again. A change by this process is seen at once; one by a replica after
/// this time, well within the 30 seconds of linkage protocol §10.
const CHECKED_FOR: i64 = 10;

/// How many places are tried before a new list is begun.
const TRIES: usize = 16;

/// The lists as they were signed. Each has a generation, so that a list that was read before a change cannot be put here
/// after it.
#[derive(Debug, Default)]
pub(super) struct StatusLists {
    lists: Mutex<HashMap<i64, Entry>>,
    /// Held while a list is read and signed, so that many readers make one signature.
    signing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Entry {
    generation: u64,
    /// When the grants were looked at. `None` once one of them changed.
    checked_at: Option<UnixTime>,
    list: Option<IssuedList>,
}

/// What to do after the grants were looked at.
#[derive(Debug)]
enum Next {
    Serve(Arc<SignedList>),
    Sign(Draft),
}

impl StatusLists {
    fn cached(&self, list: i64, now: UnixTime) -> (u64, Option<Arc<SignedList>>) {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = lists.get(&list) else { return (0, None) };
        let checked = entry.checked_at.is_some_and(|at| (0..CHECKED_FOR).contains(&now.since(at)));
        let current = entry.list.as_ref().filter(|list| checked && !list.is_due(now));
        (entry.generation, current.and_then(IssuedList::signed).cloned())
    }

    /// The grants of `list` were read, when it had this generation.
    fn read(&self, list: i64, generation: u64, statuses: StatusList, now: UnixTime) -> Next {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = lists.entry(list).or_default();
        if entry.generation != generation {
            // One of them changed meanwhile. Whoever asked before the change gets what was read before it.
            return Next::Sign(IssuedList::new(statuses, 0).draft());
        }
        entry.checked_at = Some(now);
        let list = match &mut entry.list {
            Some(list) => {
                list.replace(statuses);
                list
            }
            none => none.insert(IssuedList::new(statuses, 0)),
        };
        match list.signed() {
            Some(signed) if !list.is_due(now) => Next::Serve(Arc::clone(signed)),
            _ => Next::Sign(list.draft()),
        }
    }

    fn put(&self, list: i64, generation: u64, signed: &SignedList) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = lists.get_mut(&list).filter(|entry| entry.generation == generation)
            && let Some(list) = &mut entry.list
        {
            list.publish(signed.clone());
        }
    }

    /// A grant of this list changed: what was signed before is not served any more before the grants are looked at.
    pub(super) fn invalidate(&self, list: i64) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = lists.entry(list).or_default();
        entry.generation = entry.generation.wrapping_add(1);
        entry.checked_at = None;
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

    /// The names of all lists (Token Status List §9): the newest ones, should there ever be more than one answer may name.
    pub(super) async fn status_aggregation(&self) -> Result<StatusListAggregation, Internal> {
        let newest = {
            let mut connection = self.context.store.pool().acquire().await?;
            store::newest_status_list(&mut connection).await?
        };
        let most = i64::try_from(MAX_AGGREGATED_LISTS).unwrap_or(i64::MAX);
        let oldest = newest.saturating_sub(most).saturating_add(1).max(1);
        Ok(StatusListAggregation {
            status_lists: (oldest..=newest).map(|list| self.status_uri(list)).collect(),
        })
    }

    /// The signed list `list`; `None` if there is none.
    pub(super) async fn signed_status_list(&self, list: i64) -> Result<Option<Arc<SignedList>>, Internal> {
        if let (_, Some(signed)) = self.status_lists.cached(list, self.context.now()) {
            return Ok(Some(signed));
        }
        let _signing = self.status_lists.signing.lock().await;
        let now = self.context.now();
        // Somebody else may have signed it meanwhile.
        let (generation, cached) = self.status_lists.cached(list, now);
        if cached.is_some() {
            return Ok(cached);
        }
        let Some(statuses) = self.read_statuses(list).await? else { return Ok(None) };
        let draft = match self.status_lists.read(list, generation, statuses, now) {
            Next::Serve(signed) => return Ok(Some(signed)),
            Next::Sign(draft) => draft,
        };
        let (uri, all) = (self.status_uri(list), self.context.url.join("/status-lists"));
        let publication = Publication {
            uri: &uri,
            issuer: Some(self.context.url.as_str()),
            aggregation_uri: Some(&all),
            lifetimes: Lifetimes::new(TTL, VALID_FOR)
                .map_err(|_| Internal::Broken("the lifetimes of status lists are out of range"))?,
        };
        let signed = draft.sign(&publication, &*self.context.signer(), self.context.chain(), now).await?;
        self.status_lists.put(list, generation, &signed);
        Ok(Some(Arc::new(signed)))
    }

    /// The statuses of a list's grants.
    async fn read_statuses(&self, list: i64) -> Result<Option<StatusList>, Internal> {
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
        Ok(Some(statuses))
    }
}

fn empty_list() -> Result<StatusList, Internal> {
    StatusList::new(StatusBits::Two, ENTRIES.unsigned_abs())
        .map_err(|_| Internal::Broken("the size of status lists is out of range"))
}

#[cfg(test)]
mod tests {
    use enishi_protocol::fixture::signer;

    use super::*;

    const AT: UnixTime = UnixTime::from_secs(100);

    async fn sign(draft: Draft, at: UnixTime) -> SignedList {
        let lifetimes = Lifetimes::new(TTL, VALID_FOR).unwrap();
        let publication = Publication { uri: "u", issuer: None, aggregation_uri: None, lifetimes };
        draft.sign(&publication, &signer("verifier"), &[], at).await.unwrap()
    }

    /// Reads a list as it is with `revoked` places, and signs it if that is due.
    async fn look(lists: &StatusLists, revoked: &[u64], at: UnixTime) -> (bool, Arc<SignedList>) {
        let (generation, cached) = lists.cached(1, at);
        assert_eq!(cached, None);
        let mut statuses = empty_list().unwrap();
        for idx in revoked {
            statuses.set(*idx, Status::Invalid).unwrap();
        }
        match lists.read(1, generation, statuses, at) {
            Next::Serve(signed) => (false, signed),
            Next::Sign(draft) => {
                let signed = sign(draft, at).await;
                lists.put(1, generation, &signed);
                (true, Arc::new(signed))
            }
        }
    }

    #[tokio::test]
    async fn threat_17_a_list_read_before_a_change_is_not_served_after_it() {
        let lists = StatusLists::default();
        let (_, first) = look(&lists, &[], AT).await;
        assert_eq!(lists.cached(1, AT.plus(9)).1, Some(Arc::clone(&first)));
        assert_eq!(lists.cached(1, AT.plus(10)).1, None, "another server may have changed it");
        // Read, then changed, then put: the reader of before gets it, nobody else does.
        let (generation, _) = lists.cached(1, AT);
        lists.invalidate(1);
        assert_eq!(lists.cached(1, AT).1, None);
        let Next::Sign(draft) = lists.read(1, generation, empty_list().unwrap(), AT) else {
            panic!("served")
        };
        lists.put(1, generation, &sign(draft, AT).await);
        assert_eq!(lists.cached(1, AT).1, None);
        let (signed, second) = look(&lists, &[5], AT).await;
        assert!(signed && second.etag() != first.etag());
    }

    #[tokio::test]
    async fn a_list_is_signed_again_when_it_changed_or_grows_old_and_not_because_somebody_asks() {
        let lists = StatusLists::default();
        let (_, first) = look(&lists, &[5], AT).await;
        for later in [10, 20, 149] {
            let (signed, same) = look(&lists, &[5], AT.plus(later)).await;
            assert_eq!((signed, same.etag()), (false, first.etag()), "{later}");
            assert!(lists.cached(1, AT.plus(later)).1.is_some());
        }
        // A change that is none: a place that was given to a grant that holds.
        lists.invalidate(1);
        assert!(!look(&lists, &[5], AT.plus(149)).await.0);
        assert_eq!(lists.cached(1, AT.plus(150)).1, None, "half of its life is over");
        let (signed, renewed) = look(&lists, &[5], AT.plus(150)).await;
        assert!(signed && renewed.etag() != first.etag());
        assert_eq!(renewed.expires_at(), AT.plus(450));
        assert!(look(&lists, &[5, 6], AT.plus(160)).await.0);
    }
}
