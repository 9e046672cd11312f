//! How often data may be fetched under a grant: the `access` member of the consent terms (linkage protocol §6), and
//! the decision whether one more link may be minted now.

use enishi_credential::time::UnixTime;
use enishi_credential::verdict::{Failure, Verdict};
use serde::{Deserialize, Serialize};

const CHECK: &str = "access";

/// Whether data is fetched once or again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One link in all.
    OneTime,
    /// At most `count` links in any `max_per`.
    Periodic,
}

/// The window of a frequency. It slides: at most `count` links in any stretch of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// 3,600 seconds.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Period {
    /// The length in seconds.
    pub const fn seconds(self) -> i64 {
        const DAY: i64 = enishi_credential::time::DAY;
        match self {
            Self::Hour => 3_600,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Year => 365 * DAY,
        }
    }
}

/// `access` of the consent terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Once or periodic.
    pub mode: Mode,
    /// The window, for `periodic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per: Option<Period>,
    /// How many links in any window, for `periodic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many links in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_total: Option<u32>,
}

/// The links that were minted before, as far as the decision needs to know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastMints {
    /// How many in all.
    pub total: u64,
    /// How many at or after [`Access::window_start`].
    pub in_window: u64,
}

impl Access {
    /// Once.
    pub const fn one_time() -> Self {
        Self { mode: Mode::OneTime, max_per: None, count: None, max_total: None }
    }

    /// At most `count` links in any `max_per`.
    pub const fn periodic(count: u32, max_per: Period) -> Self {
        Self { mode: Mode::Periodic, max_per: Some(max_per), count: Some(count), max_total: None }
    }

    /// Checks that the members belong together.
    ///
    /// # Errors
    /// `access_invalid`: `one_time` with a frequency or a total above 1, `periodic` without one, or a zero.
    pub fn check(&self) -> Verdict<()> {
        let fail = |at: &str, detail: &str| {
            Err(Failure::new(CHECK, "access_invalid", detail)
                .at(format!("/access{at}"))
                .remedy("ask for one_time alone, or for periodic with max_per and count of at least 1"))
        };
        match (self.mode, self.max_per, self.count) {
            (Mode::OneTime, None, None) if self.max_total.is_none_or(|total| total == 1) => Ok(()),
            (Mode::OneTime, ..) => fail("/mode", "`one_time` has no frequency and a total of 1"),
            (Mode::Periodic, Some(_), Some(1..)) if self.max_total != Some(0) => Ok(()),
            (Mode::Periodic, ..) => fail("", "`periodic` needs `max_per` and `count`, and no limit is zero"),
        }
    }

    /// Whether this access stays within `limit` (a service's `max frequency`): never more links in any stretch of time.
    pub fn is_within(&self, limit: &Self) -> bool {
        let total = |access: &Self| match access.mode {
            Mode::OneTime => Some(1),
            Mode::Periodic => access.max_total,
        };
        let total_fits = match (total(self), total(limit)) {
            (_, None) => true,
            (Some(asked), Some(most)) => asked <= most,
            (None, Some(_)) => false,
        };
        let rate_fits = match (self.mode, limit.mode) {
            (Mode::OneTime, _) => true,
            (Mode::Periodic, Mode::OneTime) => self.max_total == Some(1),
            (Mode::Periodic, Mode::Periodic) => {
                match (self.max_per, limit.max_per, self.count, limit.count) {
                    // A longer window with the same count is a lower rate; a shorter one may not be, so it is refused.
                    (Some(asked), Some(most), Some(n), Some(max)) => asked >= most && n <= max,
                    _ => false,
                }
            }
        };
        total_fits && rate_fits
    }

    /// From when on past links count for the window; `None` if there is no window.
    pub fn window_start(&self, now: UnixTime) -> Option<UnixTime> {
        self.max_per.map(|period| now.plus(1 - period.seconds()))
    }

    /// Decides whether one more link may be minted after `past`.
    ///
    /// # Errors
    /// `frequency_exceeded` if not; `access_invalid` for members that do not belong together.
    pub fn allow(&self, past: PastMints) -> Verdict<()> {
        self.check()?;
        let exceeded = |at: &str, detail: &str| {
            Err(Failure::new(CHECK, "frequency_exceeded", detail)
                .at(format!("/access/{at}"))
                .remedy("wait for the next window, or ask for a new consent"))
        };
        let most = match self.mode {
            Mode::OneTime => Some(1),
            Mode::Periodic => self.max_total,
        };
        if most.is_some_and(|most| past.total >= u64::from(most)) {
            return exceeded("max_total", "everything that the consent allows has been fetched");
        }
        if self.mode == Mode::Periodic && self.count.is_none_or(|count| past.in_window >= u64::from(count)) {
            return exceeded("count", "the consent allows no more in this window");
        }
        Ok(())
    }

    /// Whether nothing is left after `total` links, so that the grant is completed.
    pub fn is_used_up(&self, total: u64) -> bool {
        match self.mode {
            Mode::OneTime => total >= 1,
            Mode::Periodic => self.max_total.is_some_and(|most| total >= u64::from(most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_access() -> impl Strategy<Value = Access> {
        let periods = [Period::Hour, Period::Day, Period::Week, Period::Month, Period::Year];
        let periodic = (prop::sample::select(periods.to_vec()), 1u32..6, prop::option::of(1u32..20))
            .prop_map(|(period, count, max_total)| Access { max_total, ..Access::periodic(count, period) });
        prop_oneof![Just(Access::one_time()), periodic]
    }

    /// Mints whenever it is allowed at the given times, and returns the times of the minted links.
    fn mint_greedily(access: &Access, times: &[i64]) -> Vec<i64> {
        let mut minted: Vec<i64> = Vec::new();
        for &now in times {
            let start = access.window_start(UnixTime::from_secs(now)).map_or(i64::MIN, UnixTime::secs);
            let past = PastMints {
                total: minted.len() as u64,
                in_window: minted.iter().filter(|at| **at >= start).count() as u64,
            };
            if access.allow(past).is_ok() {
                minted.push(now);
            }
        }
        minted
    }

    fn sorted_times() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(0i64..40_000_000, 0..60).prop_map(|mut times| {
            times.sort_unstable();
            times
        })
    }

    #[test]
    fn one_time_is_once() {
        let access = Access::one_time();
        assert_eq!(mint_greedily(&access, &[1, 2, 40_000_000]), [1]);
        assert!(access.is_used_up(1) && !access.is_used_up(0));
    }

    #[test]
    fn a_daily_link_comes_back_after_exactly_one_day() {
        let access = Access::periodic(1, Period::Day);
        assert_eq!(mint_greedily(&access, &[0, 1, 86_399, 86_400, 100_000]), [0, 86_400]);
        assert!(!access.is_used_up(1_000));
    }

    #[test]
    fn members_that_do_not_belong_together_are_refused() {
        let daily = Access::periodic(1, Period::Day);
        for bad in [
            Access { count: Some(1), ..Access::one_time() },
            Access { max_per: Some(Period::Day), ..Access::one_time() },
            Access { max_total: Some(2), ..Access::one_time() },
            Access { count: None, ..daily.clone() },
            Access { count: Some(0), ..daily.clone() },
            Access { max_per: None, ..daily.clone() },
            Access { max_total: Some(0), ..daily.clone() },
        ] {
            assert_eq!(bad.check().unwrap_err().code, "access_invalid", "{bad:?}");
            let past = PastMints { total: 0, in_window: 0 };
            assert!(bad.allow(past).is_err());
        }
        assert!(serde_json::from_str::<Access>(r#"{"mode":"one_time","more":1}"#).is_err());
        assert!(serde_json::from_str::<Access>(r#"{"mode":"always"}"#).is_err());
    }

    #[test]
    fn a_request_stays_within_a_services_limit_or_not() {
        let daily = Access::periodic(1, Period::Day);
        assert!(Access::one_time().is_within(&daily));
        assert!(Access::periodic(1, Period::Week).is_within(&daily));
        assert!(!Access::periodic(2, Period::Day).is_within(&daily));
        assert!(!Access::periodic(1, Period::Hour).is_within(&daily));
        assert!(!daily.is_within(&Access::one_time()));
        assert!(!daily.is_within(&Access { max_total: Some(3), ..daily.clone() }));
    }

    proptest! {
        /// However greedily links are asked for: never more than the total, never more than `count` in any window.
        #[test]
        fn the_limits_hold_over_any_history(access in any_access(), times in sorted_times()) {
            let minted = mint_greedily(&access, &times);
            let most = match access.mode { Mode::OneTime => Some(1), Mode::Periodic => access.max_total };
            if let Some(most) = most {
                prop_assert!(minted.len() as u64 <= u64::from(most));
            }
            if let (Some(period), Some(count)) = (access.max_per, access.count) {
                for (at, first) in minted.iter().enumerate() {
                    let in_window = minted[at..].iter().filter(|t| **t - first < period.seconds()).count();
                    prop_assert!(in_window as u64 <= u64::from(count));
                }
            }
        }

        /// What is within a limit never mints more than the limit itself would in any history.
        #[test]
        fn within_means_never_more(asked in any_access(), limit in any_access(), times in sorted_times()) {
            if asked.is_within(&limit) {
                let minted = mint_greedily(&asked, &times);
                let under_limit = mint_greedily(&limit, &minted);
                prop_assert_eq!(minted, under_limit);
            }
        }
    }
}
