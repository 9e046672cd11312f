//! All lists of an issuer.

use serde::{Deserialize, Serialize};

use super::{Draft, IssuedList, Layout, Place, SignedList, unknown_list};
use crate::status::{EncodedStatusList, Status, StatusList};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// One list as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredList {
    /// The number of the list.
    pub number: u64,
    /// How many changes are in it.
    pub version: u64,
    /// The statuses, compressed.
    pub list: EncodedStatusList,
}

/// One change as a store keeps it: written together with what it is about, and played again after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub place: Place,
    /// The new status.
    pub status: u8,
    /// The version of the list that this change made.
    pub version: u64,
}

/// The lists of an issuer, numbered from 0.
#[derive(Debug, Clone)]
pub struct IssuedLists {
    layout: Layout,
    max_lists: u64,
    lists: Vec<IssuedList>,
}

impl IssuedLists {
    /// No list yet, and never more than `max_lists`: the bound of the memory that is used.
    pub const fn new(layout: Layout, max_lists: u64) -> Self {
        Self { layout, max_lists, lists: Vec::new() }
    }

    /// The lists as they were stored, in the order of their numbers. [`Self::replay`] the changes since then.
    ///
    /// # Errors
    /// `status_store_malformed` for a list of another size, or a gap between their numbers; `status_lists_full`.
    pub fn load(
        layout: Layout,
        max_lists: u64,
        stored: impl IntoIterator<Item = StoredList>,
    ) -> Verdict<Self> {
        let mut all = Self::new(layout, max_lists);
        for stored in stored {
            if stored.number != all.len() || stored.list.bits != layout.bits() {
                return Err(malformed("a stored list has another number or other bits than expected"));
            }
            let statuses =
                StatusList::decode(&stored.list).map_err(|_| malformed("a stored list cannot be read"))?;
            if statuses.len() != layout.entries() {
                return Err(malformed("a stored list has another size than expected"));
            }
            all.push(IssuedList::new(statuses, stored.version))?;
        }
        Ok(all)
    }

    /// How the statuses are spread.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// How many lists there are.
    pub fn len(&self) -> u64 {
        u64::try_from(self.lists.len()).unwrap_or(u64::MAX)
    }

    /// Whether there is no list.
    pub const fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Makes sure that the list `number` and all before it exist, so that a place in it can be given away. New lists are all
    /// valid.
    ///
    /// # Errors
    /// `status_lists_full`.
    pub fn open(&mut self, number: u64) -> Verdict<()> {
        while self.len() <= number {
            let statuses = StatusList::new(self.layout.bits(), self.layout.entries())?;
            self.push(IssuedList::new(statuses, 0))?;
        }
        Ok(())
    }

    fn push(&mut self, list: IssuedList) -> Verdict<()> {
        if self.len() >= self.max_lists {
            return Err(Failure::new(
                "status-list",
                "status_lists_full",
                "there are as many lists as may be",
            )
            .remedy("allow more lists, and more memory for them"));
        }
        self.lists.push(list);
        Ok(())
    }

    /// The status at a place.
    ///
    /// # Errors
    /// `status_list_unknown`, `status_index_out_of_range`.
    pub fn get(&self, place: Place) -> Verdict<Status> {
        self.list(place.list)?.statuses().get(place.idx)
    }

    /// Sets the status at a place. The change is for the store; `None` if there is none, since that was its status already.
    ///
    /// # Errors
    /// `status_list_unknown`, and as [`IssuedList::set`].
    pub fn set(&mut self, place: Place, status: Status) -> Verdict<Option<Change>> {
        let list = self.list_mut(place.list)?;
        let changed = list.set(place.idx, status)?;
        Ok(changed.then(|| Change { place, status: status.value(), version: list.version() }))
    }

    /// Makes a stored change again, after a restart or because another server made it. One that is in the list already
    /// changes nothing.
    ///
    /// # Errors
    /// `status_change_gap` if a change before this one is missing; `status_store_malformed` if it changes nothing although
    /// it is new; and as [`Self::set`].
    pub fn replay(&mut self, change: Change) -> Verdict<()> {
        let version = self.list(change.place.list)?.version();
        if change.version <= version {
            return Ok(());
        }
        if change.version != version.saturating_add(1) {
            return Err(Failure::new(
                "status-change",
                "status_change_gap",
                "a change before this one is missing",
            )
            .remedy("replay the changes of each list in the order of their versions"));
        }
        match self.set(change.place, Status::from_value(change.status))? {
            Some(made) if made == change => Ok(()),
            _ => Err(malformed("a stored change is no change")),
        }
    }

    /// The lists that must be signed before they are served again: see [`IssuedList::is_due`].
    pub fn due(&self, now: UnixTime) -> impl Iterator<Item = u64> + '_ {
        (0..).zip(&self.lists).filter(move |(_, list)| list.is_due(now)).map(|(number, _)| number)
    }

    /// One list.
    ///
    /// # Errors
    /// `status_list_unknown`.
    pub fn list(&self, number: u64) -> Verdict<&IssuedList> {
        let at = usize::try_from(number).ok();
        at.and_then(|at| self.lists.get(at)).ok_or_else(unknown_list)
    }

    fn list_mut(&mut self, number: u64) -> Verdict<&mut IssuedList> {
        let at = usize::try_from(number).ok();
        at.and_then(|at| self.lists.get_mut(at)).ok_or_else(unknown_list)
    }

    /// One list as it is now, to be signed.
    ///
    /// # Errors
    /// `status_list_unknown`.
    pub fn draft(&self, number: u64) -> Verdict<Draft> {
        self.list(number).map(IssuedList::draft)
    }

    /// Serves `signed` as the list `number`, see [`IssuedList::publish`].
    ///
    /// # Errors
    /// `status_list_unknown`.
    pub fn publish(&mut self, number: u64, signed: SignedList) -> Verdict<bool> {
        self.list_mut(number).map(|list| list.publish(signed))
    }

    /// One list, for the store.
    ///
    /// # Errors
    /// `status_list_unknown`.
    pub fn stored(&self, number: u64) -> Verdict<StoredList> {
        let list = self.list(number)?;
        Ok(StoredList { number, version: list.version(), list: list.statuses().encode() })
    }
}

fn malformed(detail: &str) -> Failure {
    Failure::new("status-store", "status_store_malformed", detail)
        .remedy("give back the lists and changes exactly as they were stored")
}
