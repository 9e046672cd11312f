//! Time as a parameter: seconds since 1970-01-01T00:00:00Z, and the [`Clock`] that tells them.

use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

/// Seconds in a day, the granularity of the times in a linkage credential (linkage protocol §4).
pub const DAY: i64 = 86_400;

/// A point in time in whole seconds since the Unix epoch, as in the `NumericDate` of RFC 7519 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The time that is `seconds` after the Unix epoch.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    pub const fn secs(self) -> i64 {
        self.0
    }

    /// This time and `seconds` more (fewer when negative), without overflow.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of this time's UTC day: times in credentials are rounded so that they identify nobody.
    #[must_use]
    pub const fn floor_to_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY))
    }
}

/// Tells the time. The only implementation that looks at the machine's clock is in `enishi-service`.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;
}

/// A clock that stands still until it is moved: for tests and for known-answer vectors.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `now`.
    pub const fn at(now: UnixTime) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_at_midnight_utc_also_before_1970() {
        assert_eq!(UnixTime::from_secs(86_401).floor_to_day().secs(), 86_400);
        assert_eq!(UnixTime::from_secs(86_400).floor_to_day().secs(), 86_400);
        assert_eq!(UnixTime::from_secs(-1).floor_to_day().secs(), -86_400);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = FixedClock::at(UnixTime::from_secs(10));
        assert_eq!(clock.now().secs(), 10);
        clock.advance(5);
        assert_eq!(clock.now().since(UnixTime::from_secs(10)), 5);
    }
}
