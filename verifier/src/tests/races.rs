//! Many at the same time: exactly one counts (threat 4).

use std::sync::Arc;

use enishi_protocol::grant::access::{Access, Period};

use super::support::{RESIDENT, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threat_4_of_many_answers_at_once_exactly_one_grants() {
    for world in World::linking_on_each("answers").await {
        answers(Arc::new(world)).await;
    }
}

async fn answers(world: Arc<World>) {
    let created = world.ask(&World::wish()).await;
    let request = world.fetch(&created.wallet_uri).await;
    let mut posts = Vec::new();
    for _ in 0..8 {
        let presented = world.present(request.clone(), &world.credentials(RESIDENT).await).await;
        posts.push(presented.post);
    }
    let calls = posts.into_iter().map(|post| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.post(&post).await.status.as_u16() })
    });
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(world.grant_states().await, [("active".to_owned(), 1)]);
    let bundles: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM evidence").fetch_one(world.store.pool()).await.unwrap();
    assert_eq!(bundles, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_mints_at_once_only_as_many_succeed_as_the_consent_allows() {
    for world in World::linking_on_each("mints").await {
        mints(Arc::new(world)).await;
    }
}

async fn mints(world: Arc<World>) {
    let mut wish = World::wish();
    wish.access = Access { max_total: Some(1), ..Access::periodic(1, Period::Day) };
    let granted = world.grant(&wish).await;
    let calls = (0..8).map(|_| {
        let (world, id) = (Arc::clone(&world), granted.id.clone());
        tokio::spawn(async move { world.mint(&id).await.status.as_u16() })
    });
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403, 403, 403]);
    let links: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM links").fetch_one(world.store.pool()).await.unwrap();
    assert_eq!(links, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threat_17_no_link_is_recorded_after_a_withdrawal() {
    for world in World::linking_on_each("withdrawals").await {
        let world = Arc::new(world);
        let mut wish = World::wish();
        wish.access = Access::periodic(1, Period::Day);
        let granted = world.grant(&wish).await;
        let minting = (0..4).map(|_| {
            let (world, id) = (Arc::clone(&world), granted.id.clone());
            tokio::spawn(async move { drop(world.mint(&id).await) })
        });
        let minting: Vec<_> = minting.collect();
        let path = format!("/grants/{}", granted.id);
        assert_eq!(world.as_holder(&granted.grant_key, "DELETE", &path).await.status, 200);
        futures_util::future::join_all(minting).await;
        // In the record, which is written in the same transactions, nothing is issued after the withdrawal.
        let kinds: Vec<String> =
            sqlx::query_scalar("SELECT kind FROM audit WHERE reference = $1 ORDER BY seq")
                .bind(&granted.id)
                .fetch_all(world.store.pool())
                .await
                .unwrap();
        let withdrawn = kinds.iter().position(|kind| kind == "withdrawn").unwrap();
        assert!(!kinds[withdrawn..].iter().any(|kind| kind == "link_issued"), "{kinds:?}");
    }
}
