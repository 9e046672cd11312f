//! A wallet on other people's libraries (`@openid4vc/openid4vp`, `dcql`, `@sd-jwt`) against this verifier.
//!
//! `cargo xtask test` installs it and names its folder in `ENISHI_PEERS_DIR`; without, these tests say so and do nothing.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::support::{RESIDENT, World};

fn peers() -> Option<PathBuf> {
    let folder = std::env::var_os("ENISHI_PEERS_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: ENISHI_PEERS_DIR does not name the independent wallets");
    }
    folder
}

/// A wallet file as the peer reads it, with a fresh credential of the resident.
async fn wallet(world: &World, folder: &std::path::Path) -> PathBuf {
    let credential = world.town.credential(RESIDENT, &world.town.sp, None).await;
    let file = folder.join("wallet.json");
    let content = json!({
        "holderKeys": [credential.instance.to_secret_value()],
        "credentials": [{"compact": credential.held.as_str(), "key": 0}],
    });
    std::fs::write(&file, content.to_string()).unwrap();
    file
}

/// Runs the peer's wallet on a request; its report, and whether it went as it should.
async fn run(
    peers: &std::path::Path,
    wallet: &std::path::Path,
    uri: &str,
    fault: Option<&str>,
) -> (bool, Value) {
    let mut command = tokio::process::Command::new("node");
    command.current_dir(peers).arg("wallet-vp.mjs").arg(uri).env("WALLET", wallet).kill_on_drop(true);
    if let Some(fault) = fault {
        command.env("BREAK", fault);
    }
    let output = command.output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr).into_owned()));
    (output.status.success(), report)
}

async fn ask(world: &World, body: Value) -> (String, String) {
    let asked = world.as_operator("POST", "/presentations", Some(body)).await.json();
    let text = |name: &str| asked[name].as_str().unwrap().to_owned();
    (text("presentation_id"), text("wallet_uri"))
}

#[tokio::test]
async fn an_independent_wallet_is_recognised_with_both_client_ids_and_both_methods() {
    let Some(peers) = peers() else { return };
    let world = World::first_party_today().await;
    let folder = tempfile::tempdir().unwrap();
    for prefix in ["x509_san_dns", "decentralized_identifier"] {
        for method in ["get", "post"] {
            let body = json!({"client_id_prefix": prefix, "request_uri_method": method,
                "redirect_uri": "http://localhost:9/back"});
            let (id, uri) = ask(&world, body).await;
            let file = wallet(&world, folder.path()).await;
            let (ok, report) = run(&peers, &file, &uri, None).await;
            assert!(ok, "{prefix} {method}: {report:#}");
            let redirect = report["verifier"]["redirect_uri"].as_str().unwrap();
            let code = redirect.split("response_code=").nth(1).unwrap();
            let path = format!("/presentations/{id}?response_code={code}");
            let found = world.as_operator("GET", &path, None).await.json();
            assert_eq!(found["ppid"], world.town.ppid(RESIDENT, &world.town.sp.id).expose());
        }
    }
}

#[tokio::test]
async fn an_independent_wallet_that_does_one_thing_wrong_is_refused() {
    let Some(peers) = peers() else { return };
    let world = World::first_party_today().await;
    let folder = tempfile::tempdir().unwrap();
    // Two of its faults are none here: `missing` leaves out the first claim of the query, and `rp` is visible anyway;
    // `state` changes the form after the answer was encrypted.
    for fault in [
        "nonce",
        "aud",
        "iat",
        "future",
        "sdhash",
        "kbsig",
        "wrongkey",
        "nokb",
        "disclosure",
        "issuersig",
        "replay",
        "plain",
    ] {
        let (id, uri) = ask(&world, json!({})).await;
        let file = wallet(&world, folder.path()).await;
        let (ok, report) = run(&peers, &file, &uri, Some(fault)).await;
        assert!(ok, "{fault}: {report:#}");
        let found = world.as_operator("GET", &format!("/presentations/{id}"), None).await.json();
        let expected = if fault == "replay" { "verified" } else { "pending" };
        assert_eq!(found["status"], expected, "{fault}");
    }
    let (id, uri) = ask(&world, json!({})).await;
    let file = wallet(&world, folder.path()).await;
    assert!(run(&peers, &file, &uri, Some("decline")).await.0);
    let found = world.as_operator("GET", &format!("/presentations/{id}"), None).await.json();
    assert_eq!(found, json!({"status": "not_verified"}));
}
