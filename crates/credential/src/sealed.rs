//! Sealed identifiers: who the person is at a relying party, written so that only that party can read it.
//!
//! The issuer puts a JWE into every linkage credential (claim `sealed_sub`, linkage protocol §4). Wallet and verifier hand
//! it on and learn nothing:
//!
//! ```text
//! protected header  {alg: ECDH-ES, enc: A256GCM, typ: enishi-sealed-subject+jwe, kid, epk, iss, rp, jkt}
//! plaintext         {iss, rp, ppid, sub, jkt, pad}       always exactly 1024 bytes; `pad` is as many `0` as it takes
//! ```
//!
//! The header says in clear for which issuer, relying party and credential key (`jkt`, the thumbprint of `cnf`) the
//! text was made, and the sealing authenticates it; the plaintext repeats it. A text that was cut out of another
//! credential therefore opens nowhere. The fixed length keeps the length of an identifier from marking a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::encoding::json;
use crate::entropy::Entropy;
use crate::jose::jwe::{
    Accepted, ContentEncryption, JweBackend, JweError, JweHeader, OpenedJwe, UnopenedJwe,
};
use crate::jose::jwk::{Jwk, PrivateJwk, Thumbprint};
use crate::ppid::Ppid;
use crate::secret::Personal;
use crate::verdict::{Failure, Verdict};

/// The `typ` of the protected header.
pub const TYP: &str = "enishi-sealed-subject+jwe";

/// Length of every plaintext in bytes. Room for two ids of 200 bytes, a PPID of ours and a DID of 500 bytes.
pub const PLAINTEXT_LENGTH: usize = 1024;

/// The name of the check, in failures and in the list of an evidence bundle.
pub const CHECK: &str = "sealed-sub";

/// Where a sealed text belongs: the issuer, the relying party and the key of the credential that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The issuer's id.
    pub iss: String,
    /// The relying party's id.
    pub rp: String,
    /// The thumbprint of the credential's `cnf.jwk`.
    pub jkt: Thumbprint,
}

/// A person at one relying party, as only that party may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSubject {
    /// Where it belongs.
    pub binding: Binding,
    /// The pairwise identifier.
    pub ppid: Ppid,
    /// The pairwise DID.
    pub sub: Personal<String>,
}

/// The plaintext on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plaintext {
    iss: String,
    rp: String,
    ppid: Ppid,
    sub: Personal<String>,
    jkt: Thumbprint,
    pad: String,
}

/// Seals `subject` to the relying party's key `recipient`, freshly for every call.
///
/// # Errors
/// `sealed_sub_too_long` if the identifiers do not fit into [`PLAINTEXT_LENGTH`]; `sealing_key_unusable` if
/// `recipient` is not a key for ECDH-ES.
pub fn seal(
    backend: &dyn JweBackend,
    recipient: &Jwk,
    subject: &SealedSubject,
    entropy: &dyn Entropy,
) -> Verdict<String> {
    let Binding { iss, rp, jkt } = &subject.binding;
    let header = JweHeader::new(ContentEncryption::A256Gcm)
        .kid(recipient.kid.clone())
        .member("typ", TYP)
        .member("iss", iss.as_str())
        .member("rp", rp.as_str())
        .member("jkt", jkt.to_string());
    backend.seal(recipient, &header, &padded(subject)?, entropy).map_err(|_| {
        Failure::new(CHECK, "sealing_key_unusable", "the relying party's key is not one for ECDH-ES")
            .remedy("publish a JWK with `use: enc` on P-256 or X25519")
    })
}

fn padded(subject: &SealedSubject) -> Verdict<Zeroizing<Vec<u8>>> {
    let too_long = || {
        Failure::new(CHECK, "sealed_sub_too_long", "the identifiers do not fit into the fixed length")
            .remedy("use shorter party ids or a shorter DID")
    };
    let mut plaintext = Plaintext {
        iss: subject.binding.iss.clone(),
        rp: subject.binding.rp.clone(),
        ppid: subject.ppid.clone(),
        sub: subject.sub.clone(),
        jkt: subject.binding.jkt,
        pad: String::new(),
    };
    let write =
        |plaintext: &Plaintext| serde_json::to_vec(plaintext).map(Zeroizing::new).map_err(|_| too_long());
    let missing = PLAINTEXT_LENGTH.checked_sub(write(&plaintext)?.len()).ok_or_else(too_long)?;
    plaintext.pad = "0".repeat(missing);
    write(&plaintext)
}

/// Reads where a sealed text says it belongs, without opening it. A hint: only the relying party's [`open`] knows that
/// it is true, but wallet and verifier can already refuse a text that does not even claim to fit.
///
/// # Errors
/// `sealed_sub_malformed` for anything that [`seal`] would not have made.
pub fn peek(compact: &str) -> Verdict<Binding> {
    binding_of(parse(compact)?.header())
}

fn parse(compact: &str) -> Verdict<UnopenedJwe<'_>> {
    let jwe = UnopenedJwe::parse(compact, &Accepted::SEALED)
        .map_err(|_| malformed("it is not a compact JWE with ECDH-ES and A256GCM"))?;
    // Another length could mark a person.
    if jwe.plaintext_length() != PLAINTEXT_LENGTH {
        return Err(malformed("it has another length than all sealed identifiers have"));
    }
    Ok(jwe)
}

/// Checks that a sealed text claims to belong where it was found: what a party does that cannot open it.
///
/// # Errors
/// As [`peek`], and `sealed_sub_binding` for another issuer, relying party or credential key.
pub fn check_claimed_binding(compact: &str, expected: &Binding) -> Verdict<()> {
    require(&peek(compact)?, expected)
}

/// Opens a sealed text as the relying party: tries the key named by `kid` first and then the others, so that texts
/// sealed before a rotation of the key still open.
///
/// # Errors
/// `sealed_sub_malformed`; `sealed_sub_binding` if header or plaintext belong to another issuer, relying party or
/// credential key than `expected`; `sealed_sub_not_for_us` if none of `keys` opens it.
pub fn open(
    backend: &dyn JweBackend,
    keys: &[PrivateJwk],
    compact: &str,
    expected: &Binding,
) -> Verdict<SealedSubject> {
    let jwe = parse(compact)?;
    require(&binding_of(jwe.header())?, expected)?;
    // The header is authenticated by the opening, and it is the one that was just looked at.
    let opened = open_with_any(backend, keys, &jwe)?;
    let plaintext: Plaintext = json::from_slice(&opened.plaintext)
        .map_err(|_| malformed("its plaintext is not what it should be"))?;
    let Plaintext { iss, rp, ppid, sub, jkt, pad: _ } = plaintext;
    let binding = Binding { iss, rp, jkt };
    require(&binding, expected)?;
    Ok(SealedSubject { binding, ppid, sub })
}

fn open_with_any(backend: &dyn JweBackend, keys: &[PrivateJwk], jwe: &UnopenedJwe<'_>) -> Verdict<OpenedJwe> {
    let kid = &jwe.header().kid;
    let named = |key: &&PrivateJwk| kid.is_some() && key.public().kid == *kid;
    let order = keys.iter().filter(named).chain(keys.iter().filter(|key| !named(key)));
    let mut well_formed = true;
    for key in order {
        match backend.open(key, jwe) {
            Ok(opened) => return Ok(opened),
            Err(JweError::NotForThisKey | JweError::WrongKey) => {}
            Err(JweError::Malformed | JweError::NotAllowed) => well_formed = false,
        }
    }
    if !well_formed {
        return Err(malformed("it is not a well-formed JWE"));
    }
    Err(Failure::new(CHECK, "sealed_sub_not_for_us", "none of our keys opens the sealed identifier")
        .at("/sealed_sub")
        .remedy("keep a retired sealing key until the last credential sealed to it has expired"))
}

fn binding_of(header: &JweHeader) -> Verdict<Binding> {
    let text = |name: &str| header.extra.get(name).and_then(Value::as_str);
    if text("typ") != Some(TYP) {
        return Err(malformed("its header has another `typ`"));
    }
    let (Some(iss), Some(rp), Some(jkt)) = (text("iss"), text("rp"), text("jkt")) else {
        return Err(malformed("its header lacks `iss`, `rp` or `jkt`"));
    };
    let jkt = Thumbprint::parse(jkt).map_err(|_| malformed("`jkt` in its header is not a thumbprint"))?;
    Ok(Binding { iss: iss.to_owned(), rp: rp.to_owned(), jkt })
}

fn require(found: &Binding, expected: &Binding) -> Verdict<()> {
    let part = if found.iss != expected.iss {
        "issuer"
    } else if found.rp != expected.rp {
        "relying party"
    } else if found.jkt != expected.jkt {
        "credential key"
    } else {
        return Ok(());
    };
    Err(Failure::new(CHECK, "sealed_sub_binding", format!("the sealed identifier belongs to another {part}"))
        .at("/sealed_sub")
        .remedy("present the sealed identifier of this very credential"))
}

fn malformed(detail: &str) -> Failure {
    Failure::new(CHECK, "sealed_sub_malformed", format!("the sealed identifier: {detail}"))
        .at("/sealed_sub")
        .remedy("seal as linkage protocol §4 says")
}

#[cfg(test)]
mod tests;
