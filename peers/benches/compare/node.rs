//! `@sd-jwt` in Node, which measures itself.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use enishi_peers::{NONCE, key};
use serde_json::{Value, json};

use crate::libraries::{NAMES, claims};

/// What Node found.
pub(crate) struct Node {
    /// Microseconds.
    pub(crate) verify: f64,
    /// Microseconds.
    pub(crate) issue: f64,
    /// For each fault.
    pub(crate) accepts: Vec<bool>,
}

/// `None` where Node or its libraries are missing.
pub(crate) fn run(faults: &[(&str, String)], shown: &str) -> Option<Node> {
    let folder = PathBuf::from(std::env::var_os("ENISHI_PEERS_DIR")?);
    if !folder.join("node_modules/@sd-jwt/sd-jwt-vc").is_dir() {
        return None;
    }
    let job = json!({
        "text": shown, "faults": faults.iter().map(|(_, text)| text).collect::<Vec<_>>(),
        "claims": claims(), "names": NAMES, "nonce": NONCE, "issuer": key("issuer").to_secret_value(),
    });
    let mut child = Command::new("node")
        .args(["--input-type=module", "--eval", include_str!("compare.mjs")])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(job.to_string().as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let found: Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(Node {
        verify: found["verify"].as_f64()?,
        issue: found["issue"].as_f64()?,
        accepts: found["accepts"].as_array()?.iter().map(|it| it == true).collect(),
    })
}
