//! One entry of a log, held against the one before.

use serde_json::{Map, Value};

use super::super::timestamp::Timestamp;
use super::super::{Did, Location, jcs, multihash};
use super::parameters::{Changes, Parameters, WitnessRule, has_exactly};
use super::proof::{self, Proof};
use super::{log_fault, scid_of};
use crate::crypto::SignatureVerifier;
use crate::encoding::json;
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// What stands for the SCID while it is calculated.
pub(super) const PLACEHOLDER: &str = "{SCID}";
/// Seconds that a controller's clock may go before ours.
const TOLERANCE: i64 = 300;
/// The most proofs of one entry.
const MAX_PROOFS: usize = 8;

/// A version of the DID that is verified but for its witnesses.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) version_id: String,
    pub(super) time: Timestamp,
    pub(super) time_text: String,
    /// What holds after this entry.
    pub(super) parameters: Parameters,
    /// Who must have approved this entry.
    pub(super) witness: Option<WitnessRule>,
    pub(super) did: Did,
    pub(super) state: Value,
}

/// What an entry is checked with.
pub(super) struct Against<'a> {
    /// The SCID of the DID that is resolved.
    pub(super) scid: &'a str,
    pub(super) now: UnixTime,
    pub(super) verifier: &'a dyn SignatureVerifier,
    /// The entries before, all valid.
    pub(super) before: &'a [Entry],
}

impl Entry {
    /// Reads and checks one line.
    pub(super) fn read(line: &[u8], against: &Against<'_>) -> Verdict<Self> {
        let Ok(Value::Object(object)) = json::parse(line) else {
            return Err(malformed("", "an entry is not a JSON object, or a member occurs twice in it"));
        };
        if !has_exactly(&object, &["versionId", "versionTime", "parameters", "state", "proof"]) {
            return Err(malformed("", "an entry has not exactly the five members that did:webvh 1.0 names"));
        }
        let mut draft = object;
        let proofs = draft.remove("proof").unwrap_or_default();
        let member = |name: &str| draft.get(name).unwrap_or(&Value::Null);
        let text = |name: &str| member(name).as_str().unwrap_or_default().to_owned();
        let (version_id, time_text, state) =
            (text("versionId"), text("versionTime"), member("state").clone());
        let previous = against.before.last();

        let changes = Changes::read(member("parameters"))?;
        let names_keys = changes.update_keys.clone();
        let parameters = match previous {
            None => {
                let (parameters, scid) = changes.first()?;
                if scid != against.scid {
                    return Err(
                        log_fault("did_log_scid", "the log is the one of another DID").at("/parameters/scid")
                    );
                }
                parameters
            }
            Some(previous) => changes.after(&previous.parameters)?,
        };
        let entry_hash = read_version_id(&version_id, against.before.len() + 1)?;
        let time = read_time(&time_text, previous, against.now)?;
        let did = read_did(&state, previous, &parameters, against.scid)?;
        if previous.is_none() && calculate_scid(&draft, against.scid).as_deref() != Some(against.scid) {
            return Err(log_fault("did_log_scid", "the SCID is not the hash of the first entry")
                .at("/parameters/scid"));
        }
        let signed = proof::hash(&Value::Object(draft.clone()));
        let predecessor = previous.map_or(against.scid, |previous| &previous.version_id);
        if calculate_entry_hash(draft, predecessor) != entry_hash {
            return Err(
                log_fault("did_log_hash", "`versionId` is not the hash of the entry").at("/versionId")
            );
        }
        let authorized = match previous {
            Some(previous) if previous.parameters.pre_rotates() => names_keys.unwrap_or_default(),
            Some(previous) => previous.parameters.update_keys.clone(),
            None => parameters.update_keys.clone(),
        };
        check_proofs(&proofs, &signed, &authorized, against.verifier)?;
        let before = previous.and_then(|previous| previous.parameters.witness.clone());
        // A list that replaces none is active at once; one that replaces another, with the next entry.
        let witness = before.or_else(|| parameters.witness.clone());
        Ok(Self { version_id, time, time_text, parameters, witness, did, state })
    }
}

fn malformed(pointer: &str, detail: &str) -> Failure {
    log_fault("did_log_entry", detail).at(pointer)
}

/// `n-hash` with the expected number; the hash.
fn read_version_id(text: &str, number: usize) -> Verdict<&str> {
    text.split_once('-')
        .filter(|(n, hash)| *n == number.to_string() && multihash::is_base58(hash))
        .map(|(_, hash)| hash)
        .ok_or_else(|| {
            log_fault("did_log_hash", "`versionId` is not the number of the version, a dash and a hash")
                .at("/versionId")
        })
}

fn read_time(text: &str, previous: Option<&Entry>, now: UnixTime) -> Verdict<Timestamp> {
    let wrong = |detail: &str| log_fault("did_log_time", detail).at("/versionTime");
    let time = Timestamp::parse(text).ok_or_else(|| wrong("`versionTime` is not a time in UTC"))?;
    if time.is_after(now.plus(TOLERANCE)) {
        return Err(wrong("`versionTime` lies in the future"));
    }
    if previous.is_some_and(|previous| time <= previous.time) {
        return Err(wrong("`versionTime` is not later than the one of the entry before"));
    }
    Ok(time)
}

/// The DID of this version: the same SCID always; the same place, unless the DID is portable and says where it was.
fn read_did(state: &Value, previous: Option<&Entry>, parameters: &Parameters, scid: &str) -> Verdict<Did> {
    let wrong = |detail: &str| log_fault("did_log_did", detail).at("/state/id");
    let id = state.get("id").and_then(Value::as_str).ok_or_else(|| wrong("the document has no `id`"))?;
    let did = Did::parse(id).map_err(|_| wrong("the `id` of the document is not a DID"))?;
    if scid_of(&did) != Some(scid) || Location::of(&did).is_err() {
        return Err(wrong("the `id` of the document is not a did:webvh with the SCID of the log"));
    }
    let Some(previous) = previous.filter(|previous| previous.did != did) else { return Ok(did) };
    if !previous.parameters.portable || !parameters.portable {
        return Err(wrong("the DID moved and is not portable"));
    }
    let also = state.get("alsoKnownAs").and_then(Value::as_array);
    let says_so =
        also.is_some_and(|also| also.iter().any(|name| name.as_str() == Some(previous.did.as_str())));
    if says_so { Ok(did) } else { Err(wrong("the DID moved and `alsoKnownAs` does not name where it was")) }
}

/// The SCID that the first entry has, from the entry without proof ("SCID Generation and Verification").
pub(super) fn calculate_scid(entry: &Map<String, Value>, scid: &str) -> Option<String> {
    let mut draft = entry.clone();
    draft.insert("versionId".to_owned(), Value::String(PLACEHOLDER.to_owned()));
    let draft = replace(&Value::Object(draft), scid, PLACEHOLDER)?;
    Some(multihash::base58(jcs::canonicalize(&draft)))
}

/// The hash in an entry's `versionId`, from the entry without proof.
pub(super) fn calculate_entry_hash(mut entry: Map<String, Value>, predecessor: &str) -> String {
    entry.insert("versionId".to_owned(), Value::String(predecessor.to_owned()));
    multihash::base58(jcs::canonicalize(&Value::Object(entry)))
}

/// Replaces a text wherever it occurs, in member names too; `None` when two members then have one name.
pub(super) fn replace(value: &Value, from: &str, to: &str) -> Option<Value> {
    Some(match value {
        Value::String(text) => Value::String(text.replace(from, to)),
        Value::Array(all) => {
            Value::Array(all.iter().map(|value| replace(value, from, to)).collect::<Option<_>>()?)
        }
        Value::Object(object) => {
            let mut out = Map::new();
            for (name, value) in object {
                if out.insert(name.replace(from, to), replace(value, from, to)?).is_some() {
                    return None;
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    })
}

/// Every proof must be valid and by an authorized key.
fn check_proofs(
    proofs: &Value,
    signed: &[u8; 32],
    authorized: &[String],
    verifier: &dyn SignatureVerifier,
) -> Verdict<()> {
    let wrong = |detail: &str| log_fault("did_log_proof", detail).at("/proof");
    let proofs = proofs.as_array().filter(|all| (1..=MAX_PROOFS).contains(&all.len()));
    for proof in proofs.ok_or_else(|| wrong("`proof` is not a list of one to eight proofs"))? {
        let proof = Proof::read(proof).map_err(wrong)?;
        if !authorized.contains(&proof.key) {
            return Err(wrong("the entry is signed by a key that is not among the active `updateKeys`"));
        }
        if !proof.verify(signed, verifier) {
            return Err(wrong("the signature of the entry is not valid"));
        }
    }
    Ok(())
}
