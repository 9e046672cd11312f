//! Putting routes, limits and listeners together into a running server.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use enishi_credential::entropy::Entropy;
use enishi_credential::secret::Secret;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::access_log::access_log;
use super::layers::{Limits, wrap};
use super::listener::{ConnectionLimits, Listeners, serve};
use super::{Problem, RateLimit};
use crate::config::{ConfigError, RateLimitConfig, ServerConfig};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database could not be opened or brought up to date.
    #[error("store: {0}")]
    Store(#[from] crate::store::StoreError),
    /// An address could not be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// Anything else that the server needs and did not find.
    #[error("{0}")]
    Other(String),
}

type Ready = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;
type Background = Box<dyn FnOnce(ShutdownSignal) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A server that is being put together.
pub struct Chassis {
    public: Router,
    internal: Router,
    admin: Router,
    ready: Ready,
    background: Vec<Background>,
    entropy: Arc<dyn Entropy>,
    token: Option<Secret<String>>,
    limits: Limits,
    connections: ConnectionLimits,
    rate_limit: Option<RateLimitConfig>,
    trusted_proxies: usize,
}

impl Chassis {
    /// A server with the limits of `config` and no routes but health. `entropy` makes the request ids.
    pub fn new(config: &ServerConfig, entropy: Arc<dyn Entropy>) -> Result<Self, ConfigError> {
        let token =
            config.internal_token.as_ref().map(|source| source.read("server.internal_token")).transpose()?;
        if token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            return Err(ConfigError::invalid("server.internal_token", "expected at least 16 characters"));
        }
        Ok(Self {
            public: Router::new(),
            internal: Router::new(),
            admin: Router::new(),
            ready: Arc::new(|| Box::pin(async { true })),
            background: Vec::new(),
            entropy,
            token,
            limits: Limits { body: config.body_limit, time: config.request_timeout() },
            connections: ConnectionLimits {
                header: Duration::from_secs(config.header_timeout_seconds),
                age: Duration::from_secs(config.connection_age_seconds),
                grace: Duration::from_secs(config.shutdown_grace_seconds),
                at_once: config.max_connections,
            },
            rate_limit: config.rate_limit,
            trusted_proxies: config.trusted_proxies,
        })
    }

    /// Adds routes that the world may call.
    #[must_use]
    pub fn public(mut self, router: Router) -> Self {
        self.public = self.public.merge(router);
        self
    }

    /// Adds routes to the internal listener that need no secret.
    #[must_use]
    pub fn internal(mut self, router: Router) -> Self {
        self.internal = self.internal.merge(router);
        self
    }

    /// Adds routes to the internal listener that demand `Authorization: Bearer` with `server.internal_token`.
    #[must_use]
    pub fn admin(mut self, router: Router) -> Self {
        self.admin = self.admin.merge(router);
        self
    }

    /// What `/health/ready` asks.
    #[must_use]
    pub fn ready_when<F>(mut self, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.ready = Arc::new(move || Box::pin(check()));
        self
    }

    /// Runs `task` beside the listeners. It ends when the [`ShutdownSignal`] says so, and is cut after the grace period.
    #[must_use]
    pub fn background<F>(mut self, task: impl FnOnce(ShutdownSignal) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.background.push(Box::new(move |signal| Box::pin(task(signal))));
        self
    }

    /// Runs `work` again and again, `pause` after it was last done, until the server stops: purging, retrying, re-signing.
    #[must_use]
    pub fn every<F>(self, pause: Duration, mut work: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.background(move |mut signal| async move {
            while signal.pause(pause).await {
                work().await;
            }
        })
    }

    /// Starts serving on open listeners.
    pub fn serve(self, listeners: Listeners) -> Result<Running, StartError> {
        let public_addr = listeners.public.local_addr()?;
        let internal_addr = listeners.internal.local_addr()?;
        let (stop, stopped) = watch::channel(false);

        let mut public = self.public;
        if let Some(config) = self.rate_limit {
            let limit = RateLimit::new(config, self.trusted_proxies);
            public = public.layer(from_fn_with_state(limit, RateLimit::middleware));
        }
        let mut admin = self.admin;
        if admin.has_routes() {
            admin = admin.route_layer(from_fn_with_state(Arc::new(self.token), demand_token));
        }
        let internal = self
            .internal
            .route("/health/live", get(|| async { StatusCode::NO_CONTENT }))
            .route("/health/ready", get(ready).with_state(self.ready))
            .merge(admin);
        let finish = |router| {
            wrap(router, self.limits).layer(from_fn_with_state(Arc::clone(&self.entropy), access_log))
        };

        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listeners.public, finish(public), self.connections, stopped.clone()));
        tasks.spawn(serve(listeners.internal, finish(internal), self.connections, stopped.clone()));
        for task in self.background {
            tasks.spawn(task(ShutdownSignal(stopped.clone())));
        }
        Ok(Running { public_addr, internal_addr, stop, tasks, grace: self.connections.grace })
    }
}

impl std::fmt::Debug for Chassis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chassis")
    }
}

async fn ready(State(ready): State<Ready>) -> Response {
    if ready().await {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The server cannot work right now")
        .into_response()
}

async fn demand_token(
    State(token): State<Arc<Option<Secret<String>>>>,
    request: Request,
    next: Next,
) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "));
    let allowed = match (token.as_ref(), given) {
        (Some(token), Some(given)) => {
            verify_slices_are_equal(token.expose().as_bytes(), given.as_bytes()).is_ok()
        }
        // Without a configured secret nobody is an administrator.
        _ => false,
    };
    if allowed {
        return next.run(request).await;
    }
    Problem::of_status(StatusCode::UNAUTHORIZED)
        .remedy("send Authorization: Bearer with the server's internal_token")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        .into_response()
}

/// Tells a background task that the server is stopping.
#[derive(Debug, Clone)]
pub struct ShutdownSignal(watch::Receiver<bool>);

impl ShutdownSignal {
    /// Waits until the server is told to stop.
    pub async fn requested(&mut self) {
        // A sender that is gone means the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits for `pause`; `false` when the server is told to stop meanwhile: `while signal.pause(…).await { work }`.
    pub async fn pause(&mut self, pause: Duration) -> bool {
        tokio::select! {
            () = self.requested() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// A running server. Dropped without [`Running::shutdown`], it is cut off.
#[derive(Debug)]
pub struct Running {
    /// Where the public listener is bound.
    pub public_addr: SocketAddr,
    /// Where the internal listener is bound.
    pub internal_addr: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    grace: Duration,
}

impl Running {
    /// Stops accepting, lets open requests and background tasks finish for the grace period, then cuts them.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The listeners keep the grace period themselves and need a moment more to cut what is left.
        let limit = self.grace + Duration::from_secs(1);
        let _ = tokio::time::timeout(limit, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.shutdown().await;
    }

    /// Runs until SIGTERM or SIGINT (Ctrl-C), then shuts down: the whole life of a server process.
    pub async fn until_signal(self) {
        #[cfg(unix)]
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let terminate = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = terminate => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("shutting down");
        self.shutdown().await;
    }
}
