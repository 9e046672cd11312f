//! The `parameters` of log entries (did:webvh 1.0, "DID Method Parameters").

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::{multihash, multikey};
use super::log_fault;
use crate::jose::jwk::PublicKey;
use crate::verdict::{Failure, Verdict};

/// The only version of the method that is known.
const METHOD: &str = "did:webvh:1.0";
/// The most entries of a list.
const MAX_ENTRIES: usize = 64;
/// The longest entry of a list.
const MAX_TEXT: usize = 512;
/// Seconds for which a log may be kept where it does not say (`ttl`).
const DEFAULT_TTL: u32 = 3600;

/// Who must have approved an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WitnessRule {
    pub(super) threshold: usize,
    /// Multikeys.
    pub(super) witnesses: BTreeSet<String>,
}

/// What one entry says.
#[derive(Debug, Default)]
pub(super) struct Changes {
    method: bool,
    pub(super) scid: Option<String>,
    pub(super) update_keys: Option<Vec<String>>,
    next_key_hashes: Option<Vec<String>>,
    #[expect(clippy::option_option, reason = "not said, said to be none, and a rule are three things")]
    witness: Option<Option<WitnessRule>>,
    watchers: Option<Vec<String>>,
    portable: Option<bool>,
    deactivated: Option<bool>,
    ttl: Option<u32>,
}

/// What holds after an entry.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub(super) update_keys: Vec<String>,
    pub(super) next_key_hashes: Vec<String>,
    pub(super) witness: Option<WitnessRule>,
    pub(super) watchers: Vec<String>,
    pub(super) portable: bool,
    pub(super) deactivated: bool,
    pub(super) ttl: u32,
}

fn invalid(name: &str, detail: &str) -> Failure {
    log_fault("did_log_parameters", detail).at(format!("/parameters/{name}"))
}

impl Changes {
    /// Reads the parameters of one entry: known ones of the right type, and no `null` (which early implementations
    /// wrote to switch something off; the specification forbids it, because it says nothing about what is meant).
    pub(super) fn read(value: &Value) -> Verdict<Self> {
        let object = value.as_object().ok_or_else(|| invalid("", "`parameters` is not a JSON object"))?;
        let mut changes = Self::default();
        for (name, value) in object {
            match name.as_str() {
                "method" if value.as_str() == Some(METHOD) => changes.method = true,
                "method" => {
                    return Err(log_fault(
                        "did_log_version",
                        "the log is of another version than did:webvh:1.0",
                    )
                    .at("/parameters/method"));
                }
                "scid" => {
                    let scid = value.as_str().filter(|scid| multihash::is_base58(scid));
                    let scid = scid.ok_or_else(|| invalid(name, "`scid` is not a SHA-256 multihash"))?;
                    changes.scid = Some(scid.to_owned());
                }
                "updateKeys" => changes.update_keys = Some(texts(name, value)?),
                "nextKeyHashes" => changes.next_key_hashes = Some(texts(name, value)?),
                "watchers" => changes.watchers = Some(texts(name, value)?),
                "witness" => changes.witness = Some(witness_rule(value)?),
                "portable" => changes.portable = Some(flag(name, value)?),
                "deactivated" => changes.deactivated = Some(flag(name, value)?),
                "ttl" => {
                    let ttl =
                        value.as_u64().and_then(|ttl| u32::try_from(ttl).ok()).filter(|ttl| *ttl <= 1 << 31);
                    changes.ttl = Some(ttl.ok_or_else(|| invalid(name, "`ttl` is not a number of seconds"))?);
                }
                _ => return Err(invalid("", "`parameters` has a member that did:webvh 1.0 does not know")),
            }
        }
        Ok(changes)
    }

    /// The parameters after the first entry, all of which take effect at once, and the SCID.
    pub(super) fn first(self) -> Verdict<(Parameters, String)> {
        if !self.method {
            return Err(log_fault(
                "did_log_version",
                "the first entry does not say the version of the method",
            )
            .at("/parameters/method"));
        }
        let scid = self.scid.ok_or_else(|| invalid("scid", "the first entry has no `scid`"))?;
        let update_keys = self.update_keys.filter(|keys| !keys.is_empty());
        let update_keys =
            update_keys.ok_or_else(|| invalid("updateKeys", "the first entry has no `updateKeys`"))?;
        let parameters = Parameters {
            update_keys,
            next_key_hashes: self.next_key_hashes.unwrap_or_default(),
            witness: self.witness.flatten(),
            watchers: self.watchers.unwrap_or_default(),
            portable: self.portable.unwrap_or_default(),
            deactivated: self.deactivated.unwrap_or_default(),
            ttl: self.ttl.unwrap_or(DEFAULT_TTL),
        };
        Ok((parameters, scid))
    }

    /// The parameters after a later entry.
    pub(super) fn after(self, before: &Parameters) -> Verdict<Parameters> {
        if before.deactivated {
            return Err(invalid("deactivated", "an entry follows after the DID was deactivated"));
        }
        if self.scid.is_some() {
            return Err(invalid("scid", "`scid` stands in another entry than the first"));
        }
        if self.portable == Some(true) && !before.portable {
            return Err(invalid("portable", "`portable` can only be set in the first entry"));
        }
        if before.pre_rotates() {
            self.check_pre_rotation(&before.next_key_hashes)?;
        }
        Ok(Parameters {
            update_keys: self.update_keys.unwrap_or_else(|| before.update_keys.clone()),
            next_key_hashes: self.next_key_hashes.unwrap_or_else(|| before.next_key_hashes.clone()),
            witness: self.witness.unwrap_or_else(|| before.witness.clone()),
            watchers: self.watchers.unwrap_or_else(|| before.watchers.clone()),
            portable: self.portable.unwrap_or(before.portable),
            deactivated: self.deactivated.unwrap_or_default(),
            ttl: self.ttl.unwrap_or(before.ttl),
        })
    }

    /// With pre-rotation, an entry names its keys itself, all of them promised by the entry before, and promises the
    /// next ones.
    fn check_pre_rotation(&self, promised: &[String]) -> Verdict<()> {
        let Some(keys) = self.update_keys.as_ref().filter(|keys| !keys.is_empty()) else {
            return Err(invalid("updateKeys", "pre-rotation is active and the entry has no `updateKeys`"));
        };
        if self.next_key_hashes.is_none() {
            return Err(invalid(
                "nextKeyHashes",
                "pre-rotation is active and the entry has no `nextKeyHashes`",
            ));
        }
        if keys.iter().all(|key| promised.contains(&multihash::base58(key))) {
            Ok(())
        } else {
            Err(invalid("updateKeys", "a key was not promised in the `nextKeyHashes` of the entry before"))
        }
    }
}

impl Parameters {
    /// Whether the next entry must use keys that were promised.
    pub(super) const fn pre_rotates(&self) -> bool {
        !self.next_key_hashes.is_empty()
    }
}

fn flag(name: &str, value: &Value) -> Verdict<bool> {
    value.as_bool().ok_or_else(|| invalid(name, "the parameter is not true or false"))
}

fn texts(name: &str, value: &Value) -> Verdict<Vec<String>> {
    let all = value.as_array().filter(|all| all.len() <= MAX_ENTRIES);
    let texts: Option<Vec<_>> = all.and_then(|all| {
        let text = |value: &Value| value.as_str().filter(|text| text.len() <= MAX_TEXT).map(str::to_owned);
        all.iter().map(text).collect()
    });
    texts.ok_or_else(|| invalid(name, "the parameter is not a list of at most 64 short texts"))
}

/// `{}`, or a threshold and witnesses. Nothing that is malformed counts as "no witnesses".
fn witness_rule(value: &Value) -> Verdict<Option<WitnessRule>> {
    let wrong = |detail: &str| invalid("witness", detail);
    let object = value.as_object().ok_or_else(|| wrong("`witness` is not a JSON object"))?;
    if object.is_empty() {
        return Ok(None);
    }
    if !has_exactly(object, &["threshold", "witnesses"]) {
        return Err(wrong("`witness` has other members than `threshold` and `witnesses`"));
    }
    let listed = object.get("witnesses").and_then(Value::as_array).filter(|all| all.len() <= MAX_ENTRIES);
    let listed = listed.ok_or_else(|| wrong("`witnesses` is not a list of at most 64 witnesses"))?;
    let mut witnesses = BTreeSet::new();
    for witness in listed {
        let id = witness.as_object().filter(|object| has_exactly(object, &["id"]));
        let id = id.and_then(|object| object.get("id")).and_then(Value::as_str).unwrap_or_default();
        // Some implementations leave `did:key:` out; the key is the same, and so is the witness.
        let key = id.strip_prefix("did:key:").unwrap_or(id);
        if !multikey::decode(key).is_ok_and(|key| matches!(key.key, PublicKey::Ed25519(_))) {
            return Err(wrong("a witness is not the did:key of an Ed25519 key"));
        }
        if !witnesses.insert(key.to_owned()) {
            return Err(wrong("a witness is listed twice"));
        }
    }
    let threshold =
        object.get("threshold").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    match threshold {
        Some(threshold) if (1..=witnesses.len()).contains(&threshold) => {
            Ok(Some(WitnessRule { threshold, witnesses }))
        }
        _ => Err(wrong("`threshold` is not a number from 1 to the number of witnesses")),
    }
}

pub(super) fn has_exactly(object: &Map<String, Value>, names: &[&str]) -> bool {
    object.len() == names.len() && names.iter().all(|name| object.contains_key(*name))
}
