//! Replacing concealed claims by digests, from the inside to the outside (RFC 9901 §4.2).

use serde_json::{Map, Value};

use super::disclosure;
use super::hash::HashAlgorithm;
use super::path::PathStep;
use crate::encoding::b64;
use crate::entropy::{self, Entropy};

/// What is to happen at a path below the place where the walk is.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    path: &'a [PathStep],
    /// `None` to conceal, or a number of decoys to add.
    decoys: Option<usize>,
}

impl<'a> Wish<'a> {
    /// Conceal what is at `path`.
    pub(super) const fn conceal(path: &'a [PathStep]) -> Self {
        Self { path, decoys: None }
    }

    /// Add decoys to the object or array at `path`.
    pub(super) const fn decoys(path: &'a [PathStep], count: usize) -> Self {
        Self { path, decoys: Some(count) }
    }
}

/// What is wished for one value.
#[derive(Default)]
struct Wishes<'a> {
    conceal: bool,
    decoys: usize,
    below: Vec<Wish<'a>>,
}

impl<'a> Wishes<'a> {
    /// The wishes for what `wishes` names by a step that fits.
    fn of(wishes: &[Wish<'a>], fits: impl Fn(&PathStep) -> bool) -> Self {
        let mut out = Self::default();
        for wish in wishes {
            match wish.path.split_first() {
                Some((step, [])) if fits(step) => match wish.decoys {
                    None => out.conceal = true,
                    Some(count) => out.decoys += count,
                },
                Some((step, path)) if fits(step) => out.below.push(Wish { path, ..*wish }),
                _ => {}
            }
        }
        out
    }
}

/// How many salts are drawn at a time at most: a call to the system's random source costs more than the bytes.
const SALTS: usize = 16;
/// 128 bits (RFC 9901 §9.3).
const SALT_BYTES: usize = 16;
/// A salt in base64url.
type Salt = b64::ShortText<22>;

/// Characters for which there is room from the start.
const USUAL_DISCLOSURE: usize = 96;

/// Conceals claims, and keeps the disclosures.
pub(super) struct Concealer<'a> {
    hash: HashAlgorithm,
    decoys: usize,
    entropy: &'a dyn Entropy,
    salts: [u8; SALTS * SALT_BYTES],
    salts_left: usize,
    /// How many are drawn next: at first one for each wish, which as a rule is one for each disclosure.
    draw: usize,
    /// `<D1>~…~<Dn>~`
    disclosures: String,
    digests: bool,
    room: Vec<u8>,
}

impl<'a> Concealer<'a> {
    /// `decoys`: for every object and array with something concealed.
    pub(super) fn new(hash: HashAlgorithm, decoys: usize, entropy: &'a dyn Entropy) -> Self {
        let salts = [0; SALTS * SALT_BYTES];
        let (disclosures, room) = (String::new(), Vec::new());
        Self { hash, decoys, entropy, salts, salts_left: 0, draw: SALTS, disclosures, digests: false, room }
    }

    /// Makes the payload of the claims.
    pub(super) fn top(&mut self, claims: &mut Map<String, Value>, wishes: &[Wish<'_>]) {
        let here = wishes.iter().filter(|wish| wish.path.is_empty()).filter_map(|wish| wish.decoys).sum();
        self.disclosures.reserve(wishes.len() * USUAL_DISCLOSURE);
        self.draw = wishes.len().clamp(1, SALTS);
        self.object(claims, wishes, here);
    }

    /// Whether there is a digest anywhere.
    pub(super) const fn has_digests(&self) -> bool {
        self.digests
    }

    /// `<D1>~…~<Dn>~`
    pub(super) fn into_disclosures(self) -> String {
        self.disclosures
    }

    fn object(&mut self, object: &mut Map<String, Value>, wishes: &[Wish<'_>], decoys: usize) {
        let mut digests = Vec::with_capacity(wishes.len() + decoys);
        object.retain(|name, value| {
            let wished = Wishes::of(wishes, |step| matches!(step, PathStep::Name(wanted) if wanted == name));
            self.value(value, &wished);
            if wished.conceal {
                digests.push(Value::String(self.disclose(Some(name), value)));
            }
            !wished.conceal
        });
        let decoys = decoys + if digests.is_empty() { 0 } else { self.decoys };
        digests.extend((0..decoys).map(|_| Value::String(self.decoy())));
        if !digests.is_empty() {
            self.digests = true;
            // Digests are random, so sorting them hides the order of the claims (RFC 9901 §4.2.4.1).
            digests.sort_unstable_by(|one, other| one.as_str().cmp(&other.as_str()));
            object.insert("_sd".to_owned(), Value::Array(digests));
        }
    }

    fn value(&mut self, value: &mut Value, wished: &Wishes<'_>) {
        match value {
            // What has nothing concealed in it stays as it is.
            _ if wished.below.is_empty() && wished.decoys == 0 => {}
            Value::Object(object) => self.object(object, &wished.below, wished.decoys),
            Value::Array(array) => self.array(array, &wished.below, wished.decoys),
            _ => {}
        }
    }

    fn array(&mut self, array: &mut Vec<Value>, wishes: &[Wish<'_>], decoys: usize) {
        let mut concealed = false;
        for (index, element) in array.iter_mut().enumerate() {
            let wished = Wishes::of(wishes, |step| match step {
                PathStep::Index(wanted) => *wanted == index,
                PathStep::Every(()) => true,
                PathStep::Name(_) => false,
            });
            self.value(element, &wished);
            if wished.conceal {
                concealed = true;
                *element = placeholder(self.disclose(None, element));
            }
        }
        let decoys = decoys + if concealed { self.decoys } else { 0 };
        for _ in 0..decoys {
            let place = usize::from(u16::from_le_bytes(entropy::bytes(self.entropy))) % (array.len() + 1);
            array.insert(place, placeholder(self.decoy()));
        }
        self.digests |= concealed || decoys > 0;
    }

    /// Writes the disclosure, and returns its digest.
    fn disclose(&mut self, name: Option<&str>, value: &Value) -> String {
        let salt = self.salt();
        let start = self.disclosures.len();
        disclosure::encode(&mut self.disclosures, &mut self.room, salt.as_str(), name, value);
        let digest = self.hash.digest(self.disclosures.get(start..).unwrap_or_default());
        self.disclosures.push('~');
        digest
    }

    /// A digest of something that is not there.
    fn decoy(&self) -> String {
        self.hash.digest(&entropy::token(self.entropy))
    }

    fn salt(&mut self) -> Salt {
        if self.salts_left == 0 {
            self.salts_left = std::mem::replace(&mut self.draw, SALTS);
            let (drawn, _) = self.salts.split_at_mut(self.salts_left * SALT_BYTES);
            self.entropy.fill(drawn);
        }
        self.salts_left -= 1;
        let (salts, _) = self.salts.as_chunks::<SALT_BYTES>();
        let salt = salts.get(self.salts_left).copied();
        Salt::encode(&salt.unwrap_or_else(|| entropy::bytes(self.entropy)))
    }
}

fn placeholder(digest: String) -> Value {
    Value::Object(Map::from_iter([("...".to_owned(), Value::String(digest))]))
}
