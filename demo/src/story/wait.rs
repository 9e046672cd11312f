//! Waiting for something that happens elsewhere, with an end.

use std::time::Duration;

use super::teller::Stopwatch;
use crate::DemoError;

/// How long anything in the story may take that happens by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until `look` gives something; gives it with the milliseconds that it took, or `None` after `patience`.
pub(crate) async fn until<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, DemoError>,
) -> Result<Option<(T, u64)>, DemoError> {
    let watch = Stopwatch::start();
    let most = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    loop {
        if let Some(found) = look().await? {
            return Ok(Some((found, watch.millis())));
        }
        if watch.millis() > most {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
