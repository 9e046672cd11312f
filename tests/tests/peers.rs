//! Wallets on other people's libraries against the served town: OpenID4VCI 1.0 and OpenID4VP 1.0 as somebody else reads
//! them. Where Node or the peers are missing, each test says so and is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use enishi_tests::outside::{node, peers};
use enishi_tests::process::Enishi;
use serde_json::Value;

/// How long one run of a peer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A served town with its console.
struct Served {
    _town: Enishi,
    console: String,
    folder: tempfile::TempDir,
    peers: PathBuf,
}

impl Served {
    async fn start(peers: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("town");
        let mut town = Enishi::start(["demo", "--serve", "--json", "--dir", dir.to_str().unwrap()]);
        let serving = town.line("the town is served", |line| line["serving"].is_object()).await;
        let console = serving["serving"]["console"].as_str().unwrap().to_owned();
        Self { _town: town, console, folder, peers }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("{}{path}", self.console)).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    async fn offer(&self, kind: &str) -> String {
        self.get("/offers").await[kind].as_str().unwrap().to_owned()
    }

    async fn session(&self, query: &str) -> (String, String) {
        let session = self.get(&format!("/session?{query}")).await;
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        (text("id"), text("uri"))
    }

    /// Runs a peer; `broken` names what it does wrong on purpose. Its report says whether it went as it should.
    async fn run(&self, script: &str, argument: &str, settings: &[(&str, &str)]) -> Value {
        let mut command = node(&self.peers, script);
        command.arg(argument).env("CONSOLE", &self.console);
        command.envs(settings.iter().copied());
        let mut peer = Enishi::spawn(command);
        let status = peer.ended(PATIENCE).await;
        let output = peer.output().join("\n");
        let report: Value = serde_json::from_str(&output).unwrap_or_default();
        assert!(status.success(), "{script} {settings:?}: {status}\n{output}");
        report
    }

    async fn wallet_vci(&self, kind: &str, settings: &[(&str, &str)]) -> Value {
        self.run("wallet-vci.mjs", &self.offer(kind).await, settings).await
    }

    fn wallet_file(&self) -> PathBuf {
        self.folder.path().join("wallet.json")
    }
}

/// Logs the sample resident in and picks the portal: what a browser would do. The peer calls it with the URL as `$0`.
const LOGIN: &str = r#"curl -sS -G "$CONSOLE/authorize" --data-urlencode url="$0" #"#;

fn has_curl() -> bool {
    Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn check_credentials(report: &Value, count: usize) {
    let credentials = report["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), count, "{report:#}");
    for credential in credentials {
        assert_eq!(credential["claims"]["vct"], "urn:enishi:linkage:1");
        assert_eq!(credential["issuerKeyFrom"], "jwt-vc-issuer");
        assert!(credential["boundToKey"].as_i64().unwrap() >= 0);
    }
}

#[tokio::test]
async fn an_independent_wallet_gets_linkage_credentials_in_every_flow() {
    let Some(peers) = peers() else { return };
    let town = Served::start(peers).await;
    let dpop = ("DPOP", "1");
    for (kind, settings, count) in [
        ("pre", vec![dpop, ("PROOFS", "5")], 5),
        ("byReference", vec![dpop], 1),
        ("preTx", vec![dpop, ("TX_CODE", "1234")], 1),
        ("pre", vec![dpop, ("PROOF_ALG", "EdDSA")], 1),
        ("pre", vec![dpop, ("PROOF_BINDING", "did:jwk")], 1),
        ("pre", vec![dpop, ("NOTIFY", "1")], 1),
    ] {
        let report = town.wallet_vci(kind, &settings).await;
        check_credentials(&report, count);
        assert_eq!(report["tokenType"], "DPoP");
    }
    if !has_curl() {
        println!("skipped: the code flow needs curl for the peer's login command");
        return;
    }
    let login = [dpop, ("FLOW", "code"), ("AUTHORIZE_CMD", LOGIN), ("PROOFS", "5")];
    check_credentials(&town.wallet_vci("code", &login).await, 5);
    let by_scope = [&login[..3], &[("SCOPE", "1")]].concat();
    check_credentials(&town.wallet_vci("code", &by_scope).await, 1);
}

#[tokio::test]
async fn the_issuer_refuses_what_an_independent_wallet_does_wrong() {
    let Some(peers) = peers() else { return };
    let town = Served::start(peers).await;
    for (broken, code) in [
        ("nonce", "invalid_nonce"),
        ("proof", "invalid_proof"),
        ("aud", "invalid_proof"),
        ("noproof", "invalid_proof"),
        ("config", "unknown_credential_configuration"),
        ("identifier", "unknown_credential_identifier"),
        ("enc", "invalid_encryption_parameters"),
        ("dpop", "invalid_token"),
        ("nodpop", "invalid_token"),
        ("query", ""),
        ("reuse", "invalid_grant"),
    ] {
        let report = town.wallet_vci("pre", &[("DPOP", "1"), ("BREAK", broken)]).await;
        assert!(report["error"].to_string().contains(code), "{broken}: {report:#}");
    }
    let tx = town.wallet_vci("preTx", &[("TX_CODE", "1234"), ("BREAK", "tx")]).await;
    assert_eq!(tx["error"]["error"], "invalid_grant");
    if has_curl() {
        for broken in ["pkce", "reuse"] {
            let settings = [("FLOW", "code"), ("AUTHORIZE_CMD", LOGIN), ("BREAK", broken)];
            let report = town.wallet_vci("code", &settings).await;
            assert_eq!(report["error"]["error"], "invalid_grant", "{broken}: {report:#}");
        }
    }
}

#[tokio::test]
async fn an_independent_wallet_shows_a_linkage_credential_to_its_organisation() {
    let Some(peers) = peers() else { return };
    let town = Served::start(peers).await;
    let wallet = town.wallet_file();
    let wallet = wallet.to_str().unwrap();
    let issued = town.wallet_vci("pre", &[("PROOFS", "5"), ("OUT", wallet)]).await;
    for query in ["client=x509_san_dns", "client=did", "post=1"] {
        let (id, uri) = town.session(query).await;
        let report = town.run("wallet-vp.mjs", &uri, &[("WALLET", wallet), ("NEEDS_SIGNED", "1")]).await;
        assert_eq!(report["encrypted"], true, "{query}");
        let result = town.get(&format!("/result/{id}")).await;
        let subs =
            issued["credentials"].as_array().unwrap().iter().map(|credential| &credential["claims"]["sub"]);
        assert!(subs.into_iter().any(|sub| *sub == result["sub"]), "{result}");
        assert_eq!(result["ppid"], issued["credentials"][0]["claims"]["ppid"]);
    }
    for broken in [
        "nonce",
        "aud",
        "iat",
        "future",
        "sdhash",
        "kbsig",
        "wrongkey",
        "nokb",
        "disclosure",
        "missing",
        "issuersig",
        "replay",
        "plain",
    ] {
        let (_, uri) = town.session("").await;
        let report = town.run("wallet-vp.mjs", &uri, &[("WALLET", wallet), ("BREAK", broken)]).await;
        let status = report["responseStatus"].as_u64().unwrap();
        assert!((400..500).contains(&status), "{broken}: {report:#}");
    }
    let (_, uri) = town.session("").await;
    town.run("wallet-vp.mjs", &uri, &[("WALLET", wallet), ("BREAK", "decline")]).await;
}

/// The peers are read from their folder, and nothing of them is kept here.
#[test]
fn the_peers_are_found_where_they_are_said_to_be() {
    let Some(peers) = peers() else { return };
    assert!(Path::new(&peers).join("wallet-vci.mjs").is_file());
}
