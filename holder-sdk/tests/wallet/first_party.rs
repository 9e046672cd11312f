//! An organisation wants to know its own user (linkage protocol §4): it and nobody else.

use std::sync::Arc;

use enishi_holder_sdk::testing::{Received, Tampering, World};
use enishi_holder_sdk::{Wallet, WalletParts};
use serde_json::json;

/// A wallet that was told that the verifier is run by `rp` for itself.
fn wallet_that_knows(world: &Arc<World>, rp: Option<&str>) -> Wallet {
    let mut parts: WalletParts = world.parts();
    for known in parts.trust.verifiers.iter_mut().flatten() {
        known.rp = rp.map(str::to_owned);
    }
    Wallet::open(parts).unwrap()
}

#[tokio::test]
async fn the_organisation_itself_gets_the_identifiers_and_the_same_ones_each_time() {
    let world = World::new().await;
    let rp = world.town.ids.sp.as_str();
    let wallet = wallet_that_knows(&world, Some(rp));
    world.fill(&wallet, 2).await;
    for _ in 0..2 {
        let uri = world.verifier.ask_first_party(rp, Tampering::none());
        let request = wallet.read_request(&uri).await.unwrap();
        assert_eq!(request.parties(), [rp]);
        assert!(request.terms().is_none());
        assert_eq!(wallet.approve(&request).await.unwrap().grant_id, None);
    }
    let received = world.verifier.received();
    let [Received::FirstParty(one), Received::FirstParty(other)] = &received[..] else {
        panic!("{received:?}")
    };
    assert_eq!(one.ppid, other.ppid);
    assert_eq!(one.sub, other.sub);
    assert_eq!(wallet.fresh_credentials(rp), 0);
    assert_eq!(wallet.fresh_credentials(&world.town.ids.dp), 2);
    assert!(wallet.grants().is_empty());
    let uri = world.verifier.ask_first_party(rp, Tampering::none());
    let request = wallet.read_request(&uri).await.unwrap();
    assert_eq!(wallet.approve(&request).await.unwrap_err().code(), "no_credential");
}

#[tokio::test]
async fn privacy_2_nobody_gets_the_identifiers_of_another_organisations_user() {
    let world = World::new().await;
    let (sp, dp) = (world.town.ids.sp.as_str(), world.town.ids.dp.as_str());
    for (told, asked) in [(None, sp), (Some(dp), sp), (Some(sp), dp), (Some("https://portal.example/"), sp)] {
        let wallet = wallet_that_knows(&world, told);
        world.fill(&wallet, 1).await;
        let uri = world.verifier.ask_first_party(asked, Tampering::none());
        let error = wallet.read_request(&uri).await.unwrap_err();
        assert_eq!(error.code(), "not_the_party", "{told:?} {asked}");
        assert_eq!(wallet.fresh_credentials(asked), 1);
    }
    let received = world.verifier.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|one| matches!(one, Received::Declined(code) if code == "invalid_request")));
}

#[tokio::test]
async fn vp_36_what_is_asked_for_is_what_is_disclosed() {
    let world = World::new().await;
    let rp = world.town.ids.sp.as_str();
    let wallet = wallet_that_knows(&world, Some(rp));
    for claims in [
        json!([{"path": ["rp"], "values": [rp]}]),
        json!([{"path": ["rp"], "values": [rp]}, {"path": ["ppid"]}]),
        json!([{"path": ["rp"], "values": [rp]}, {"path": ["sub"]}, {"path": ["ppid"]}, {"path": ["sealed_sub"]}]),
        json!([{"path": ["rp"], "values": [rp, "https://health.example"]}, {"path": ["sub"]}, {"path": ["ppid"]}]),
    ] {
        let tampering =
            Tampering::none().claims(|all| all["dcql_query"]["credentials"][0]["claims"] = claims);
        let uri = world.verifier.ask_first_party(rp, tampering);
        assert_eq!(wallet.read_request(&uri).await.unwrap_err().code(), "query_unexpected");
    }
}
