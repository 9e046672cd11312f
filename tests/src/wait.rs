//! Waiting for conditions: polled often, bounded by a deadline, and with a message that says what never came.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::net;

/// How long a condition may take by default. Generous, because it is only spent when the test fails anyway.
pub const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks `condition` until it gives a value; after [`PATIENCE`] the test fails with `what`.
pub async fn until<T, F, C>(what: &str, condition: C) -> T
where
    C: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    within(PATIENCE, what, condition).await
}

/// Like [`until`], with a deadline of the caller's: for conditions where the time itself is what is tested.
///
/// The condition is asked once more when the time is over, so a slow machine is no reason to miss what did happen.
pub async fn within<T, F, C>(time: Duration, what: &str, mut condition: C) -> T
where
    C: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        let last = started.elapsed() >= time;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(!last, "waited {:.1} s in vain: {what}", started.elapsed().as_secs_f64());
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until a GET of `url` is answered with a status of success.
pub async fn for_ok(url: &str) {
    let client = net::client();
    until(&format!("{url} answers 2xx"), || async {
        let answer = client.get(url).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_is_asked_until_it_holds() {
        let mut asked = 0;
        let value = until("the third time", || {
            asked += 1;
            let value = (asked == 3).then_some(asked);
            async move { value }
        })
        .await;
        assert_eq!(value, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain: the sea is calm")]
    async fn a_condition_that_never_holds_fails_with_its_name() {
        within(Duration::from_millis(30), "the sea is calm", || async { None::<()> }).await;
    }
}
