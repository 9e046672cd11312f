//! Waiting for something that happens elsewhere, with an end.

use std::time::Duration;

use super::teller::Stopwatch;
use crate::DemoError;

/// How long anything in the story may take that happens by itself.
const MOST_MILLIS: u64 = 10_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until `look` gives something; gives it with the milliseconds that it took, or `None` after ten seconds.
pub(super) async fn until<T>(
    mut look: impl AsyncFnMut() -> Result<Option<T>, DemoError>,
) -> Result<Option<(T, u64)>, DemoError> {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = look().await? {
            return Ok(Some((found, watch.millis())));
        }
        if watch.millis() > MOST_MILLIS {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
