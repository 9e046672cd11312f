//! Commitments to a person: what two credentials of one person have in common without showing it.
//!
//! The issuer puts `C = s·G + r·H` over ristretto255 (RFC 9496) into every linkage credential (linkage protocol §4).
//! `s` belongs to the account and never leaves the issuer; `r` is fresh for every credential and is told to the wallet
//! beside the credential. `G` is the group's generator and `H` a second generator that nobody knows as a multiple
//! of `G`: the element derivation function of RFC 9496 §4.3.4 applied to SHA-512 of the ASCII text
//! `enishi/link/1/H`. From `C` alone nothing about `s` can be learnt, whatever computing power one has.

use std::fmt;
use std::sync::LazyLock;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use hkdf::Hkdf;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use crate::encoding::b64;
use crate::entropy::{self, Entropy};
use crate::ppid::{KeyTooShort, MIN_KEY_LENGTH, UpstreamAccount, length_prefix};
use crate::secret::Secret;
use crate::verdict::{Failure, Verdict};

/// The only suite of version 1, as written in `link.suite` and `same_subject.suite`.
pub const SUITE: &str = "ristretto255-sha512-1";

/// The suites of commitments and same-subject proofs. One name stands for the group, the second generator, the
/// proof system and its version; whatever changes one of them gets a new name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Suite {
    /// ristretto255, `H` by SHA-512, proofs of [`crate::same_subject`].
    #[default]
    #[serde(rename = "ristretto255-sha512-1")]
    Ristretto255Sha512V1,
}

/// The second generator.
pub(crate) static H: LazyLock<RistrettoPoint> =
    LazyLock::new(|| RistrettoPoint::from_uniform_bytes(&Sha512::digest(b"enishi/link/1/H").into()));

/// Multiples of [`H`], which make one more multiplication by a secret number cheap. It takes the same time for every
/// number.
pub(crate) static H_TABLE: LazyLock<RistrettoBasepointTable> =
    LazyLock::new(|| RistrettoBasepointTable::create(&H));

/// `k_link`: the issuer secret from which the scalars of its accounts are derived.
#[derive(Debug, Clone)]
pub struct LinkKey(Secret<Vec<u8>>);

impl LinkKey {
    /// The key of these secret bytes.
    ///
    /// # Errors
    /// [`KeyTooShort`] for fewer than [`MIN_KEY_LENGTH`] bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, KeyTooShort> {
        let secret = Secret::new(secret.into());
        if secret.expose().len() < MIN_KEY_LENGTH {
            return Err(KeyTooShort);
        }
        Ok(Self(secret))
    }

    /// The scalar of `account`: 64 bytes of HKDF-SHA-512 (RFC 5869) of the key without salt, with info
    /// `enishi/link/1/scalar ‖ len(iss) iss ‖ len(sub) sub` (`len` as in [`crate::ppid`]), reduced modulo the order
    /// of the group.
    pub fn scalar(&self, account: &UpstreamAccount) -> SubjectScalar {
        let mut info = Zeroizing::new(b"enishi/link/1/scalar".to_vec());
        for part in [account.iss.as_str(), account.sub.expose()] {
            info.extend_from_slice(&length_prefix(part.len()));
            info.extend_from_slice(part.as_bytes());
        }
        let mut wide = Zeroizing::new([0; 64]);
        let Ok(()) = Hkdf::<Sha512>::new(None, self.0.expose()).expand(&info, &mut *wide) else {
            unreachable!("64 bytes are one block of the 255 that HKDF can expand to")
        };
        SubjectScalar(Scalar::from_bytes_mod_order_wide(&wide))
    }
}

/// `s`: stands for one account, in no credential and on no wire. Only the issuer can make one.
#[derive(Clone)]
pub struct SubjectScalar(Scalar);

impl Drop for SubjectScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SubjectScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectScalar(…)")
    }
}

/// `r`: the blinding of one commitment, which the issuer tells the wallet in `credentials[i].link_opening`. Serialised as
/// base64url of the canonical 32 bytes (little-endian, RFC 9496 §4.4). A secret of the wallet: whoever has the `r` of
/// two credentials can prove that they are of one person.
#[derive(Clone)]
pub struct Opening(pub(crate) Scalar);

impl Opening {
    /// A fresh, uniformly random blinding.
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        let wide = Zeroizing::new(entropy::bytes::<64>(entropy));
        Self(Scalar::from_bytes_mod_order_wide(&wide))
    }

    /// Reads the base64url form.
    ///
    /// # Errors
    /// `opening_malformed` if `text` is not 32 bytes, or not a number below the order of the group.
    pub fn parse(text: &str) -> Verdict<Self> {
        let fault = |detail: &str| {
            Failure::new("link-opening", "opening_malformed", detail)
                .remedy("send the scalar as base64url of its 32 canonical bytes")
        };
        let bytes = b64::decode_array::<32>(text).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| fault("the opening is not base64url of 32 bytes"))?;
        let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(*bytes));
        scalar.map(Self).ok_or_else(|| fault("the opening is not below the order of the group"))
    }

    /// The base64url form. Every call is a place to look at in a review.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(b64::encode(self.0.as_bytes()))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(…)")
    }
}

impl Serialize for Opening {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Zeroizing::new(String::deserialize(deserializer)?)).map_err(de::Error::custom)
    }
}

/// `C`: a commitment, always a canonical element of the group and never its identity. Serialised as base64url of 32
/// bytes. It occurs in one credential only; still it does not print, because it would mark that credential in a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    point: RistrettoPoint,
    bytes: [u8; 32],
}

impl Commitment {
    /// Reads the base64url form.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and for a text that is not base64url of 32 bytes.
    pub fn parse(text: &str) -> Verdict<Self> {
        let bytes =
            b64::decode_array::<32>(text).map_err(|_| malformed("it is not base64url of 32 bytes"))?;
        Self::from_bytes(bytes)
    }

    /// Reads the canonical encoding (RFC 9496 §4.3.1).
    ///
    /// # Errors
    /// `commitment_malformed` if the bytes are not a canonical encoding, or encode the identity.
    pub fn from_bytes(bytes: [u8; 32]) -> Verdict<Self> {
        let point = CompressedRistretto(bytes)
            .decompress()
            .ok_or_else(|| malformed("it is not the canonical encoding of an element of ristretto255"))?;
        if point.is_identity() {
            return Err(malformed("it is the identity element"));
        }
        Ok(Self { point, bytes })
    }

    fn from_point(point: RistrettoPoint) -> Option<Self> {
        (!point.is_identity()).then(|| Self { point, bytes: point.compress().to_bytes() })
    }

    /// The canonical encoding.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The base64url form.
    pub fn to_base64url(&self) -> String {
        b64::encode(self.bytes)
    }

    /// The group element.
    pub(crate) const fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

fn malformed(detail: &str) -> Failure {
    Failure::new("link-commitment", "commitment_malformed", format!("the commitment: {detail}"))
        .at("/link/commitment")
        .remedy("present a credential of an issuer that follows linkage protocol §4")
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commitment(…)")
    }
}

impl Serialize for Commitment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

impl<'de> Deserialize<'de> for Commitment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The claim `link` of a linkage credential (linkage protocol §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkClaim {
    /// The suite; an unknown one is refused.
    pub suite: Suite,
    /// The commitment.
    pub commitment: Commitment,
}

/// The commitment to `s` with blinding `r`; `None` if it is the identity, which a fresh `r` makes as improbable as
/// guessing `r`.
pub fn commit(s: &SubjectScalar, r: &Opening) -> Option<Commitment> {
    let mut blinded = &*H_TABLE * &r.0;
    let commitment = Commitment::from_point(RistrettoPoint::mul_base(&s.0) + blinded);
    blinded.zeroize();
    commitment
}

/// A fresh commitment to `s`: the claim for the credential, and the opening for the wallet.
pub fn commit_fresh(s: &SubjectScalar, entropy: &dyn Entropy) -> (LinkClaim, Opening) {
    loop {
        let opening = Opening::fresh(entropy);
        if let Some(commitment) = commit(s, &opening) {
            return (LinkClaim { suite: Suite::default(), commitment }, opening);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::entropy::SeededEntropy;

    fn scalar(sub: &str) -> SubjectScalar {
        LinkKey::new([7; 32]).unwrap().scalar(&UpstreamAccount::new("https://idp.example", sub))
    }

    #[test]
    fn known_answers() {
        assert_eq!(b64::encode(H.compress().as_bytes()), KNOWN_H);
        assert_eq!(b64::encode(scalar("resident-1").0.as_bytes()), KNOWN_S);
        let r = Opening::parse(&b64::encode(Scalar::from(5_u8).as_bytes())).unwrap();
        assert_eq!(commit(&scalar("resident-1"), &r).unwrap().to_base64url(), KNOWN_C);
    }

    // Computed by an independent implementation of RFC 9496, RFC 5869 and the formula for `C`.
    const KNOWN_H: &str = "hn-rDOTv3qX2M1CzP9exHDu2nHHKsfSdLMyiP9858EY";
    const KNOWN_S: &str = "qjtMXWn9jy5bvq_H2D4FlYlmdcTMnpyOAZaPbD8rRQI";
    const KNOWN_C: &str = "zDEcqMPe3r77N8wUeJq422XTSu3DELF9m8M1OF9MQEI";

    #[test]
    fn the_claim_is_strict() {
        let (claim, _) = commit_fresh(&scalar("a"), &SeededEntropy::new("claim"));
        let value = serde_json::to_value(claim).unwrap();
        assert_eq!(value["suite"], SUITE);
        assert_eq!(serde_json::from_value::<LinkClaim>(value.clone()).unwrap(), claim);
        for (name, bad) in [
            ("suite", json!("ristretto255-sha512-2")),
            ("commitment", json!(b64::encode([0; 32]))),
            ("commitment", json!(b64::encode([0xff; 32]))),
            ("commitment", json!(b64::encode([1; 31]))),
            ("commitment", json!(format!("{}=", claim.commitment.to_base64url()))),
            ("extra", json!(1)),
        ] {
            let mut changed = value.clone();
            changed[name] = bad;
            assert!(serde_json::from_value::<LinkClaim>(changed).is_err(), "{name}");
        }
    }

    #[test]
    fn threat_7_bad_encodings_of_rfc9496_a3_are_refused() {
        // RFC 9496 Appendix A.3: non-canonical field encodings, negative elements, non-square and the rest.
        let bad = [
            "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ];
        for text in bad {
            let bytes: Vec<u8> =
                (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
            let result = Commitment::parse(&b64::encode(bytes));
            assert_eq!(result.err().map(|failure| failure.code), Some("commitment_malformed"), "{text}");
        }
    }

    #[test]
    fn openings_are_canonical_and_do_not_print() {
        let opening = Opening::fresh(&SeededEntropy::new("r"));
        assert_eq!(format!("{opening:?} {:?}", scalar("a")), "Opening(…) SubjectScalar(…)");
        assert!(Opening::parse(&opening.expose()).is_ok());
        assert_eq!(Opening::parse(&b64::encode([0xff; 32])).unwrap_err().code, "opening_malformed");
        assert_eq!(Opening::parse(&b64::encode([1; 33])).unwrap_err().code, "opening_malformed");
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_is_canonical(bytes: [u8; 32], text: String) {
            let _ = (Commitment::parse(&text).is_ok(), Opening::parse(&text).is_ok());
            if let Ok(commitment) = Commitment::from_bytes(bytes) {
                prop_assert_eq!(commitment.as_bytes(), &bytes);
            }
            if let Ok(opening) = Opening::parse(&b64::encode(bytes)) {
                prop_assert_eq!(&*opening.expose(), &b64::encode(bytes));
            }
        }

        #[test]
        fn threat_6_two_commitments_of_one_person_share_nothing(seed: String) {
            let entropy = SeededEntropy::new(&seed);
            let (one, _) = commit_fresh(&scalar("a"), &entropy);
            let (two, _) = commit_fresh(&scalar("a"), &entropy);
            prop_assert_ne!(one.commitment, two.commitment);
        }
    }
}
