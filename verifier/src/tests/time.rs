//! What time alone does to requests and grants.

use enishi_credential::time::DAY;
use enishi_protocol::grant::access::Access;
use enishi_protocol::notice::{NoticeEvent, UnverifiedNotice};

use super::support::{NOW, World};

async fn events(world: &World, count: usize) -> Vec<NoticeEvent> {
    let key = world.jwks().await.keys[0].clone();
    let verifier = enishi_credential::crypto::RustCryptoVerifier;
    let read = |(party, compact): (String, String)| {
        let notice = UnverifiedNotice::parse(&compact).unwrap();
        notice.verify(&verifier, &key, &world.base, &party, world.now()).unwrap().event
    };
    world.notices(count).await.into_iter().map(read).collect()
}

#[tokio::test]
async fn a_request_that_nobody_answers_lapses_and_its_keys_are_erased() {
    let world = World::sweeping(365 * DAY).await;
    let created = world.ask(&World::wish()).await;
    world.clock.advance(300);
    world.becomes(&created.link_request_id, "lapsed").await;
    let exchange: Option<String> =
        sqlx::query_scalar("SELECT exchange FROM grants").fetch_one(world.store.pool()).await.unwrap();
    assert_eq!(exchange, None);
    world.clock.advance(24 * 3600);
    for _ in 0..500 {
        if world.grant_states().await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("what never became a grant is kept");
}

#[tokio::test]
async fn a_grant_expires_and_both_parties_hear_of_it() {
    let world = World::sweeping(365 * DAY).await;
    let mut wish = World::wish();
    wish.not_after = Some(NOW.plus(3600));
    let granted = world.grant(&wish).await;
    world.clock.advance(3600);
    world.becomes(&granted.id, "expired").await;
    assert_eq!(events(&world, 2).await, [NoticeEvent::Expired; 2]);
}

#[tokio::test]
async fn a_grant_is_completed_when_its_last_link_has_expired() {
    let world = World::sweeping(365 * DAY).await;
    let mut wish = World::wish();
    wish.access = Access::one_time();
    let granted = world.grant(&wish).await;
    world.minted(&granted.id).await;
    world.clock.advance(300);
    world.becomes(&granted.id, "completed").await;
    assert_eq!(world.mint(&granted.id).await.problem().1, "grant_not_active");
}

#[tokio::test]
async fn a_grant_without_a_valid_declaration_is_suspended_and_can_still_be_withdrawn() {
    let world = World::sweeping(10 * DAY).await;
    let granted = world.grant(&World::wish()).await;
    world.minted(&granted.id).await;
    world.clock.advance(10 * DAY);
    assert_eq!(world.mint(&granted.id).await.problem().1, "grant_not_active", "before anybody looked");
    world.becomes(&granted.id, "suspended").await;
    assert_eq!(events(&world, 2).await, [NoticeEvent::Suspended; 2]);
    let path = format!("/grants/{}", granted.id);
    let answer = world.as_holder(&granted.grant_key, "DELETE", &path).await;
    assert_eq!(answer.json()["state"], "withdrawn");
}
