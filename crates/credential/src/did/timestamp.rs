//! Times as DID documents and logs write them: `2026-11-25T02:15:11Z`, UTC with a `Z`, with or without a fraction.

use crate::time::UnixTime;

/// A point in time with nanoseconds, so that two versions within one second stay in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// Reads `YYYY-MM-DDThh:mm:ss[.f…]Z` (RFC 3339 with `Z`, years 1 to 9999, at most nine digits of fraction, no leap
    /// second).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_suffix('Z')?;
        let (date, time) = rest.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').map_or((time, None), |(time, f)| (time, Some(f)));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let in_range = year >= 1
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !in_range {
            return None;
        }
        let nanos = match fraction {
            None => 0,
            Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{digits:0<9}").parse().ok()?
            }
            Some(_) => return None,
        };
        Some(Self { seconds: days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second, nanos })
    }

    /// Whether it is later than `time`.
    pub(super) const fn is_after(self, time: UnixTime) -> bool {
        self.seconds > time.secs() || (self.seconds == time.secs() && self.nanos > 0)
    }
}

/// Writes a time of the years 1 to 9999 as [`Timestamp::parse`] reads it; an earlier or later one as the nearest of these.
pub(super) fn write(time: UnixTime) -> String {
    let first = days(1, 1, 1) * 86_400;
    let seconds = time.secs().clamp(first, days(9999, 12, 31) * 86_400 + 86_399);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // A guess that is never late, and late by three years at most.
    let mut year = (day * 400).div_euclid(146_097) + 1969;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days(year, month + 1, 1) <= day {
        month += 1;
    }
    let date = day - days(year, month, 1) + 1;
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Numbers of exactly these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut next = |digits: usize| {
        let part = parts.next()?;
        let fits = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<i64>().ok()).flatten()
    };
    let [a, b, c] = digits;
    let out = [next(a)?, next(b)?, next(c)?];
    parts.next().is_none().then_some(out)
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    before * 365 + leap_days + months + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().seconds
    }

    #[test]
    fn known_times_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), 0);
        assert_eq!(seconds("1969-12-31T23:59:59Z"), -1);
        assert_eq!(seconds("2000-02-29T12:00:00Z"), 951_825_600);
        assert_eq!(seconds("2026-11-25T02:15:11Z"), 1_795_572_911);
        assert_eq!(seconds("9999-12-31T23:59:59.999Z"), 253_402_300_799);
        assert!(Timestamp::parse("2026-01-01T00:00:00.1Z") > Timestamp::parse("2026-01-01T00:00:00.09Z"));
        assert!(Timestamp::parse("1970-01-01T00:00:10.5Z").unwrap().is_after(UnixTime::from_secs(10)));
        assert!(!Timestamp::parse("1970-01-01T00:00:10Z").unwrap().is_after(UnixTime::from_secs(10)));
    }

    #[test]
    fn known_times_are_written() {
        assert_eq!(write(UnixTime::from_secs(0)), "1970-01-01T00:00:00Z");
        assert_eq!(write(UnixTime::from_secs(1_795_572_911)), "2026-11-25T02:15:11Z");
        assert_eq!(write(UnixTime::from_secs(i64::MIN)), "0001-01-01T00:00:00Z");
        assert_eq!(write(UnixTime::from_secs(i64::MAX)), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn other_forms_and_impossible_dates_are_refused() {
        for bad in [
            "2026-11-25T02:15:11",
            "2026-11-25T02:15:11+00:00",
            "2026-11-25 02:15:11Z",
            "2026-11-25t02:15:11z",
            "2026-11-25T02:15Z",
            "2026-11-25T02:15:60Z",
            "2026-11-25T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-1-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00Z ",
            "Z",
            "",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in -62_135_596_800i64..=253_402_300_799) {
            let text = write(UnixTime::from_secs(seconds));
            prop_assert_eq!(Timestamp::parse(&text).unwrap().seconds, seconds);
        }

        #[test]
        fn reading_never_panics(text: String) {
            let _ = Timestamp::parse(&text);
        }

        #[test]
        fn the_next_day_is_one_day_later(year in 1i64..9999, month in 1i64..=12, day in 1i64..=27) {
            prop_assert_eq!(days(year, month, day) + 1, days(year, month, day + 1));
            let first_of_next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
            prop_assert_eq!(days(year, month, days_in(year, month)) + 1, first_of_next);
        }
    }
}
