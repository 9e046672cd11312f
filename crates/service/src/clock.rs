//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use enishi_credential::time::{Clock, UnixTime};

/// The machine's clock. Everything that needs the time takes a [`Clock`]; a server passes this one in.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the machine's time becomes a parameter")]
    fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_that_this_was_written_before() {
        assert!(SystemClock.now() > UnixTime::from_secs(1_790_000_000));
    }
}
