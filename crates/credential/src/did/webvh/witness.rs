//! `did-witness.json`: who approved which entries ("DID Witnesses").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::entry::Entry;
use super::log_fault;
use super::parameters::has_exactly;
use super::proof::{self, Proof};
use crate::crypto::SignatureVerifier;
use crate::encoding::json as strict_json;
use crate::verdict::{Failure, Verdict};

/// The largest file that is read, in bytes.
pub const MAX_WITNESS_FILE: usize = 256 * 1024;
/// The most proofs that are looked at.
const MAX_PROOFS: usize = 1024;

fn wrong(detail: &str) -> Failure {
    log_fault("did_log_witness", detail)
}

/// How far each witness has approved: the index of the latest entry that it signed, which stands for all before.
#[derive(Debug, Default)]
pub(super) struct Approvals(BTreeMap<String, usize>);

impl Approvals {
    /// Reads the file. Proofs of versions that are not in the log approve nothing of it (so nothing of another DID's
    /// does); a proof that does not verify counts for nothing.
    pub(super) fn read(bytes: &[u8], entries: &[Entry], verifier: &dyn SignatureVerifier) -> Verdict<Self> {
        if bytes.len() > MAX_WITNESS_FILE {
            return Err(wrong("the file of the witnesses is too large"));
        }
        let file = strict_json::parse(bytes).map_err(|_| wrong("the file of the witnesses is not JSON"))?;
        let asked: BTreeSet<_> = entries
            .iter()
            .filter_map(|entry| entry.witness.as_ref())
            .flat_map(|rule| &rule.witnesses)
            .collect();
        let (mut approvals, mut looked_at) = (Self::default(), 0);
        for listed in file.as_array().ok_or_else(|| wrong("the file of the witnesses is not a list"))? {
            let shape = listed.as_object().filter(|object| has_exactly(object, &["versionId", "proof"]));
            let members = shape.map(|object| (object.get("versionId"), object.get("proof")));
            let Some((Some(Value::String(version)), Some(Value::Array(proofs)))) = members else {
                return Err(wrong("an entry of the file of the witnesses is not a version with its proofs"));
            };
            let Some(index) = entries.iter().position(|entry| entry.version_id == *version) else { continue };
            let signed = proof::hash(&json!({ "versionId": version }));
            for proof in proofs {
                looked_at += 1;
                if looked_at > MAX_PROOFS {
                    return Err(wrong("the file of the witnesses has too many proofs"));
                }
                let Ok(proof) = Proof::read(proof) else { continue };
                let news = approvals.0.get(&proof.key).is_none_or(|known| *known < index);
                if news && asked.contains(&proof.key) && proof.verify(&signed, verifier) {
                    approvals.0.insert(proof.key, index);
                }
            }
        }
        Ok(approvals)
    }

    /// Whether enough of the witnesses that the entry at `index` needs have approved it, or a later one.
    pub(super) fn suffice(&self, index: usize, entry: &Entry) -> bool {
        entry.witness.as_ref().is_none_or(|rule| {
            let approved = |witness: &&String| self.0.get(*witness).is_some_and(|upto| *upto >= index);
            rule.witnesses.iter().filter(approved).count() >= rule.threshold
        })
    }
}
