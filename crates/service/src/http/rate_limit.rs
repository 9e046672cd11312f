//! Limits per client address, in memory only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};

use super::{ClientAddress, Problem};
use crate::config::RateLimitConfig;

/// Addresses are forgotten again after so many requests, unless they are still limited.
const FORGET_EVERY: u32 = 4096;

/// A bucket of requests per client address (threat 12). Cloning it shares the buckets.
#[derive(Clone)]
pub struct RateLimit(Arc<Inner>);

struct Inner {
    buckets: DefaultKeyedRateLimiter<ClientAddress>,
    clock: DefaultClock,
    checks: AtomicU32,
    trusted_proxies: usize,
}

impl RateLimit {
    /// A limit by `config` for a listener behind `trusted_proxies` proxies.
    pub fn new(config: RateLimitConfig, trusted_proxies: usize) -> Self {
        let quota = Quota::per_second(config.per_second).allow_burst(config.burst);
        Self(Arc::new(Inner {
            buckets: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
            trusted_proxies,
        }))
    }

    /// Whether this client may go on; if not, after how many seconds.
    fn check(&self, client: ClientAddress) -> Result<(), u64> {
        if self.0.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.0.buckets.retain_recent();
            self.0.buckets.shrink_to_fit();
        }
        self.0
            .buckets
            .check_key(&client)
            .map_err(|until| until.wait_time_from(self.0.clock.now()).as_secs().saturating_add(1))
    }

    /// The middleware: `router.layer(axum::middleware::from_fn_with_state(limit, RateLimit::middleware))`. A request
    /// without a peer address (one that did not come through a [`super::Chassis`]) is refused.
    pub async fn middleware(State(limit): State<Self>, request: Request, next: Next) -> Response {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else {
            return Problem::internal().into_response();
        };
        match limit.check(ClientAddress::of(peer, request.headers(), limit.0.trusted_proxies)) {
            Ok(()) => next.run(request).await,
            Err(seconds) => Problem::of_status(StatusCode::TOO_MANY_REQUESTS)
                .header(header::RETRY_AFTER, HeaderValue::from(seconds))
                .into_response(),
        }
    }
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RateLimit")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn threat_12_a_client_has_its_own_bucket() {
        let one = std::num::NonZeroU32::MIN;
        let burst = std::num::NonZeroU32::new(3).unwrap();
        let limit = RateLimit::new(RateLimitConfig { per_second: one, burst }, 0);
        let client = |text: &str| ClientAddress::of(text.parse().unwrap(), &HeaderMap::new(), 0);
        let (a, b) = (client("192.0.2.1:1"), client("192.0.2.2:1"));
        for _ in 0..3 {
            assert_eq!(limit.check(a), Ok(()));
        }
        assert!(matches!(limit.check(a), Err(1..=2)));
        assert_eq!(limit.check(b), Ok(()));
    }
}
