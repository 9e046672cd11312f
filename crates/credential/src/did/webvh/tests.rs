//! Logs of our own, each wrong in one thing and signed as if it were right.

mod properties;

use serde_json::{Map, Value, json};

use super::author::draft;
use super::*;
use crate::crypto::{RustCryptoVerifier, SoftwareSigner};
use crate::encoding::json as strict_json;
use crate::entropy::SeededEntropy;
use crate::jose::jwk::PrivateJwk;

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(super) const START: UnixTime = UnixTime::from_secs(1_700_000_000);
const PLACE: &str = "did:webvh:{SCID}:issuer.example";

pub(super) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn key(seed: &str) -> SoftwareSigner {
    SoftwareSigner::new(PrivateJwk::generate_ed25519(&SeededEntropy::new(seed))).unwrap()
}

pub(super) fn mb(seed: &str) -> String {
    Author::new(&key(seed)).unwrap().multikey()
}

fn promise(seed: &str) -> String {
    Author::new(&key(seed)).unwrap().key_hash()
}

/// The first entry, signed by the key `a`, which alone may update.
pub(super) fn first(parameters: &Value) -> LogEntry {
    first_with(parameters, &json!({ "id": PLACE }))
}

fn first_with(parameters: &Value, state: &Value) -> LogEntry {
    let mut all = json!({ "updateKeys": [mb("a")] });
    all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    wait(Author::new(&key("a")).unwrap().first(START, &all, state)).unwrap()
}

pub(super) fn state(of: &LogEntry) -> Value {
    json!({ "id": of.did.as_str() })
}

/// The next entry, a second later, signed by the key `signer`.
pub(super) fn next(previous: &LogEntry, at: i64, signer: &str, parameters: &Value) -> LogEntry {
    next_with(previous, START.plus(at), signer, parameters, &state(previous))
}

fn next_with(
    previous: &LogEntry,
    time: UnixTime,
    signer: &str,
    parameters: &Value,
    state: &Value,
) -> LogEntry {
    wait(Author::new(&key(signer)).unwrap().next(previous, time, parameters, state)).unwrap()
}

pub(super) fn text(entries: &[&LogEntry]) -> Vec<u8> {
    let lines: Vec<_> = entries.iter().map(|entry| entry.line.clone() + "\n").collect();
    lines.concat().into_bytes()
}

fn read(log: &[u8], did: &Did) -> Verdict<WebvhLog> {
    UnwitnessedLog::read(log, did, NOW, &RustCryptoVerifier)
        .and_then(|log| log.witnessed(None, &RustCryptoVerifier))
}

/// The latest version, or the code and the place of the refusal.
fn latest(entries: &[&LogEntry]) -> Result<Resolution, (&'static str, String)> {
    read(&text(entries), &entries[0].did)
        .and_then(|log| log.resolve(&Version::LATEST))
        .map_err(|failure| (failure.code, failure.pointer))
}

fn refused(entries: &[&LogEntry]) -> &'static str {
    latest(entries).unwrap_err().0
}

/// The first entry with one thing changed, everything but the SCID calculated and signed anew.
fn resigned(change: impl FnOnce(&mut Map<String, Value>)) -> Vec<u8> {
    let entry = first(&json!({}));
    let Value::Object(mut object) = strict_json::parse(entry.line.as_bytes()).unwrap() else { panic!() };
    object.remove("proof");
    object.remove("versionId");
    change(&mut object);
    let scid = scid_of(&entry.did).unwrap().to_owned();
    wait(Author::new(&key("a")).unwrap().sign(object, 1, &scid)).unwrap().line.into_bytes()
}

/// The first entry with something changed after it was signed.
fn tampered(change: impl FnOnce(&mut Value)) -> &'static str {
    let entry = first(&json!({}));
    let mut object = strict_json::parse(entry.line.as_bytes()).unwrap();
    change(&mut object);
    read(object.to_string().as_bytes(), &entry.did).unwrap_err().code
}

#[test]
fn what_an_author_writes_resolves_with_its_services() {
    let entry = first_with(&json!({"ttl": 60}), &json!({"id": "did:webvh:{SCID}:a.example%3A8443:x:{SCID}"}));
    let resolution = latest(&[&entry]).unwrap();
    let scid = scid_of(&entry.did).unwrap();
    let folder = format!("https://a.example:8443/x/{scid}/");
    let services = &resolution.document.as_value()["service"];
    assert_eq!(services[0], json!({"id": "#files", "type": "relativeRef", "serviceEndpoint": folder}));
    assert_eq!(services[1]["serviceEndpoint"], format!("{folder}whois.vp"));
    assert_eq!(resolution.metadata.version_id, entry.version_id);
    assert_eq!((resolution.metadata.ttl, resolution.metadata.version_number), (60, 1));
    assert_eq!(check(&entry.did).unwrap().url("https", "did.jsonl"), format!("{folder}did.jsonl"));
    // A service of that name takes the place of the implicit one.
    let own = json!([{"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://files.example/"}]);
    let entry = first_with(&json!({}), &json!({"id": PLACE, "service": own}));
    let document = latest(&[&entry]).unwrap().document;
    assert_eq!(document.as_value()["service"].as_array().unwrap().len(), 2);
    assert_eq!(document.as_value()["service"][0], own[0]);
}

#[test]
fn did_webvh_a_new_key_does_not_authorize_itself() {
    let one = first(&json!({}));
    let rotate = json!({ "updateKeys": [mb("b")] });
    let by_new = next(&one, 1, "b", &rotate);
    assert_eq!(latest(&[&one, &by_new]).unwrap_err(), ("did_log_proof", "/1/proof".to_owned()));
    let two = next(&one, 1, "a", &rotate);
    assert_eq!(
        refused(&[&one, &two, &next(&two, 2, "a", &json!({}))]),
        "did_log_proof",
        "the old key is spent"
    );
    assert!(latest(&[&one, &two, &next(&two, 2, "b", &json!({}))]).is_ok());
}

#[test]
fn did_webvh_pre_rotation_needs_promised_keys_and_new_promises() {
    let one = first(&json!({ "nextKeyHashes": [promise("b"), promise("spare")] }));
    let good = json!({ "updateKeys": [mb("b")], "nextKeyHashes": [promise("c")] });
    assert!(latest(&[&one, &next(&one, 1, "b", &good)]).is_ok());
    for (signer, parameters, code) in [
        ("a", json!({}), "did_log_parameters"),
        ("a", json!({ "nextKeyHashes": [promise("c")] }), "did_log_parameters"),
        ("b", json!({ "updateKeys": [mb("b")] }), "did_log_parameters"),
        ("b", json!({ "updateKeys": [], "nextKeyHashes": [] }), "did_log_parameters"),
        ("b", json!({ "updateKeys": [mb("b"), mb("x")], "nextKeyHashes": [] }), "did_log_parameters"),
        ("x", json!({ "updateKeys": [mb("x")], "nextKeyHashes": [] }), "did_log_parameters"),
        ("a", good.clone(), "did_log_proof"),
    ] {
        assert_eq!(refused(&[&one, &next(&one, 1, signer, &parameters)]), code, "{parameters}");
    }
    // Switched off, it still holds for the entry that does so, and no longer for the one after.
    let two = next(&one, 1, "b", &json!({ "updateKeys": [mb("b")], "nextKeyHashes": [] }));
    assert!(latest(&[&one, &two, &next(&two, 2, "b", &json!({ "updateKeys": [mb("z")] }))]).is_ok());
    assert_eq!(
        refused(&[&one, &two, &next(&two, 2, "z", &json!({ "updateKeys": [mb("z")] }))]),
        "did_log_proof"
    );
}

#[test]
fn did_webvh_version_ids_count_without_gaps_and_are_the_hash() {
    let one = first(&json!({}));
    let author_key = key("a");
    let author = Author::new(&author_key).unwrap();
    for number in [1, 3, 0] {
        let entry =
            wait(author.sign(draft(START.plus(1), &json!({}), &state(&one)), number, &one.version_id));
        assert_eq!(refused(&[&one, &entry.unwrap()]), "did_log_hash", "{number}");
    }
    // The chain: an entry that hangs on another predecessor.
    let stranger =
        wait(author.sign(draft(START.plus(1), &json!({}), &state(&one)), 2, scid_of(&one.did).unwrap()));
    assert_eq!(refused(&[&one, &stranger.unwrap()]), "did_log_hash");
    for id in ["1", "1-", "01-Qm", "1--Qm", "-1-Qm", ""] {
        assert_eq!(tampered(|entry| entry["versionId"] = json!(id)), "did_log_hash", "{id}");
    }
    let other = format!("1-{}", multihash::base58("other"));
    assert_eq!(tampered(|entry| entry["versionId"] = json!(other)), "did_log_hash");
    // An entry left out, and two in the wrong order.
    let two = next(&one, 1, "a", &json!({}));
    let three = next(&two, 2, "a", &json!({}));
    assert_eq!(refused(&[&one, &three]), "did_log_hash");
    assert_eq!(refused(&[&one, &three, &two]), "did_log_hash");
}

#[test]
fn did_webvh_times_increase_and_are_not_in_the_future() {
    let one = first(&json!({}));
    let at = |time: UnixTime| next_with(&one, time, "a", &json!({}), &state(&one));
    assert_eq!(latest(&[&one, &at(START)]).unwrap_err(), ("did_log_time", "/1/versionTime".to_owned()));
    assert_eq!(refused(&[&one, &at(START.plus(-1))]), "did_log_time");
    assert!(latest(&[&one, &at(NOW.plus(300))]).is_ok());
    let early = at(NOW.plus(301));
    assert_eq!(refused(&[&one, &early]), "did_log_time");
    // In the middle too.
    assert_eq!(refused(&[&one, &early, &next(&early, 2, "a", &json!({}))]), "did_log_time");
    for time in ["2023-11-14T22:13:20", "2023-11-14T22:13:20+00:00", "yesterday", ""] {
        assert_eq!(tampered(|entry| entry["versionTime"] = json!(time)), "did_log_time", "{time}");
    }
}

#[test]
fn did_webvh_the_scid_is_the_hash_of_the_first_entry() {
    let did = first(&json!({})).did;
    let code = |log: &[u8]| read(log, &did).unwrap_err().code;
    assert!(read(&resigned(|_| ()), &did).is_ok(), "the control");
    assert_eq!(code(&resigned(|entry| entry["state"]["x"] = json!(1))), "did_log_scid");
    assert_eq!(code(&resigned(|entry| entry["parameters"]["ttl"] = json!(1))), "did_log_scid");
    let other = multihash::base58("other");
    assert_eq!(code(&resigned(|entry| entry["parameters"]["scid"] = json!(other))), "did_log_scid");
    assert_eq!(code(&resigned(|entry| entry["parameters"]["scid"] = json!("Qm"))), "did_log_parameters");
    // The document must not bear another SCID than the parameters.
    let foreign = format!("did:webvh:{other}:issuer.example");
    assert_eq!(code(&resigned(|entry| entry["state"]["id"] = json!(foreign))), "did_log_did");
    let foreign = Did::parse(&foreign).unwrap();
    assert_eq!(read(&resigned(|_| ()), &foreign).unwrap_err().code, "did_log_scid");
}

#[test]
fn did_webvh_the_log_must_have_the_did_that_is_resolved() {
    let entry = first(&json!({}));
    let elsewhere = Did::parse(&entry.did.as_str().replace("issuer.", "other.")).unwrap();
    assert_eq!(read(&text(&[&entry]), &elsewhere).unwrap_err().code, "did_log_did");
    for text in ["did:webvh:Qm:issuer.example", "did:webvh:issuer.example", "did:web:issuer.example"] {
        let did = Did::parse(text).unwrap();
        assert!(UnwitnessedLog::read(b"", &did, NOW, &RustCryptoVerifier).is_err(), "{text}");
        // Before anything is fetched.
        assert_eq!(check(&did).unwrap_err().code, "did_invalid", "{text}");
    }
    assert!(check(&entry.did).is_ok());
}

#[test]
fn did_webvh_a_log_has_a_longest_length() {
    let with = |more: usize| first_with(&json!({}), &json!({ "id": PLACE, "x": "x".repeat(more) }));
    let room = MAX_LOG - text(&[&with(0)]).len();
    let read = |more: usize| {
        let entry = with(more);
        read(&text(&[&entry]), &entry.did).map(drop).map_err(|failure| failure.code)
    };
    assert_eq!((read(room), read(room + 1)), (Ok(()), Err("did_log_entry")));
}

#[test]
fn did_webvh_unknown_null_and_misplaced_parameters_are_refused() {
    for parameters in [
        json!({ "surprise": 1 }),
        json!({ "witness": null }),
        json!({ "witness": [] }),
        json!({ "nextKeyHashes": null }),
        json!({ "nextKeyHashes": "x" }),
        json!({ "nextKeyHashes": [1] }),
        json!({ "updateKeys": [] }),
        json!({ "updateKeys": null }),
        json!({ "updateKeys": vec!["z"; 65] }),
        json!({ "watchers": ["x".repeat(513)] }),
        json!({ "portable": "true" }),
        json!({ "deactivated": 1 }),
        json!({ "ttl": -1 }),
        json!({ "ttl": "60" }),
        json!({ "ttl": 2_147_483_649_u64 }),
    ] {
        assert_eq!(refused(&[&first(&parameters)]), "did_log_parameters", "{parameters}");
    }
    let one = first(&json!({}));
    for parameters in [
        json!({ "scid": scid_of(&one.did).unwrap() }),
        json!({ "portable": true }),
        json!({ "updateKeys": null }),
        json!([]),
    ] {
        assert_eq!(refused(&[&one, &next(&one, 1, "a", &parameters)]), "did_log_parameters", "{parameters}");
    }
    for method in
        [json!("did:webvh:99.0"), json!("did:webvh:0.5"), json!("did:webvh:1.1"), json!(null), json!(1)]
    {
        assert_eq!(refused(&[&first(&json!({ "method": method }))]), "did_log_version", "{method}");
        assert_eq!(refused(&[&one, &next(&one, 1, "a", &json!({ "method": method }))]), "did_log_version");
    }
    let without = resigned(|entry| drop(entry["parameters"].as_object_mut().unwrap().remove("method")));
    assert_eq!(read(&without, &one.did).unwrap_err().code, "did_log_version");
    assert!(
        latest(&[&one, &next(&one, 1, "a", &json!({ "method": "did:webvh:1.0", "portable": false }))])
            .is_ok()
    );
}

#[test]
fn did_webvh_only_a_portable_did_moves_and_says_from_where() {
    for (portable, says, code) in
        [(true, true, None), (true, false, Some("did_log_did")), (false, true, Some("did_log_did"))]
    {
        let one = first(&json!({ "portable": portable }));
        let new = one.did.as_str().replace("issuer.", "new.");
        let mut moved = json!({ "id": new });
        if says {
            moved["alsoKnownAs"] = json!([one.did.as_str()]);
        }
        let two = next_with(&one, START.plus(1), "a", &json!({}), &moved);
        assert_eq!(latest(&[&one, &two]).err().map(|(code, _)| code), code);
    }
    let one = first(&json!({ "portable": true }));
    let to_an_address = one.did.as_str().replace("issuer.example", "127.0.0.1");
    let moved = json!({ "id": to_an_address, "alsoKnownAs": [one.did.as_str()] });
    assert_eq!(refused(&[&one, &next_with(&one, START.plus(1), "a", &json!({}), &moved)]), "did_log_did");
    // Switched off, it stays off; and never another SCID.
    let one = first(&json!({ "portable": true }));
    let two = next(&one, 1, "a", &json!({ "portable": false }));
    assert_eq!(
        refused(&[&one, &two, &next(&two, 2, "a", &json!({ "portable": true }))]),
        "did_log_parameters"
    );
    let swapped = format!("did:webvh:{}:issuer.example", multihash::base58("other"));
    let state = json!({ "id": swapped, "alsoKnownAs": [one.did.as_str()] });
    let two = next_with(&one, START.plus(1), "a", &json!({}), &state);
    assert_eq!(refused(&[&one, &two]), "did_log_did");
}

#[test]
fn did_webvh_a_deactivated_did_has_no_document_and_no_further_version() {
    let one = first(&json!({}));
    let two = next(&one, 1, "a", &json!({ "deactivated": true, "updateKeys": [] }));
    assert_eq!(refused(&[&one, &two]), "did_deactivated");
    let log = read(&text(&[&one, &two]), &one.did).unwrap();
    let version = |query: &str| log.resolve(&Version::from_query(query).unwrap());
    assert!(version("versionNumber=1").unwrap().metadata.deactivated);
    assert_eq!(version("versionNumber=2").unwrap_err().code, "did_deactivated");
    let two = next(&one, 1, "a", &json!({ "deactivated": true }));
    let three = next(&two, 2, "a", &json!({ "deactivated": false }));
    assert_eq!(
        latest(&[&one, &two, &three]).unwrap_err(),
        ("did_log_parameters", "/2/parameters/deactivated".to_owned())
    );
}

#[test]
fn did_webvh_proofs_of_another_form_or_key_are_refused() {
    type Change = fn(&mut Value);
    let changes: [Change; 14] = [
        |entry| entry["proof"] = json!([]),
        |entry| entry["proof"] = entry["proof"][0].clone(),
        |entry| entry["proof"] = json!(vec![entry["proof"][0].clone(); 9]),
        |entry| entry["proof"][0]["cryptosuite"] = json!("eddsa-rdfc-2022"),
        |entry| entry["proof"][0]["type"] = json!("Ed25519Signature2020"),
        |entry| entry["proof"][0]["proofPurpose"] = json!("authentication"),
        |entry| entry["proof"][0]["verificationMethod"] = json!(format!("did:key:{}#{}", mb("x"), mb("a"))),
        |entry| entry["proof"][0]["verificationMethod"] = json!(format!("did:key:{}#{}", mb("a"), mb("x"))),
        |entry| entry["proof"][0]["verificationMethod"] = json!(format!("did:key:{0}#{0}", mb("x"))),
        |entry| entry["proof"][0]["verificationMethod"] = json!(format!("did:key:{}", mb("a"))),
        |entry| entry["proof"][0]["challenge"] = json!("x"),
        |entry| entry["proof"][0]["created"] = json!("2026-01-01T00:00:00Z"),
        |entry| entry["proof"][0]["proofValue"] = json!("u00"),
        |entry| {
            let proofs = entry["proof"].as_array_mut().unwrap();
            let mut second = proofs[0].clone();
            second["proofValue"] = json!(mb("a"));
            proofs.push(second);
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        assert_eq!(tampered(change), "did_log_proof", "change {at}");
    }
    // A key that is listed and is no Ed25519 key cannot sign.
    let p256 = SoftwareSigner::new(PrivateJwk::generate_p256(&SeededEntropy::new("p"))).unwrap();
    assert!(matches!(Author::new(&p256), Err(AuthorError::KeyType)));
    let listed =
        super::super::multikey::encode(&PrivateJwk::generate_p256(&SeededEntropy::new("p")).public().key);
    let entry = first(&json!({ "updateKeys": [mb("a"), listed.clone()] }));
    assert!(latest(&[&entry]).is_ok());
    let mut object = strict_json::parse(entry.line.as_bytes()).unwrap();
    object["proof"][0]["verificationMethod"] = json!(format!("did:key:{listed}#{listed}"));
    assert_eq!(read(object.to_string().as_bytes(), &entry.did).unwrap_err().code, "did_log_proof");
}

/// Proofs that say something else, and whose signature is over what they say.
#[test]
fn did_webvh_other_proofs_are_refused_although_their_signature_holds() {
    let entry = first(&json!({}));
    let signed_with = |name: &str, value: Value| {
        let mut object = strict_json::parse(entry.line.as_bytes()).unwrap();
        let mut options = object["proof"][0].as_object().unwrap().clone();
        options.remove("proofValue");
        options.insert(name.to_owned(), value);
        object.as_object_mut().unwrap().remove("proof");
        let options = Value::Object(options);
        let signed = [proof::hash(&options), proof::hash(&object)].concat();
        let signature = key("a").sign_now(&signed).unwrap();
        object["proof"] = json!([options]);
        object["proof"][0]["proofValue"] = json!(multibase::encode(multibase::Base::Base58Btc, signature));
        read(object.to_string().as_bytes(), &entry.did).map(drop).map_err(|failure| failure.code)
    };
    assert_eq!(signed_with("created", json!("2023-11-14T22:13:20Z")), Ok(()));
    for (name, value) in [
        ("cryptosuite", json!("eddsa-rdfc-2022")),
        ("type", json!("Ed25519Signature2020")),
        ("proofPurpose", json!("authentication")),
        ("created", json!(1)),
        ("challenge", json!("x")),
        ("verificationMethod", json!(format!("did:key:{}#{}", mb("a"), mb("x")))),
    ] {
        assert_eq!(signed_with(name, value), Err("did_log_proof"), "{name}");
    }
}

#[test]
fn did_webvh_entries_and_logs_of_another_form_are_refused() {
    let entry = first(&json!({}));
    let line = &entry.line;
    let twice = line.replacen("\"versionTime\"", "\"versionTime\":\"x\",\"versionTime\"", 1);
    for log in [
        String::new(),
        "\n".to_owned(),
        format!("\n{line}\n"),
        format!("[{line}]"),
        format!("{line}{line}"),
        line[1..].to_owned(),
        twice,
    ] {
        assert_eq!(read(log.as_bytes(), &entry.did).unwrap_err().code, "did_log_entry", "{log}");
    }
    assert!(read(line.as_bytes(), &entry.did).is_ok(), "without the last line break");
    let trailing = read(format!("{line}\n\n").as_bytes(), &entry.did).unwrap();
    assert_eq!(trailing.resolve(&Version::LATEST).unwrap_err().code, "did_log_entry");
    assert_eq!(tampered(|entry| entry["more"] = json!(1)), "did_log_entry");
    assert_eq!(tampered(|entry| drop(entry.as_object_mut().unwrap().remove("proof"))), "did_log_entry");
    assert_eq!(read(&vec![b' '; MAX_LOG + 1], &entry.did).unwrap_err().code, "did_log_entry");
    // A document that is not one is refused when its version is asked for.
    let bad = first_with(&json!({}), &json!({ "id": PLACE, "service": {} }));
    assert_eq!(refused(&[&bad]), "did_document_invalid");
}

#[test]
fn did_webvh_versions_before_a_broken_entry_can_be_asked_for() {
    let one = first(&json!({}));
    let two = next(&one, 10, "a", &json!({}));
    let bad = next(&two, 20, "x", &json!({}));
    let log = read(&text(&[&one, &two, &bad]), &one.did).unwrap();
    let ask = |query: &str| {
        log.resolve(&Version::from_query(query).unwrap()).map(|found| found.metadata.version_number)
    };
    let code = |query: &str| ask(query).unwrap_err().code;
    assert_eq!(log.ttl(), 0, "a broken log is not kept");
    assert_eq!(code(""), "did_log_proof");
    assert_eq!(ask("versionNumber=1"), Ok(1));
    assert_eq!(ask(&format!("versionId={}", two.version_id)), Ok(2));
    let at = |seconds: i64| format!("versionTime={}", super::super::timestamp::write(START.plus(seconds)));
    assert_eq!(ask(&at(9)), Ok(1));
    // The broken entry might be the version of that time.
    assert_eq!(code(&at(10)), "did_log_proof");
    assert_eq!(code("versionNumber=3"), "did_log_proof");
    assert_eq!(code(&at(-1)), "did_not_found");
    let whole = read(&text(&[&one, &two]), &one.did).unwrap();
    let ask = |query: &str| {
        whole.resolve(&Version::from_query(query).unwrap()).map(|found| found.metadata.version_number)
    };
    assert_eq!((ask(&at(10)), ask(&at(9999)), whole.ttl()), (Ok(2), Ok(2), 3600));
    for query in ["versionNumber=3", "versionId=3-Qm", &at(-1)] {
        assert_eq!(ask(query).unwrap_err().code, "did_not_found", "{query}");
    }
}
