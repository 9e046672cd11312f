//! Presentations that nobody answered, and results that nobody read, are erased.

use std::sync::Arc;
use std::time::Duration;

use enishi_service::http::ShutdownSignal;

use super::{FirstParty, store};
use crate::errors::Internal;

/// How long after the time to answer a result can still be read, in seconds.
pub(super) const READABLE_FOR: i64 = 600;

const PAUSE: Duration = Duration::from_secs(30);

/// Looks every so often until the server stops.
pub(super) async fn run(first_party: Arc<FirstParty>, mut signal: ShutdownSignal) {
    loop {
        if let Err(error) = first_party.purge().await {
            tracing::error!(%error, "erasing old presentations failed");
        }
        if !signal.pause(PAUSE).await {
            return;
        }
    }
}

impl FirstParty {
    async fn purge(&self) -> Result<(), Internal> {
        let mut connection = self.context.store.pool().acquire().await?;
        store::purge(&mut connection, self.context.now().plus(-READABLE_FOR)).await?;
        Ok(())
    }
}
