//! Opening a database and bringing its tables up to date.

use std::path::Path;
use std::str::FromStr;
use std::sync::Once;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Transaction};

use super::{Migrations, StoreError};

/// A transaction on a [`Store`]. Dropped without `commit`, it is rolled back.
pub type Tx = Transaction<'static, Any>;

/// Which database is behind a [`Store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file of this machine. One writer at a time.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// An open database. Cloning it shares the connections.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    backend: Backend,
}

static DRIVERS: Once = Once::new();

/// SQLite reads in parallel and serialises writes, so a few connections are as good as many.
const SQLITE_CONNECTIONS: u32 = 6;
const POSTGRES_CONNECTIONS: u32 = 16;

impl Store {
    /// Opens `sqlite://path/to/file` (created with mode 0600 if missing; WAL, `synchronous=FULL`) or `postgres://…`.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let pool = AnyPoolOptions::new().acquire_timeout(Duration::from_secs(10));
        if let Some(rest) = url.strip_prefix("sqlite://") {
            let file = rest.split('?').next().unwrap_or_default();
            if file.is_empty() || file.contains(":memory:") || rest.contains('?') {
                return Err(StoreError::Url("expected sqlite://path/to/file, without parameters".into()));
            }
            create_private(Path::new(file))?;
            let options = options(url)?;
            let pool = pool
                .max_connections(SQLITE_CONNECTIONS)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        for pragma in [
                            "PRAGMA busy_timeout = 5000",
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = FULL",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                })
                .connect_with(options)
                .await?;
            return Ok(Self { pool, backend: Backend::Sqlite });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = pool.max_connections(POSTGRES_CONNECTIONS).connect_with(options(url)?).await?;
            return Ok(Self { pool, backend: Backend::Postgres });
        }
        Err(StoreError::Url("expected sqlite://path/to/file or postgres://…".into()))
    }

    /// Brings the tables up to date: first those of this crate, then the caller's, each set with a list of its own.
    ///
    /// ```ignore
    /// store.migrate(&enishi_service::migrations!["0001_things"]).await?;
    /// ```
    pub async fn migrate(&self, migrations: &Migrations) -> Result<(), StoreError> {
        self.migrate_shared().await?;
        Ok(migrations.migrator(self.backend)?.run(&self.pool).await?)
    }

    /// Brings the tables of this crate up to date ([`super::ReplayCache`], [`super::AuditLog`], [`super::Outbox`]).
    pub async fn migrate_shared(&self) -> Result<(), StoreError> {
        let mut shared = crate::migrations!["0001_shared"].migrator(self.backend)?;
        shared.dangerous_set_table_name("_enishi_service_migrations");
        Ok(shared.run(&self.pool).await?)
    }

    /// The connections, for single statements.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which database this is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Begins a transaction that will write. On SQLite it takes the write lock at once, so that it cannot fail half-way
    /// because another writer came first.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let begun = match self.backend {
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Backend::Postgres => self.pool.begin().await,
        };
        Ok(begun?)
    }

    /// Whether the database answers, for readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes all connections; on SQLite this also folds the write-ahead log back into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.backend)
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    // The parser's message could repeat a password.
    let options = AnyConnectOptions::from_str(url).map_err(|_| StoreError::Url("not a valid URL".into()))?;
    Ok(options.disable_statement_logging())
}

/// Creates the file readable by its owner only; SQLite gives its `-wal` and `-shm` files the same mode.
fn create_private(file: &Path) -> Result<(), StoreError> {
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    match open.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Url(format!("cannot create {}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sqlite_is_durable_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        let store = Store::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let mut connection = store.pool().acquire().await.unwrap();
        for (pragma, wanted) in [("PRAGMA synchronous", 2_i64), ("PRAGMA foreign_keys", 1)] {
            let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut *connection).await.unwrap();
            assert_eq!(value, wanted, "{pragma}");
        }
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        assert_eq!(mode, "wal");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn other_urls_are_refused_without_repeating_them() {
        for url in
            ["mysql://root:geheim@x/y", "sqlite::memory:", "sqlite://:memory:", "sqlite://a?mode=ro", "a"]
        {
            let error = Store::connect(url).await.unwrap_err().to_string();
            assert!(error.contains("expected") && !error.contains("geheim"), "{error}");
        }
    }

    #[tokio::test]
    async fn migrating_twice_is_harmless() {
        for given in super::super::testing::stores("migrate").await {
            given.store.migrate_shared().await.unwrap();
            given.store.migrate_shared().await.unwrap();
            given.store.ping().await.unwrap();
        }
    }

    #[tokio::test]
    async fn writers_queue_and_do_not_fail() {
        for given in super::super::testing::stores("writers").await {
            let store = given.store.clone();
            sqlx::query("CREATE TABLE counter (n BIGINT NOT NULL)").execute(store.pool()).await.unwrap();
            sqlx::query("INSERT INTO counter (n) VALUES (0)").execute(store.pool()).await.unwrap();
            let writers: Vec<_> = (0..16)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        let mut tx = store.begin().await?;
                        sqlx::query("UPDATE counter SET n = n + 1").execute(&mut *tx).await?;
                        tx.commit().await?;
                        Ok::<_, StoreError>(())
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap().unwrap();
            }
            let n: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(store.pool()).await.unwrap();
            assert_eq!(n, 16);
        }
    }
}
