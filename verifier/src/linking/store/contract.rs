//! What the tables of linking do on every database at hand.

use enishi_credential::encoding::b64;
use enishi_credential::jose::jwk::Thumbprint;
use enishi_credential::time::UnixTime;
use enishi_protocol::grant::access::{Access, PastMints, Period};
use enishi_protocol::grant::messages::DeclarationRef;
use enishi_protocol::grant::{Event, State};
use enishi_service::store::{Store, testing};

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_000_000);

fn key(byte: u8) -> Thumbprint {
    Thumbprint::parse(&b64::encode([byte; 32])).unwrap()
}

fn details(access: Access) -> Details {
    let named = |id: &str| DeclarationRef { id: id.to_owned(), version: "1".to_owned() };
    Details {
        service: named("checkups"),
        purpose: named("advice"),
        items: vec!["weight".to_owned()],
        access,
        resource: "https://dp.example/checkups".to_owned(),
    }
}

async fn request(store: &Store, id: &str, access: Access) {
    let mut tx = store.begin().await.unwrap();
    let new = NewRequest {
        id,
        recipient: "https://sp.example",
        provider: "https://dp.example",
        service_sha256: "s",
        purpose_sha256: "p",
        details: &details(access),
        dpop_jkt: key(1),
        terms_sha256: "t",
        created_at: NOW,
        answer_by: NOW.plus(300),
        not_after: NOW.plus(86_400),
        exchange: "sealed",
        redirect_uri: Some("https://sp.example/back"),
    };
    insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
}

fn consent(idx: i64) -> Consent {
    Consent {
        given_at: NOW,
        grant_jkt: key(2),
        evidence_sha256: format!("e{idx}"),
        acr: "acr".to_owned(),
        sp_sealed_sub: "sp".to_owned(),
        dp_sealed_sub: "dp".to_owned(),
        status: StatusPlace { list: 1, idx },
    }
}

async fn give(store: &Store, id: &str, idx: i64, now: UnixTime) -> bool {
    let consent = consent(idx);
    let activation = Activation { consent: &consent, response_code: Some("code"), sealed_evidence: "bundle" };
    let mut tx = store.begin().await.unwrap();
    let given = activate(&mut tx, id, &activation, now).await.unwrap();
    tx.commit().await.unwrap();
    given
}

async fn databases(name: &str) -> Vec<testing::TestStore> {
    let stores = testing::stores(name).await;
    for given in &stores {
        crate::migrate(&given.store).await.unwrap();
    }
    stores
}

#[tokio::test]
async fn a_request_becomes_a_grant_once() {
    for given in databases("grant_once").await {
        let store = &given.store;
        request(store, "g1", Access::one_time()).await;
        let mut connection = store.pool().acquire().await.unwrap();
        let row = find(&mut connection, "g1").await.unwrap().unwrap();
        assert_eq!(
            (row.state, row.was_given(), row.exchange.as_deref()),
            (State::Requested, false, Some("sealed"))
        );
        assert_eq!(row.details, details(Access::one_time()));
        assert_eq!(find(&mut connection, "g2").await.unwrap(), None);

        assert!(!give(store, "g1", 5, NOW.plus(300)).await, "answered too late");
        assert!(!give(store, "g2", 5, NOW).await, "unknown");
        assert!(give(store, "g1", 5, NOW.plus(299)).await);
        assert!(!give(store, "g1", 6, NOW).await, "VP N16: a second answer");

        let row = find(&mut connection, "g1").await.unwrap().unwrap();
        assert_eq!((row.state, &row.consent, row.exchange), (State::Active, &Some(consent(5)), None));
        assert_eq!(row.response_code.as_deref(), Some("code"));
        let evidence = find_evidence(&mut connection, "e5").await.unwrap().unwrap();
        assert_eq!((evidence.grant_id.as_str(), evidence.sealed.as_str()), ("g1", "bundle"));
        assert_eq!(find_evidence(&mut connection, "e6").await.unwrap(), None);
    }
}

#[tokio::test]
async fn threat_4_of_many_answers_at_once_one_counts() {
    for given in databases("grant_race").await {
        request(&given.store, "g1", Access::one_time()).await;
        let answers: Vec<_> = (0..12)
            .map(|idx| {
                let store = given.store.clone();
                tokio::spawn(async move { give(&store, "g1", idx, NOW).await })
            })
            .collect();
        let mut granted = 0;
        for answer in answers {
            granted += u32::from(answer.await.unwrap());
        }
        assert_eq!(granted, 1);
    }
}

#[tokio::test]
async fn a_request_object_is_fetched_a_few_times_and_only_while_it_waits() {
    for given in databases("fetches").await {
        request(&given.store, "g1", Access::one_time()).await;
        let mut tx = given.store.begin().await.unwrap();
        assert!(count_fetch(&mut tx, "g1", NOW, 2).await.unwrap());
        assert!(!count_fetch(&mut tx, "g1", NOW.plus(300), 2).await.unwrap(), "lapsed");
        assert!(count_fetch(&mut tx, "g1", NOW, 2).await.unwrap());
        assert!(!count_fetch(&mut tx, "g1", NOW, 2).await.unwrap(), "too often");
        assert!(!count_fetch(&mut tx, "g2", NOW, 2).await.unwrap(), "unknown");
        assert!(decline(&mut tx, "g1", NOW).await.unwrap());
        assert!(!decline(&mut tx, "g1", NOW).await.unwrap());
        let row = find(&mut tx, "g1").await.unwrap().unwrap();
        assert_eq!((row.state, row.was_given(), row.exchange), (State::Declined, false, None));
        assert!(!count_fetch(&mut tx, "g1", NOW, 9).await.unwrap(), "answered");
    }
}

#[tokio::test]
async fn links_are_counted_in_all_and_in_the_window() {
    for given in databases("links").await {
        request(&given.store, "g1", Access::periodic(1, Period::Day)).await;
        give(&given.store, "g1", 1, NOW).await;
        let mut tx = given.store.begin().await.unwrap();
        for (txn, at) in [("a", 10), ("b", 20), ("c", 30)] {
            let link = LinkRow { grant_id: "g1", txn, minted_at: NOW.plus(at) };
            record_mint(&mut tx, &link).await.unwrap();
        }
        let past = count_links(&mut tx, "g1", Some(NOW.plus(20))).await.unwrap();
        assert_eq!(past, PastMints { total: 3, in_window: 2 });
        assert_eq!(count_links(&mut tx, "g1", None).await.unwrap(), PastMints { total: 3, in_window: 3 });
        assert_eq!(find(&mut tx, "g1").await.unwrap().unwrap().links_minted, 3);
        assert_eq!(report_release(&mut tx, "g1", "a", NOW).await.unwrap(), Some(true));
        assert_eq!(report_release(&mut tx, "g1", "a", NOW).await.unwrap(), Some(false));
        assert_eq!(report_release(&mut tx, "g1", "x", NOW).await.unwrap(), None);
        assert_eq!(report_release(&mut tx, "g2", "b", NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn states_change_from_the_state_that_was_seen() {
    for given in databases("states").await {
        request(&given.store, "g1", Access::one_time()).await;
        give(&given.store, "g1", 1, NOW).await;
        let mut tx = given.store.begin().await.unwrap();
        assert!(change_state(&mut tx, "g1", State::Active, State::Suspended, NOW).await.unwrap());
        assert!(!change_state(&mut tx, "g1", State::Active, State::Withdrawn, NOW).await.unwrap());
        assert_eq!(lock(&mut tx, "g1").await.unwrap().unwrap().ended_at, None);
        assert!(change_state(&mut tx, "g1", State::Suspended, State::Withdrawn, NOW).await.unwrap());
        let ended = lock(&mut tx, "g1").await.unwrap().unwrap();
        assert_eq!(ended.ended_at, Some(NOW));
        let consent = ended.consent.unwrap();
        assert_eq!(
            (consent.sp_sealed_sub.as_str(), consent.dp_sealed_sub.as_str()),
            ("", ""),
            "only while it lives"
        );
        assert_eq!(lock(&mut tx, "g2").await.unwrap(), None);
    }
}

#[tokio::test]
async fn status_places_are_given_once_and_spill_into_a_new_list() {
    for given in databases("status").await {
        let store = &given.store;
        for (id, idx) in [("g1", 1), ("g2", 2)] {
            request(store, id, Access::one_time()).await;
            assert!(give(store, id, idx, NOW).await);
        }
        let mut tx = store.begin().await.unwrap();
        let place = |list, idx| Some(StatusPlace { list, idx });
        assert_eq!(claim_status_place(&mut tx, &[1, 2, 3]).await.unwrap(), place(1, 3));
        assert_eq!(claim_status_place(&mut tx, &[2, 1]).await.unwrap(), place(2, 2));
        assert!(change_state(&mut tx, "g2", State::Active, State::Suspended, NOW).await.unwrap());
        assert_eq!(status_values(&mut tx, 1).await.unwrap(), Some(vec![(2, 2)]));
        assert!(change_state(&mut tx, "g2", State::Suspended, State::Withdrawn, NOW).await.unwrap());
        assert_eq!(status_values(&mut tx, 1).await.unwrap(), Some(vec![(2, 1)]));
        assert_eq!(status_values(&mut tx, 2).await.unwrap(), None);
        assert_eq!(status_values(&mut tx, 0).await.unwrap(), None);
        drop(tx);

        // The database itself refuses a place that was given.
        request(store, "g3", Access::one_time()).await;
        let double = consent(1);
        let activation = Activation { consent: &double, response_code: None, sealed_evidence: "bundle" };
        let mut tx = store.begin().await.unwrap();
        assert!(activate(&mut tx, "g3", &activation, NOW).await.is_err());
    }
}

#[tokio::test]
async fn time_alone_lapses_expires_and_completes() {
    for given in databases("due").await {
        let store = &given.store;
        for id in ["lapsed", "waiting", "live", "used"] {
            request(store, id, Access::one_time()).await;
        }
        assert!(give(store, "live", 1, NOW).await && give(store, "used", 2, NOW).await);
        let mut tx = store.begin().await.unwrap();
        record_mint(&mut tx, &LinkRow { grant_id: "used", txn: "x", minted_at: NOW }).await.unwrap();
        assert!(decline(&mut tx, "waiting", NOW).await.unwrap());
        let at =
            |due: Vec<super::sweep::Due>| due.into_iter().map(|due| (due.id, due.event)).collect::<Vec<_>>();
        assert_eq!(at(due(&mut tx, NOW.plus(299), 300, 9).await.unwrap()), []);
        assert_eq!(
            at(due(&mut tx, NOW.plus(300), 300, 9).await.unwrap()),
            [("lapsed".to_owned(), Event::Lapse), ("used".to_owned(), Event::Complete)]
        );
        assert_eq!(purge_requests(&mut tx, NOW.plus(299)).await.unwrap(), 0);
        assert_eq!(purge_requests(&mut tx, NOW.plus(300)).await.unwrap(), 1, "the declined one");
        let expired = at(due(&mut tx, NOW.plus(86_400), 300, 9).await.unwrap());
        assert_eq!(expired.iter().filter(|(_, event)| *event == Event::Expire).count(), 2);
    }
}
