//! Somebody on the line: stands on the linking verifier's public port, passes everything on, and writes down every byte.
//! For the tests that look for what a verifier must never see.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::DemoError;
use crate::plan::Plan;

/// Recording, until dropped.
pub(super) struct Tap(JoinHandle<()>);

impl Drop for Tap {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Tap {
    /// Starts if the verifier of `plan` has somebody in front of it. One file per connection and direction, below
    /// `town/tap`: `….received` and `….sent`, as the verifier sees it.
    ///
    /// # Errors
    /// If the port is taken or the folder cannot be made.
    pub(super) async fn on(plan: &Plan) -> Result<Option<Self>, DemoError> {
        let Some(behind) = plan.verifier.behind else { return Ok(None) };
        let folder = plan.file("town", "tap")?;
        std::fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind(plan.verifier.public.address()).await?;
        Ok(Some(Self(tokio::spawn(listen(listener, behind.address(), folder)))))
    }
}

async fn listen(listener: TcpListener, to: SocketAddr, folder: PathBuf) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    let mut number = 0_u32;
    while let Ok((client, _)) = listener.accept().await {
        number += 1;
        let file = |direction: &str| folder.join(format!("{number:05}.{direction}"));
        let (received, sent) = (file("received"), file("sent"));
        connections.spawn(async move {
            // A server that is not there looks to the client like one that hangs up.
            if let Ok(server) = TcpStream::connect(to).await {
                let _ = record(client, server, &received, &sent).await;
            }
        });
    }
}

async fn record(client: TcpStream, server: TcpStream, received: &Path, sent: &Path) -> std::io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        done = copy(from_client, to_server, received) => done,
        done = copy(from_server, to_client, sent) => done,
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    file: &Path,
) -> std::io::Result<()> {
    let mut file = std::fs::File::create(file)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        // Written down before it goes on: whoever has seen an answer finds it in the file.
        file.write_all(bytes)?;
        to.write_all(bytes).await?;
    }
}
