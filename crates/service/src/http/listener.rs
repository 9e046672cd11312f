//! Accepting connections with limits, and letting them end in peace.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::ServerConfig;

/// The two open listeners of a server.
#[derive(Debug)]
pub struct Listeners {
    /// What the world talks to.
    pub public: TcpListener,
    /// Health and administration.
    pub internal: TcpListener,
}

impl Listeners {
    /// Opens the addresses of `config`. Port 0 takes a free port: read it from the listener, before building the
    /// server if its URL has to name it.
    pub async fn bind(config: &ServerConfig) -> std::io::Result<Self> {
        Ok(Self {
            public: TcpListener::bind(config.public_listen).await?,
            internal: TcpListener::bind(config.internal_listen).await?,
        })
    }

    /// Two free ports of this machine, for tests and demonstrations.
    pub async fn loopback() -> std::io::Result<Self> {
        Ok(Self {
            public: TcpListener::bind(("127.0.0.1", 0)).await?,
            internal: TcpListener::bind(("127.0.0.1", 0)).await?,
        })
    }
}

/// The limits on connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    pub(super) header: Duration,
    pub(super) age: Duration,
    pub(super) grace: Duration,
    pub(super) at_once: usize,
}

/// Serves `router` until `stop` turns true, then lets open requests finish for the grace period.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.at_once));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let connection = connection(stream, peer, router.clone(), limits, stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, usually: trying again at once would only spin.
                tracing::warn!(kind = ?error.kind(), "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let finished =
        tokio::time::timeout(limits.grace, async { while connections.join_next().await.is_some() {} });
    if finished.await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut at shutdown");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionLimits,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(
        tower::ServiceBuilder::new()
            .map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            })
            .service(router),
    );
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(limits.age) => {}
    }
    // The current request may finish; a client that reads its answer too slowly is cut.
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits.grace, connection).await;
}
