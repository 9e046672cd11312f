//! An issuer that is known by its `did:web`: key and status of its credentials, over the wire.

use serde_json::{Value, json};

use super::support::{RESIDENT, World};

/// Asks, answers with good credentials that have a status, and says what came of it.
async fn link(world: &World) -> (u16, String) {
    let created = world.ask(&World::wish()).await;
    let request = world.fetch(&created.wallet_uri).await;
    let status = Some(world.status_reference());
    let credentials = world.credentials_with(RESIDENT, RESIDENT, status).await;
    let presented = world.present(request, &credentials).await;
    let answer = world.post(&presented.post).await;
    if answer.status == 200 { (200, String::new()) } else { answer.problem() }
}

#[tokio::test]
async fn credentials_of_a_did_web_become_a_grant_and_its_document_is_fetched_once() {
    let world = World::linking_by_did().await;
    let granted = (200, String::new());
    assert_eq!(link(&world).await, granted);
    assert_eq!(link(&world).await, granted);
    assert_eq!(*world.others.did_fetches.lock().unwrap(), 1);
    assert_eq!(world.grant_states().await, [("active".to_owned(), 2)]);
    assert!(*world.others.status_fetches.lock().unwrap() > 0, "its list is on the host of the DID");
    *world.others.credential_status.lock().unwrap() = 1;
    world.clock.advance(2);
    assert_eq!(link(&world).await, (400, "credential_not_valid".to_owned()));
}

#[tokio::test]
async fn what_a_did_web_publishes_decides_and_without_it_there_is_no_grant() {
    let world = World::linking_by_did().await;
    let good = world.others.did_document.lock().unwrap().clone();
    let change = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    for (document, code) in [
        (Value::Null, "keys_unavailable"),
        (change("/id", json!("did:web:other.example")), "keys_unavailable"),
        (change("/assertionMethod", json!([])), "did_relationship"),
        (change("/verificationMethod/0/controller", json!("did:web:other.example")), "did_method_unusable"),
        (change("/verificationMethod/0/id", json!("#issuer-2")), "did_url_unknown"),
    ] {
        *world.others.did_document.lock().unwrap() = document;
        // What was published before is old by now.
        world.clock.advance(601);
        assert_eq!(link(&world).await, (400, code.to_owned()));
    }
    assert!(world.grant_states().await.iter().all(|(state, _)| state != "active"));
    *world.others.did_document.lock().unwrap() = good;
    world.clock.advance(601);
    assert_eq!(link(&world).await, (200, String::new()));
}
