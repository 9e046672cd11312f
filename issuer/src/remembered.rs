//! What was fetched from others and is used again: asked for by one caller at a time, used for a while when the other side
//! is away, and not asked for again at once after a failure, so that an outage there is no flood here.

use std::sync::Arc;

use enishi_credential::time::{Clock, UnixTime};
use tokio::sync::Mutex;

/// Seconds that a value is used without asking.
const FRESH: i64 = 600;
/// Seconds that a value is used when it cannot be fetched anew.
const STALE: i64 = 86_400;
/// Seconds between two attempts, whatever the reason to ask again.
const PAUSE: i64 = 10;

/// A value of others.
pub(crate) struct Remembered<T> {
    clock: Arc<dyn Clock>,
    state: Mutex<State<T>>,
}

struct State<T> {
    known: Option<(T, UnixTime)>,
    asked_at: Option<UnixTime>,
}

impl<T: Clone> Remembered<T> {
    /// Nothing is known yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::new(State { known: None, asked_at: None }) }
    }

    /// The value, fetched if need be. With `again`, the known one did not do, and is fetched anew unless that was just
    /// tried. `None` if it cannot be had; `fetch` has logged why.
    pub(crate) async fn get(&self, again: bool, fetch: impl AsyncFnOnce() -> Option<T>) -> Option<T> {
        // Held while fetching: of many callers one asks, the others wait for its answer.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let just_asked = state.asked_at.is_some_and(|at| now.since(at) < PAUSE);
        let age = state.known.as_ref().map(|(_, at)| now.since(*at));
        let ask = again || age.is_none_or(|age| age >= FRESH);
        if ask && !just_asked {
            state.asked_at = Some(now);
            if let Some(value) = fetch().await {
                state.known = Some((value, now));
            }
        }
        let (value, at) = state.known.as_ref()?;
        (now.since(*at) < STALE).then(|| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::time::FixedClock;

    use super::*;

    #[tokio::test]
    async fn a_value_is_fetched_when_it_is_old_and_used_when_the_other_side_is_away() {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_000_000)));
        let value = Remembered::new(Arc::clone(&clock) as _);
        assert_eq!(value.get(false, async || None).await, None::<u8>);
        assert_eq!(value.get(false, async || Some(1)).await, None, "asked a moment ago");
        clock.advance(PAUSE);
        assert_eq!(value.get(false, async || Some(1)).await, Some(1));
        assert_eq!(value.get(false, async || Some(2)).await, Some(1), "fresh");
        clock.advance(PAUSE);
        assert_eq!(value.get(true, async || Some(3)).await, Some(3), "the old one did not do");
        assert_eq!(value.get(true, async || Some(4)).await, Some(3), "asked a moment ago");
        clock.advance(FRESH);
        assert_eq!(value.get(false, async || None).await, Some(3), "away");
        clock.advance(PAUSE);
        assert_eq!(value.get(false, async || Some(5)).await, Some(5));
        clock.advance(STALE);
        assert_eq!(value.get(false, async || None).await, None, "too old to be used");
    }
}
