//! For tests: empty databases of every backend at hand, and what each store must do on all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    reason = "this module is compiled for tests only; a failure there is a panic"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{AuditEntry, AuditLog, DeliveryState, Enqueue, Outbox, ReplayCache, Seen, Store, enqueue};
use enishi_credential::time::UnixTime;

/// The environment variable with the URL of a PostgreSQL server on which tests may create schemas.
pub const POSTGRES_URL: &str = "ENISHI_TEST_POSTGRES_URL";

/// An empty database with the shared tables. A SQLite file goes away with this value.
#[derive(Debug)]
pub struct TestStore {
    /// The database.
    pub store: Store,
    /// A URL that opens the same database again.
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// An empty SQLite database with the shared tables.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.sqlite").display());
    let store = Store::connect(&url).await.unwrap();
    store.migrate_shared().await.unwrap();
    TestStore { store, url, _folder: Some(folder) }
}

/// An empty PostgreSQL schema with the shared tables; `None`, and a line that says so, without [`POSTGRES_URL`].
pub async fn postgres(name: &str) -> Option<TestStore> {
    let Ok(base) = std::env::var(POSTGRES_URL) else {
        println!("skipped: PostgreSQL, because {POSTGRES_URL} is not set");
        return None;
    };
    let schema = format!(
        "test_{}_{}_{}",
        name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        std::process::id(),
        SCHEMAS.fetch_add(1, Ordering::Relaxed)
    );
    let admin = Store::connect(&base).await.unwrap();
    for statement in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(admin.pool()).await.unwrap();
    }
    admin.close().await;
    let separator = if base.contains('?') { '&' } else { '?' };
    let url = format!("{base}{separator}options=-csearch_path%3D{schema}");
    let store = Store::connect(&url).await.unwrap();
    store.migrate_shared().await.unwrap();
    Some(TestStore { store, url, _folder: None })
}

/// One empty database per backend at hand.
pub async fn stores(name: &str) -> Vec<TestStore> {
    let mut stores = vec![sqlite().await];
    stores.extend(postgres(name).await);
    stores
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

/// What every [`ReplayCache`] does.
pub async fn replay_cache_contract(cache: &(impl ReplayCache + Clone + 'static)) {
    assert_eq!(cache.remember("dpop", "a", at(160), at(100)).await.unwrap(), Seen::Fresh);
    assert_eq!(cache.remember("dpop", "a", at(160), at(100)).await.unwrap(), Seen::Before);
    assert_eq!(cache.remember("dpop", "a", at(220), at(159)).await.unwrap(), Seen::Before);
    assert_eq!(cache.remember("nonce", "a", at(160), at(100)).await.unwrap(), Seen::Fresh, "another purpose");
    assert_eq!(cache.remember("dpop", "b", at(160), at(100)).await.unwrap(), Seen::Fresh, "another value");
    // Purpose and value cannot be shifted into each other.
    assert_eq!(cache.remember("dpo", "pa", at(160), at(100)).await.unwrap(), Seen::Fresh);
    let long = "x".repeat(100_000);
    assert_eq!(cache.remember("dpop", &long, at(160), at(100)).await.unwrap(), Seen::Fresh);
    assert_eq!(cache.remember("dpop", &long, at(160), at(100)).await.unwrap(), Seen::Before);

    assert_eq!(
        cache.remember("dpop", "a", at(260), at(160)).await.unwrap(),
        Seen::Fresh,
        "expired, not purged"
    );
    assert_eq!(cache.purge(at(200)).await.unwrap(), 4);
    assert_eq!(
        cache.remember("dpop", "a", at(260), at(200)).await.unwrap(),
        Seen::Before,
        "purge keeps the live"
    );

    // Threat 4: of many at the same time exactly one is first.
    let cache = Arc::new(cache.clone());
    let callers: Vec<_> = (0..24)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { cache.remember("race", "v", at(400), at(300)).await.unwrap() })
        })
        .collect();
    let mut fresh = 0;
    for caller in callers {
        fresh += u32::from(caller.await.unwrap() == Seen::Fresh);
    }
    assert_eq!(fresh, 1);
}

/// What every [`AuditLog`] does.
pub async fn audit_log_contract(log: &impl AuditLog) {
    let entry = |kind: &str, reference: &str, seconds| AuditEntry {
        kind: kind.into(),
        reference: reference.into(),
        at: at(seconds),
        detail: serde_json::json!({ "items": ["income"], "n": seconds }),
    };
    let entries = [entry("requested", "g1", 1), entry("granted", "g1", 2), entry("withdrawn", "g1", 2)];
    log.append(&entries[0]).await.unwrap();
    log.append(&entry("requested", "g2", 1)).await.unwrap();
    log.append(&entries[1]).await.unwrap();
    log.append(&entries[2]).await.unwrap();
    assert_eq!(log.list("g1", 100).await.unwrap(), entries, "in the order of arrival");
    assert_eq!(log.list("g1", 2).await.unwrap(), entries[..2]);
    assert!(log.list("unknown", 100).await.unwrap().is_empty());
}

/// What every [`Outbox`] does.
pub async fn outbox_contract(store: &Store, outbox: &impl Outbox) {
    let message = |payload| Enqueue {
        topic: "notice",
        destination: "https://sp.example/notices",
        reference: "g1",
        payload,
        give_up_at: at(1_100),
    };
    let mut tx = store.begin().await.unwrap();
    enqueue(&mut tx, message("lost"), at(1_000)).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(
        outbox.take_due(at(1_000), 30, 10).await.unwrap().is_empty(),
        "a rolled back message does not exist"
    );

    let mut tx = store.begin().await.unwrap();
    enqueue(&mut tx, message("one"), at(1_000)).await.unwrap();
    enqueue(&mut tx, message("two"), at(1_000)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(outbox.take_due(at(999), 30, 10).await.unwrap().is_empty(), "not due yet");

    let due = outbox.take_due(at(1_000), 30, 10).await.unwrap();
    assert_eq!(due.iter().map(|d| d.payload.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!((due[0].topic.as_str(), due[0].reference.as_str(), due[0].attempts), ("notice", "g1", 0));
    assert_eq!(due[0].destination, "https://sp.example/notices");
    assert!(outbox.take_due(at(1_029), 30, 10).await.unwrap().is_empty(), "leased");

    outbox.delivered(due[0].id).await.unwrap();
    assert_eq!(outbox.failed(due[1].id, at(1_001)).await.unwrap(), DeliveryState::Pending);
    assert!(outbox.take_due(at(1_002), 30, 10).await.unwrap().is_empty(), "pause of two seconds");
    let again = outbox.take_due(at(1_003), 30, 10).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempts), (1, due[1].id, 1));
    // A worker that dies loses its lease.
    let again = outbox.take_due(at(1_033), 30, 10).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(outbox.failed(due[1].id, at(1_099)).await.unwrap(), DeliveryState::GivenUp);
    assert!(outbox.take_due(at(9_999), 30, 10).await.unwrap().is_empty());
    assert_eq!(outbox.states("g1").await.unwrap(), [DeliveryState::Delivered, DeliveryState::GivenUp]);
    assert!(outbox.states("unknown").await.unwrap().is_empty());
    assert_eq!(
        outbox.failed(due[0].id, at(9_999)).await.unwrap(),
        DeliveryState::Delivered,
        "stays delivered"
    );
}
