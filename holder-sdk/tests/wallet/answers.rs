//! Yes and no: what is disclosed, what is used up, and what survives a crash (linkage protocol §6).

use std::sync::Arc;

use enishi_credential::entropy::SeededEntropy;
use enishi_holder_sdk::testing::{IssuerFault, LinkAsk, Received, World};
use enishi_holder_sdk::{HttpResponse, MemoryVault, Request, Vault, VaultError, Wallet, WalletParts};
use enishi_protocol::grant::State as GrantState;

fn status(status: u16) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Vec::new() }
}

async fn asked(world: &Arc<World>, wallet: &Wallet, grant_id: &str) -> Request {
    wallet.read_request(&world.verifier.ask(&LinkAsk::new(grant_id))).await.unwrap()
}

fn fresh(world: &World, wallet: &Wallet) -> (usize, usize) {
    (wallet.fresh_credentials(&world.town.ids.sp), wallet.fresh_credentials(&world.town.ids.dp))
}

#[tokio::test]
async fn a_yes_passes_every_check_of_the_verifier_and_uses_up_one_credential_each() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let request = asked(&world, &wallet, "grant-1").await;
    let answered = wallet.approve(&request).await.unwrap();
    assert_eq!(answered.grant_id.as_deref(), Some("grant-1"));
    assert!(answered.redirect_uri.unwrap().as_str().starts_with("https://portal.example/back"));
    let received = world.verifier.received();
    let [Received::Linked(link)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(link.grant_id, "grant-1");
    assert!(link.checks.names().contains(&enishi_credential::same_subject::CHECK));
    assert_eq!(world.verifier.grant_state("grant-1"), Some(GrantState::Active));
    assert_eq!(fresh(&world, &wallet), (1, 1));
    assert_eq!(wallet.credentials().iter().filter(|one| one.shown).count(), 2);
    let grants = wallet.grants();
    assert_eq!(grants.len(), 1);
    assert!(grants[0].confirmed && grants[0].withdrawn_at.is_none());
    assert_eq!(Some(&grants[0].terms), request.terms(), "the terms exactly as they were agreed to");
}

#[tokio::test]
async fn privacy_1_the_next_yes_uses_other_credentials_and_no_value_comes_twice() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    for grant in ["grant-1", "grant-2"] {
        wallet.approve(&asked(&world, &wallet, grant).await).await.unwrap();
    }
    let received = world.verifier.received();
    let [Received::Linked(one), Received::Linked(other)] = &received[..] else { panic!("{received:?}") };
    assert_ne!(one.sealed_sub_sp, other.sealed_sub_sp);
    assert_ne!(one.sealed_sub_dp, other.sealed_sub_dp);
    assert_ne!(one.sp_jkt, other.sp_jkt);
    assert_ne!(one.dp_jkt, other.dp_jkt);
    assert_ne!(one.grant_jkt, other.grant_jkt);
    assert_eq!(fresh(&world, &wallet), (0, 0));
    let error = wallet.approve(&asked(&world, &wallet, "grant-3").await).await.unwrap_err();
    assert_eq!(error.code(), "no_credential");
    assert_eq!(wallet.grants().len(), 2);
    world.fill(&wallet, 1).await;
    wallet.approve(&asked(&world, &wallet, "grant-3").await).await.unwrap();
}

#[tokio::test]
async fn all_or_none_without_a_credential_for_one_party_none_of_the_other_is_used_up() {
    let world = World::new().await;
    let wallet = world.wallet();
    let offer = wallet.read_offer(&world.issuer.offer("resident-1", &[&world.town.ids.sp])).await.unwrap();
    wallet.redeem(&offer, None, 1).await.unwrap();
    let request = asked(&world, &wallet, "grant-1").await;
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "no_credential");
    assert_eq!(fresh(&world, &wallet), (1, 0));
    assert!(world.verifier.received().is_empty(), "and nobody heard of it");
}

#[tokio::test]
async fn threat_13_a_no_is_encrypted_like_a_yes_and_costs_nothing() {
    let world = World::new().await;
    let wallet = world.filled_wallet(1).await;
    let request = asked(&world, &wallet, "grant-1").await;
    world.network.clear();
    assert_eq!(wallet.decline(&request).await.unwrap(), None);
    let received = world.verifier.received();
    assert!(matches!(&received[..], [Received::Declined(code)] if code == "access_denied"), "{received:?}");
    let sent = world.network.sent();
    assert!(sent[0].body.starts_with(b"response="), "one field, a JWE");
    assert_eq!(fresh(&world, &wallet), (1, 1));
    assert!(wallet.grants().is_empty());
}

#[tokio::test]
async fn an_answer_after_its_time_uses_nothing_up() {
    let world = World::new().await;
    let wallet = world.filled_wallet(1).await;
    let request = asked(&world, &wallet, "grant-1").await;
    world.clock.advance(600);
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "answer_too_late");
    assert_eq!(fresh(&world, &wallet), (1, 1));
    assert!(wallet.grants().is_empty());
}

#[tokio::test]
async fn when_the_answer_is_lost_the_grant_stays_until_the_verifier_is_asked() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    // The verifier took it, but the wallet did not hear of it.
    let request = asked(&world, &wallet, "grant-1").await;
    world.network.lose_answer("/responses/");
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "unreachable");
    assert!(!wallet.grants()[0].confirmed);
    assert_eq!(wallet.grant_status("grant-1").await.unwrap().state, GrantState::Active);
    assert!(wallet.grants()[0].confirmed);

    // The verifier never got it: unknown there, and after the time to answer it never will be one.
    let request = asked(&world, &wallet, "grant-2").await;
    world.network.lose_request("/responses/");
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "unreachable");
    assert_eq!(wallet.grant_status("grant-2").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(wallet.grants().len(), 2, "it may still be on its way");
    world.clock.advance(600);
    assert_eq!(wallet.grant_status("grant-2").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(wallet.grants().len(), 1);
    assert_eq!(fresh(&world, &wallet), (0, 0), "what was sent is used up in any case");
}

#[tokio::test]
async fn a_lost_answer_can_be_sent_again_with_other_credentials() {
    let world = World::new().await;
    let wallet = world.filled_wallet(2).await;
    let request = asked(&world, &wallet, "grant-1").await;
    world.network.lose_request("/responses/");
    wallet.approve(&request).await.unwrap_err();
    wallet.approve(&request).await.unwrap();
    assert_eq!(wallet.grants().len(), 1);
    assert!(wallet.grants()[0].confirmed);
}

#[tokio::test]
async fn a_4xx_removes_the_grant_and_a_5xx_does_not() {
    let world = World::new().await;
    let wallet = world.filled_wallet(3).await;
    for (code, left) in [(400, 0), (404, 0), (502, 1)] {
        let request = asked(&world, &wallet, "grant-1").await;
        world.network.answer_instead("/responses/", status(code));
        assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "http_error");
        assert_eq!(wallet.grants().len(), left, "{code}");
    }
}

#[tokio::test]
async fn a_second_tap_does_not_cost_the_grant_of_the_first() {
    let world = World::new().await;
    let wallet = world.filled_wallet(4).await;
    let request = asked(&world, &wallet, "grant-1").await;
    wallet.approve(&request).await.unwrap();
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "already_answered");
    assert_eq!(fresh(&world, &wallet), (3, 3));
    assert!(wallet.grants()[0].confirmed);
    // Also when the first answer is lost: the refusal of the second says nothing about it.
    let request = asked(&world, &wallet, "grant-2").await;
    world.network.lose_answer("/responses/");
    wallet.approve(&request).await.unwrap_err();
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "not_found");
    assert_eq!(wallet.grants().len(), 2);
    assert_eq!(wallet.grant_status("grant-2").await.unwrap().state, GrantState::Active);
}

/// A vault that breaks at the n-th write, as when the battery dies: the write may be done, but nothing after it.
struct Crash {
    inner: MemoryVault,
    writes_left: std::sync::atomic::AtomicUsize,
}

impl Vault for Crash {
    fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
        self.inner.read()
    }

    fn write(&self, document: &[u8]) -> Result<(), VaultError> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.writes_left.load(SeqCst) == 0 {
            return Err(VaultError::Unavailable("crashed".to_owned()));
        }
        self.writes_left.fetch_sub(1, SeqCst);
        self.inner.write(document)
    }
}

#[tokio::test]
async fn a_crash_at_any_moment_shows_no_credential_twice_and_loses_no_consent() {
    // One write marks the credentials, one adds the grant, then the answer is sent, one more confirms it.
    for writes in 0..=3 {
        let world = World::new().await;
        let vault = Arc::new(Crash { inner: MemoryVault::default(), writes_left: usize::MAX.into() });
        let open = |vault: Arc<Crash>, seed: &str| {
            let entropy = Arc::new(SeededEntropy::new(seed));
            Wallet::open(WalletParts { vault, entropy, ..world.parts() }).unwrap()
        };
        let wallet = open(vault.clone(), "before");
        world.fill(&wallet, 2).await;
        let request = asked(&world, &wallet, "grant-1").await;
        vault.writes_left.store(writes, std::sync::atomic::Ordering::SeqCst);
        let outcome = wallet.approve(&request).await;
        assert_eq!(outcome.is_ok(), writes == 3, "{writes}");
        drop(wallet);
        vault.writes_left.store(usize::MAX, std::sync::atomic::Ordering::SeqCst);
        let restarted = open(vault, "after");
        let was_sent = world.verifier.grant_state("grant-1").is_some();
        assert_eq!(was_sent, writes >= 2, "nothing is sent before it is written down");
        assert_eq!(fresh(&world, &restarted), if writes == 0 { (2, 2) } else { (1, 1) });
        assert_eq!(restarted.grants().len(), usize::from(was_sent), "{writes}");
        if was_sent {
            let status = restarted.grant_status("grant-1").await.unwrap();
            assert_eq!(status.state, GrantState::Active, "the restarted wallet has the key of its grant");
        }
    }
}

#[tokio::test]
async fn a_crash_after_the_grant_is_written_and_before_it_is_sent() {
    let world = World::new().await;
    let vault = Arc::new(MemoryVault::default());
    let wallet = Wallet::open(WalletParts { vault: vault.clone(), ..world.parts() }).unwrap();
    world.fill(&wallet, 1).await;
    let request = asked(&world, &wallet, "grant-1").await;
    world.network.lose_request("/responses/");
    wallet.approve(&request).await.unwrap_err();
    drop(wallet);
    let restarted = Wallet::open(WalletParts { vault, ..world.parts() }).unwrap();
    assert_eq!(fresh(&world, &restarted), (0, 0));
    assert!(!restarted.grants()[0].confirmed, "listed, and not claimed to be one");
    world.clock.advance(601);
    restarted.grant_status("grant-1").await.unwrap_err();
    assert!(restarted.grants().is_empty(), "settled");
}

#[tokio::test]
async fn threat_1_openings_that_do_not_fit_prove_nothing_and_are_not_sent() {
    let world = World::new().await;
    let wallet = world.wallet();
    world.issuer.misbehave(IssuerFault::ForeignOpening);
    world.fill(&wallet, 1).await;
    let request = asked(&world, &wallet, "grant-1").await;
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "openings_do_not_fit");
    assert!(world.verifier.received().is_empty() && wallet.grants().is_empty());
}

#[tokio::test]
async fn threat_1_credentials_of_two_people_in_one_wallet_prove_nothing() {
    let world = World::new().await;
    let wallet = world.wallet();
    for (account, rp) in [("resident-1", &world.town.ids.sp), ("resident-2", &world.town.ids.dp)] {
        let offer = wallet.read_offer(&world.issuer.offer(account, &[rp])).await.unwrap();
        wallet.redeem(&offer, None, 1).await.unwrap();
    }
    let request = asked(&world, &wallet, "grant-1").await;
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "openings_do_not_fit");
    assert!(world.verifier.received().is_empty());
}
