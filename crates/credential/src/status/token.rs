//! The signed list: a Status List Token as JWT (Token Status List §5.1), made and verified.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::{EncodedStatusList, Status, StatusList};
use crate::crypto::{ES256_OR_EDDSA, SignatureVerifier, Signer, SignerError};
use crate::jose::jwk::Jwk;
use crate::jose::jws::{self, KeyHint, UnverifiedJws};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// The `typ` of a Status List Token.
pub const TYP: &str = "statuslist+jwt";

/// How far ahead an issuer's clock may be, in seconds.
pub const CLOCK_SKEW: i64 = 60;

/// A list about to be signed.
#[derive(Debug, Clone, Copy)]
pub struct StatusListToken<'a> {
    /// `sub`: the URI under which the list is served, exactly as in the references to it.
    pub uri: &'a str,
    /// `iss`, if the token names its issuer.
    pub issuer: Option<&'a str>,
    /// `iat`.
    pub issued_at: UnixTime,
    /// `exp`: the token must not be used from then on.
    pub expires_at: Option<UnixTime>,
    /// `ttl`: for how many seconds a reader may use its copy.
    pub ttl: Option<u32>,
    /// The list.
    pub list: &'a StatusList,
}

impl StatusListToken<'_> {
    /// Signs the list. `x5c` is the signer's certificate chain as DER, leaf first and without the anchor, for profiles
    /// that want it (HAIP 1.0 §6.1.1); empty to name the key by `kid` only.
    ///
    /// # Errors
    /// [`SignerError`] if the signer fails.
    pub async fn sign(&self, signer: &dyn Signer, x5c: &[Vec<u8>]) -> Result<String, SignerError> {
        let mut header = jws::header(TYP, signer);
        if !x5c.is_empty() {
            let encode = |der: &Vec<u8>| Value::String(base64::engine::general_purpose::STANDARD.encode(der));
            header.insert("x5c".to_owned(), x5c.iter().map(encode).collect());
        }
        let mut claims = json!({
            "sub": self.uri,
            "iat": self.issued_at,
            "status_list": self.list.encode(),
        });
        if let Some(claims) = claims.as_object_mut() {
            let mut optional = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    claims.insert(name.to_owned(), value);
                }
            };
            optional("iss", self.issuer.map(Value::from));
            optional("exp", self.expires_at.map(|exp| exp.secs().into()));
            optional("ttl", self.ttl.map(Value::from));
        }
        jws::sign(signer, header, &claims).await
    }
}

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

    /// Where the sender says the key is.
    pub fn key_source(&self) -> KeySource<'_> {
        KeySource { hint: self.0.key_hint(), issuer: self.0.claimed("iss") }
    }

    /// Checks signature, type, claims, URI and times, in the order of Token Status List §8.3, and reads the list.
    ///
    /// # Errors
    /// As [`UnverifiedJws::verify`]; `status_list_malformed` for missing or ill-typed claims;
    /// `status_list_uri` if `sub` is not exactly the URI of the reference; `status_list_not_yet_valid`,
    /// `status_list_expired`, `status_list_too_old` for its times; and as [`StatusList::decode`].
    pub fn verify(
        self,
        verifier: &dyn SignatureVerifier,
        key: &Jwk,
        expected: &Expected<'_>,
    ) -> Verdict<VerifiedStatusList> {
        let claims: Claims =
            self.0.verify(verifier, key, &jws::Expected::new(TYP, ES256_OR_EDDSA))?.parse_claims().map_err(
                |failure| {
                    malformed("a required claim is missing, or a claim has another type").at(failure.pointer)
                },
            )?;
        let ttl = claims.ttl()?;
        if claims.sub != expected.uri {
            return Err(Failure::new(
                "status-list-uri",
                "status_list_uri",
                "`sub` of the list is not the URI of the reference",
            )
            .at("/sub")
            .remedy("serve the list whose `sub` is exactly the `uri` in the credentials that reference it"));
        }
        claims.check_times(expected)?;
        let max_ttl = i64::from(expected.max_ttl);
        let by_ttl = expected.now.plus(ttl.unwrap_or(max_ttl).min(max_ttl));
        Ok(VerifiedStatusList {
            list: StatusList::decode(&claims.status_list)?,
            issued_at: claims.iat,
            fresh_until: claims.exp.map_or(by_ttl, |exp| exp.plus(-1).min(by_ttl)),
        })
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iat: UnixTime,
    exp: Option<UnixTime>,
    ttl: Option<Number>,
    status_list: EncodedStatusList,
}

impl Claims {
    /// `ttl` in whole seconds: a positive number (Token Status List §5.1).
    fn ttl(&self) -> Verdict<Option<i64>> {
        let Some(number) = &self.ttl else { return Ok(None) };
        // A number beyond i64 is positive and will be capped anyway; a fraction is rounded down.
        let whole = match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) if whole > 0 => Some(whole),
            (None, Some(real)) if real > 0.0 => Some(if real < 1e15 { floor(real) } else { i64::MAX }),
            _ => None,
        };
        whole.map(Some).ok_or_else(|| malformed("`ttl` is not a positive number").at("/ttl"))
    }

    fn check_times(&self, expected: &Expected<'_>) -> Verdict<()> {
        let fault = |code: &'static str, detail: &str, pointer: &str| {
            Err(Failure::new("status-list-time", code, detail)
                .at(pointer)
                .remedy("publish a freshly signed list, and keep the clocks right"))
        };
        let age = expected.now.since(self.iat);
        if age < -CLOCK_SKEW {
            return fault("status_list_not_yet_valid", "`iat` is in the future", "/iat");
        }
        if self.exp.is_some_and(|exp| exp <= expected.now) {
            return fault("status_list_expired", "the list has expired", "/exp");
        }
        if expected.max_age.is_some_and(|max| age > i64::from(max)) {
            return fault("status_list_too_old", "the list was signed too long ago", "/iat");
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has checked that it is between 0 and 1e15")]
fn floor(real: f64) -> i64 {
    real as i64
}

fn malformed(detail: &str) -> Failure {
    Failure::new("status-list-claims", "status_list_malformed", detail)
        .remedy("send `sub`, `iat` and `status_list` as Token Status List §5.1 says")
}

/// A list that its issuer signed for the URI from which it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedStatusList {
    list: StatusList,
    issued_at: UnixTime,
    fresh_until: UnixTime,
}

impl VerifiedStatusList {
    /// The status at place `idx`. Ask [`Self::is_fresh`] first if this is a stored copy.
    ///
    /// # Errors
    /// `status_index_out_of_range` for a place outside of the list.
    pub fn get(&self, idx: u64) -> Verdict<Status> {
        self.list.get(idx)
    }

    /// When the list was signed.
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The last second in which this copy may be used: the time of fetching and `ttl`, capped, and before `exp`.
    pub const fn fresh_until(&self) -> UnixTime {
        self.fresh_until
    }

    /// Whether this copy may still be used at `now`.
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        now <= self.fresh_until
    }
}
