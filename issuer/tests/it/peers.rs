//! An independent wallet, on other people's libraries, against this issuer. Skipped where it is not installed
//! (`ENISHI_PEERS_DIR`).

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::world::{PORTAL, STRONG, World, world};

fn peers() -> Option<PathBuf> {
    let named = std::env::var_os("ENISHI_PEERS_DIR").map(PathBuf::from);
    let installed = named.filter(|dir| dir.join("node_modules").is_dir());
    if installed.is_none() {
        println!("skipped: no installed peers (ENISHI_PEERS_DIR)");
    }
    installed
}

async fn run(world: &World, dir: &PathBuf, uri: &str, env: &[(&str, &str)]) -> Value {
    let mut command = tokio::process::Command::new("node");
    command.current_dir(dir).arg("wallet-vci.mjs").arg(uri).envs(env.iter().copied());
    command.env("CHECK_STATUS", "0").env("REDIRECT_URI", super::world::REDIRECT);
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)));
    assert!(output.status.success(), "{} {env:?}: {report:#}", world.issuer);
    report
}

async fn offer(world: &World, tx_code: bool) -> Value {
    let body = json!({"account": {"sub": "resident-1", "acr": STRONG}, "rps": [PORTAL], "tx_code": tx_code});
    world.admin_offer(&body).await.json()
}

#[tokio::test]
async fn an_independent_wallet_gets_credentials() {
    let Some(dir) = peers() else { return };
    let world = world().await;
    for (env, count) in [
        (vec![("DPOP", "1")], 1),
        (vec![("DPOP", "0")], 1),
        (vec![("DPOP", "1"), ("PROOFS", "5")], 5),
        (vec![("PROOF_ALG", "EdDSA")], 1),
        (vec![("PROOF_BINDING", "did:jwk")], 1),
        (vec![("NOTIFY", "1")], 1),
    ] {
        for name in ["offer_uri_by_value", "offer_uri_by_reference"] {
            let offer = offer(&world, false).await;
            let report = run(&world, &dir, offer[name].as_str().unwrap(), &env).await;
            assert_eq!(report["credentials"].as_array().unwrap().len(), count, "{env:?}");
        }
    }
    let with_code = offer(&world, true).await;
    let tx_code = with_code["tx_code"].as_str().unwrap();
    run(&world, &dir, with_code["offer_uri_by_value"].as_str().unwrap(), &[("TX_CODE", tx_code)]).await;
}

#[tokio::test]
async fn an_independent_wallets_mistakes_are_refused() {
    let Some(dir) = peers() else { return };
    let world = world().await;
    for mistake in [
        "nonce",
        "proof",
        "aud",
        "noproof",
        "config",
        "identifier",
        "enc",
        "dpop",
        "nodpop",
        "query",
        "reuse",
    ] {
        let offer = offer(&world, false).await;
        run(&world, &dir, offer["offer_uri_by_value"].as_str().unwrap(), &[("BREAK", mistake)]).await;
    }
    let offer = offer(&world, true).await;
    let tx_code = offer["tx_code"].as_str().unwrap();
    run(
        &world,
        &dir,
        offer["offer_uri_by_value"].as_str().unwrap(),
        &[("TX_CODE", tx_code), ("BREAK", "tx")],
    )
    .await;
}

/// A person in front of the browser that the wallet opens: logs in, chooses the portal, agrees.
struct Person(World);

impl Person {
    async fn authorize(&self, url: &str) -> String {
        let mut browser = super::browser::Browser::new(&self.0);
        let page = browser.open(url).await.expect("the linking page");
        let answer = super::browser::decide(&mut browser, &page, "agree", &[PORTAL]).await;
        answer.header("location").to_owned()
    }
}

#[tokio::test]
async fn an_independent_wallet_goes_the_way_of_the_authorization_code() {
    let Some(dir) = peers() else { return };
    let person = Arc::new(Person(world().await));
    // The wallet's AUTHORIZE_CMD is a program; it asks this listener to act for the person.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let helper = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let router = Router::new()
        .route(
            "/",
            get(
                |State(person): State<Arc<Person>>,
                 axum::extract::RawQuery(query): axum::extract::RawQuery| async move {
                    person
                        .authorize(
                            &String::from_utf8(
                                enishi_credential::encoding::b64::decode(&query.unwrap()).unwrap(),
                            )
                            .unwrap(),
                        )
                        .await
                },
            ),
        )
        .with_state(Arc::clone(&person));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let command = format!(
        "node -e \"fetch('{helper}?' + Buffer.from(process.argv[1]).toString('base64url')).then(r => r.text()).then(t => console.log(t))\""
    );
    let world = &person.0;
    for env in [
        vec![("DPOP", "1")],
        vec![("DPOP", "0")],
        vec![("SCOPE", "1")],
        vec![("BREAK", "pkce")],
        vec![("BREAK", "reuse")],
    ] {
        let offer = world.admin_offer(&json!({"rps": [PORTAL]})).await.json();
        let mut env = env;
        env.extend([("FLOW", "code"), ("AUTHORIZE_CMD", command.as_str())]);
        run(world, &dir, offer["offer_uri_by_value"].as_str().unwrap(), &env).await;
    }
}
