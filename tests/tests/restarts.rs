//! What has been said stays said: a service that is killed where it stands (SIGKILL) and started again knows what it has
//! acknowledged, and forgets no refusal.

use std::time::Duration;

use enishi_demo::rehearsal::{Rehearsal, Reply, Who};
use enishi_demo::{Place, Service};
use enishi_protocol::grant::messages::MintedLink;
use enishi_tests::{town, wait};

async fn restart(town: &Rehearsal, service: Service) {
    town.kill9(service).await.unwrap();
    assert!(!town.is_alive(service).await);
    town.start(service).await.unwrap();
}

/// The gateway refuses, at once or as soon as it has heard.
async fn refused_in_the_end(town: &Rehearsal, what: &str, link: &Link) -> Reply {
    wait::until(what, || async {
        let reply = town.use_link(&link.grant, &link.minted).await.unwrap();
        (reply.status != 200).then_some(reply)
    })
    .await
}

/// A data link that the portal keeps, whatever it is told.
struct Link {
    grant: String,
    minted: MintedLink,
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_17_what_the_verifier_acknowledged_survives_its_death() {
    let town = town::found(town::processes()).await;
    let a = town.resident(Who::A).await.unwrap();

    // A consent, killed right after the wallet had its 200.
    let request = a.ask().await.unwrap();
    let answered = a.answer(&request).await.unwrap();
    restart(&town, Service::Verifier).await;
    let grant = answered.grant_id.clone().unwrap();
    assert_eq!(a.state(&grant).await.unwrap(), "active");
    a.follow(&answered).await.unwrap();
    assert_eq!(
        a.at_portal(&grant).await.unwrap()["state"],
        "granted",
        "the SP hears of it after the restart"
    );
    let shown = a.fetch(&grant).await.unwrap();
    assert_eq!(shown["fetches"][0]["outcome"], "fetched", "{shown}");

    // The withdrawal, killed right after the acknowledgement: perhaps before the notices went out.
    let minted = town.mint(&grant).await.unwrap();
    assert!(!a.withdraw(&grant).await.unwrap().is_empty());
    restart(&town, Service::Verifier).await;
    assert_eq!(a.state(&grant).await.unwrap(), "withdrawn");
    let refusal = town.mint(&grant).await.unwrap_err().to_string();
    assert!(refusal.contains("grant_not_active"), "{refusal}");
    let link = Link { grant: grant.clone(), minted };
    let reply = refused_in_the_end(&town, "the gateway refuses a hoarded link", &link).await;
    assert!((400..500).contains(&reply.status), "{reply:?}");
    wait::until("the portal erases what it had", || async {
        a.at_portal(&grant).await.unwrap()["data"].is_null().then_some(())
    })
    .await;
    assert!(a.history(&grant).await.unwrap().contains(&"withdrawn".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_4_a_consent_cut_off_at_any_moment_is_whole_or_not_there() {
    let town = town::found(town::processes()).await;
    let a = town.resident(Who::A).await.unwrap();
    for millis in [0, 6, 20] {
        let request = a.ask().await.unwrap();
        let grant = request.terms().unwrap().grant_id.clone();
        // Not waiting for anything: the moment of the blow is what differs.
        let blow = async {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            town.kill9(Service::Verifier).await.unwrap();
        };
        let (answered, ()) = tokio::join!(a.answer(&request), blow);
        town.start(Service::Verifier).await.unwrap();
        let told = a.state(&grant).await;
        if answered.is_ok() {
            assert_eq!(told.unwrap(), "active", "a 200 was sent, {millis} ms");
        }
        // Whatever happened, the same answer makes at most the same grant.
        let again = a.last_form().unwrap();
        let reply = town.repeat(&again).await.unwrap();
        assert!(reply.status == 200 || (400..500).contains(&reply.status), "{reply:?}");
        if reply.status == 200 {
            assert!(answered.is_err(), "an answer that was taken is not taken twice");
        }
        assert_eq!(a.state(&grant).await.unwrap(), "active", "{millis} ms, {reply:?}");
        let twice = town.repeat(&again).await.unwrap();
        assert!((400..500).contains(&twice.status), "{twice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_4_the_issuer_dies_between_token_and_credential_and_issues_once() {
    let town = town::found(town::processes()).await;
    let a = town.newcomer(Who::A).unwrap();
    a.cut_before("/credential");
    a.link(&[Place::Portal]).await.unwrap_err();
    assert_eq!(a.fresh(Place::Portal), 0);
    let (token_request, credential_request) = (a.last_form().unwrap(), a.lost().unwrap());
    assert!(token_request.url.ends_with("/token"), "{}", token_request.url);
    restart(&town, Service::Issuer).await;

    // The wallet goes on where it was: token, nonce and proof outlive the process.
    let issued = town.repeat(&credential_request).await.unwrap();
    assert_eq!(issued.status, 200, "{issued:?}");
    assert!(!issued.json()["credentials"].as_array().unwrap().is_empty());
    // The same proof is no second request.
    let repeated = town.repeat(&credential_request).await.unwrap();
    assert!((400..500).contains(&repeated.status), "{repeated:?}");
    // The code was used before the restart, and is used after it.
    let reused = town.repeat(&token_request).await.unwrap();
    assert!((400..500).contains(&reused.status), "{reused:?}");
    assert!(reused.json().get("access_token").is_none());
    // And a wallet that begins anew gets what it needs.
    assert!(a.link(&[Place::Portal]).await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_4_the_gateway_remembers_proofs_and_withdrawals_through_a_restart() {
    let town = town::found(town::processes()).await;
    let a = town.resident(Who::A).await.unwrap();
    let grant = a.consent().await.unwrap();
    let minted = town.mint(&grant).await.unwrap();
    let prepared = town.prepare(&grant, &minted).await.unwrap();
    let first = town.send(&prepared).await.unwrap();
    assert_eq!(first.status, 200, "{first:?}");
    restart(&town, Service::HealthGateway).await;
    let replayed = town.send(&prepared).await.unwrap();
    assert_eq!(replayed.status, 401, "a proof is used once, also across a restart: {replayed:?}");
    // With a fresh proof the link still works (it is good for three requests), so it is the proof that was refused.
    assert_eq!(town.use_link(&grant, &minted).await.unwrap().status, 200);

    a.withdraw(&grant).await.unwrap();
    let link = Link { grant, minted };
    refused_in_the_end(&town, "the gateway hears of the withdrawal", &link).await;
    restart(&town, Service::HealthGateway).await;
    let refused = town.use_link(&link.grant, &link.minted).await.unwrap();
    assert!((400..500).contains(&refused.status), "{refused:?}");
    // Not because the link was used up: the grant is what is over.
    assert_eq!(refused.code, "grant_not_active", "{refused:?}");
}

/// The withdrawal is acknowledged while the gateway is away, and then the verifier dies. The gateway refuses when it is back,
/// by the notice or by the status list: that the notice itself survives is the other test's to show.
#[tokio::test(flavor = "multi_thread")]
async fn threat_17_withdrawn_is_refused_by_the_gateway() {
    let town = town::found(town::processes()).await;
    let a = town.resident(Who::A).await.unwrap();
    for _ in 0..2 {
        let grant = a.consent().await.unwrap();
        let minted = town.mint(&grant).await.unwrap();
        assert_eq!(town.use_link(&grant, &minted).await.unwrap().status, 200, "it works before");
        // The gateway is away while the notice would be delivered.
        town.kill9(Service::HealthGateway).await.unwrap();
        a.withdraw(&grant).await.unwrap();
        restart(&town, Service::Verifier).await;
        town.start(Service::HealthGateway).await.unwrap();
        let link = Link { grant, minted };
        let reply = refused_in_the_end(&town, "the gateway refuses the withdrawn grant", &link).await;
        assert_eq!(reply.code, "grant_not_active", "{reply:?}");
    }
}
