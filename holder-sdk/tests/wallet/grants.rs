//! Looking back, and withdrawing (linkage protocol §8, §10).

use std::sync::Arc;

use enishi_credential::crypto::Signer as _;
use enishi_credential::jose::jwk::{Jwk, JwkSet};
use enishi_holder_sdk::testing::{AcknowledgementFault, LinkAsk, World};
use enishi_holder_sdk::{HttpResponse, Seed, Wallet, WalletParts};
use enishi_protocol::grant::State as GrantState;

/// A wallet with one grant.
async fn granted(world: &Arc<World>) -> Wallet {
    let wallet = world.filled_wallet(1).await;
    let request = wallet.read_request(&world.verifier.ask(&LinkAsk::new("grant-1"))).await.unwrap();
    wallet.approve(&request).await.unwrap();
    wallet
}

#[tokio::test]
async fn the_holder_sees_how_the_grant_stands_and_what_happened() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    let status = wallet.grant_status("grant-1").await.unwrap();
    assert_eq!(
        (status.state, status.items),
        (GrantState::Active, vec!["blood_pressure".to_owned(), "weight".to_owned()])
    );
    let events = wallet.grant_events("grant-1").await.unwrap().events;
    assert_eq!(events.iter().map(|event| event.event.as_str()).collect::<Vec<_>>(), ["granted"]);
    for method in ["GET", "GET"] {
        assert!(
            world.network.sent().iter().any(|sent| sent.method == method && sent.url.contains("/grants/"))
        );
    }
    assert_eq!(wallet.grant_status("grant-2").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(wallet.grant_events("grant-2").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(wallet.withdraw("grant-2").await.unwrap_err().code(), "grant_unknown");
}

#[tokio::test]
async fn threat_17_a_withdrawal_is_acknowledged_with_a_signature_and_kept() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    world.clock.advance(3600);
    let withdrawn = wallet.withdraw("grant-1").await.unwrap();
    assert_eq!(withdrawn.state, GrantState::Withdrawn);
    assert_eq!(world.verifier.grant_state("grant-1"), Some(GrantState::Withdrawn));
    let grant = &wallet.grants()[0];
    assert_eq!(grant.withdrawn_at, Some(withdrawn.withdrawn_at));
    assert_eq!(grant.acknowledgement.as_ref(), Some(&withdrawn.acknowledgement));
    let again = wallet.withdraw("grant-1").await.unwrap();
    assert_eq!(again.withdrawn_at, withdrawn.withdrawn_at, "twice is as good as once");
    let status = wallet.grant_status("grant-1").await.unwrap();
    assert_eq!(status.state, GrantState::Withdrawn);
}

#[tokio::test]
async fn threat_17_an_acknowledgement_that_proves_nothing_is_no_withdrawal() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    for (fault, expected) in [
        (AcknowledgementFault::ForeignKey, "acknowledgement_mismatch"),
        (AcknowledgementFault::OtherGrant, "acknowledgement_mismatch"),
        (AcknowledgementFault::OtherTerms, "acknowledgement_mismatch"),
        (AcknowledgementFault::OtherTime, "acknowledgement_mismatch"),
        (AcknowledgementFault::OtherVerifier, "acknowledgement_mismatch"),
        (AcknowledgementFault::Garbage, "jws_malformed"),
    ] {
        world.verifier.acknowledge_badly(fault);
        let error = wallet.withdraw("grant-1").await.unwrap_err();
        assert_eq!(error.code(), expected, "{fault:?}: {error}");
        let grant = &wallet.grants()[0];
        assert!(grant.withdrawn_at.is_none() && grant.acknowledgement.is_none(), "{fault:?}");
    }
    world.verifier.acknowledge_badly(None);
    wallet.withdraw("grant-1").await.expect("the next try is heard");
}

#[tokio::test]
async fn threat_20_a_verifier_may_change_its_key_during_the_life_of_a_grant() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    world.verifier.rotate_key();
    let foreign = HttpResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}"#.to_vec(),
    };
    world.network.answer_instead("enishi-verifier", foreign);
    assert_eq!(wallet.withdraw("grant-1").await.unwrap_err().code(), "acknowledgement_mismatch");
    world.network.lose_answer("/jwks");
    assert_eq!(wallet.withdraw("grant-1").await.unwrap_err().code(), "unreachable");
    for not_for_signatures in ["enc", "wrap"] {
        let key = enishi_protocol::fixture::signer("verifier-2").public_jwk().clone();
        let key = Jwk { key_use: Some(not_for_signatures.to_owned()), ..key };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = serde_json::to_vec(&JwkSet { keys: vec![key] }).unwrap();
        world.network.answer_instead("/jwks", HttpResponse { status: 200, headers, body });
        let error = wallet.withdraw("grant-1").await.unwrap_err();
        assert_eq!(error.code(), "acknowledgement_mismatch", "{not_for_signatures}: {error}");
    }
    assert!(wallet.grants()[0].withdrawn_at.is_none());
    wallet.withdraw("grant-1").await.unwrap();
    assert!(wallet.grants()[0].acknowledgement.is_some());
}

#[tokio::test]
async fn when_the_network_fails_the_withdrawal_is_done_again() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    world.network.lose_answer("/grants/");
    assert_eq!(wallet.withdraw("grant-1").await.unwrap_err().code(), "unreachable");
    assert!(wallet.grants()[0].withdrawn_at.is_none(), "not claimed before it is known");
    wallet.withdraw("grant-1").await.unwrap();
}

#[tokio::test]
async fn only_the_wallet_that_gave_a_grant_may_look_at_it() {
    let world = World::new().await;
    let vault = world.parts().vault;
    let wallet = Wallet::open(WalletParts { vault: vault.clone(), ..world.parts() }).unwrap();
    world.fill(&wallet, 1).await;
    let request = wallet.read_request(&world.verifier.ask(&LinkAsk::new("grant-1"))).await.unwrap();
    wallet.approve(&request).await.unwrap();
    // The same vault, but another seed: another key.
    let thief = WalletParts { vault, seed: Seed::from_bytes([1; 32]), ..world.parts() };
    let thief = Wallet::open(thief).unwrap();
    assert_eq!(thief.grant_status("grant-1").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(thief.withdraw("grant-1").await.unwrap_err().code(), "grant_unknown");
    assert_eq!(world.verifier.grant_state("grant-1"), Some(GrantState::Active));
}

#[tokio::test]
async fn answers_of_a_broken_verifier_are_not_believed() {
    let world = World::new().await;
    let wallet = granted(&world).await;
    for body in ["", "[]", r#"{"state":"active"}"#] {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let broken = HttpResponse { status: 200, headers, body: body.into() };
        world.network.answer_instead("/grants/", broken.clone());
        assert_eq!(wallet.grant_status("grant-1").await.unwrap_err().code(), "grant_answer_malformed");
        world.network.answer_instead("/grants/", broken);
        assert_eq!(wallet.withdraw("grant-1").await.unwrap_err().code(), "grant_answer_malformed");
    }
}
