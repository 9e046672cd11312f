//! The signed list as its reader sees it: from an HTTP answer to statuses (Token Status List §8).

use super::claims::Claims;
use super::{CWT_MEDIA_TYPE, MEDIA_TYPE, Status, StatusBits, StatusList, TYP};
use crate::crypto::{ES256_OR_EDDSA, SignatureVerifier};
use crate::jose::jwk::Jwk;
use crate::jose::jws::{self, KeyHint, UnverifiedJws};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// What the reader of a list knows beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The URI in the reference, from which the token was fetched.
    pub uri: &'a str,
    /// The time at which the token was fetched.
    pub now: UnixTime,
    /// The longest time in seconds for which a copy is used, whatever the token's `ttl` says, and for a token
    /// without `ttl` (threat 9).
    pub max_ttl: u32,
    /// The oldest `iat` that is accepted, in seconds before `now`; `None` to leave that to `exp`.
    pub max_age: Option<u32>,
}

/// A Status List Token whose signature has not been checked. Nothing can be read from it but where its key might be.
#[derive(Clone)]
pub struct UnverifiedStatusListToken(UnverifiedJws);

/// Where the sender says the key is: good for finding one, never for trusting it.
#[derive(Debug, Clone)]
pub struct KeySource<'a> {
    /// The header's hints.
    pub hint: KeyHint<'a>,
    /// The claimed `iss`.
    pub issuer: Option<String>,
}

impl UnverifiedStatusListToken {
    /// Splits the body of a response with media type `application/statuslist+jwt`.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`].
    pub fn parse(compact: &str) -> Verdict<Self> {
        UnverifiedJws::parse(compact).map(Self)
    }

    /// Reads a successful HTTP answer (Token Status List §8.2): its `Content-Type` and its body, which is a JWT and nothing
    /// else. A credential in SD-JWT VC format is in JOSE, and so must its list be.
    ///
    /// # Errors
    /// `status_list_cwt` for a CWT, whether the media type says so or the body looks like one; `status_list_media_type` for
    /// every other media type than [`MEDIA_TYPE`], and for none; and as [`Self::parse`].
    pub fn from_response(content_type: Option<&str>, body: &[u8]) -> Verdict<Self> {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        // COSE_Sign1 and COSE_Mac0 are the CBOR tags 18 and 17, and the tag of a CWT is 61 (RFC 9052, RFC 8392).
        let cose = matches!(body, [0xd1 | 0xd2, ..] | [0xd8, 0x3d, ..]);
        if essence.eq_ignore_ascii_case(CWT_MEDIA_TYPE) || cose {
            return Err(Failure::new("status-list-media-type", "status_list_cwt", "the list is a CWT")
                .remedy("serve `application/statuslist+jwt` for lists that SD-JWT VCs reference"));
        }
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(Failure::new(
                "status-list-media-type",
                "status_list_media_type",
                "the answer is not of the type `application/statuslist+jwt`",
            )
            .remedy("serve the list with its media type"));
        }
        // What is not ASCII is no compact JWS either, and is refused as such.
        Self::parse(std::str::from_utf8(body).unwrap_or_default())
    }

    /// The header's hints alone: nothing of the payload is read for them.
    pub fn key_hint(&self) -> KeyHint<'_> {
        self.0.key_hint()
    }

    /// Where the sender says the key is.
    pub fn key_source(&self) -> KeySource<'_> {
        KeySource { hint: self.0.key_hint(), issuer: self.0.claimed("iss") }
    }

    /// Checks signature, type, claims, URI and times, in the order of Token Status List §8.3, and reads the list.
    ///
    /// # Errors
    /// As [`UnverifiedJws::verify`]; `status_list_malformed` for missing or ill-typed claims;
    /// `status_list_uri` if `sub` is not exactly the URI of the reference; `status_list_audience` if there is an `aud`;
    /// `status_list_not_yet_valid`, `status_list_expired`, `status_list_too_old` for its times; and as
    /// [`StatusList::decode`].
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
    ) -> Verdict<VerifiedStatusList> {
        let signed = jws::Expected::new(TYP, ES256_OR_EDDSA);
        let claims = self.0.verify(verifier, key, &signed)?.into_claims();
        let claims = Claims::read(claims)?;
        claims.check(expected)?;
        Ok(VerifiedStatusList {
            list: StatusList::decode_within(claims.bits, &claims.lst, super::MAX_LIST_BYTES)?,
            issued_at: claims.iat,
            expires_at: claims.exp,
            fresh_until: claims.fresh_until(expected),
            aggregation_uri: claims.aggregation_uri,
        })
    }
}

/// A list that its issuer signed for the URI from which it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedStatusList {
    list: StatusList,
    issued_at: UnixTime,
    expires_at: Option<UnixTime>,
    fresh_until: UnixTime,
    aggregation_uri: Option<String>,
}

impl VerifiedStatusList {
    /// The status at place `idx`. Ask [`Self::is_fresh`] first if this is a stored copy.
    ///
    /// # Errors
    /// `status_index_out_of_range` for a place outside of the list.
    #[inline]
    pub fn get(&self, idx: u64) -> Verdict<Status> {
        self.list.get(idx)
    }

    /// Bits per status.
    pub const fn bits(&self) -> StatusBits {
        self.list.bits()
    }

    /// How many statuses the list holds.
    pub fn len(&self) -> u64 {
        self.list.len()
    }

    /// Whether the list holds no status.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// When the list was signed.
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// `exp`: from when on the list must not be used, whatever anybody says about its freshness.
    pub const fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// The last second in which this copy may be used: the time of fetching and `ttl`, capped, and before `exp`.
    pub const fn fresh_until(&self) -> UnixTime {
        self.fresh_until
    }

    /// Whether this copy may still be used at `now`.
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        now <= self.fresh_until
    }

    /// Where the issuer says that all of its lists are named (Token Status List §9.2).
    pub fn aggregation_uri(&self) -> Option<&str> {
        self.aggregation_uri.as_deref()
    }
}
