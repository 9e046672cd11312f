//! `did:webvh` 1.0: a DID on the web whose history is a log that verifies itself.
//!
//! ```text
//! did.jsonl ──read──▶ UnwitnessedLog ──witnessed──▶ WebvhLog ──resolve(version)──▶ Resolution { document, metadata }
//!                                        ▲
//!                            did-witness.json, if needed
//! ```
//!
//! Nothing is fetched here: [`Location`] says where the two files are. Every entry is verified, in order, none is
//! skipped: its parameters, its number and hash, its time, its DID, its place in pre-rotation, its proof; then whether
//! the witnesses that it needs have approved it. From the first entry that fails on, the log is broken: its latest
//! version is refused with that failure, while a version from before can still be asked for by its id, its number, or a
//! time at which another valid version had not yet followed.
//!
//! | code | DID resolution error | meaning |
//! |---|---|---|
//! | `did_log_entry` | `invalidDid` | the log is too large, empty, or an entry has another form |
//! | `did_log_version` | `invalidDid` | another version of the method than `did:webvh:1.0` |
//! | `did_log_parameters` | `invalidParameters` | a parameter is unknown, malformed or not allowed here; pre-rotation is broken |
//! | `did_log_hash` | `invalidDid` | `versionId` is not the next number and the hash of the entry |
//! | `did_log_scid` | `invalidDid` | the SCID is not the hash of the first entry, or the log is another DID's |
//! | `did_log_time` | `invalidDid` | `versionTime` is malformed, in the future, or not later than the one before |
//! | `did_log_did` | `invalidDid` | a version has another SCID, moved without being portable, or none has the DID |
//! | `did_log_proof` | `invalidProof` | a proof is malformed, of another suite, by another key, or not valid |
//! | `did_log_witness` | `invalidDid` | too few witnesses approved |
//! | `did_deactivated` | `deactivated` | the DID has been deactivated: there is no document |
//! | `did_not_found` | `notFound` | there is no such version |

mod author;
mod entry;
mod parameters;
mod proof;
mod version;
mod witness;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vector_tests;
#[cfg(test)]
mod witness_tests;

use serde_json::{Value, json};

pub use author::{Author, AuthorError, LogEntry};
pub use version::Version;
pub use witness::MAX_WITNESS_FILE;

use self::entry::{Against, Entry};
use self::version::Which;
use self::witness::Approvals;
use super::document::DidDocument;
use super::{Did, Location, fault, multihash};
use crate::crypto::SignatureVerifier;
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// The largest log that is read, in bytes.
pub const MAX_LOG: usize = 512 * 1024;
/// The most versions that are read.
const MAX_VERSIONS: usize = 512;

fn log_fault(code: &'static str, detail: &str) -> Failure {
    Failure::new("did-log", code, detail).remedy("publish a log as did:webvh 1.0 says, signed and witnessed")
}

/// The SCID in a did:webvh.
fn scid_of(did: &Did) -> Option<&str> {
    let (scid, _) = did.as_str().strip_prefix("did:webvh:")?.split_once(':')?;
    multihash::is_base58(scid).then_some(scid)
}

/// Whether a did:webvh has the form that the method prescribes: a SCID and a place on the web.
///
/// # Errors
/// `did_invalid`, `did_method_unsupported`.
pub fn check(did: &Did) -> Verdict<Location> {
    let location = Location::of(did)?;
    if scid_of(did).is_none() {
        return Err(fault("did_invalid", "a did:webvh begins with its SCID, a SHA-256 multihash"));
    }
    Ok(location)
}

/// A log whose entries are verified, and whose witnesses are not: nothing can be read from it.
#[derive(Debug)]
pub struct UnwitnessedLog {
    did: Did,
    entries: Vec<Entry>,
    broken: Option<Failure>,
}

/// A log that is verified, at least its first entry.
#[derive(Debug)]
pub struct WebvhLog {
    entries: Vec<Entry>,
    /// Why the entries that follow are not valid.
    broken: Option<Failure>,
}

/// A version of a DID.
#[derive(Debug)]
pub struct Resolution {
    /// The document, with the services `#files` and `#whois` that every did:webvh has.
    pub document: DidDocument,
    /// What the log says about it.
    pub metadata: Metadata,
}

/// DID document metadata (did:webvh 1.0, "Read").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The number and hash of the version.
    pub version_id: String,
    /// The number alone.
    pub version_number: usize,
    /// When the version was made, as its controller says.
    pub version_time: String,
    /// When the first version was made.
    pub created: String,
    /// When the last valid version was made.
    pub updated: String,
    /// The SCID.
    pub scid: String,
    /// Whether the DID may move.
    pub portable: bool,
    /// Whether a later version deactivates the DID.
    pub deactivated: bool,
    /// For how many seconds the controller says that this may be kept.
    pub ttl: u32,
    /// How many witnesses must approve the next version; 0 for none.
    pub witness_threshold: usize,
    /// URLs of watchers.
    pub watchers: Vec<String>,
}

impl UnwitnessedLog {
    /// Verifies the log of `did` at the time `now`, but for its witnesses.
    ///
    /// # Errors
    /// A code of the table in the [module docs](self) if not even the first entry is valid, or no valid entry has this
    /// DID.
    pub fn read(log: &[u8], did: &Did, now: UnixTime, verifier: &dyn SignatureVerifier) -> Verdict<Self> {
        check(did)?;
        let scid = scid_of(did).unwrap_or_default();
        if log.len() > MAX_LOG {
            return Err(log_fault("did_log_entry", "the log has more than 512 KiB"));
        }
        let log = log.strip_suffix(b"\n").unwrap_or(log);
        let (mut entries, mut broken) = (Vec::new(), None);
        for (at, line) in log.split(|byte| *byte == b'\n').enumerate() {
            let checked = if at < MAX_VERSIONS {
                Entry::read(line, &Against { scid, now, verifier, before: &entries })
            } else {
                Err(log_fault("did_log_entry", "the log has more than 512 versions"))
            };
            match checked {
                Ok(entry) => entries.push(entry),
                Err(failure) => {
                    let pointer = format!("/{at}{}", failure.pointer);
                    broken = Some(failure.at(pointer));
                    break;
                }
            }
        }
        let log = Self { did: did.clone(), entries, broken };
        log.check_did()?;
        Ok(log)
    }

    /// The DID must be the `id` of at least one version.
    fn check_did(&self) -> Verdict<()> {
        if self.entries.iter().any(|entry| entry.did == self.did) {
            return Ok(());
        }
        Err(self
            .broken
            .clone()
            .unwrap_or_else(|| log_fault("did_log_did", "no version has the DID as its `id`")))
    }

    /// Whether `did-witness.json` is needed.
    pub fn needs_witnesses(&self) -> bool {
        self.entries.iter().any(|entry| entry.witness.is_some())
    }

    /// Checks the approvals in `did-witness.json`, which may be left out where none is needed.
    ///
    /// # Errors
    /// `did_log_witness` if the file is malformed or the first entry lacks approvals.
    pub fn witnessed(self, file: Option<&[u8]>, verifier: &dyn SignatureVerifier) -> Verdict<WebvhLog> {
        let approvals = match file {
            Some(bytes) if self.needs_witnesses() => Approvals::read(bytes, &self.entries, verifier)?,
            _ => Approvals::default(),
        };
        let lacking = self.entries.iter().enumerate().find(|(at, entry)| !approvals.suffice(*at, entry));
        let lacking = lacking.map(|(at, _)| at);
        let mut log = self;
        if let Some(at) = lacking {
            log.entries.truncate(at);
            let failure = log_fault("did_log_witness", "too few of its witnesses approved the entry");
            log.broken = Some(failure.at(format!("/{at}")));
            log.check_did()?;
        }
        Ok(WebvhLog { entries: log.entries, broken: log.broken })
    }
}

impl WebvhLog {
    /// The version that is asked for.
    ///
    /// # Errors
    /// The failure of the first invalid entry where a valid one does not answer the question, `did_deactivated`,
    /// `did_not_found`, and what reading the document can say.
    pub fn resolve(&self, version: &Version) -> Verdict<Resolution> {
        let index = self.find(version)?;
        let Some(entry) = self.entries.get(index) else { return Err(no_such_version()) };
        if entry.parameters.deactivated {
            return Err(fault("did_deactivated", "the DID has been deactivated")
                .remedy("use another DID; a version from before can be asked for"));
        }
        let document = DidDocument::from_value(with_implicit_services(entry)?, &entry.did)?;
        Ok(Resolution { document, metadata: self.metadata(index, entry) })
    }

    /// For how many seconds the log may be kept; 0 if it is broken.
    pub fn ttl(&self) -> u32 {
        let last = self.entries.last().filter(|_| self.broken.is_none());
        last.map_or(0, |entry| entry.parameters.ttl)
    }

    fn find(&self, version: &Version) -> Verdict<usize> {
        let last = self.entries.len().saturating_sub(1);
        let or_broken =
            |found: Option<usize>| found.ok_or_else(|| self.broken.clone().unwrap_or_else(no_such_version));
        match &version.0 {
            Which::Latest => match &self.broken {
                Some(failure) => Err(failure.clone()),
                None => Ok(last),
            },
            Which::Id(id) => or_broken(self.entries.iter().position(|entry| entry.version_id == *id)),
            Which::Number(number) => or_broken(number.checked_sub(1).filter(|index| *index <= last)),
            Which::Time(time) => {
                let index = self.entries.iter().rposition(|entry| entry.time <= *time);
                let index = index.ok_or_else(no_such_version)?;
                // The entry that is not valid might have been the one of that time.
                or_broken(Some(index).filter(|index| *index < last || self.broken.is_none()))
            }
        }
    }

    fn metadata(&self, index: usize, entry: &Entry) -> Metadata {
        let time = |entry: Option<&Entry>| entry.map(|entry| entry.time_text.clone()).unwrap_or_default();
        let last = self.entries.last().unwrap_or(entry);
        Metadata {
            version_id: entry.version_id.clone(),
            version_number: index + 1,
            version_time: entry.time_text.clone(),
            created: time(self.entries.first()),
            updated: time(Some(last)),
            scid: scid_of(&entry.did).unwrap_or_default().to_owned(),
            portable: last.parameters.portable,
            deactivated: last.parameters.deactivated,
            ttl: last.parameters.ttl,
            witness_threshold: last.parameters.witness.as_ref().map_or(0, |rule| rule.threshold),
            watchers: last.parameters.watchers.clone(),
        }
    }
}

fn no_such_version() -> Failure {
    fault("did_not_found", "the log has no such version").remedy("ask for a version that exists")
}

/// The document with `#files` and `#whois`, unless it has services of these names ("DID URL Resolution").
fn with_implicit_services(entry: &Entry) -> Verdict<Value> {
    let folder = Location::of(&entry.did)?.folder();
    let mut document = entry.state.clone();
    let Some(services) =
        document.as_object_mut().map(|object| object.entry("service").or_insert_with(|| json!([])))
    else {
        return Ok(document);
    };
    // What is no list is refused when the document is read.
    if let Some(services) = services.as_array_mut() {
        let has = |services: &[Value], name: &str| {
            let absolute = format!("{}{name}", entry.did.as_str());
            services.iter().any(|service| [Some(name), Some(&absolute)].contains(&service["id"].as_str()))
        };
        if !has(services, "#files") {
            services.push(json!({"id": "#files", "type": "relativeRef", "serviceEndpoint": folder}));
        }
        if !has(services, "#whois") {
            services.push(json!({
                "@context": "https://identity.foundation/linked-vp/contexts/v1",
                "id": "#whois",
                "type": "LinkedVerifiablePresentation",
                "serviceEndpoint": format!("{folder}whois.vp"),
            }));
        }
    }
    Ok(document)
}
