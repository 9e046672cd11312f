//! What the town's own small servers share: a listener that stops when told, pages, cookies, one-time values.
//!
//! Everything here listens on this machine only. The real services bring their own chassis; this one is for the sample
//! apps, which are nobody's model of a hardened server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use enishi_credential::entropy::{self, Entropy};
use enishi_credential::time::{Clock, UnixTime};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server of the town. Dropping it stops it; [`Served::stop`] also waits.
pub(crate) struct Served {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Served {
    /// Listens on `address` and serves `routes` until stopped.
    pub(crate) async fn start(address: SocketAddr, routes: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (stop, stopped) = oneshot::channel();
        let routes = routes.layer(DefaultBodyLimit::max(64 * 1024));
        let task = tokio::spawn(async move {
            let until = async move {
                // An error means that the handle was dropped, which is a way to stop too.
                let _ = stopped.await;
            };
            if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(until).await {
                tracing::error!(%error, "a server of the town stopped");
            }
        });
        Ok(Self { stop: Some(stop), task })
    }

    /// Stops listening. Connections that a browser keeps open are not waited for.
    pub(crate) fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.task.abort();
    }
}

/// An answer that is a page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, page_headers(), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn page_headers() -> HeaderMap {
    const POLICY: &str =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// Goes on to `location` with GET, whatever the request was (RFC 9110 §15.4.4).
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => {
            let headers =
                [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The value of the cookie `name`. Cookies of one host go to all its ports, so every app of the town has its own name.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    axum_extra::extract::CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned())
}

/// Adds a cookie that only this host's servers see, and that other sites' pages do not send along with a POST.
pub(crate) fn set_cookie(mut response: Response, name: &str, value: &str) -> Response {
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Values that can be taken once, within a time, in memory: the sample apps start anew with the town.
pub(crate) struct OneTime<T> {
    entries: Mutex<HashMap<String, (UnixTime, T)>>,
    seconds: i64,
}

/// How many values wait at one time; the oldest goes first.
const MOST: usize = 10_000;

impl<T> OneTime<T> {
    /// Values that live for `seconds`.
    pub(crate) fn new(seconds: i64) -> Self {
        Self { entries: Mutex::new(HashMap::new()), seconds }
    }

    /// Keeps `value` and gives the token for which it is handed out.
    pub(crate) fn put(&self, value: T, clock: &dyn Clock, entropy: &dyn Entropy) -> String {
        let token = entropy::token(entropy);
        let now = clock.now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (until, _)| *until > now);
        if entries.len() >= MOST {
            let oldest = entries.iter().min_by_key(|(_, (until, _))| *until).map(|(token, _)| token.clone());
            oldest.map(|token| entries.remove(&token));
        }
        entries.insert(token.clone(), (now.plus(self.seconds), value));
        token
    }

    /// Takes the value of `token`, if it is there and in time.
    pub(crate) fn take(&self, token: &str, clock: &dyn Clock) -> Option<T> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, value) = entries.remove(token)?;
        (until > clock.now()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use enishi_credential::entropy::SeededEntropy;
    use enishi_credential::time::FixedClock;

    use super::*;

    #[test]
    fn a_one_time_value_is_handed_out_once_and_in_time() {
        let (clock, entropy) = (FixedClock::at(UnixTime::from_secs(100)), SeededEntropy::new("once"));
        let values = OneTime::new(60);
        let (a, b) = (values.put(1, &clock, &entropy), values.put(2, &clock, &entropy));
        assert_eq!(values.take(&a, &clock), Some(1));
        assert_eq!(values.take(&a, &clock), None, "twice");
        clock.advance(60);
        assert_eq!(values.take(&b, &clock), None, "too late");
    }

    #[test]
    fn waiting_values_are_bounded() {
        let (clock, entropy) = (FixedClock::at(UnixTime::from_secs(100)), SeededEntropy::new("bound"));
        let values = OneTime::new(60);
        for _ in 0..MOST + 5 {
            values.put((), &clock, &entropy);
        }
        assert_eq!(values.entries.lock().unwrap().len(), MOST);
    }
}
