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
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    known: Option<(T, UnixTime)>,
    asked_at: Option<UnixTime>,
}

impl<T: Clone + Send + 'static> Remembered<T> {
    /// Nothing is known yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::new(Mutex::new(State { known: None, asked_at: None })) }
    }

    /// The value, fetched if need be. With `again`, the known one did not do, and is fetched anew unless that was just
    /// tried. `None` if it cannot be had; `fetch` has logged why.
    pub(crate) async fn get(
        &self,
        again: bool,
        fetch: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Option<T> {
        // Held while fetching: of many callers one asks, the others wait for its answer.
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let now = self.clock.now();
        let just_asked = state.asked_at.is_some_and(|at| now.since(at) < PAUSE);
        let age = state.known.as_ref().map(|(_, at)| now.since(*at));
        let ask = again || age.is_none_or(|age| age >= FRESH);
        if !ask || just_asked {
            return state.usable(now);
        }
        state.asked_at = Some(now);
        // In a task of its own: a caller that goes away neither stops it nor leaves the others with "just asked".
        let task = tokio::spawn(async move {
            if let Some(value) = fetch.await {
                state.known = Some((value, now));
            }
            state.usable(now)
        });
        task.await.ok().flatten()
    }
}

impl<T: Clone> State<T> {
    /// The known value, unless it is too old to be used.
    fn usable(&self, now: UnixTime) -> Option<T> {
        let (value, at) = self.known.as_ref()?;
        (now.since(*at) < STALE).then(|| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::time::FixedClock;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn threat_10_a_caller_that_hangs_up_does_not_stop_the_fetch_for_the_others() {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_000_000)));
        let value = Arc::new(Remembered::new(clock as _));
        let (asked, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let first = {
            let (value, asked, told) = (Arc::clone(&value), Arc::clone(&asked), Arc::clone(&told));
            tokio::spawn(async move {
                let fetch = async move {
                    asked.notify_one();
                    told.notified().await;
                    Some(1)
                };
                value.get(false, fetch).await
            })
        };
        asked.notified().await;
        first.abort();
        assert!(first.await.is_err());
        told.notify_one();
        assert_eq!(value.get(false, async { Some(2) }).await, Some(1), "fetched without its caller");
    }

    #[tokio::test]
    async fn a_value_is_fetched_when_it_is_old_and_used_when_the_other_side_is_away() {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_000_000)));
        let value = Remembered::new(Arc::clone(&clock) as _);
        assert_eq!(value.get(false, async { None }).await, None::<u8>);
        assert_eq!(value.get(false, async { Some(1) }).await, None, "asked a moment ago");
        clock.advance(PAUSE);
        assert_eq!(value.get(false, async { Some(1) }).await, Some(1));
        assert_eq!(value.get(false, async { Some(2) }).await, Some(1), "fresh");
        clock.advance(PAUSE);
        assert_eq!(value.get(true, async { Some(3) }).await, Some(3), "the old one did not do");
        assert_eq!(value.get(true, async { Some(4) }).await, Some(3), "asked a moment ago");
        clock.advance(FRESH);
        assert_eq!(value.get(false, async { None }).await, Some(3), "away");
        clock.advance(PAUSE);
        assert_eq!(value.get(false, async { Some(5) }).await, Some(5));
        clock.advance(STALE);
        assert_eq!(value.get(false, async { None }).await, None, "too old to be used");
    }
}
