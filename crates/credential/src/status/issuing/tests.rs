//! Tests of the issuer's side: places, lists against a naive model, and the real size.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::crypto::{Algorithm, RustCryptoVerifier, Signer, SignerError, SoftwareSigner};
use crate::entropy::SeededEntropy;
use crate::jose::jwk::{Jwk, PrivateJwk};
use crate::secret::Secret;
use crate::status::{Expected, Status, StatusList, UnverifiedStatusListToken, VerifiedStatusList};
use crate::time::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const URI: &str = "https://issuer.example/status-lists/0";

fn layout(bits: StatusBits, list_log2: u32, open_log2: u32) -> Layout {
    Layout::new(bits, list_log2, open_log2).unwrap()
}

fn places(seed: u8, list_log2: u32, open_log2: u32) -> Places {
    Places::new(Secret::new([seed; 32]), layout(StatusBits::One, list_log2, open_log2))
}

fn publication() -> Publication<'static> {
    Publication {
        uri: URI,
        issuer: Some("https://issuer.example"),
        aggregation_uri: Some("https://issuer.example/status-lists"),
        lifetimes: Lifetimes::new(60, 600).unwrap(),
    }
}

/// Signs, and counts how often.
struct Counting(SoftwareSigner, AtomicU32);

impl Counting {
    fn new() -> Self {
        let key = PrivateJwk::generate_ed25519(&SeededEntropy::new("lists"));
        Self(SoftwareSigner::new(key).unwrap(), AtomicU32::new(0))
    }
}

#[async_trait]
impl Signer for Counting {
    fn public_jwk(&self) -> &Jwk {
        self.0.public_jwk()
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sign_now(message)
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn sign(draft: &Draft, signer: &Counting, now: UnixTime) -> SignedList {
    block_on(draft.sign(&publication(), signer, &[], now)).unwrap()
}

fn read(signed: &SignedList, signer: &Counting) -> VerifiedStatusList {
    let expected = Expected { uri: URI, now: signed.issued_at(), max_ttl: 600, max_age: None };
    let token = UnverifiedStatusListToken::parse(signed.token()).unwrap();
    token.verify(&RustCryptoVerifier, signer.public_jwk(), &expected).unwrap()
}

fn code<T: std::fmt::Debug>(result: Verdict<T>) -> &'static str {
    result.unwrap_err().code
}

/// Computed by another program from the description in the documentation of the module.
#[test]
fn places_are_the_ones_that_the_description_says() {
    let key = Secret::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    for (list_log2, open_log2, ticket, list, idx) in [
        (17, 0, 0, 0, 29_235),
        (17, 0, 1, 0, 1_227),
        (17, 0, 131_072, 1, 113_936),
        (17, 3, 0, 4, 20_952),
        (17, 3, 1, 6, 99_273),
        (20, 10, (1 << 40) + 12_345, 1_048_839, 720_668),
        (10, 1, 2047, 0, 376),
    ] {
        let places = Places::new(key.clone(), layout(StatusBits::One, list_log2, open_log2));
        assert_eq!(places.place(ticket), Place { list, idx }, "{list_log2} {open_log2} {ticket}");
    }
}

#[test]
fn threat_6_no_place_is_given_twice_and_every_place_is_given() {
    for (list_log2, open_log2) in [(10, 0), (11, 0), (10, 1)] {
        let places = places(7, list_log2, open_log2);
        let (size, lists) = (1_u64 << (list_log2 + open_log2), 1 << open_log2);
        for group in [0, 5] {
            let seen: HashSet<Place> =
                (group * size..(group + 1) * size).map(|ticket| places.place(ticket)).collect();
            assert_eq!(seen.len() as u64, size);
            assert!(seen.iter().all(|place| place.idx < 1 << list_log2
                && (group * lists..(group + 1) * lists).contains(&place.list)));
        }
    }
}

#[test]
fn threat_6_places_are_in_no_order_that_can_be_seen_without_the_key() {
    let order = |seed: u8, group: u64| -> Vec<u64> {
        (0..1 << 11).map(|ticket| places(seed, 11, 0).place((group << 11) + ticket).idx).collect()
    };
    let one = order(1, 0);
    // In a random order of n places, the difference of neighbours is n/3 on average, and 1 for two of them.
    let distances: Vec<u64> = one.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
    let mean = distances.iter().sum::<u64>() / 2047;
    assert!((650..716).contains(&mean), "{mean}");
    assert!(distances.iter().filter(|distance| **distance == 1).count() < 12);
    for other in [order(2, 0), order(1, 1)] {
        let same = one.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!(same < 12, "{same}");
    }
}

#[test]
fn sizes_and_lifetimes_that_cannot_be_are_refused() {
    for (list_log2, open_log2) in [(9, 0), (21, 0), (17, 11), (0, 0)] {
        assert_eq!(code(Layout::new(StatusBits::One, list_log2, open_log2)), "status_layout");
    }
    for (ttl, valid_for) in [(0, 600), (60, 119), (60, 0)] {
        assert_eq!(code(Lifetimes::new(ttl, valid_for)), "status_layout");
    }
    let layout = layout(StatusBits::One, DEFAULT_LIST_LOG2, 0);
    assert_eq!((layout.lists_for(0), layout.lists_for(1), layout.lists_for(100_000_000)), (0, 1, 763));
    let mut lists = IssuedLists::new(layout, 2);
    assert_eq!(lists.open(1), Ok(()));
    assert_eq!(code(lists.open(2)), "status_lists_full");
    assert_eq!(code(lists.get(Place { list: 2, idx: 0 })), "status_list_unknown");
    assert_eq!(
        code(lists.set(Place { list: 0, idx: 1 << 17 }, Status::Invalid)),
        "status_index_out_of_range"
    );
    assert_eq!(code(lists.set(Place { list: 0, idx: 0 }, Status::Suspended)), "status_value_too_large");
    assert_eq!(lists.list(0).unwrap().version(), 0);
}

#[test]
fn what_is_revoked_stays_revoked_and_what_is_suspended_may_come_back() {
    let mut lists = IssuedLists::new(layout(StatusBits::Two, 10, 0), 1);
    lists.open(0).unwrap();
    let place = Place { list: 0, idx: 77 };
    for (status, version) in
        [(Status::Suspended, 1), (Status::Valid, 2), (Status::Other(3), 3), (Status::Invalid, 4)]
    {
        assert_eq!(lists.set(place, status), Ok(Some(Change { place, status: status.value(), version })));
        assert_eq!(lists.set(place, status), Ok(None), "no change");
    }
    for status in [Status::Valid, Status::Suspended, Status::Other(3)] {
        assert_eq!(code(lists.set(place, status)), "status_final");
    }
    assert_eq!((lists.get(place), lists.list(0).unwrap().version()), (Ok(Status::Invalid), 4));
}

#[test]
fn a_signed_list_is_renewed_when_it_changed_or_half_of_its_life_is_over() {
    let signer = Counting::new();
    let mut lists = IssuedLists::new(layout(StatusBits::Two, 10, 0), 1);
    lists.open(0).unwrap();
    let due = |lists: &IssuedLists, now: UnixTime| lists.due(now).count() == 1;
    assert!(due(&lists, NOW), "never signed");
    let first = sign(&lists.draft(0).unwrap(), &signer, NOW);
    assert_eq!((first.issued_at(), first.expires_at(), first.version()), (NOW, NOW.plus(600), 0));
    assert_eq!(lists.publish(0, first.clone()), Ok(true));
    assert!(!due(&lists, NOW.plus(299)) && due(&lists, NOW.plus(300)));

    let place = Place { list: 0, idx: 5 };
    lists.set(place, Status::Suspended).unwrap();
    assert!(due(&lists, NOW));
    let old = lists.draft(0).unwrap();
    lists.set(place, Status::Invalid).unwrap();
    let new = sign(&lists.draft(0).unwrap(), &signer, NOW);
    assert_eq!(read(&new, &signer).get(5), Ok(Status::Invalid));
    assert_eq!(read(&new, &signer).aggregation_uri(), publication().aggregation_uri);
    assert_eq!(lists.publish(0, new.clone()), Ok(true));
    // A slower signer that began before the change does not bring the old list back.
    let old = sign(&old, &signer, NOW.plus(10));
    assert_eq!(read(&old, &signer).get(5), Ok(Status::Suspended), "a draft is a moment");
    assert_eq!(lists.publish(0, old), Ok(false));
    assert_eq!(lists.list(0).unwrap().signed().map(|signed| signed.etag()), Some(new.etag()));
    assert!(!due(&lists, NOW) && new.etag() != first.etag());
}

/// Two that were signed at the same version: the one that lives longer stays.
#[test]
fn an_older_signature_does_not_take_the_place_of_a_newer_one() {
    let (signer, mut list) =
        (Counting::new(), IssuedList::new(StatusList::new(StatusBits::One, 1024).unwrap(), 0));
    let [old, new] = [NOW, NOW.plus(1)].map(|now| sign(&list.draft(), &signer, now));
    assert!(list.publish(new.clone()));
    assert!(!list.publish(old));
    assert_eq!(list.signed().map(|signed| signed.issued_at()), Some(NOW.plus(1)));
    assert!(list.publish(new), "the same once more is no step back");
}

#[test]
fn a_list_that_is_part_of_something_else_is_taken_over_whole() {
    let empty = StatusList::new(StatusBits::Two, 1024).unwrap();
    let mut list = IssuedList::new(empty.clone(), 3);
    assert!(!list.replace(empty.clone()));
    let mut other = empty;
    other.set(9, Status::Suspended).unwrap();
    assert!(list.replace(other.clone()));
    assert_eq!((list.version(), list.statuses()), (4, &other));
}

#[test]
fn a_store_that_gives_back_something_else_is_refused() {
    let small = layout(StatusBits::Two, 10, 0);
    let mut lists = IssuedLists::new(small, 4);
    lists.open(1).unwrap();
    let change = lists.set(Place { list: 1, idx: 3 }, Status::Suspended).unwrap().unwrap();
    let [first, second] = [0, 1].map(|number| lists.stored(number).unwrap());
    let load = |layout, stored: &[&StoredList]| {
        IssuedLists::load(layout, 4, stored.iter().map(|list| (*list).clone()))
    };
    let mut loaded = load(small, &[&first, &second]).unwrap();
    assert_eq!(loaded.get(change.place), Ok(Status::Suspended));
    for stored in [vec![&second], vec![&second, &first], vec![&first, &first]] {
        assert_eq!(code(load(small, &stored)), "status_store_malformed");
    }
    assert_eq!(code(load(layout(StatusBits::One, 10, 0), &[&first])), "status_store_malformed");
    assert_eq!(code(load(layout(StatusBits::Two, 11, 0), &[&first])), "status_store_malformed");
    let mut damaged = first.clone();
    damaged.list.lst.pop();
    assert_eq!(code(load(small, &[&damaged])), "status_store_malformed");
    assert_eq!(code(IssuedLists::load(small, 1, [first.clone(), second.clone()])), "status_lists_full");

    assert_eq!(loaded.replay(change), Ok(()), "it is in the list already");
    let next = |idx, status: Status, version| Change {
        place: Place { list: 1, idx },
        status: status.value(),
        version,
    };
    assert_eq!(code(loaded.replay(next(3, Status::Valid, 3))), "status_change_gap");
    assert_eq!(code(loaded.replay(next(3, Status::Suspended, 2))), "status_store_malformed");
    assert_eq!(code(loaded.replay(next(3, Status::Other(9), 2))), "status_value_too_large");
    assert_eq!(loaded.replay(next(3, Status::Invalid, 2)), Ok(()));
    assert_eq!(code(loaded.replay(next(3, Status::Valid, 3))), "status_final");
    assert_eq!(loaded.list(1).unwrap().version(), 2);
}

/// 100 million places: what is held is 12.5 MB of statuses, and what a few changes cost is a few lists.
#[test]
fn a_hundred_million_places_of_which_only_what_changed_is_signed_again() {
    const PLACES: u64 = 100_000_000;
    let layout = layout(StatusBits::One, DEFAULT_LIST_LOG2, 0);
    let places = Places::new(Secret::new([3; 32]), layout);
    let count = layout.lists_for(PLACES);
    let mut lists = IssuedLists::new(layout, count);
    lists.open(count - 1).unwrap();
    let held: u64 = (0..count).map(|number| lists.list(number).unwrap().statuses().len() / 8).sum();
    assert_eq!((count, held), (763, 12_500_992));

    let signer = Counting::new();
    let renew = |lists: &mut IssuedLists, now: UnixTime| {
        let due: Vec<u64> = lists.due(now).collect();
        for number in &due {
            let signed = sign(&lists.draft(*number).unwrap(), &signer, now);
            assert_eq!(lists.publish(*number, signed), Ok(true));
        }
        due.len()
    };
    assert_eq!(renew(&mut lists, NOW), 763);
    assert_eq!(renew(&mut lists, NOW.plus(1)), 0);
    let revoked: Vec<Place> = (0..50).map(|n| places.place(n * 1_999_999)).collect();
    for place in &revoked {
        assert!(lists.set(*place, Status::Invalid).unwrap().is_some());
    }
    let touched: HashSet<u64> = revoked.iter().map(|place| place.list).collect();
    assert!(touched.len() >= 40);
    assert_eq!(renew(&mut lists, NOW.plus(2)), touched.len());
    assert_eq!(signer.1.load(Ordering::SeqCst) as usize, 763 + touched.len());
    let place = revoked[49];
    let served = lists.list(place.list).unwrap().signed().unwrap();
    assert_eq!(read(served, &signer).get(place.idx), Ok(Status::Invalid));
    let bad =
        (0..layout.entries()).filter(|idx| !lists.get(Place { idx: *idx, ..place }).unwrap().is_valid());
    assert_eq!(bad.count(), revoked.iter().filter(|other| other.list == place.list).count());
}

#[derive(Debug, Clone)]
enum Step {
    Set(u64, u64, u8),
    /// Write this list to the store.
    Store(u64),
    /// Lose everything in memory, and come back from the store.
    Restart,
    /// Sign what is due.
    Renew,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        // Few places, so that they are set again and again.
        8 => (0_u64..3, 0_u64..6, 0_u8..4).prop_map(|(list, idx, status)| Step::Set(list, idx * 200, status)),
        1 => (0_u64..3).prop_map(Step::Store),
        1 => Just(Step::Restart),
        2 => Just(Step::Renew),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The lists say what a plain map says, whatever happens in between; what is due is what the map says has changed.
    #[test]
    fn lists_are_a_map_from_places_to_statuses(steps in steps()) {
        let signer = Counting::new();
        let layout = layout(StatusBits::Two, 10, 0);
        let mut lists = IssuedLists::new(layout, 3);
        lists.open(2).unwrap();
        let mut model: BTreeMap<Place, u8> = BTreeMap::new();
        let mut dirty: HashSet<u64> = (0..3).collect();
        let mut stored: Vec<StoredList> = (0..3).map(|number| lists.stored(number).unwrap()).collect();
        let mut journal: Vec<Change> = Vec::new();
        for step in steps {
            match step {
                Step::Set(list, idx, status) => {
                    let place = Place { list, idx };
                    let before = model.get(&place).copied().unwrap_or_default();
                    let made = lists.set(place, Status::from_value(status));
                    if before == status {
                        prop_assert_eq!(made, Ok(None));
                    } else if before == 1 {
                        prop_assert_eq!(made.unwrap_err().code, "status_final");
                    } else {
                        model.insert(place, status);
                        dirty.insert(list);
                        journal.push(made.unwrap().unwrap());
                    }
                }
                Step::Store(list) => stored[usize::try_from(list).unwrap()] = lists.stored(list).unwrap(),
                Step::Restart => {
                    let text = serde_json::to_vec(&(&stored, &journal)).unwrap();
                    let (old, changes): (Vec<StoredList>, Vec<Change>) = serde_json::from_slice(&text).unwrap();
                    lists = IssuedLists::load(layout, 3, old).unwrap();
                    for change in changes {
                        lists.replay(change).unwrap();
                    }
                    dirty = (0..3).collect();
                }
                Step::Renew => {
                    let due: HashSet<u64> = lists.due(NOW).collect();
                    prop_assert_eq!(&due, &dirty);
                    for list in dirty.drain() {
                        let signed = sign(&lists.draft(list).unwrap(), &signer, NOW);
                        for idx in (0..6).map(|n| n * 200) {
                            let said = read(&signed, &signer).get(idx).unwrap().value();
                            prop_assert_eq!(said, model.get(&Place { list, idx }).copied().unwrap_or_default());
                        }
                        prop_assert!(lists.publish(list, signed).unwrap());
                    }
                }
            }
        }
        for list in 0..3 {
            for idx in 0..layout.entries() {
                let place = Place { list, idx };
                prop_assert_eq!(lists.get(place).unwrap().value(), model.get(&place).copied().unwrap_or_default());
            }
            let changes = journal.iter().filter(|change| change.place.list == list).count();
            prop_assert_eq!(lists.list(list).unwrap().version(), changes as u64);
        }
    }

    #[test]
    fn places_stay_within_their_group(ticket: u64, list_log2 in 10_u32..=20, open_log2 in 0_u32..=10, seed: u8) {
        let place = places(seed, list_log2, open_log2).place(ticket);
        prop_assert!(place.idx < 1 << list_log2);
        prop_assert_eq!(place.list >> open_log2, ticket >> (list_log2 + open_log2));
    }
}
