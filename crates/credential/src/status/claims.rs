//! The claims of a Status List Token, read one by one so that a refusal can name the one that is wrong.

use serde_json::{Map, Value};

use super::{Expected, StatusBits};
use crate::time::UnixTime;
use crate::verdict::{Failure, Verdict};

/// How far ahead an issuer's clock may be, in seconds.
pub const CLOCK_SKEW: i64 = 60;

/// What Token Status List §5.1 and §4.2 say about a token's claims, well-formed and not yet judged.
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) iat: UnixTime,
    pub(super) exp: Option<UnixTime>,
    nbf: Option<UnixTime>,
    /// In whole seconds, at least 0: a fraction is rounded down.
    pub(super) ttl: Option<i64>,
    for_somebody_else: bool,
    pub(super) bits: StatusBits,
    pub(super) lst: String,
    pub(super) aggregation_uri: Option<String>,
}

impl Claims {
    /// Takes the claims out of a verified payload. Members that are not known here are ignored (RFC 7519 §4), a known one
    /// with a wrong type, `null` included, is refused.
    pub(super) fn read(mut claims: Map<String, Value>) -> Verdict<Self> {
        let Some(Value::Object(mut list)) = claims.remove("status_list") else {
            return Err(malformed("`status_list` is not an object", "/status_list"));
        };
        let bits = list.get("bits").and_then(Value::as_u64).and_then(|bits| StatusBits::try_from(bits).ok());
        Ok(Self {
            sub: text(&mut claims, "sub", "/sub")?.ok_or_else(|| malformed("there is no `sub`", "/sub"))?,
            iat: time(&claims, "iat")?.ok_or_else(|| malformed("there is no `iat`", "/iat"))?,
            exp: time(&claims, "exp")?,
            nbf: time(&claims, "nbf")?,
            ttl: ttl(&claims)?,
            for_somebody_else: claims.contains_key("aud"),
            bits: bits.ok_or_else(|| malformed("`bits` is not 1, 2, 4 or 8", "/status_list/bits"))?,
            lst: text(&mut list, "lst", "/status_list/lst")?
                .ok_or_else(|| malformed("there is no `lst`", "/status_list/lst"))?,
            aggregation_uri: text(&mut list, "aggregation_uri", "/status_list/aggregation_uri")?,
        })
    }

    /// Judges what Token Status List §8.3 (4 b to 4 d) and RFC 7519 §4.1 say: whose list, and when.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Verdict<()> {
        if self.sub != expected.uri {
            return Err(Failure::new(
                "status-list-uri",
                "status_list_uri",
                "`sub` of the list is not the URI of the reference",
            )
            .at("/sub")
            .remedy("serve the list whose `sub` is exactly the `uri` in the credentials that reference it"));
        }
        if self.for_somebody_else {
            return Err(Failure::new(
                "status-list-audience",
                "status_list_audience",
                "the token is for one audience only, and a status list is for everybody",
            )
            .at("/aud")
            .remedy("leave `aud` out of status lists"));
        }
        self.check_times(expected)
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
        if self.nbf.is_some_and(|nbf| nbf.since(expected.now) > CLOCK_SKEW) {
            return fault("status_list_not_yet_valid", "`nbf` is in the future", "/nbf");
        }
        if self.exp.is_some_and(|exp| exp <= expected.now) {
            return fault("status_list_expired", "the list has expired", "/exp");
        }
        if expected.max_age.is_some_and(|max| age > i64::from(max)) {
            return fault("status_list_too_old", "the list was signed too long ago", "/iat");
        }
        Ok(())
    }

    /// The last second in which a copy that was fetched at `expected.now` may be used: `ttl`, capped, and before `exp`.
    pub(super) fn fresh_until(&self, expected: &Expected<'_>) -> UnixTime {
        let max = i64::from(expected.max_ttl);
        let by_ttl = expected.now.plus(self.ttl.unwrap_or(max).min(max));
        self.exp.map_or(by_ttl, |exp| exp.plus(-1).min(by_ttl))
    }
}

/// Takes a string out; `None` where there is none.
fn text(from: &mut Map<String, Value>, name: &str, pointer: &str) -> Verdict<Option<String>> {
    match from.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("`{name}` is not a string"), pointer)),
    }
}

/// A `NumericDate` (RFC 7519 §2). Fractions are dropped: nothing here is that exact.
fn time(claims: &Map<String, Value>, name: &str) -> Verdict<Option<UnixTime>> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| value.as_f64().filter(|real| real.abs() < EXACT).map(floor));
    let whole =
        whole.ok_or_else(|| malformed(format!("`{name}` is not a number of seconds"), &format!("/{name}")));
    whole.map(|seconds| Some(UnixTime::from_secs(seconds)))
}

/// `ttl`: a positive number (Token Status List §5.1). One beyond all measure is positive, and will be capped.
fn ttl(claims: &Map<String, Value>) -> Verdict<Option<i64>> {
    let Some(value) = claims.get("ttl") else { return Ok(None) };
    let whole = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) if whole > 0 => Some(whole),
        (None, Some(real)) if real > 0.0 => Some(if real < EXACT { floor(real) } else { i64::MAX }),
        _ => None,
    };
    whole.map(Some).ok_or_else(|| malformed("`ttl` is not a positive number", "/ttl"))
}

/// Below this every whole number is exact in an `f64`.
const EXACT: f64 = 9e15;

#[expect(clippy::cast_possible_truncation, reason = "every caller has bounded it by `EXACT`")]
fn floor(real: f64) -> i64 {
    real.floor() as i64
}

fn malformed(detail: impl Into<String>, pointer: &str) -> Failure {
    Failure::new("status-list-claims", "status_list_malformed", detail)
        .at(pointer)
        .remedy("send `sub`, `iat` and `status_list` as Token Status List §5.1 says")
}
