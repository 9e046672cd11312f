//! Which key of a set a JWS names.

use super::fault;
use crate::jose::jwk::{Jwk, JwkSet};
use crate::jose::jws::KeyHint;
use crate::verdict::Verdict;

/// The key of `set` that `hint` names: the one with its `kid`, or the only signing key where there is no `kid`. The key
/// must be for signatures by the algorithm of the header.
///
/// # Errors
/// `kid_missing`, `kid_repeated`, `issuer_key_unknown`, `issuer_key_unfit`.
pub fn choose_key<'a>(set: &'a JwkSet, hint: &KeyHint<'_>) -> Verdict<&'a Jwk> {
    let signs = |key: &&Jwk| key.algorithm().is_some_and(|algorithm| key.may_verify(algorithm));
    let unknown = || fault("issuer_key_unknown", "the issuer publishes no such key");
    let key = if let Some(kid) = hint.kid {
        let mut named = set.keys.iter().filter(|key| key.kid.as_deref() == Some(kid));
        let key = named.next().ok_or_else(unknown)?;
        if named.next().is_some() {
            return Err(fault("kid_repeated", "two published keys have this `kid`"));
        }
        key
    } else {
        let mut signing = set.keys.iter().filter(signs);
        let key = signing.next().ok_or_else(unknown)?;
        if signing.next().is_some() {
            return Err(fault("kid_missing", "there are several keys, and no `kid` names one"));
        }
        key
    };
    if key.may_verify(hint.algorithm) {
        return Ok(key);
    }
    Err(fault("issuer_key_unfit", "the key is not for signatures by this algorithm"))
}
