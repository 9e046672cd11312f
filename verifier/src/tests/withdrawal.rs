//! Withdrawal and what else ends a grant (linkage protocol §10).

use enishi_credential::crypto::RustCryptoVerifier;
use enishi_credential::status::{Expected, Status, UnverifiedStatusListToken, VerifiedStatusList};
use enishi_protocol::fixture::key;
use enishi_protocol::grant::State;
use enishi_protocol::grant::access::Access;
use enishi_protocol::grant::acknowledgement::UnverifiedAcknowledgement;
use enishi_protocol::grant::messages::{GrantEvents, GrantStatus, Withdrawn};
use enishi_protocol::notice::{NoticeEvent, UnverifiedNotice};
use enishi_protocol::party::find_key;
use serde_json::json;

use super::support::{NOW, World, until};

async fn list(world: &World) -> VerifiedStatusList {
    let uri = format!("{}/status-lists/1", world.base);
    let answer = world.call("GET", &uri, &[], None).await;
    assert_eq!(answer.headers["content-type"], "application/statuslist+jwt");
    let token = UnverifiedStatusListToken::parse(&answer.text()).unwrap();
    let key = find_key(&world.jwks().await, &token.key_source().hint).unwrap().clone();
    let expected = Expected { uri: &uri, now: world.now(), max_ttl: 60, max_age: Some(60) };
    token.verify(&RustCryptoVerifier, &key, &expected).unwrap()
}

async fn place(world: &World, grant_id: &str) -> u64 {
    let idx: i64 = sqlx::query_scalar("SELECT status_idx FROM grants WHERE id = $1")
        .bind(grant_id)
        .fetch_one(world.store.pool())
        .await
        .unwrap();
    u64::try_from(idx).unwrap()
}

#[tokio::test]
async fn threat_17_a_withdrawal_stops_minting_at_once_and_everybody_hears_of_it() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let idx = place(&world, &granted.id).await;
    assert_eq!(list(&world).await.get(idx).unwrap(), Status::Valid);
    let path = format!("/grants/{}", granted.id);

    let answer: Withdrawn = world.as_holder(&granted.grant_key, "DELETE", &path).await.read();
    assert_eq!((answer.state, answer.withdrawn_at), (State::Withdrawn, NOW));
    let acknowledgement = UnverifiedAcknowledgement::parse(&answer.acknowledgement).unwrap();
    let verifier_key = find_key(&world.jwks().await, &acknowledgement.key_hint()).unwrap().clone();
    acknowledgement.verify(&RustCryptoVerifier, &verifier_key, &world.base, &granted.id).unwrap();

    assert_eq!(world.mint(&granted.id).await.problem(), (403, "grant_not_active".to_owned()));
    assert_eq!(list(&world).await.get(idx).unwrap(), Status::Invalid, "signed again at once");
    let mut addressees = Vec::new();
    for (party, compact) in world.notices(2).await {
        let notice = UnverifiedNotice::parse(&compact).unwrap();
        let notice =
            notice.verify(&RustCryptoVerifier, &verifier_key, &world.base, &party, world.now()).unwrap();
        assert_eq!((notice.event, notice.grant_id), (NoticeEvent::Withdrawn, granted.id.clone()));
        addressees.push(party);
    }
    addressees.sort();
    let mut both = vec![world.town.sp.id.clone(), world.town.dp.id.clone()];
    both.sort();
    assert_eq!(addressees, both);

    let row: (String, String) =
        sqlx::query_as("SELECT sp_sealed_sub, dp_sealed_sub FROM grants WHERE id = $1")
            .bind(&granted.id)
            .fetch_one(world.store.pool())
            .await
            .unwrap();
    assert_eq!(row, (String::new(), String::new()), "held for live grants only");
    let asked = world.as_party(&world.town.sp, "GET", &format!("/link-requests/{}", granted.id), None).await;
    assert_eq!(asked.json(), json!({"status": "not_granted"}));

    // A second withdrawal is told the same; nothing comes back to life.
    let again: Withdrawn = world.as_holder(&granted.grant_key, "DELETE", &path).await.read();
    assert_eq!(again.withdrawn_at, NOW);
    let resume = format!("/admin/grants/{}/resume", granted.id);
    let resumed = world.as_operator("POST", &resume, Some(json!({"reason": "x"}))).await;
    assert_eq!(resumed.problem(), (409, "grant_state".to_owned()));
    let seen: GrantStatus = world.as_party(&world.town.sp, "GET", &path, None).await.read();
    assert_eq!((seen.state, seen.ended_at), (State::Withdrawn, Some(NOW)));
}

#[tokio::test]
async fn threat_17_a_notice_is_repeated_until_it_is_acknowledged() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    world.others.refuse_notices.lock().unwrap().extend([500, 503]);
    let path = format!("/grants/{}", granted.id);
    assert_eq!(world.as_holder(&granted.grant_key, "DELETE", &path).await.status, 200);
    until("both refusals", || world.others.refuse_notices.lock().unwrap().is_empty().then_some(())).await;
    for _ in 0..4 {
        world.clock.advance(2);
        tokio::task::yield_now().await;
    }
    assert_eq!(world.notices(2).await.len(), 2);
}

#[tokio::test]
async fn a_party_withdraws_with_a_reason_only() {
    for by_dp in [false, true] {
        let world = World::linking().await;
        let granted = world.grant(&World::wish()).await;
        let party = if by_dp { &world.town.dp } else { &world.town.sp };
        let path = format!("/grants/{}", granted.id);
        let bare = world.as_party(party, "DELETE", &path, None).await;
        assert_eq!(bare.problem(), (400, "reason_missing".to_owned()));
        let long = json!({"reason": "x".repeat(201)});
        assert_eq!(world.as_party(party, "DELETE", &path, Some(long)).await.status, 400);
        let misspelt = json!({"raeson": "x"});
        assert_eq!(
            world.as_party(party, "DELETE", &path, Some(misspelt)).await.problem().1,
            "body_malformed"
        );
        let answer = world.as_party(party, "DELETE", &path, Some(json!({"reason": "moved away"}))).await;
        assert_eq!(answer.json()["state"], "withdrawn");
        let path = format!("{path}/events");
        let events: GrantEvents = world.as_holder(&granted.grant_key, "GET", &path).await.read();
        let withdrawn = events.events.iter().find(|event| event.event == "withdrawn").unwrap();
        assert_eq!(withdrawn.detail.as_deref(), Some("moved away"));
    }
}

#[tokio::test]
async fn an_authority_suspends_and_resumes() {
    let world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let idx = place(&world, &granted.id).await;
    let order = async |action: &str| {
        let path = format!("/admin/grants/{}/{action}", granted.id);
        world.as_operator("POST", &path, Some(json!({"reason": "inspection"}))).await
    };
    assert_eq!(order("suspend").await.json()["state"], "suspended");
    assert_eq!(list(&world).await.get(idx).unwrap(), Status::Suspended);
    assert_eq!(world.mint(&granted.id).await.problem().1, "grant_not_active");
    assert_eq!(order("suspend").await.problem().0, 409);
    assert_eq!(order("resume").await.json()["state"], "active");
    assert_eq!(list(&world).await.get(idx).unwrap(), Status::Valid);
    assert_eq!(world.mint(&granted.id).await.status, 200);
    assert_eq!(order("explode").await.status, 404);
    assert_eq!(order("revoke").await.json()["state"], "revoked");
    assert_eq!(list(&world).await.get(idx).unwrap(), Status::Invalid);
    let withdraw = world.as_holder(&granted.grant_key, "DELETE", &format!("/grants/{}", granted.id)).await;
    assert_eq!(withdraw.problem(), (409, "grant_ended".to_owned()));
}

#[tokio::test]
async fn a_grant_whose_time_is_over_mints_nothing_even_before_anybody_looked() {
    let world = World::linking().await;
    let mut wish = World::wish();
    wish.not_after = Some(NOW.plus(3600));
    let granted = world.grant(&wish).await;
    world.clock.advance(3500);
    assert_eq!(world.minted(&granted.id).await.expires_in, 100, "not longer than the consent");
    world.clock.advance(100);
    assert_eq!(world.mint(&granted.id).await.problem().1, "grant_not_active");
}

#[tokio::test]
async fn one_time_is_once() {
    let world = World::linking().await;
    let mut wish = World::wish();
    wish.access = Access::one_time();
    let granted = world.grant(&wish).await;
    world.minted(&granted.id).await;
    world.clock.advance(10 * 86_400);
    assert_eq!(world.mint(&granted.id).await.problem(), (403, "frequency_exceeded".to_owned()));
    assert_eq!(granted.status.expires, Some(NOW.plus(365 * 86_400)));
    assert_ne!(key("sp-dpop").public().thumbprint(), granted.presented.request.encryption_key.thumbprint());
}

#[tokio::test]
async fn threat_4_and_17_a_restart_forgets_neither_what_was_spent_nor_what_must_be_sent() {
    let mut world = World::linking().await;
    let granted = world.grant(&World::wish()).await;
    let waiting = world.ask(&World::wish()).await;
    let request = world.fetch(&waiting.wallet_uri).await;
    let path = format!("/grants/{}", granted.id);
    let proof = world.proof(&granted.grant_key, "DELETE", &path).await;
    let url = format!("{}{path}", world.base);
    world.others.refuse_notices.lock().unwrap().extend([500, 500]);
    assert_eq!(world.call("DELETE", &url, &[("dpop", &proof)], None).await.status, 200);
    until("both refusals", || world.others.refuse_notices.lock().unwrap().is_empty().then_some(())).await;
    world.restart().await;
    let replayed = world.call("DELETE", &url, &[("dpop", &proof)], None).await;
    assert_eq!(replayed.problem(), (401, "replayed".to_owned()));
    assert_eq!(world.mint(&granted.id).await.problem().1, "grant_not_active");
    world.clock.advance(60);
    assert_eq!(world.notices(2).await.len(), 2);
    // What was asked before can be answered after, once.
    let presented = world.present(request, &world.credentials(super::support::RESIDENT).await).await;
    assert_eq!(world.post(&presented.post).await.status, 200);
    world.restart().await;
    assert_eq!(world.post(&presented.post).await.problem(), (404, "request_gone".to_owned()));
}
