//! did:webvh: a log and the approvals of its witnesses.
//!
//! An inside is a line of JSON for each entry: who signs it (`signer`, a name), how many seconds after the first
//! (`at`), its `parameters`, its `state`, and which witnesses approve it (`approvals`, names). `#key:NAME`, `#hash:NAME`
//! and `#did` stand for a key as Multikey, its hash, and the DID of the first entry, `{SCID}` for the SCID. After `raw` and a line break come
//! the DID and, on the lines after it, the log as published.
//!
//! Signatures are real ones: the author is part of what is tried here.

use enishi_credential::crypto::{RustCryptoVerifier, SoftwareSigner};
use enishi_credential::did::Did;
use enishi_credential::did::webvh::{Author, LogEntry, UnwitnessedLog, Version, WebvhLog};
use enishi_credential::encoding::json;
use enishi_credential::time::UnixTime;
use serde_json::{Value, json};

use super::sd_jwt::NOW;
use super::{Reached, choice, raw, toy, with_one_character_changed};

/// When the first entry is made.
const START: UnixTime = UnixTime::from_secs(1_700_000_000);
/// Entries of one log; each costs signatures.
const ENTRIES: usize = 6;

/// The target.
pub fn run(input: &[u8]) -> Reached {
    let Ok(text) = std::str::from_utf8(input) else { return Reached::Refused };
    if let Some(published) = raw(text) {
        let (did, log) = published.split_once('\n').unwrap_or((published, ""));
        let Ok(did) = Did::parse(did) else { return Reached::Refused };
        return check(&Published { did, log: log.to_owned(), approvals: None }, choice(input));
    }
    match publish(text) {
        Some(published) => check(&published, choice(input)),
        None => Reached::Refused,
    }
}

/// What a resolver fetches.
struct Published {
    did: Did,
    log: String,
    approvals: Option<String>,
}

fn signer(name: &str) -> SoftwareSigner {
    SoftwareSigner::new(toy::key(name)).expect("an Ed25519 key signs")
}

/// The log that an inside describes; `None` if it describes none.
fn publish(text: &str) -> Option<Published> {
    let mut entries: Vec<LogEntry> = Vec::new();
    let mut approvals = Vec::new();
    for line in text.lines().take(ENTRIES) {
        let mut line = with_names(line);
        if let Some(first) = entries.first() {
            let scid = first.did.as_str().split(':').nth(2).unwrap_or_default();
            line = line.replace("#did", first.did.as_str()).replace("{SCID}", scid);
        }
        let wish = json::parse(line.as_bytes()).ok()?;
        let (signer, witnesses) = (signer(wish["signer"].as_str()?), wish["approvals"].as_array());
        let author = Author::new(&signer).expect("an Ed25519 key");
        let (time, parameters, state) =
            (START.plus(wish["at"].as_i64()?.clamp(-1 << 40, 1 << 40)), &wish["parameters"], &wish["state"]);
        let entry = match entries.last() {
            None => toy::now(author.first(time, parameters, state)),
            Some(previous) => toy::now(author.next(previous, time, parameters, state)),
        };
        let entry = entry.expect("software signers do not wait").ok()?;
        if let Some(names) = witnesses {
            let names = names.iter().take(ENTRIES).filter_map(Value::as_str);
            let proofs: Vec<_> = names.map(|name| approval(name, &entry)).collect();
            approvals.push(json!({"versionId": entry.version_id, "proof": proofs}));
        }
        entries.push(entry);
    }
    let did = entries.first()?.did.clone();
    let log = entries.iter().map(|entry| entry.line.clone() + "\n").collect();
    let approvals = (!approvals.is_empty()).then(|| Value::Array(approvals).to_string());
    Some(Published { did, log, approvals })
}

fn approval(name: &str, entry: &LogEntry) -> Value {
    let signer = signer(name);
    let author = Author::new(&signer).expect("an Ed25519 key");
    toy::now(author.approve(&entry.version_id)).expect("software signers do not wait").expect("it signs")
}

/// Writes keys and hashes of keys where `#key:NAME` and `#hash:NAME` stand.
fn with_names(line: &str) -> String {
    let mut out = line.to_owned();
    for (mark, hashed) in [("#key:", false), ("#hash:", true)] {
        for _ in 0..16 {
            let Some(at) = out.find(mark) else { break };
            let name = &out[at + mark.len()..];
            let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
            let signer = signer(&name[..end]);
            let author = Author::new(&signer).expect("an Ed25519 key");
            let text = if hashed { author.key_hash() } else { author.multikey() };
            out.replace_range(at..at + mark.len() + end, &text);
        }
    }
    out
}

fn read(published: &Published, log: &str) -> Option<WebvhLog> {
    let log = UnwitnessedLog::read(log.as_bytes(), &published.did, NOW, &RustCryptoVerifier).ok()?;
    log.witnessed(published.approvals.as_deref().map(str::as_bytes), &RustCryptoVerifier).ok()
}

fn check(published: &Published, choice: usize) -> Reached {
    let Some(log) = read(published, &published.log) else { return Reached::Refused };
    let mut versions = 0;
    for number in 1..=ENTRIES {
        let Ok(version) = log.resolve(&version(&format!("versionNumber={number}"))) else { continue };
        versions += 1;
        let metadata = &version.metadata;
        assert_eq!(metadata.version_number, number);
        assert_eq!(version.document.as_value()["id"], version.document.did().as_str());
        assert!(version.document.did().as_str().contains(&metadata.scid), "the SCID stays");
        let same = log.resolve(&self::version(&format!("versionId={}", metadata.version_id)));
        assert_eq!(same.expect("its name").metadata, *metadata);
    }
    let Ok(latest) = log.resolve(&Version::LATEST) else {
        // An older version can be good where the latest is not.
        return Reached::Refused;
    };
    assert!(versions > 0 && latest.metadata.version_number >= versions);
    changed(published, choice);
    Reached::Accepted
}

/// A log in which one character was changed has no latest version, or says the same in another spelling.
fn changed(published: &Published, choice: usize) {
    let Some(changed) = with_one_character_changed(&published.log, choice) else { return };
    let resolved = read(published, &changed).and_then(|log| log.resolve(&Version::LATEST).ok());
    let values = |log: &str| log.lines().map(|line| json::parse(line.as_bytes()).ok()).collect::<Vec<_>>();
    assert!(resolved.is_none() || values(&changed) == values(&published.log), "a changed log resolves");
}

fn version(query: &str) -> Version {
    Version::from_query(query).expect("a version")
}
